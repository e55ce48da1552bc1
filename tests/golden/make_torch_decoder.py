"""Writes torch_decoder/<case>/{config.json, model.safetensors, inputs.safetensors, expected.safetensors}.

In: nothing but the table CASES and a seed a case. Out: small PyTorch decoders (f32), inputs (f32, bool) and the output in f64.
Every output is composed in NumPy f64 by `compose` (an attention row reads only its visible keys; without any it is 0) and,
where PyTorch has the same rule, must equal torch.nn's own f64 result to 1e-12. Run by hand (README.md); tested in tests/reference.
"""
import json
import math
import pathlib

import numpy as np
import torch
from safetensors.numpy import save_file

ROOT = pathlib.Path(__file__).parent / "torch_decoder"
INF = float("inf")


# --- masks; boolean true = masked, float = added, as in PyTorch ---
def causal_bool(t):
    return np.triu(np.ones((t, t), bool), 1)


def causal_float(t):
    return np.where(causal_bool(t), -INF, 0).astype(np.float32)


def holes(rng, b, t, keep=(0,)):
    """[b, t] key padding with masked positions in the middle; those in `keep` stay visible."""
    mask = rng.random((b, t)) < 0.4
    mask[:, list(keep)] = False
    mask[:, t // 2] = True
    return mask


def random_mask(rng, *shape):
    """Boolean, neither causal nor empty: every row sees at least one key."""
    mask = rng.random(shape) < 0.5
    mask[..., -1] &= ~mask.all(-1)
    return mask


def finite(rng, *shape):
    return rng.normal(0, 1.5, shape).astype(np.float32)


def padding_float(mask):
    return np.where(mask, -INF, 0).astype(np.float32)


# --- cases: config, lengths (b 0 = unbatched), masks(rng) ---
def case(masks=lambda rng: {}, *, d=24, ffn=37, layers=1, act="relu", pre=False, norm=False, bias=True, bf=True, eps=1e-5,
         layer_only=False, b=2, t=7, s=5, torch_agrees=True, edit=None):
    return dict(locals())


CASES = {
    "post_relu_causal_bool": case(lambda r: {"tgt_mask": causal_bool(7)}),
    "post_relu_no_mask": case(d=60, ffn=37, t=1, s=19, norm=True, b=3),
    "post_gelu_causal_float_holes": case(
        lambda r: {"tgt_mask": causal_float(5), "tgt_key_padding_mask": holes(r, 3, 5),
                   "memory_key_padding_mask": holes(r, 3, 11, keep=(10,))},
        d=27, ffn=50, layers=2, act="gelu", norm=True, bf=False, b=3, t=5, s=11),
    "post_gelu_long": case(
        lambda r: {"tgt_mask": causal_bool(19), "tgt_key_padding_mask": holes(r, 2, 19),
                   "memory_key_padding_mask": holes(r, 2, 17)}, layers=2, act="gelu", t=19, s=17),
    "pre_relu_random_bool": case(
        lambda r: {"tgt_mask": random_mask(r, 6, 6), "memory_mask": random_mask(r, 6, 9)},
        d=60, pre=True, norm=True, t=6, s=9),
    "pre_gelu_per_head": case(
        lambda r: {"tgt_mask": random_mask(r, 2 * 3, 8, 8), "memory_mask": finite(r, 2 * 3, 8, 5)},
        layers=2, act="gelu", pre=True, bf=False, t=8),
    "pre_relu_two_layers": case(
        lambda r: {"tgt_mask": causal_float(17), "memory_key_padding_mask": holes(r, 4, 3, keep=(0, 2))},
        d=27, ffn=50, layers=2, pre=True, norm=True, eps=1e-3, b=4, t=17, s=3),
    "post_gelu_finite_floats": case(
        lambda r: {"tgt_mask": finite(r, 7, 7), "memory_mask": finite(r, 7, 6),
                   "tgt_key_padding_mask": padding_float(holes(r, 2, 7)), "memory_key_padding_mask": finite(r, 2, 6)},
        ffn=50, act="gelu", s=6),
    "pre_gelu_no_bias": case(lambda r: {"tgt_mask": causal_bool(7)}, act="gelu", pre=True, norm=True, bias=False),
    "post_relu_no_bias": case(lambda r: {"memory_key_padding_mask": holes(r, 2, 5)}, layers=2, bias=False, bf=False),
    "layer_post_gelu": case(
        lambda r: {"tgt_mask": causal_bool(9), "memory_key_padding_mask": holes(r, 3, 8)},
        d=27, ffn=50, act="gelu", layer_only=True, bf=False, b=3, t=9, s=8),
    "layer_pre_relu_unbatched": case(lambda r: {"tgt_mask": causal_bool(19)}, pre=True, layer_only=True, b=0, t=19, s=1),
    "post_relu_unbatched_per_head": case(
        lambda r: {"tgt_mask": random_mask(r, 3, 4, 4), "memory_key_padding_mask": holes(r, 1, 6)[0]},
        norm=True, bf=False, b=0, t=4, s=6),
    # From here on PyTorch gives NaN or depends on its path: composed alone.
    "post_gelu_memory_all_padded": case(
        lambda r: {"tgt_mask": causal_bool(7), "memory_key_padding_mask": np.array([[0] * 5, [1] * 5, [0, 0, 1, 0, 1]], bool)},
        act="gelu", layers=2, norm=True, b=3, torch_agrees=False),
    "pre_relu_memory_all_padded": case(
        lambda r: {"memory_key_padding_mask": padding_float(np.array([[1] * 4, [0, 1, 0, 0]], bool))},
        pre=True, bf=False, s=4, torch_agrees=False),
    "post_relu_left_padded_target": case(  # rows 0..2 of sequence 1 see no key
        lambda r: {"tgt_mask": causal_bool(7), "tgt_key_padding_mask": np.array([[0] * 7, [1] * 3 + [0] * 4], bool)},
        norm=True, torch_agrees=False),
    "pre_gelu_nan_behind_padding": case(  # padded memory rows hold NaN and infinities
        lambda r: {"tgt_mask": causal_bool(7), "memory_key_padding_mask": np.array([[0, 1, 0, 1, 0], [1, 0, 1, 1, 1]], bool)},
        act="gelu", pre=True, torch_agrees=False,
        edit=lambda x: x["memory"].__setitem__(x["memory_key_padding_mask"], [[np.nan], [INF]] + [[-INF], [np.nan]] * 2)),
}
HEADS = 3


def build(c, rng):
    """The torch module in f64 whose parameters are exact f32 values, none left at its neutral initial value."""
    layer = torch.nn.TransformerDecoderLayer(c["d"], HEADS, c["ffn"], 0.0, c["act"], c["eps"], c["bf"], c["pre"], c["bias"])
    norm = torch.nn.LayerNorm(c["d"], c["eps"], bias=c["bias"]) if c["norm"] else None
    model = layer if c["layer_only"] else torch.nn.TransformerDecoder(layer, c["layers"], norm)
    for name, p in model.named_parameters():
        one = p.dim() == 1 and name.endswith("weight")  # a norm's scale
        std = 0.2 if p.dim() == 1 else 1.3 / math.sqrt(p.shape[1])
        p.data = torch.from_numpy((one + rng.normal(0, std, p.shape)).astype(np.float32))
    return model.double().eval()


# --- the same decoder by hand, NumPy f64 ---
def linear(x, w, name):
    y = x @ w[name + ".weight"].T
    return y + w[name + ".bias"] if name + ".bias" in w else y


def layer_norm(x, w, name, eps):
    y = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + eps) * w[name + ".weight"]
    return y + w[name + ".bias"] if name + ".bias" in w else y


