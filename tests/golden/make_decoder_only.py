"""Writes decoder_only/<case>/: tiny random models of the decoder-only families, with goldens.

In: the table below and seeds. Out, a folder: config.json, generation_config.json, model.safetensors, inputs.safetensors (input_ids,
attention_mask: rows padded on the right, the last two on the left), expected.safetensors (f64 logits, 0 at padding) and
generate.json (new ids of each prompt run alone: greedy and 4 beams, equal in f32 and f64). Run by hand (README.md); tested in
tests/reference and tests/e2e.
"""
import json
import shutil
import sys

import numpy as np
import torch
from safetensors.numpy import save_file
from transformers import (BloomConfig, BloomForCausalLM, FalconConfig, FalconForCausalLM, Gemma2Config, Gemma2ForCausalLM,
                          GemmaConfig, GemmaForCausalLM, GPT2Config, GPT2LMHeadModel, GPTNeoXConfig, GPTNeoXForCausalLM,
                          LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM, OPTConfig, OPTForCausalLM,
                          Phi3Config, Phi3ForCausalLM, Qwen2Config, Qwen2ForCausalLM, Qwen3Config, Qwen3ForCausalLM)

from make_bart import HERE, padded

VOCAB, PAD, EOS = 43, 0, 1
LLAMA = dict(vocab_size=VOCAB, hidden_size=24, intermediate_size=37, num_hidden_layers=2, num_attention_heads=4,
             num_key_value_heads=2, head_dim=6, max_position_embeddings=80, pad_token_id=PAD, bos_token_id=2, eos_token_id=EOS)
