"""The bundled model: every row of its reference lists, greedy and beam search, by ids and by text."""
import unittest

from harness import EXE, G2P, Case, read_jsonl


class Pronunciation(Case):
    def generate(self, rows, *options):
        text = "".join(" ".join(map(str, row["input_ids"])) + "\n" for row in rows)
        return [list(map(int, line.split())) for line in self.succeeds(EXE, "--ids", "-", *options, stdin=text).stdout.splitlines()]

    def same_ids(self, rows, generated):
        self.assertEqual(len(generated), len(rows))
        for row, ids in zip(rows, generated):
            self.assertEqual([1] + ids, row["output_ids"], row["word"])  # the list keeps the start token

    def test_greedy_ids(self):
        rows = read_jsonl(G2P / "reference.jsonl")
        self.assertEqual(len(rows), 450)
        self.same_ids(rows, self.generate(rows))

    def test_greedy_ids_one_by_one(self):
        rows = read_jsonl(G2P / "reference.jsonl")
        self.same_ids(rows, self.generate(rows, "--batch", "1", "--threads", "1"))

    def test_beam_ids(self):
        rows = read_jsonl(G2P / "reference_beam.jsonl")
        self.assertEqual(len(rows), 60)
        self.same_ids(rows, self.generate(rows, "--num-beams", "4"))

    def test_beam_scores(self):
        rows = read_jsonl(G2P / "reference_beam.jsonl")
        words = "".join(row["word"] + "\n" for row in rows)
        lines = self.succeeds(EXE, "--num-beams", "4", "--scores", stdin=words).stdout.splitlines()
        for row, line in zip(rows, lines, strict=True):
            text, score = line.split("\t")
            self.assertEqual(text, row["phonemes"])
            self.assertAlmostEqual(float(score), row["score"], delta=1e-4)

    def test_texts(self):
        rows = read_jsonl(G2P / "reference.jsonl")
        words = "".join(row["word"] + "\n" for row in rows)
        self.assertEqual(self.succeeds(EXE, stdin=words).stdout.splitlines(), [row["phonemes"] for row in rows])

    def test_words_outside_of_the_list(self):
        listed = {row["word"] for row in read_jsonl(G2P / "reference.jsonl")}
        words = ["transformers", "decanting", "zyxxyz", "Blorptastic", "quaggle"]
        self.assertTrue(listed.isdisjoint(words))
        lines = self.succeeds(EXE, *words).stdout.splitlines()
        self.assertEqual(len(lines), len(words))
        self.assertTrue(all(lines))


if __name__ == "__main__":
    unittest.main()
