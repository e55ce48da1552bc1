"""Writes bart/<case>/ (tiny random BART models with goldens) and g2p/ (goldens of ../models/g2p-bart-en-us).

In: the tables below and seeds. Out, a folder: config.json, generation_config.json, model.safetensors as transformers saves them,
inputs.safetensors (int64), expected.safetensors (f64: logits, encoder_last_hidden_state; 0 at padding) and generate.json (greedy
and beam ids, equal in f32 and f64). Positions count from a row's first real token: every row is computed alone, unpadded.
Run by hand (README.md); tested in tests/reference and tests/e2e.
"""
import json
import pathlib

import numpy as np
import torch
from safetensors.numpy import save_file
from transformers import BartConfig, BartForConditionalGeneration

HERE = pathlib.Path(__file__).parent
G2P = HERE.parent / "models" / "g2p-bart-en-us"
VOCAB, PAD, EOS, START = 41, 1, 2, 2

CASES = {  # odd sizes everywhere; encoder and decoder differ
    "gelu_scaled": dict(seed=60, d_model=20, encoder_layers=2, decoder_layers=2, encoder_attention_heads=2,
                        decoder_attention_heads=4, encoder_ffn_dim=37, decoder_ffn_dim=50, activation_function="gelu",
                        scale_embedding=True),
    "relu": dict(seed=3, d_model=30, encoder_layers=1, decoder_layers=3, encoder_attention_heads=3, decoder_attention_heads=5,
                 encoder_ffn_dim=41, decoder_ffn_dim=23, activation_function="relu", scale_embedding=False),
}
GAIN = {"embed_positions": 5.0, "q_proj": 3.0, "k_proj": 3.0, "v_proj": 2.0, "fc": 2.5}  # varied answers from random weights
BEAM = dict(num_beams=4, max_new_tokens=24)
OPTIONS = {
    "greedy": dict(num_beams=1, max_new_tokens=24),
    "greedy_forced_bos": dict(num_beams=1, max_new_tokens=24, forced_bos_token_id=9),
    "greedy_min_new_tokens": dict(num_beams=1, max_new_tokens=24, min_new_tokens=11),
    "greedy_forced_eos": dict(num_beams=1, max_length=9, forced_eos_token_id=EOS),
    **{f"beam4_{str(stop).lower()}_{penalty}": dict(BEAM, early_stopping=stop, length_penalty=penalty)
       for stop in (True, False, "never") for penalty in (0.6, 1.0, 2.0)},
    "beam4_forced_bos": dict(BEAM, forced_bos_token_id=9),
    "beam4_min_length": dict(BEAM, min_length=8, length_penalty=0.6),
    "beam4_suppress": dict(BEAM, suppress_tokens=[3, 17, 29], begin_suppress_tokens=[5, 8]),
    "beam3_forced_eos": dict(num_beams=3, max_length=10, forced_eos_token_id=EOS, early_stopping=True),
}


def build(seed, **sizes):
    """A random model in f64 whose parameters are exact f32 values, far enough from uniform for clear choices."""
    config = BartConfig(vocab_size=VOCAB, max_position_embeddings=33, pad_token_id=PAD, bos_token_id=0, eos_token_id=EOS,
                        decoder_start_token_id=START, forced_eos_token_id=None, **sizes)
    config._attn_implementation = "eager"
    model = BartForConditionalGeneration(config)
    model.generation_config.forced_eos_token_id = None
    rng = np.random.default_rng(seed)
    for name, p in sorted(dict(model.named_parameters()).items()):
        scale = p.dim() == 1 and name.endswith("weight")  # a norm's
        gain = next((g for part, g in GAIN.items() if part in name), 1.0)
        std = 0.2 if p.dim() == 1 else gain / np.sqrt(p.shape[1])
        p.data = torch.from_numpy((scale + rng.normal(0, std, p.shape)).astype(np.float32))
    if config.scale_embedding:
        model.model.shared.weight.data /= 4
    model.model.decoder.layers[-1].final_layer_norm.weight.data *= 12 if config.scale_embedding else 3
    bias = rng.normal(0, 0.3, (1, VOCAB)).astype(np.float32)
    bias[0, EOS] += 2  # so that answers end
    model.final_logits_bias = torch.from_numpy(bias)
    return model.eval()


