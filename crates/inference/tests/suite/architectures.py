"""Makes architectures.json: what `transformers` computes with tiny models of each family, and how llama.cpp's converter
would store them.

python architectures.py LLAMA_CPP_FOLDER > architectures.json    (needs torch, transformers, gguf, sentencepiece)

The weights are not committed: both sides make them from the tensors' names (`weights` here and in architectures.rs).
Which element of a GGUF tensor is which element of the model is not written down here either: a model whose weights are
their own numbers is converted by llama.cpp's own program, and the numbers are looked up in what comes out. So names,
permutations, fused tensors and metadata are the converter's.
"""
import json, os, sys, tempfile
from pathlib import Path
import numpy as np
import torch
import transformers as hf

sys.path.insert(0, sys.argv[1])
sys.path.insert(0, os.path.join(sys.argv[1], "gguf-py"))
import gguf
from conversion import ModelBase, ModelType, get_model_architecture, get_model_class

VOCAB, TOKENS = 96, 200
SMALL = dict(vocab_size=VOCAB, hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
             num_key_value_heads=2, head_dim=16, max_position_embeddings=512, pad_token_id=0, bos_token_id=1, eos_token_id=2)
LLAMA3 = dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=64)
YARN = dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=128)
LONG = dict(rope_type="longrope", short_factor=[1.0 + 0.1 * i for i in range(6)], long_factor=[1.0 + 0.7 * i for i in range(6)])
EXPERTS = dict(num_experts=8, num_experts_per_tok=3, moe_intermediate_size=32)
GRANITE = dict(embedding_multiplier=3.0, attention_multiplier=0.2, residual_multiplier=0.4, logits_scaling=2.0)


def rope(theta, **more):
    return dict(rope_parameters=dict({"rope_theta": theta, "rope_type": "default"}, **more))


def models():
    """Name, configuration, and what differs from the common case: tokens read, context that it is settled for."""
    yield "llama", hf.LlamaConfig(**SMALL, **rope(10000.0, **LLAMA3)), {}
    yield "llama-biases", hf.LlamaConfig(**SMALL, **rope(10000.0), attention_bias=True, mlp_bias=True, tie_word_embeddings=True), {}
    yield "mistral", hf.MistralConfig(**SMALL, **rope(1e6), sliding_window=None), {}
    yield "mixtral", hf.MixtralConfig(**SMALL, **rope(1e6), num_local_experts=4, num_experts_per_tok=2, sliding_window=None), {}
    yield "qwen2", hf.Qwen2Config(**{k: v for k, v in SMALL.items() if k != "head_dim"}, **rope(1e6, **YARN)), {}
    yield "qwen3", hf.Qwen3Config(**dict(SMALL, head_dim=32), **rope(1e6), tie_word_embeddings=True), {}
    yield "qwen3moe", hf.Qwen3MoeConfig(**SMALL, **rope(1e6), **EXPERTS, norm_topk_prob=True), {}
    yield "gemma", hf.GemmaConfig(**SMALL, **rope(10000.0)), {}
    yield "gemma2", hf.Gemma2Config(**dict(SMALL, num_hidden_layers=4), **rope(10000.0), sliding_window=48, query_pre_attn_scalar=16,
                                    attn_logit_softcapping=2.0, final_logit_softcapping=3.0), {}
    yield "gemma3", hf.Gemma3TextConfig(**dict(SMALL, num_hidden_layers=7), sliding_window=48, query_pre_attn_scalar=16,
                                        rope_parameters={"full_attention": {"rope_theta": 1e6, "rope_type": "linear", "factor": 8.0},
                                                         "sliding_attention": {"rope_theta": 10000.0, "rope_type": "default"}}), {}
    phi = dict({k: v for k, v in SMALL.items() if k != "head_dim"}, original_max_position_embeddings=128, partial_rotary_factor=0.75)
    yield "phi3-short", hf.Phi3Config(**phi, **rope(10000.0, **LONG, partial_rotary_factor=0.75, original_max_position_embeddings=128), sliding_window=None), {"tokens": 120, "n_ctx": 128}
    yield "phi3-long", hf.Phi3Config(**phi, **rope(10000.0, **LONG, partial_rotary_factor=0.75, original_max_position_embeddings=128), sliding_window=48), {}
    yield "smollm3", hf.SmolLM3Config(**dict({k: v for k, v in SMALL.items() if k != "head_dim"}, num_hidden_layers=5), **rope(50000.0), no_rope_layer_interval=4,
                                      use_sliding_window=False, tie_word_embeddings=True), {}
    yield "glm4", hf.Glm4Config(**SMALL, **rope(10000.0, partial_rotary_factor=0.5), partial_rotary_factor=0.5, attention_bias=True), {}
    yield "granite", hf.GraniteConfig(**{k: v for k, v in SMALL.items() if k != "head_dim"}, **rope(10000.0), **GRANITE, tie_word_embeddings=True), {}
    yield "granitemoe", hf.GraniteMoeSharedConfig(**{k: v for k, v in SMALL.items() if k != "head_dim"}, **rope(10000.0), **GRANITE, num_local_experts=4,
                                                  num_experts_per_tok=2, shared_intermediate_size=64), {}
    yield "lfm2", hf.Lfm2Config(**{k: v for k, v in dict(SMALL, num_hidden_layers=5).items() if k != "head_dim"}, **rope(1e6), conv_L_cache=3, block_auto_adjust_ff_dim=False,
                                layer_types=["conv", "conv", "full_attention", "conv", "full_attention"], tie_word_embeddings=True), {}


