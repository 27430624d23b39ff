"""Makes formats.json: random blocks of every quantized GGUF format, and what the `gguf` package reads in them.

python formats.py > formats.json    (needs gguf and numpy)
"""
import json
import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType as T
from gguf.quants import dequantize

# Where the f16 scales of a block stand.
SCALES = {"Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "Q2_K": [80, 82], "Q3_K": [108],
          "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208], "IQ4_NL": [0], "IQ4_XS": [0]}
rng = np.random.default_rng(4)
out = {}
for name, places in SCALES.items():
    length, size = GGML_QUANT_SIZES[T[name]]
    block = rng.integers(0, 256, (1, 256 // length * size), np.uint8)
    for b in block.reshape(-1, size):
        for at in places:
            b[at:at + 2] = np.array([rng.uniform(0.001, 0.02)], np.float16).view(np.uint8)
    values = dequantize(block, T[name]).reshape(-1)
    out[name] = {"id": int(T[name]), "bytes": block.tobytes().hex(), "values": [float(f"{x:.6g}") for x in values]}
print("{" + ",\n".join(f'"{k}":' + json.dumps(v, separators=(",", ":")) for k, v in out.items()) + "}")
