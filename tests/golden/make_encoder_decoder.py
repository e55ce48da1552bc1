"""Writes encoder_decoder/<case>/: tiny random models of the encoder-decoder families but BART, with goldens.

In: the table below and seeds. Out, a folder: as make_bart.py writes it (generate.json: greedy and 4 beams; none for whisper, whose
inputs are input_features [B, mels, frames]). Run by hand (README.md); tested in tests/reference and tests/e2e.
"""
import json
import shutil

import numpy as np
import torch
from safetensors.numpy import save_file
from transformers import (M2M100Config, M2M100ForConditionalGeneration, MarianConfig, MarianMTModel, MBartConfig,
                          MBartForConditionalGeneration, MT5Config, MT5ForConditionalGeneration, PegasusConfig,
                          PegasusForConditionalGeneration, T5Config, T5ForConditionalGeneration, WhisperConfig,
                          WhisperForConditionalGeneration)

from make_bart import HERE, generate, padded, teacher_forcing

VOCAB = 43
BART = dict(vocab_size=VOCAB, d_model=24, encoder_layers=2, decoder_layers=2, encoder_attention_heads=3, decoder_attention_heads=2,
            encoder_ffn_dim=37, decoder_ffn_dim=50, max_position_embeddings=40)
T5 = dict(vocab_size=VOCAB, d_model=20, d_kv=6, d_ff=37, num_layers=3, num_decoder_layers=2, num_heads=3)
CASES = {
    "mbart": (MBartForConditionalGeneration, MBartConfig, dict(BART, activation_function="relu", scale_embedding=True,
                                                              decoder_start_token_id=2, forced_eos_token_id=None)),
    "marian": (MarianMTModel, MarianConfig, dict(BART, activation_function="swish", scale_embedding=True, pad_token_id=VOCAB - 1,
                                                 decoder_start_token_id=VOCAB - 1, decoder_vocab_size=VOCAB, forced_eos_token_id=None)),
    "m2m_100": (M2M100ForConditionalGeneration, M2M100Config, dict(BART)),
    "pegasus": (PegasusForConditionalGeneration, PegasusConfig, dict(BART, forced_eos_token_id=None)),
    "t5_relu": (T5ForConditionalGeneration, T5Config, dict(T5, feed_forward_proj="relu", decoder_start_token_id=0)),
    "t5_gated_untied": (T5ForConditionalGeneration, T5Config, dict(T5, feed_forward_proj="gated-gelu", tie_word_embeddings=False,
                        relative_attention_num_buckets=8, relative_attention_max_distance=20, decoder_start_token_id=0)),
    "mt5": (MT5ForConditionalGeneration, MT5Config, dict(T5, tie_word_embeddings=False, decoder_start_token_id=0)),
    "whisper": (WhisperForConditionalGeneration, WhisperConfig, dict(
        {k: v for k, v in BART.items() if k != "max_position_embeddings"}, num_mel_bins=10, max_source_positions=31,
        max_target_positions=40, pad_token_id=0, bos_token_id=0, eos_token_id=1, decoder_start_token_id=2, begin_suppress_tokens=None)),
}
OPTIONS = {"greedy": dict(num_beams=1, max_new_tokens=24), "beam4": dict(num_beams=4, max_new_tokens=24),
           "beam4_never_2.0": dict(num_beams=4, max_new_tokens=24, early_stopping="never", length_penalty=2.0)}


