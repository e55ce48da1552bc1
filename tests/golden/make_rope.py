"""Writes rope.jsonl: [rope keys of a config, head size, max positions, frequencies, factor] by transformers' ROPE_INIT_FUNCTIONS.

Run by hand (README.md); tested in tests/config.
"""
import json
import pathlib

from transformers import LlamaConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

short, long = [1.0 + 0.1 * i for i in range(8)], [2.0 + 0.5 * i for i in range(8)]
CASES = [
    dict(rope_type="linear", rope_theta=1e4, factor=4.0),
    dict(rope_type="linear", rope_theta=5e5, factor=1.5, partial_rotary_factor=0.5),
    dict(rope_type="llama3", rope_theta=5e5, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=8192),
    dict(rope_type="llama3", rope_theta=1e4, factor=32.0, low_freq_factor=1.0, high_freq_factor=2.0, original_max_position_embeddings=64),
    dict(rope_type="yarn", rope_theta=1e4, factor=4.0, original_max_position_embeddings=4096),
    dict(rope_type="yarn", rope_theta=1e6, factor=40.0, original_max_position_embeddings=512, mscale=1.0, mscale_all_dim=0.7),
    dict(rope_type="yarn", rope_theta=1e6, factor=4.0, original_max_position_embeddings=512, beta_fast=16.0, beta_slow=2.0, truncate=False,
         attention_factor=1.25),
    dict(rope_type="longrope", rope_theta=1e4, short_factor=short, long_factor=long, original_max_position_embeddings=1024),
    dict(rope_type="longrope", rope_theta=1e4, short_factor=short, long_factor=long, factor=32.0, original_max_position_embeddings=1024),
]
with open(pathlib.Path(__file__).parent / "rope.jsonl", "w") as file:
    for case in CASES:
        dim, positions = 16, 8192
        config = LlamaConfig(hidden_size=64, num_attention_heads=4, head_dim=dim, max_position_embeddings=positions, rope_parameters=dict(case))
        freqs, factor = ROPE_INIT_FUNCTIONS[case["rope_type"]](config, "cpu")
        result = [case, dim, positions, freqs.tolist(), factor]
        if case["rope_type"] == "longrope":
            result.append(ROPE_INIT_FUNCTIONS["longrope"](config, "cpu", seq_len=5000)[0].tolist())
        file.write(json.dumps(result) + "\n")
