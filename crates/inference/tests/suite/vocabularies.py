"""Makes small vocabularies of each kind with reference tokens, for vocabularies.rs.

python vocabularies.py > vocabularies.json    (needs sentencepiece and tokenizers)
SentencePiece trains and is the reference for SPM and Unigram; `tokenizers` for WordPiece and byte-level BPE.
"""
import io, json, sys, tempfile
import sentencepiece as spm
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

CORPUS = """The agreement terminates by mutual consent of both parties, or upon thirty days' written notice.
A contract ends when both parties agree; the notice period is 30 days. It's the tenant's duty, isn't it?
Der Vertrag endet, wenn beide Parteien zustimmen. Die K\u00fcndigungsfrist betr\u00e4gt drei Monate. Gr\u00f6\u00dfe und \u00dcbung.
Le contrat prend fin d'un commun accord. \u00c9t\u00e9, o\u00f9, \u00e7a, na\u00efve. El contrato termina por mutuo acuerdo. \u00bfQu\u00e9?
\u0434\u043e\u0433\u043e\u0432\u043e\u0440 \u043f\u0440\u0435\u043a\u0440\u0430\u0449\u0430\u0435\u0442\u0441\u044f \u043f\u043e \u0441\u043e\u0433\u043b\u0430\u0448\u0435\u043d\u0438\u044e \u0441\u0442\u043e\u0440\u043e\u043d. \u5408\u540c\u7ecf\u53cc\u65b9\u540c\u610f\u540e\u7ec8\u6b62\u3002 12345 67 8 2026-11-22
fn main() { let x = vec![1, 2, 3]; println!("{x:?}"); }  // four    spaces     and more
""" * 20

TEXTS = ["", " ", "  ", "   a", "a ", " a  b ", "Hello world", " Hello, y'all! How are you \U0001F601 ?", "The agreement terminates.",
         "the tenant's 12345 days", "IT'S \u00dcBUNG", "Gr\u00f6\u00dfe\u00a0und \u00bd \u2460 \ufb01ne \uff21\uff22", "\u0434\u043e\u0433\u043e\u0432\u043e\u0440 \u5408\u540c\u7ecf\u53cc\u65b9 xyz",
         "line\nbreak\r\n\ttab", "\n\n\n", "e\u0301\u0300 \u0e01\u0e33", "<s>not special</s> <unk> [UNK] [SEP] ##ing", "\u2581under\u2581bar", "a\u200bb\ufeffc", "0x0A <0x0A>",
         "ffffffffffffffffffffffff", "notice" * 5, "\u00e9\u00c9\u00df\u1e9e\u0130", "\U0001F468\u200d\U0001F469\u200d\U0001F467 \u2603\ufe0f", "println!(\"{x:?}\");     //"]


def sentencepiece(kind, **options):
    out = io.BytesIO()
    spm.SentencePieceTrainer.train(sentence_iterator=iter(CORPUS.splitlines()), model_writer=out, model_type=kind,
                                   hard_vocab_limit=False, num_threads=1, minloglevel=2, **options)
    p = spm.SentencePieceProcessor(model_proto=out.getvalue())
    n = p.vocab_size()
    kinds = [2 if p.is_unknown(i) else 3 if p.is_control(i) else 6 if p.is_byte(i) else 4 if p.id_to_piece(i) in options.get("user_defined_symbols", []) else 1 for i in range(n)]
    given = {"tokens": [p.id_to_piece(i) for i in range(n)], "kinds": kinds, "scores": [p.get_score(i) for i in range(n)],
             "unknown": p.unk_id(), "prefix": options.get("add_dummy_prefix", True), "squeeze": options.get("remove_extra_whitespaces", True)}
    return p, out.getvalue(), given