GPT = dict(vocab_size=VOCAB, hidden_size=24, num_hidden_layers=2, num_attention_heads=3, pad_token_id=PAD, bos_token_id=2, eos_token_id=EOS)
NEOX = dict(GPT, intermediate_size=37, max_position_embeddings=80, rope_parameters={"rope_theta": 1e3, "partial_rotary_factor": 0.5, "rope_type": "default"})
FALCON = dict(GPT, ffn_hidden_size=37, num_attention_heads=4, max_position_embeddings=80)
rope = lambda kind, **more: {"rope_type": kind, "rope_theta": 1e3, **more}
CASES = {
    "llama": (LlamaForCausalLM, LlamaConfig, LLAMA),
    "llama_tied_biases": (LlamaForCausalLM, LlamaConfig, dict(LLAMA, tie_word_embeddings=True, attention_bias=True, mlp_bias=True)),
    "llama_linear": (LlamaForCausalLM, LlamaConfig, dict(LLAMA, rope_parameters=rope("linear", factor=2.5))),
    "llama_llama3": (LlamaForCausalLM, LlamaConfig, dict(LLAMA, rope_parameters=rope(
        "llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=40))),
    "llama_yarn": (LlamaForCausalLM, LlamaConfig, dict(LLAMA, rope_parameters=rope("yarn", factor=4.0, original_max_position_embeddings=20))),
    "mistral_window": (MistralForCausalLM, MistralConfig, dict(LLAMA, sliding_window=9)),
    "qwen2": (Qwen2ForCausalLM, Qwen2Config, dict({k: v for k, v in LLAMA.items() if k != "head_dim"}, use_sliding_window=True,
                                                 sliding_window=7, max_window_layers=1)),
    "qwen3": (Qwen3ForCausalLM, Qwen3Config, dict(LLAMA, head_dim=10)),
    "phi3_longrope": (Phi3ForCausalLM, Phi3Config, dict({k: v for k, v in LLAMA.items() if k != "head_dim"},
        original_max_position_embeddings=80, max_position_embeddings=160, sliding_window=11,
        rope_parameters=rope("longrope", short_factor=[1.0, 1.5, 2.0], long_factor=[2.0, 3.0, 4.0]))),
    "gemma": (GemmaForCausalLM, GemmaConfig, dict(LLAMA, head_dim=10)),
    "gemma2": (Gemma2ForCausalLM, Gemma2Config, dict(LLAMA, head_dim=10, query_pre_attn_scalar=7, sliding_window=8,
                                                    attn_logit_softcapping=5.0, final_logit_softcapping=9.0)),
    "gpt2": (GPT2LMHeadModel, GPT2Config, dict(vocab_size=VOCAB, n_positions=80, n_embd=24, n_layer=2, n_head=3, n_inner=37,
        scale_attn_by_inverse_layer_idx=True, pad_token_id=PAD, bos_token_id=2, eos_token_id=EOS)),
    "opt": (OPTForCausalLM, OPTConfig, dict(GPT, ffn_dim=37, max_position_embeddings=80, word_embed_proj_dim=24)),
    "opt_post_projected": (OPTForCausalLM, OPTConfig, dict(GPT, ffn_dim=37, max_position_embeddings=80, word_embed_proj_dim=16,
                                                          do_layer_norm_before=False)),
    "gpt_neox": (GPTNeoXForCausalLM, GPTNeoXConfig, NEOX),
    "gpt_neox_sequential": (GPTNeoXForCausalLM, GPTNeoXConfig, dict(NEOX, use_parallel_residual=False, attention_bias=False)),
    "bloom": (BloomForCausalLM, BloomConfig, dict(vocab_size=VOCAB, hidden_size=24, n_layer=2, n_head=3, pad_token_id=PAD,
                                                 bos_token_id=2, eos_token_id=EOS)),
    "falcon": (FalconForCausalLM, FalconConfig, FALCON),
    "falcon_new": (FalconForCausalLM, FalconConfig, dict(FALCON, new_decoder_architecture=True, num_kv_heads=2)),
    "falcon_heads_sequential": (FalconForCausalLM, FalconConfig, dict(FALCON, multi_query=False, parallel_attn=False, bias=True)),
    "falcon_alibi": (FalconForCausalLM, FalconConfig, dict(FALCON, num_attention_heads=12, multi_query=False, parallel_attn=False,
                                                          alibi=True)),
}
OPTIONS = {"greedy": dict(num_beams=1, max_new_tokens=24), "beam4": dict(num_beams=4, max_new_tokens=24)}
RULES = {
    "greedy_penalty": dict(num_beams=1, max_new_tokens=24, repetition_penalty=1.4),
    "greedy_ngrams": dict(num_beams=1, max_new_tokens=24, no_repeat_ngram_size=2, bad_words_ids=[[5], [7, 9], [11, 12, 13], [EOS]]),
    "beam4_rules": dict(num_beams=4, max_new_tokens=24, repetition_penalty=1.2, no_repeat_ngram_size=3, bad_words_ids=[[8], [20, 21]]),
}
WITH_RULES = ("llama", "gpt2")


def build(model_class, config_class, sizes, seed):
    """Random f32 values in an f64 model, far enough from uniform for clear choices."""
    config = config_class(**sizes)
    # Eager attention adds Falcon's ALiBi twice in this version of transformers; sdpa, the default, once.
    config._attn_implementation = "sdpa" if getattr(config, "alibi", False) else "eager"
    model = model_class(config)
    rng = np.random.default_rng(seed)
    for name, p in sorted(dict(model.named_parameters()).items()):
        norm = p.dim() == 1 and name.endswith("weight")
        offset = float(norm and "gemma" not in config.model_type)
        embedding = "embed" in name or "wte" in name
        gain = 1.0 if embedding or "head" in name else 2.0
        std = 0.2 if p.dim() == 1 else gain / np.sqrt(p.shape[0] if config.model_type == "gpt2" and not embedding else p.shape[1])
        p.data = torch.from_numpy((offset + rng.normal(0, std, p.shape)).astype(np.float32))
        if embedding and "gemma" in config.model_type:
            p.data /= 4
    for name, p in model.named_parameters():
        if name in ("model.norm.weight", "transformer.ln_f.weight", "gpt_neox.final_layer_norm.weight",
                    "model.decoder.final_layer_norm.weight"):
            p.data *= 4  # peaked answers
    return model.eval()


@torch.no_grad()
def generate(model, prompt, options):
    out = model.generate(torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt), dtype=torch.long), do_sample=False,
                         return_dict_in_generate=True, output_scores=True, **options)
    return out.sequences[0, len(prompt):].tolist(), float(out.sequences_scores[0]) if options["num_beams"] > 1 else None


@torch.no_grad()
def try_case(name, seed):
    """Whether f32 and f64 agree and the answers differ; writes the folder if so."""
    model_class, config_class, sizes = CASES[name]
    folder = HERE / "decoder_only" / name
    model = build(model_class, config_class, sizes, seed)
    rng = np.random.default_rng(seed)
    rows = [rng.integers(3, VOCAB, n).tolist() for n in (5, 1, 29, 17, 12)]
    runs = []
    for label, options in {**OPTIONS, **(RULES if name in WITH_RULES else {})}.items():
        results = [generate(model.double(), r, options) for r in rows[:4]]
        single = [generate(model.float(), r, options) for r in rows[:4]]
        if [r[0] for r in results] != [r[0] for r in single]:
            return False
        runs.append({"name": label, "options": options, "ids": [r[0] for r in results], "scores": [r[1] for r in results]})
    if len({json.dumps(ids) for run in runs for ids in run["ids"]}) < 5 or max(len(set(ids)) for ids in runs[0]["ids"]) < 4:
        return False
    shutil.rmtree(folder, ignore_errors=True)
    model.float().save_pretrained(folder)
    model.double()
    ids, mask = padded(rows, PAD, left=(3, 4))
    logits = np.zeros((*ids.shape, VOCAB))
    for i, row in enumerate(rows):
        logits[i, mask[i] == 1] = model(input_ids=torch.tensor([row])).logits[0].numpy()
    save_file({"input_ids": ids, "attention_mask": mask}, folder / "inputs.safetensors")
    save_file({"logits": logits}, folder / "expected.safetensors")
    lines = ",\n  ".join(json.dumps(r) for r in runs)
    (folder / "generate.json").write_text(f'{{"input_ids": {json.dumps(rows[:4])},\n "runs": [\n  {lines}]}}\n')
    return True


if __name__ == "__main__":
    for case in sys.argv[1:] or CASES:
        seed = next(seed for seed in range(100) if try_case(case, seed))
        print(f"decoder_only/{case}: seed {seed}", flush=True)
