"""Makes the fixtures that real.rs compares with, in float64 numpy, from the default models' own files.

python reference.py CHAT.gguf EMBEDDER_FOLDER > fixtures.json    (needs numpy and tokenizers)
Only shapes that these two files have are handled: Q4_1, Q8_0 and F32 tensors, llama, BERT.
"""
import json, struct, sys
import numpy as np

PROMPT = "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n<|im_start|>user\nWhat is the capital of France?<|im_end|>\n<|im_start|>assistant\n"
SENTENCES = ["A contract ends when both parties agree.", "The agreement terminates by mutual consent.",
             "Bananas are yellow.", "Umsatz 2023: 4,2 Mio. \u20ac (+7 %)", "word " * 400]
GREEDY = 40


def gguf(path):
    f = open(path, "rb")
    get = lambda fmt: struct.unpack("<" + fmt, f.read(struct.calcsize("<" + fmt)))[0]
    text = lambda: f.read(get("Q")).decode()
    kinds = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}

    def value(t):
        if t == 8:
            return text()
        if t == 9:
            e, n = get("I"), get("Q")
            return [value(e) for _ in range(n)]
        return get(kinds[t])

    f.read(8)
    n, m = get("Q"), get("Q")
    meta = {}
    for _ in range(m):
        k = text()
        meta[k] = value(get("I"))
    infos = [(text(), [get("Q") for _ in range(get("I"))], get("I"), get("Q")) for _ in range(n)]
    start = (f.tell() + 31) // 32 * 32
    raw = np.memmap(path, np.uint8, "r")
    out = {}
    for name, dims, ty, at in infos:
        count = int(np.prod(dims))
        shape = dims[::-1]
        b = raw[start + at:]
        if ty == 0:
            x = np.frombuffer(b[:count * 4].tobytes(), np.float32).astype(np.float64)
        elif ty == 8:
            b = b[:count // 32 * 34].reshape(-1, 34)
            x = b[:, 2:].view(np.int8).astype(np.float64) * np.ascontiguousarray(b[:, :2]).view(np.float16).astype(np.float64)
        else:
            b = b[:count // 32 * 20].reshape(-1, 20)
            d = np.ascontiguousarray(b[:, :2]).view(np.float16).astype(np.float64)
            lo = np.ascontiguousarray(b[:, 2:4]).view(np.float16).astype(np.float64)
            q = np.concatenate([b[:, 4:] & 15, b[:, 4:] >> 4], 1).astype(np.float64)
            x = q * d + lo
        out[name] = x.reshape(shape)
    return meta, out


class Llama:
    def __init__(self, path):
        self.meta, self.w = gguf(path)
        m = self.meta
        self.layers, self.heads, self.kv = m["llama.block_count"], m["llama.attention.head_count"], m["llama.attention.head_count_kv"]
        self.d = m["llama.embedding_length"] // self.heads
        self.base, self.eps = m["llama.rope.freq_base"], m["llama.attention.layer_norm_rms_epsilon"]
        self.k, self.v = [[] for _ in range(self.layers)], [[] for _ in range(self.layers)]

    def norm(self, x, w):
        return x / np.sqrt((x * x).mean() + self.eps) * w

    def rope(self, x, p):
        a = p * self.base ** (-np.arange(0, self.d, 2) / self.d)
        y = x.copy()
        y[:, 0::2], y[:, 1::2] = x[:, 0::2] * np.cos(a) - x[:, 1::2] * np.sin(a), x[:, 0::2] * np.sin(a) + x[:, 1::2] * np.cos(a)
        return y

    def step(self, token):
        w, x = self.w, self.w["token_embd.weight"][token]
        p = len(self.k[0])
        for l in range(self.layers):
            g = lambda n: w[f"blk.{l}.{n}.weight"]
            n = self.norm(x, g("attn_norm"))
            q = self.rope((g("attn_q") @ n).reshape(self.heads, -1), p)
            self.k[l].append(self.rope((g("attn_k") @ n).reshape(self.kv, -1), p))
            self.v[l].append((g("attn_v") @ n).reshape(self.kv, -1))
            k, v = np.stack(self.k[l]), np.stack(self.v[l])
            out = []
            for h in range(self.heads):
                i = h // (self.heads // self.kv)
                s = k[:, i] @ q[h] / np.sqrt(self.d)
                e = np.exp(s - s.max())
                out.append(e / e.sum() @ v[:, i])
            x = x + g("attn_output") @ np.concatenate(out)
            n = self.norm(x, g("ffn_norm"))
            a = g("ffn_gate") @ n
            x = x + g("ffn_down") @ (a / (1 + np.exp(-a)) * (g("ffn_up") @ n))
        return w["token_embd.weight"] @ self.norm(x, w["output_norm.weight"])


def chat(path):
    from tokenizers import Tokenizer, models, pre_tokenizers, AddedToken
    m = Llama(path)
    tokens, kinds = m.meta["tokenizer.ggml.tokens"], m.meta["tokenizer.ggml.token_type"]
    t = Tokenizer(models.BPE({s: i for i, s in enumerate(tokens)}, [tuple(x.split(" ")) for x in m.meta["tokenizer.ggml.merges"]]))
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    t.add_special_tokens([AddedToken(s, special=True) for s, k in zip(tokens, kinds) if k == 3])
    ids = t.encode(PROMPT).ids
    for i in ids:
        logits = m.step(i)
    top = np.argsort(-logits)[:10]
    out, first = [], [[int(i), float(logits[i])] for i in top]
    for _ in range(GREEDY):
        i = int(logits.argmax())
        if i == m.meta["tokenizer.ggml.eos_token_id"]:
            break
        out.append(i)
        logits = m.step(i)
    return {"prompt_ids": ids, "top": first, "greedy": out}


def embed(folder):
    from tokenizers import Tokenizer
    from math import erf
    raw = open(folder + "/model.safetensors", "rb").read()
    n = struct.unpack("<Q", raw[:8])[0]
    w = {}
    for k, e in json.loads(raw[8:8 + n]).items():
        if k != "__metadata__" and e["dtype"] == "F32":
            a, b = e["data_offsets"]
            w[k] = np.frombuffer(raw[8 + n + a:8 + n + b], np.float32).reshape(e["shape"]).astype(np.float64)
    t = Tokenizer.from_file(folder + "/tokenizer.json")
    t.no_padding()
    t.enable_truncation(256)

    def norm(x, name):
        return (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-12) * w[name + ".weight"] + w[name + ".bias"]

    out = []
    for s in SENTENCES:
        ids = t.encode(s).ids
        e = "embeddings."
        x = norm(w[e + "word_embeddings.weight"][ids] + w[e + "position_embeddings.weight"][:len(ids)] + w[e + "token_type_embeddings.weight"][0], e + "LayerNorm")
        for l in range(6):
            p = f"encoder.layer.{l}."
            lin = lambda x, n: x @ w[p + n + ".weight"].T + w[p + n + ".bias"]
            q, k, v = (lin(x, f"attention.self.{n}").reshape(len(ids), 12, 32) for n in ("query", "key", "value"))
            s_ = np.einsum("ihd,jhd->hij", q, k) / np.sqrt(32)
            a = np.exp(s_ - s_.max(2, keepdims=True))
            a /= a.sum(2, keepdims=True)
            x = norm(x + lin(np.einsum("hij,jhd->ihd", a, v).reshape(len(ids), -1), "attention.output.dense"), p + "attention.output.LayerNorm")
            h = lin(x, "intermediate.dense")
            h = 0.5 * h * (1 + np.vectorize(erf)(h / np.sqrt(2)))
            x = norm(x + lin(h, "output.dense"), p + "output.LayerNorm")
        m = x.mean(0)
        out.append({"text": s, "tokens": len(ids), "values": [round(float(y), 6) for y in m / np.linalg.norm(m)]})
    return out


print(json.dumps({"chat": chat(sys.argv[1]), "embed": embed(sys.argv[2])}, separators=(",", ":")))
