"""Makes encoders.json: what `transformers` computes with tiny models of each encoder family, as vectors of a few texts and
as scores of pairs.

python encoders.py > encoders.json    (needs torch, transformers, tokenizers, safetensors)

The weights are not committed: both sides make them from the tensors' names (`weights` here and in encoders.rs). Names,
shapes and configurations are those that `transformers` itself writes; the family that it does not have (Jina BERT v2) is
written out below after the papers and the names of its published files, in plain torch.
"""
import json, os, sys, tempfile
import numpy as np
import torch
import transformers as hf
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

TEXTS = ["the mill lease ends in three months", "Notice", "a b c d e f g h i j k l m n o p q r s t u v w x y z " * 3, ""]
PAIRS = [("when does the lease end", "the mill lease ends in three months"), ("when does the lease end", "bananas are yellow"),
         ("q", "a b c d e f g h i j k l m n o p q r s t u v w x y z " * 4)]
SMALL = dict(hidden_size=32, num_hidden_layers=3, num_attention_heads=2, intermediate_size=48, max_position_embeddings=130,
             pad_token_id=0, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)


def noise(name, n):
    """Numbers from -1 up to but not including 1: SplitMix64, seeded by FNV-1a of the name."""
    seed = 0xCBF29CE484222325
    for b in name.encode():
        seed = (seed ^ b) * 0x100000001B3 % 2**64
    z = np.uint64(seed) + np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((z ^ (z >> np.uint64(31))) >> np.uint64(40)).astype(np.float32) / np.float32(2**23) - np.float32(1)


def weights(name, shape):
    x = noise(name, int(np.prod(shape)))
    if len(shape) == 1:
        x = np.float32(0.3) * x if name.endswith("bias") else np.float32(1) + np.float32(0.25) * x
    elif "embedding" not in name:
        x = x * np.float32(1.7 / shape[-1] ** 0.5)
    return torch.from_numpy(x.reshape(shape).copy())


def pieces(unigram):
    """A tokenizer of letters and some words: WordPiece as BERT has it, or Unigram as XLM-RoBERTa has it."""
    letters = [chr(c) for c in range(97, 123)]
    words = ["the", "lease", "mill", "ends", "three", "month"]
    if unigram:
        vocab = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("\u2581", -3.0)]
        vocab += [(w, -4.0) for w in letters] + [("\u2581" + w, -5.0) for w in words]
        t = Tokenizer(models.Unigram(vocab, unk_id=3, byte_fallback=False))
        t.normalizer = normalizers.Lowercase()
        t.pre_tokenizer = pre_tokenizers.Metaspace()
        t.post_processor = processors.TemplateProcessing(single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>",
                                                         special_tokens=[("<s>", 0), ("</s>", 2)])
        return t
    vocab = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"] + letters + ["##" + w for w in letters] + words
    t = Tokenizer(models.WordPiece({w: i for i, w in enumerate(vocab)}, unk_token="[UNK]"))
    t.normalizer = normalizers.BertNormalizer(lowercase=True)
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    t.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
                                                     special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    return t


