#!/usr/bin/env python3
"""Makes w.safetensors, inputs.safetensors and golden.safetensors beside this file, with PyTorch (2.15) in float64.

    python tests/models/prefix-window-document/make.py        (by hand; needs torch, numpy, safetensors)

The mask is built from its definition, as a dense matrix for each sequence.
"""
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file

FOLDER, E, F, HEADS, WINDOW = Path(__file__).parent, 48, 100, 3, 20
LENGTHS, PREFIXES = [61, 33, 7], [9, 0, 7]
random = np.random.default_rng(4)


def make(*shape):
    return random.normal(0, 1 / np.sqrt(shape[-1]), shape).astype(np.float32)


weights = {"norm1.weight": 1 + make(E), "norm1.bias": make(E), "qkv.weight": make(3 * E, E), "qkv.bias": make(3 * E),
           "out.weight": make(E, E), "out.bias": make(E), "norm2.weight": 1 + make(E), "norm2.bias": make(E),
           "up.weight": make(F, E), "up.bias": make(F), "down.weight": make(E, F), "down.bias": make(E)}
longest = max(LENGTHS)
embeds = random.normal(0, 1, (3, longest, E)).astype(np.float32)
attention_mask = np.array([[1] * n + [0] * (longest - n) for n in LENGTHS], dtype=np.int64)
segment = np.stack([np.arange(longest) // 25 * 3, np.arange(longest) // 10, np.zeros(longest)]).astype(np.int64)

w = {name: torch.from_numpy(value).double() for name, value in weights.items()}


def norm(x, name):
    return torch.nn.functional.layer_norm(x, (E,), w[name + ".weight"], w[name + ".bias"], 1e-5)


def layer(x, seen):
    q, k, v = (norm(x, "norm1") @ w["qkv.weight"].T + w["qkv.bias"]).split(E, -1)
    heads = [t.view(-1, HEADS, E // HEADS).transpose(0, 1) for t in (q, k, v)]
    attended = torch.nn.functional.scaled_dot_product_attention(*heads, attn_mask=seen)
    x = x + attended.transpose(0, 1).reshape(-1, E) @ w["out.weight"].T + w["out.bias"]
    hidden = torch.relu(norm(x, "norm2") @ w["up.weight"].T + w["up.bias"])
    return x + hidden @ w["down.weight"].T + w["down.bias"]


golden = np.zeros((3, longest, E))
for b, n in enumerate(LENGTHS):
    q, k = np.arange(n)[:, None], np.arange(n)[None, :]
    seen = (segment[b, q] == segment[b, k]) & ((k < PREFIXES[b]) | ((k <= q) & (k > q - WINDOW)))
    golden[b, :n] = layer(torch.from_numpy(embeds[b, :n]).double(), torch.from_numpy(seen)).numpy()
save_file(weights, FOLDER / "w.safetensors")
save_file({"inputs_embeds": embeds, "attention_mask": attention_mask, "segment": segment,
           "prefix": np.array(PREFIXES, dtype=np.int64)}, FOLDER / "inputs.safetensors")
save_file({"last_hidden_state": golden}, FOLDER / "golden.safetensors")