def padded(rows, pad, left=()):
    """Rows of ids -> ids and mask [B, longest]; the rows whose index is in `left` are padded on the left."""
    n = max(map(len, rows))
    ids, mask = np.full((len(rows), n), pad, np.int64), np.zeros((len(rows), n), np.int64)
    for i, row in enumerate(rows):
        at = slice(n - len(row), n) if i in left else slice(0, len(row))
        ids[i, at], mask[i, at] = row, 1
    return ids, mask


@torch.no_grad()
def teacher_forcing(model, sources, targets, pad, left=()):
    """(inputs, expected) as in `decant eval`; the right-padded batch, run at once, must agree."""
    ids, mask = padded(sources, pad, left)
    dec_ids, dec_mask = padded(targets, pad, left)
    inputs = {"input_ids": ids, "attention_mask": mask, "decoder_input_ids": dec_ids, "decoder_attention_mask": dec_mask}
    logits = np.zeros((*dec_ids.shape, model.config.vocab_size))
    states = np.zeros((*ids.shape, model.config.d_model))
    for i, (source, target) in enumerate(zip(sources, targets)):
        out = model(input_ids=torch.tensor([source]), decoder_input_ids=torch.tensor([target]))
        logits[i, dec_mask[i] == 1] = out.logits[0].numpy()
        states[i, mask[i] == 1] = out.encoder_last_hidden_state[0].numpy()
    batch = model(**{k: torch.from_numpy(v) for k, v in inputs.items()}).logits.numpy()
    for i in set(range(len(sources))) - set(left):
        assert np.abs((batch - logits)[i][dec_mask[i] == 1]).max() < 1e-10
    return inputs, {"logits": logits, "encoder_last_hidden_state": states}


def generate(model, source, options):
    """Generated ids (without the start token, the end token included) and, with beams, the score."""
    out = model.generate(torch.tensor([source]), do_sample=False, return_dict_in_generate=True, output_scores=True, **options)
    ids = out.sequences[0, 1:].tolist()
    return ids, float(out.sequences_scores[0]) if options["num_beams"] > 1 else None


def make_case(name, seed, **sizes):
    folder = HERE / "bart" / name
    model = build(seed, **sizes)
    model.save_pretrained(folder)
    rng = np.random.default_rng(seed)
    rows = lambda lengths, first: [[first] * bool(first) + rng.integers(3, VOCAB, n).tolist() for n in lengths]
    sources = [r + [EOS] for r in rows((5, 1, 12, 8), 0)]
    inputs, expected = teacher_forcing(model.double(), sources, rows((7, 15, 1, 4), START), PAD)
    save_file(inputs, folder / "inputs.safetensors")
    save_file(expected, folder / "expected.safetensors")
    runs = []
    for label, options in OPTIONS.items():
        results = [generate(model.double(), s, options) for s in sources]
        single = [generate(model.float(), s, options) for s in sources]
        assert [r[0] for r in results] == [r[0] for r in single], (name, label, "f32 and f64 differ: take another seed")
        runs.append({"name": label, "options": options, "ids": [r[0] for r in results], "scores": [r[1] for r in results]})
    lines = ",\n  ".join(json.dumps(r) for r in runs)
    (folder / "generate.json").write_text(f'{{"input_ids": {json.dumps(sources)},\n "runs": [\n  {lines}]}}\n')
    distinct = {json.dumps(r["ids"]) for r in runs}
    print(f"bart/{name}: {len(runs)} option sets, {len(distinct)} different answers")


def make_g2p():
    """Five words right-padded; the last of them again, padded on the left."""
    words = [json.loads(line) for line in (G2P / "reference.jsonl").read_text().splitlines()[:5]]
    words.append(words[-1])
    model = BartForConditionalGeneration.from_pretrained(G2P, attn_implementation="eager").double().eval()
    inputs, expected = teacher_forcing(model, [w["input_ids"] for w in words], [w["output_ids"][:-1] for w in words],
                                       model.config.pad_token_id, left=(len(words) - 1,))
    for row, word in zip(inputs["decoder_attention_mask"], words):
        assert row.sum() == len(word["output_ids"]) - 1
    (HERE / "g2p").mkdir(exist_ok=True)
    save_file(inputs, HERE / "g2p" / "inputs.safetensors")
    save_file(expected, HERE / "g2p" / "expected.safetensors")
    print("g2p:", " ".join(w["word"] for w in words))


if __name__ == "__main__":
    for case_name, case in CASES.items():
        make_case(case_name, **case)
    make_g2p()
