#!/usr/bin/env python3
"""Attention under structured masks: ours against PyTorch, alternating in one run, one thread each.

    pip install torch numpy                                  (in a virtual environment, by hand; not in CI)
    python tests/bench/masks_vs_torch.py build/release/bin/bench-masks [--keys 1024,4096,16384] [--widths 64,128]

Ours: bench-masks (CPU time of the kernel). PyTorch, float32, (1, 8, T, D): scaled_dot_product_attention with is_causal,
with the dense boolean mask, and flex_attention (compiled; its block mask is built outside of the timing), each the best
of the same rounds. Every mask's result is checked against PyTorch's dense one by tests/schedules, not here.
"""
import argparse
import subprocess
import time

import torch
import torch.nn.functional as F

HEADS, MASKS = 8, ["causal", "window", "document", "prefix", "chunked"]


def mask_functions(keys):
    """The formulas of BenchMasks.cpp."""
    document = torch.arange(keys) // (keys // 8)
    return {
        "causal": lambda b, h, q, k: k <= q,
        "window": lambda b, h, q, k: (k <= q) & (k > q - 512),
        "document": lambda b, h, q, k: (k <= q) & (document[q] == document[k]),
        "prefix": lambda b, h, q, k: (k <= q) | (k < keys // 8),
        "chunked": lambda b, h, q, k: (k <= q) & (q // 512 == k // 512),
    }


def dense(function, keys):
    index = torch.arange(keys)
    return function(0, 0, index[:, None], index[None, :])


def timed(run):
    start = time.process_time()
    run()
    return time.process_time() - start


def flex(function, keys, q, k, v):
    """A compiled flex_attention, or the reason why there is none."""
    from torch.nn.attention.flex_attention import create_block_mask, flex_attention

    try:
        block_mask = create_block_mask(function, None, None, keys, keys, device="cpu")
        compiled = torch.compile(flex_attention)
        compiled(q, k, v, block_mask=block_mask, scale=0.1)
        return lambda: compiled(q, k, v, block_mask=block_mask, scale=0.1)
    except Exception as error:  # a compiler is missing, or no CPU path
        return str(error).strip().splitlines()[0][:100]


def bench(tool, width, keys, rounds):
    ours = subprocess.Popen([tool, str(width), str(keys), "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert ours.stdout.readline().strip() == "ready"

    def run_ours(name):
        ours.stdin.write(name + "\n")
        ours.stdin.flush()
        return float(ours.stdout.readline())

    q, k, v = (torch.rand(1, HEADS, keys, width) * 2 - 1 for _ in range(3))
    functions = mask_functions(keys)
    print(f"D {width}, T {keys}: best of {rounds} rounds, ms; in brackets: times ours")
    for name in MASKS:
        table = dense(functions[name], keys)
        runs = {"sdpa mask": lambda: F.scaled_dot_product_attention(q, k, v, attn_mask=table, scale=0.1)}
        if name == "causal":
            runs["sdpa is_causal"] = lambda: F.scaled_dot_product_attention(q, k, v, is_causal=True, scale=0.1)
        flexed = flex(functions[name], keys, q, k, v)
        if callable(flexed):
            runs["flex"] = flexed
        best = {other: float("inf") for other in ["ours", *runs]}
        for _ in range(rounds):
            best["ours"] = min(best["ours"], run_ours(name))
            for other, run in runs.items():
                best[other] = min(best[other], timed(run))
        others = "   ".join(f"{other} {best[other] * 1e3:.1f} ({best[other] / best['ours']:.2f})" for other in runs)
        print(f"  {name:9} ours {best['ours'] * 1e3:8.1f}   {others}" + ("" if callable(flexed) else f"   flex: {flexed}"), flush=True)
    ours.stdin.close()
    ours.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tool")
    parser.add_argument("--keys", default="1024,4096,16384")
    parser.add_argument("--widths", default="64,128")
    parser.add_argument("--rounds", type=int, default=0, help="0: 5, at 16384 keys 2")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    with torch.inference_mode():
        for keys in map(int, options.keys.split(",")):
            for width in map(int, options.widths.split(",")):
                bench(options.tool, width, keys, options.rounds or (2 if keys > 4096 else 5))


if __name__ == "__main__":
    main()