def charsmap(model):
    """normalizer_spec (field 3) . precompiled_charsmap (field 2) of the model's protobuf."""
    def fields(b):
        i = 0
        def varint():
            nonlocal i
            x = s = 0
            while True:
                c = b[i]; i += 1
                x |= (c & 127) << s; s += 7
                if c < 128:
                    return x
        while i < len(b):
            key = varint()
            if key & 7 == 2:
                n = varint(); yield key >> 3, b[i:i + n]; i += n
            elif key & 7 == 5:
                i += 4
            elif key & 7 == 1:
                i += 8
            else:
                varint()
    normalizer = next(v for k, v in fields(model) if k == 3)
    return next((v for k, v in fields(normalizer) if k == 2), b"")


def main():
    out = {}
    # As in Llama 2: byte fallback, nothing normalized.
    p, _, given = sentencepiece("bpe", vocab_size=420, byte_fallback=True, normalization_rule_name="identity",
                                remove_extra_whitespaces=False, character_coverage=0.98)
    out["spm"] = dict(given, model="llama", vectors=[[t, p.encode(t)] for t in TEXTS])
    # As in Gemma: no space before, runs of spaces as tokens of their own.
    p, _, given = sentencepiece("bpe", vocab_size=420, byte_fallback=True, normalization_rule_name="identity", character_coverage=0.98,
                                remove_extra_whitespaces=False, add_dummy_prefix=False, user_defined_symbols=["\u2581\u2581", "\u2581\u2581\u2581\u2581", "\n\n"])
    out["spm words"] = dict(given, model="llama", vectors=[[t, p.encode(t)] for t in TEXTS])
    # As in T5, without and with a table that normalizes.
    identity, _, given = sentencepiece("unigram", vocab_size=260, normalization_rule_name="identity")
    out["unigram"] = dict(given, model="t5", vectors=[[t, identity.encode(t)] for t in TEXTS])
    rules = "\n".join(["FB01\t66 69", "FF21\t41", "FF22\t42", "A0\t20", "9\t20", "A\t20", "D A\t20", "BD\t31 2F 32", "200B\t", "65 301\tE9"]) + "\n"
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as file:
        file.write(rules)
        file.flush()
        p, model, given = sentencepiece("unigram", vocab_size=520, normalization_rule_tsv=file.name, byte_fallback=True)
    out["unigram with a table"] = dict(given, model="t5", charsmap=list(charsmap(model)),
                                       vectors=[[t, p.encode(t)] for t in TEXTS])

    t = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    t.normalizer = normalizers.BertNormalizer()
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    t.train_from_iterator(CORPUS.splitlines(), trainers.WordPieceTrainer(vocab_size=330, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], show_progress=False))
    tokens = [t.id_to_token(i) for i in range(t.get_vocab_size())]
    gguf = [s if i < 5 else s[2:] if s.startswith("##") else "\u2581" + s for i, s in enumerate(tokens)]
    plain = Tokenizer(models.WordPiece(vocab={s: i for i, s in enumerate(tokens)}, unk_token="[UNK]"))
    plain.normalizer, plain.pre_tokenizer = t.normalizer, t.pre_tokenizer
    out["wordpiece"] = {"model": "bert", "tokens": gguf, "kinds": [3] * 5 + [1] * (len(tokens) - 5), "unknown": 1,
                        "vectors": [[x, plain.encode(x, add_special_tokens=False).ids] for x in TEXTS]}

    pattern = Regex(r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
    b = Tokenizer(models.BPE(ignore_merges=True))
    b.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(pattern, "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    b.train_from_iterator(CORPUS.splitlines(), trainers.BpeTrainer(vocab_size=400, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    state = json.loads(b.to_str())["model"]
    vocab = sorted(state["vocab"], key=state["vocab"].get)
    merges = [m if isinstance(m, str) else " ".join(m) for m in state["merges"]]
    out["bpe"] = {"model": "gpt2", "pre": "llama-bpe", "tokens": vocab + ["<s>", "</s>"], "kinds": [1] * len(vocab) + [3, 3], "merges": merges,
                  "vectors": [[x, b.encode(x).ids] for x in TEXTS]}
    json.dump(out, sys.stdout, ensure_ascii=False)


main()