class Jina(torch.nn.Module):
    """Jina BERT v2 (arXiv 2310.19923): BERT with ALiBi on both sides (arXiv 2108.12409) and GLU layers."""

    def __init__(self, c, w):
        super().__init__()
        self.c, self.w = c, w

    def forward(self, ids):
        c, w, n = self.c, self.w, ids.shape[1]
        linear = lambda x, name: torch.nn.functional.linear(x, w[name + ".weight"], w.get(name + ".bias"))
        norm = lambda x, name: torch.nn.functional.layer_norm(x, x.shape[-1:], w[name + ".weight"], w[name + ".bias"], c["layer_norm_eps"])
        x = norm(w["embeddings.word_embeddings.weight"][ids[0]] + w["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
        heads, width = c["num_attention_heads"], c["hidden_size"] // c["num_attention_heads"]
        slopes = torch.tensor([2.0 ** (-8.0 * (i + 1) / heads) for i in range(heads)])
        far = (torch.arange(n)[None] - torch.arange(n)[:, None]).abs()
        for i in range(c["num_hidden_layers"]):
            p = f"encoder.layer.{i}."
            q, k, v = (linear(x, p + f"attention.self.{s}").view(n, heads, width).transpose(0, 1) for s in ("query", "key", "value"))
            scores = q @ k.transpose(1, 2) / width**0.5 - slopes[:, None, None] * far
            out = (scores.softmax(-1) @ v).transpose(0, 1).reshape(n, -1)
            x = norm(x + linear(out, p + "attention.output.dense"), p + "attention.output.LayerNorm")
            gate, up = linear(x, p + "mlp.gated_layers").chunk(2, -1)
            x = norm(x + linear(torch.nn.functional.gelu(gate) * up, p + "mlp.wo"), p + "mlp.layernorm")
        return x[None]


def jina(vocab):
    c = dict(model_type="bert", position_embedding_type="alibi", feed_forward_type="geglu", hidden_act="gelu", vocab_size=vocab,
             type_vocab_size=2, layer_norm_eps=1e-12, **{k: v for k, v in SMALL.items() if "prob" not in k})
    h, f = c["hidden_size"], c["intermediate_size"]
    shapes = {"embeddings.word_embeddings.weight": [vocab, h], "embeddings.token_type_embeddings.weight": [2, h]}
    norms = ["embeddings.LayerNorm"]
    for i in range(c["num_hidden_layers"]):
        p = f"encoder.layer.{i}."
        for name in ["attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"]:
            shapes |= {p + name + ".weight": [h, h], p + name + ".bias": [h]}
        shapes |= {p + "mlp.gated_layers.weight": [2 * f, h], p + "mlp.wo.weight": [h, f], p + "mlp.wo.bias": [h]}
        norms += [p + "attention.output.LayerNorm", p + "mlp.layernorm"]
    for name in norms:
        shapes |= {name + ".weight": [h], name + ".bias": [h]}
    return c, shapes


def models_of(vocab):
    """Name, the class that embeds or scores, its configuration."""
    bert = dict(SMALL, vocab_size=vocab, type_vocab_size=2)
    yield "bert", hf.BertModel, hf.BertConfig(**bert), {}
    yield "bert-cls", hf.BertModel, hf.BertConfig(**dict(bert, hidden_act="gelu_new")), {"pooling": "First"}
    yield "bert-score", hf.BertForSequenceClassification, hf.BertConfig(**bert, num_labels=1), {}
    roberta = dict(SMALL, vocab_size=vocab, type_vocab_size=1, pad_token_id=1, layer_norm_eps=1e-5)
    yield "xlm-roberta", hf.XLMRobertaModel, hf.XLMRobertaConfig(**roberta), {"unigram": True}
    yield "xlm-roberta-score", hf.XLMRobertaForSequenceClassification, hf.XLMRobertaConfig(**roberta, num_labels=1), {"unigram": True}
    yield "nomic-bert", hf.NomicBertModel, hf.NomicBertConfig(**bert, rope_parameters={"rope_theta": 1000.0, "rope_type": "default"}), {}
    modern = dict(vocab_size=vocab, hidden_size=32, intermediate_size=48, num_hidden_layers=4, num_attention_heads=2, local_attention=10,
                  max_position_embeddings=130, pad_token_id=0, bos_token_id=2, eos_token_id=3, cls_token_id=2, sep_token_id=3)
    yield "modernbert", hf.ModernBertModel, hf.ModernBertConfig(**modern), {}
    yield "modernbert-score", hf.ModernBertForSequenceClassification, hf.ModernBertConfig(**modern, num_labels=1, classifier_pooling="mean"), {}


def settled(folder, shapes):
    """Writes the weights that both sides know under the names that are in the file."""
    os.remove(folder + "/model.safetensors")  # a model may be mapped from it
    save_file({name: weights(name, shape) for name, shape in shapes.items()}, folder + "/model.safetensors", metadata={"format": "pt"})


def run(name, model, tokenizer, scores, first):
    one = lambda e: (torch.tensor([e.ids]), torch.tensor([e.type_ids]))
    out = []
    with torch.no_grad():
        for text in PAIRS if scores else TEXTS:
            ids, types = one(tokenizer.encode(*text) if scores else tokenizer.encode(text))
            if name.startswith("jina"):
                states = model(ids)
            else:
                more = {"token_type_ids": types} if name.startswith(("bert", "nomic")) else {}
                done = model(input_ids=ids, attention_mask=torch.ones_like(ids), **more)
                if scores:
                    out.append(round(done.logits.item(), 6))
                    continue
                states = done.last_hidden_state
            v = states[0, 0] if first else states[0].mean(0)
            out.append([round(x, 6) for x in (v / v.norm()).tolist()])
    return out


def main():
    out = []
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as top:
        for unigram in [False, True]:
            t = pieces(unigram)
            out.append({"tokenizer": json.loads(t.to_str())})
            t.enable_truncation(120)
            for name, kind, config, more in models_of(t.get_vocab_size()):
                if more.get("unigram", False) != unigram:
                    continue
                folder = tempfile.mkdtemp(dir=top)
                kind(config).save_pretrained(folder)
                shapes = {k: list(v.shape) for k, v in load_file(folder + "/model.safetensors").items() if v.is_floating_point()}
                settled(folder, shapes)
                model = kind.from_pretrained(folder, attn_implementation="eager").eval()
                config = json.load(open(folder + "/config.json"))
                for key in ["transformers_version", "dtype", "_name_or_path"]:
                    config.pop(key, None)
                out.append({"name": name, "config": config, "shapes": shapes, "pooling": more.get("pooling"),
                            "want": run(name, model, t, name.endswith("score"), more.get("pooling") == "First")})
            if not unigram:
                config, shapes = jina(t.get_vocab_size())
                model = Jina(config, {name: weights(name, shape) for name, shape in shapes.items()})
                out.append({"name": "jina-bert-v2", "config": config, "shapes": shapes, "pooling": None,
                            "want": run("jina", model, t, False, False)})
    print(json.dumps({"texts": TEXTS, "pairs": PAIRS, "models": out}, separators=(",", ":")))


main()