def to_score(mask):
    """Boolean or float mask -> what is added to a score; -inf = not visible."""
    return np.where(mask, -INF, 0.0) if mask.dtype == bool else mask.astype(np.float64)


def attention(x, kv, w, name, mask, padding):
    """x [B,S,E], kv [B,T,E], mask [S,T] or [B*H,S,T], padding [B,T] -> [B,S,E]."""
    e = x.shape[-1]
    wq, wk, wv = np.split(w[name + ".in_proj_weight"], 3)
    bq, bk, bv = np.split(w.get(name + ".in_proj_bias", np.zeros(3 * e)), 3)
    q, k, v = x @ wq.T + bq, kv @ wk.T + bk, kv @ wv.T + bv
    out, d = np.zeros_like(x), e // HEADS
    for b in range(x.shape[0]):
        for h in range(HEADS):
            cols = slice(h * d, h * d + d)
            add = np.zeros((x.shape[1], kv.shape[1]))
            if mask is not None:
                add = add + to_score(mask if mask.ndim == 2 else mask[b * HEADS + h])
            if padding is not None:
                add = add + to_score(padding[b])
            for i in range(x.shape[1]):
                seen = add[i] > -INF
                if seen.any():
                    score = k[b, seen, cols] @ q[b, i, cols] / math.sqrt(d) + add[i, seen]
                    p = np.exp(score - score.max())
                    out[b, i, cols] = (p / p.sum()) @ v[b, seen, cols]
    return linear(out, w, name + ".out_proj")