def noise(name, n):
    """Numbers from -1 up to but not including 1: SplitMix64, seeded by FNV-1a of the name."""
    seed = 0xCBF29CE484222325
    for b in name.encode():
        seed = (seed ^ b) * 0x100000001B3 % 2**64
    z = np.uint64(seed) + np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((z ^ (z >> np.uint64(31))) >> np.uint64(40)).astype(np.float32) / np.float32(2**23) - np.float32(1)


def weights(name, n, k):
    x = noise(name, n)
    if "norm" in name:
        return np.float32(1) + np.float32(0.25) * x
    return np.float32(0.5) * x if name.endswith(".bias") else x * np.float32(1.7 / 8) if name.startswith("token_embd") else x * np.float32(1.7 / k**0.5)


def convert(model, folder):
    model.save_pretrained(folder)
    # Gemma's converter counts the tokens of this file; the vocabulary itself is not wanted.
    (Path(folder) / "tokenizer.json").write_text(json.dumps({"model": {"vocab": {str(i): i for i in range(VOCAB)}}, "added_tokens": []}))
    hparams = ModelBase.load_hparams(Path(folder), False)
    kind = get_model_class(get_model_architecture(hparams, ModelType.TEXT))
    kind.set_vocab = lambda self: None
    path = Path(folder) / "out.gguf"
    with torch.inference_mode():
        kind(Path(folder), gguf.LlamaFileType.ALL_F32, path, eager=True).write()
    return gguf.GGUFReader(path)


def one(name, config, more):
    torch.manual_seed(1)
    config._attn_implementation = "eager"
    model = hf.AutoModelForCausalLM.from_config(config, attn_implementation="eager").float().eval()
    parameters = dict(model.named_parameters())
    at, starts = 0, {}
    with torch.no_grad():
        for p in parameters.values():
            p.copy_((torch.arange(p.numel(), dtype=torch.float32) * 4 + 4 * at).reshape(p.shape))
            starts[id(p)] = at
            at += p.numel()
    assert at * 4 < 2**24, at
    with tempfile.TemporaryDirectory() as folder:
        file = convert(model, folder)
        flat, done = np.zeros(at, np.float32), np.zeros(at, bool)
        tensors, literal = [], {}
        for t in file.tensors:
            dims, data = [int(d) for d in t.shape], np.array(t.data, np.float32).reshape(-1)
            assert t.tensor_type == gguf.GGMLQuantizationType.F32, (t.name, t.tensor_type)
            if t.name.startswith("rope_"):
                literal[t.name] = [round(float(x), 6) for x in data]
                continue
            added = data % 4
            assert (added == added[0]).all(), t.name
            index = ((data - added) / 4).astype(np.int64)
            flat[index], done[index] = weights(t.name, data.size, dims[0]) - added[0], True
            tensors.append([t.name, dims])
        assert done.all(), [n for n, p in parameters.items() if not done[starts[id(p)]]]
        metadata = {k: f.contents() for k, f in file.fields.items() if not k.startswith("GGUF.")}
    keep = {k: v for k, v in metadata.items() if k == "general.architecture" or k.startswith(metadata["general.architecture"] + ".")}
    with torch.no_grad():
        for p in parameters.values():
            p.copy_(torch.from_numpy(flat[starts[id(p)]:][:p.numel()].copy()).reshape(p.shape))
        count = more.get("tokens", TOKENS)
        tokens = ((noise("tokens", count) + 1) / 2 * VOCAB).astype(np.int64)
        logits = model(torch.from_numpy(tokens)[None], use_cache=False).logits[0].float().numpy()
    shown = {i: [round(float(x), 5) for x in logits[i]] for i in (60, count - 1)}
    print(name, "deviation of logits", logits[-1].std(), file=sys.stderr)
    return {"name": name, "metadata": keep, "tensors": tensors, "literal": literal, "tokens": count, "n_ctx": more.get("n_ctx"), "logits": shown}


out = []
for name, config, more in models():
    out.append(one(name, config, more))
print("[" + ",\n".join(json.dumps(o, separators=(",", ":")) for o in out) + "]")