def build(model_class, config_class, sizes, seed):
    """Random f32 values in an f64 model, far enough from uniform for clear choices."""
    config = config_class(**sizes)
    config._attn_implementation = "eager"
    model = model_class(config)
    rng = np.random.default_rng(seed)
    for name, p in sorted(dict(model.named_parameters()).items()):
        if not p.requires_grad:
            if config.model_type == "pegasus":
                p.data *= 0.9  # sinusoids, which this family stores: the file's are read
            continue
        scale = p.dim() == 1 and name.endswith("weight")  # a norm's
        gain = 2.5 if any(part in name for part in ("fc", "wi", "wo", "q_proj", "k_proj", ".q.", ".k.", "conv")) else 1.0
        std = 0.2 if p.dim() == 1 else gain / np.sqrt(np.prod(p.shape[1:]))
        if ".q." in name:
            std /= config.d_kv ** 0.5  # T5's scores have no scale of their own
        if "relative_attention_bias" in name:
            std = 1.0
        p.data = torch.from_numpy((scale + rng.normal(0, std, p.shape)).astype(np.float32))
    if getattr(config, "scale_embedding", False):
        model.get_input_embeddings().weight.data /= 4
    for norm in ("model.decoder.layer_norm", "decoder.final_layer_norm", "model.decoder.layers.1.final_layer_norm"):
        if norm + ".weight" in dict(model.named_parameters()):
            dict(model.named_parameters())[norm + ".weight"].data *= 6  # peaked answers
            break
    if hasattr(model, "final_logits_bias"):
        bias = rng.normal(0, 0.3, (1, VOCAB)).astype(np.float32)
        bias[0, config.eos_token_id] += 2  # so that answers end
        model.final_logits_bias = torch.from_numpy(bias)
    return model.eval()


@torch.no_grad()
def audio_forcing(model, rng):
    config = model.config
    features = rng.normal(0, 1, (2, config.num_mel_bins, 2 * config.max_source_positions)).astype(np.float32)
    targets = [[2] + rng.integers(3, VOCAB, n).tolist() for n in (8, 3)]
    ids, mask = padded(targets, 0)
    logits = np.zeros((*ids.shape, VOCAB))
    states = np.zeros((2, config.max_source_positions, config.d_model))
    for i, target in enumerate(targets):
        out = model(input_features=torch.from_numpy(features[i:i + 1]).double(), decoder_input_ids=torch.tensor([target]))
        logits[i, mask[i] == 1] = out.logits[0].numpy()
        states[i] = out.encoder_last_hidden_state[0].numpy()
    return ({"input_features": features, "decoder_input_ids": ids, "decoder_attention_mask": mask},
            {"logits": logits, "encoder_last_hidden_state": states})


def try_case(name, seed):
    """Whether f32 and f64 agree and the answers differ; writes the folder if so."""
    model_class, config_class, sizes = CASES[name]
    folder = HERE / "encoder_decoder" / name
    model = build(model_class, config_class, sizes, seed)
    config, rng = model.config, np.random.default_rng(seed)
    start, eos = config.decoder_start_token_id, config.eos_token_id
    rows = lambda lengths: [rng.integers(3, VOCAB - 1, n).tolist() for n in lengths]
    sources = [r + [eos] for r in rows((5, 1, 29, 8))]
    runs = []
    if name != "whisper":
        for label, options in OPTIONS.items():
            results = [generate(model.double(), s, options) for s in sources]
            single = [generate(model.float(), s, options) for s in sources]
            if [r[0] for r in results] != [r[0] for r in single]:
                return False
            runs.append({"name": label, "options": options, "ids": [r[0] for r in results], "scores": [r[1] for r in results]})
        if len({json.dumps(ids) for run in runs for ids in run["ids"]}) < 6 or len(set(runs[0]["ids"][2])) < 4:
            return False
    shutil.rmtree(folder, ignore_errors=True)
    model.float().save_pretrained(folder)
    model.double()
    inputs, expected = audio_forcing(model, rng) if name == "whisper" else teacher_forcing(
        model, sources, [[start] + r for r in rows((7, 33, 1, 4))], config.pad_token_id, left=(3,))
    save_file(inputs, folder / "inputs.safetensors")
    save_file(expected, folder / "expected.safetensors")
    if runs:
        lines = ",\n  ".join(json.dumps(r) for r in runs)
        (folder / "generate.json").write_text(f'{{"input_ids": {json.dumps(sources)},\n "runs": [\n  {lines}]}}\n')
    return True


if __name__ == "__main__":
    for case in CASES:
        seed = next(seed for seed in range(100) if try_case(case, seed))
        print(f"encoder_decoder/{case}: seed {seed}")
