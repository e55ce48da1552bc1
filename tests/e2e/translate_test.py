"""Text through a translator with SentencePiece's files: the golden M2M-100 with a larger vocabulary, and its languages."""
import array
import json
import random
import shutil
import unittest

from harness import DECANT, GOLDEN, Case, read_jsonl, read_safetensors, write_safetensors

TOKENIZER = GOLDEN / "tokenizers" / "m2m_100"
MODEL = GOLDEN / "encoder_decoder" / "m2m_100"
VOCAB, CONTEXT = 700, 40


class Translate(Case):
    def setUp(self):
        super().setUp()
        self.model = self.dir / "m2m"
        self.model.mkdir()
        for name in ("vocab.json", "sentencepiece.bpe.model", "tokenizer_config.json"):
            shutil.copyfile(TOKENIZER / name, self.model / name)
        config = json.loads((MODEL / "config.json").read_text())
        (self.model / "config.json").write_text(json.dumps(config | {"vocab_size": VOCAB}))
        tensors, rng = read_safetensors(MODEL / "model.safetensors"), random.Random(3)
        width = tensors["model.shared.weight"][1][1]
        tensors["model.shared.weight"] = "F32", [VOCAB, width], array.array("f", (rng.gauss(0, 0.5) for _ in range(VOCAB * width)))
        write_safetensors(self.model / "model.safetensors", tensors)
        self.succeeds(DECANT, "compile", self.model, "-o", self.dir / "program")

    def told(self, *arguments, stdin=None):
        out = self.succeeds(self.dir / "program", "--json", "--max-new-tokens", "6", *arguments, stdin=stdin).stdout
        return [json.loads(line) for line in out.split("\n")[:-1]]

    def test_text_has_the_ids_of_transformers(self):
        samples = [s for s in read_jsonl(TOKENIZER / "samples.jsonl") if len(s[1]) < CONTEXT - 2 and not set("\0\n\r") & set(s[0])][:40]
        ids = [t["ids"] for t in self.told("--", *(text for text, _, _ in samples))]
        self.assertEqual(ids, [t["ids"] for t in self.told("--ids", "-", stdin="".join(" ".join(map(str, i)) + "\n" for _, i, _ in samples))])

    def test_languages(self):
        codes = "af am ar ast az ba be bg bn br bs ca ceb cs cy da de".split()  # from the first id behind vocab.json's
        first = len(json.loads((TOKENIZER / "vocab.json").read_text(encoding="utf-8")))
        german = first + codes.index("de")
        (plain,), (from_german,), (to_german,) = (self.told(*options, "the lazy dog") for options in (
            (), ("--source-lang", "de"), ("--target-lang", "de")))
        self.assertEqual(to_german["ids"][0], german)
        self.assertNotEqual(plain["ids"][0], german)
        text_ids = next(ids for text, ids, _ in read_jsonl(TOKENIZER / "samples.jsonl") if text == "  two  spaces  ")
        (given,) = self.told("--ids", " ".join(map(str, [german, *text_ids[1:]])))
        (said,) = self.told("--source-lang=de", "two spaces")
        self.assertEqual(said["ids"], given["ids"])
        self.assertNotEqual(from_german["ids"], plain["ids"])

    def test_refusals(self):
        program = self.dir / "program"
        self.refuses(3, ["the model does not know the language \"xx\""], program, "--target-lang", "xx", "a")
        self.refuses(2, ["--source-lang goes with texts"], program, "--source-lang", "de", "--ids", "5")


if __name__ == "__main__":
    unittest.main()