def activate(x, act):
    return np.maximum(x, 0) if act == "relu" else x * 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


def compose(c, w, x):
    """The decoder's output for inputs `x` in the layout of the case's batch_first."""
    mem_first = lambda a: a[None] if c["b"] == 0 else a if c["bf"] else a.swapaxes(0, 1)
    pad = lambda key: None if key not in x else np.atleast_2d(x[key])
    h, memory = mem_first(x["tgt"].astype(np.float64)), mem_first(x["memory"].astype(np.float64))
    for i in range(c["layers"]):
        p = "" if c["layer_only"] else f"layers.{i}."
        blocks = [lambda y: attention(y, y, w, p + "self_attn", x.get("tgt_mask"), pad("tgt_key_padding_mask")),
                  lambda y: attention(y, memory, w, p + "multihead_attn", x.get("memory_mask"), pad("memory_key_padding_mask")),
                  lambda y: linear(activate(linear(y, w, p + "linear1"), c["act"]), w, p + "linear2")]
        for n, block in enumerate(blocks, 1):
            norm = lambda y: layer_norm(y, w, f"{p}norm{n}", c["eps"])
            h = h + block(norm(h)) if c["pre"] else norm(h + block(h))
    if c["norm"]:
        h = layer_norm(h, w, "norm", c["eps"])
    return h[0] if c["b"] == 0 else h if c["bf"] else h.swapaxes(0, 1)


def torch_output(model, x):
    """torch.nn in f64, gradients on: keeps nn.MultiheadAttention off its inference-only path."""
    args = {k: torch.from_numpy(v) for k, v in x.items()}
    return model(**{k: v if v.dtype == torch.bool else v.double() for k, v in args.items()}).detach().numpy()


def make_inputs(c, rng):
    shape = lambda n: (n, c["d"]) if c["b"] == 0 else (c["b"], n, c["d"]) if c["bf"] else (n, c["b"], c["d"])
    x = {"tgt": finite(rng, *shape(c["t"])), "memory": finite(rng, *shape(c["s"]))} | c["masks"](rng)
    if c["edit"]:
        c["edit"](x)
    return x


def main():
    for index, (name, c) in enumerate(CASES.items()):
        rng = np.random.default_rng(1000 + index)
        model, x = build(c, rng), make_inputs(c, rng)
        weights = {k: v.numpy() for k, v in model.state_dict().items()}
        with np.errstate(invalid="ignore"):  # NaN rows behind a mask are projected, never read
            expected = compose(c, weights, x)
        assert np.isfinite(expected).all() and (np.abs(expected) > 1e-3).mean() > 0.9, name
        if c["torch_agrees"]:
            error = np.abs(expected - torch_output(model, x)).max()
            assert error < 1e-12, (name, error)
        folder = ROOT / name
        folder.mkdir(parents=True, exist_ok=True)
        config = {"model_type": "torch_transformer_decoder", "d_model": c["d"], "nhead": HEADS, "dim_feedforward": c["ffn"],
                  "num_layers": c["layers"], "activation": c["act"], "norm_first": c["pre"], "layer_norm_eps": c["eps"],
                  "batch_first": c["bf"]} | ({} if c["bias"] else {"bias": False})
        (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
        save_file({k: v.astype(np.float32) for k, v in weights.items()}, folder / "model.safetensors")
        save_file({k: np.ascontiguousarray(v) for k, v in x.items()}, folder / "inputs.safetensors")
        save_file({"output": np.ascontiguousarray(expected)}, folder / "expected.safetensors")
        print(f"{name:32} {'= torch to %.1e' % error if c['torch_agrees'] else 'composed by hand'}")


if __name__ == "__main__":
    main()
