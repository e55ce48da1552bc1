"""Writes sampling.jsonl: [options, logits, probabilities], the probabilities that transformers' warpers leave to sample from.

Run by hand (README.md); tested in tests/runtime.
"""
import json
import pathlib

import torch
from transformers import LogitsProcessorList, MinPLogitsWarper, TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

torch.manual_seed(3)
CASES = [dict(), dict(temperature=0.7), dict(temperature=2.5), dict(top_k=1), dict(top_k=5), dict(top_k=1000), dict(top_p=0.9), dict(top_p=0.3),
         dict(top_p=0.01), dict(min_p=0.1), dict(min_p=0.9), dict(temperature=0.6, top_k=20, top_p=0.95), dict(temperature=1.3, top_k=7, min_p=0.05),
         dict(top_k=10, top_p=0.5, min_p=0.2)]
MAKE = dict(temperature=TemperatureLogitsWarper, top_k=TopKLogitsWarper, top_p=TopPLogitsWarper, min_p=MinPLogitsWarper)

with open(pathlib.Path(__file__).parent / "sampling.jsonl", "w") as file:
    for number, options in enumerate(CASES * 2):
        logits = torch.randn(1, 50) * (3 if number % 2 else 1)
        if number % 3 == 0:
            logits[0, 7] = logits[0, 9]  # equal scores
        if number % 4 == 1:
            logits[0, 20:40] = float("-inf")  # what a rule has hidden
        warpers = LogitsProcessorList([MAKE[k](v) for k, v in options.items()])
        scores = warpers(torch.zeros(1, 1, dtype=torch.long), logits.clone())
        probabilities = torch.softmax(scores.double(), -1)[0].tolist()
        given = [None if x == float("-inf") else x for x in logits[0].tolist()]
        file.write(json.dumps([options, given, probabilities]) + "\n")
