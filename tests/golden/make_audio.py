"""Writes audio.jsonl: [signal, mel bins, samples, [[bin, frame, value], ..]] by transformers' WhisperFeatureExtractor.

The signals are those of tests/runtime/AudioTest.cpp. Run by hand (README.md); tested in tests/runtime.
"""
import json
import pathlib

import numpy as np
from transformers import WhisperFeatureExtractor

RATE = 16000


def noise(n):
    """A linear congruential generator, so that the test makes the same samples."""
    state, out = 12345, np.empty(n, np.float32)
    for i in range(n):
        state = (state * 1664525 + 1013904223) % 2**32
        out[i] = np.float32((state >> 16) / 32768.0 - 1.0) * np.float32(0.25)
    return out


SIGNALS = {
    "noise": lambda n: noise(n),
    "sweep": lambda n: (0.5 * np.sin(2 * np.pi * (100 * (t := np.arange(n) / RATE) + 3000 * t * t / 2))).astype(np.float32),
    "silence": lambda n: np.zeros(n, np.float32),
}
with open(pathlib.Path(__file__).parent / "audio.jsonl", "w") as file:
    for name, mels, count in (("noise", 80, 50000), ("noise", 128, 30000), ("sweep", 80, 40000), ("silence", 80, 16000), ("noise", 80, 100),
                              ("sweep", 128, 480000)):
        extractor = WhisperFeatureExtractor(feature_size=mels)
        features = extractor(SIGNALS[name](count), sampling_rate=RATE, return_tensors="np").input_features[0]
        rng = np.random.default_rng(1)
        probes = [(int(rng.integers(mels)), int(rng.integers(min(3000, count // 160 + 5)))) for _ in range(60)] + [(0, 0), (mels - 1, 2999)]
        file.write(json.dumps([name, mels, count, [[m, t, float(features[m, t])] for m, t in probes]]) + "\n")
