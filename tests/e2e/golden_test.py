"""Compiled models against PyTorch's and transformers' values, through decant eval; both kinds of artifact."""
import array
import json
import shutil
import unittest

from harness import DECANT, EXE, G2P, GOLDEN, LIB, Case, read_safetensors, write_safetensors


class Golden(Case):
    def evaluate(self, artifact, inputs, *options):
        out = self.dir / "out.safetensors"
        self.succeeds(DECANT, "eval", artifact, "--inputs", inputs, "--outputs", out, *options)
        return read_safetensors(out)

    def compile(self, model, name="artifact"):
        self.succeeds(DECANT, "compile", model, "-o", self.dir / name)
        return self.dir / name

    def difference(self, actual, expected):
        self.assertEqual(actual[1], expected[1], "shapes")
        differences = [abs(a - e) for a, e in zip(actual[2], expected[2])]
        self.assertFalse(any(d != d for d in differences), "NaN")
        return max(differences)

    def test_torch_decoders(self):
        cases = sorted((GOLDEN / "torch_decoder").iterdir())
        self.assertGreaterEqual(len(cases), 16)
        for case in cases:
            with self.subTest(case.name):
                output = self.evaluate(self.compile(case), case / "inputs.safetensors")
                expected = read_safetensors(case / "expected.safetensors")
                self.assertEqual(output.keys(), expected.keys())
                self.assertLessEqual(self.difference(output["output"], expected["output"]), 1e-5)

    def check(self, artifact, folder):
        outputs, expected = self.evaluate(artifact, folder / "inputs.safetensors"), read_safetensors(folder / "expected.safetensors")
        self.assertEqual(outputs.keys(), expected.keys())
        for name, tensor in expected.items():
            largest = max(abs(value) for value in tensor[2])
            self.assertLessEqual(self.difference(outputs[name], tensor), 1e-4 * largest, name)

    def test_models(self):
        for family, least in (("bart", 2), ("decoder_only", 21), ("encoder_decoder", 8)):
            cases = sorted((GOLDEN / family).iterdir())
            self.assertGreaterEqual(len(cases), least)
            for case in cases:
                with self.subTest(case=case.name):
                    self.check(self.compile(case), case)

    def test_libraries(self):
        for case in sorted((GOLDEN / "bart").iterdir()):
            with self.subTest(case.name):
                self.check(self.compile(case, "artifact.so"), case)

    def generate(self, model, sources, options):
        """Options of the command line go there, the others (forced and suppressed tokens) into generation_config.json."""
        flags = ("num_beams", "max_new_tokens", "min_new_tokens", "length_penalty", "early_stopping",
                 "repetition_penalty", "no_repeat_ngram_size")
        config = {key: value for key, value in options.items() if key not in flags}
        words = [part for key in flags if key in options
                 for part in ("--" + key.replace("_", "-"), json.dumps(options[key]).strip('"'))]
        copy = self.copy_model(model)
        self.edit_json(copy / "generation_config.json", lambda defaults: defaults.update(config))
        text = "".join(" ".join(map(str, ids)) + "\n" for ids in sources)
        artifact = self.compile(copy, "changed") if config else self.dir / "artifact"
        result = self.succeeds(artifact, "--ids", "-", "--scores", *words, stdin=text)
        shutil.rmtree(copy)
        lines = [line.split("\t") for line in result.stdout.splitlines()]
        return [list(map(int, ids.split())) for ids, _ in lines], [float(score) for _, score in lines]

    def test_generation(self):
        cases = sorted(path.parent for path in GOLDEN.glob("*/*/generate.json"))
        self.assertGreaterEqual(len(cases), 30)
        for case in cases:
            golden = json.loads((case / "generate.json").read_text())
            self.compile(case)
            for wanted in golden["runs"]:
                with self.subTest(case=case.name, run=wanted["name"]):
                    ids, scores = self.generate(case, golden["input_ids"], wanted["options"])
                    self.assertEqual(ids, wanted["ids"])
                    for score, expected in zip(scores, wanted["scores"], strict=True):
                        if expected is not None:  # greedy search has none
                            self.assertAlmostEqual(score, expected, delta=1e-4)

    def test_g2p(self):
        for artifact in (EXE, LIB):
            self.check(artifact, GOLDEN / "g2p")

    def test_bits_do_not_depend_on_threads_or_kind(self):
        outputs = [self.evaluate(artifact, GOLDEN / "g2p" / "inputs.safetensors", "--threads", threads)
                   for artifact in (EXE, LIB) for threads in ("1", "2")]
        for other in outputs[1:]:
            self.assertEqual(other, outputs[0])

    def test_reference_interpreter(self):
        case = GOLDEN / "torch_decoder" / "post_relu_causal_bool"
        output = self.evaluate(case, case / "inputs.safetensors", "--reference", "f64")
        self.assertLessEqual(self.difference(output["output"], read_safetensors(case / "expected.safetensors")["output"]), 1e-10)

    def test_masks_of_torch_decoders(self):
        case = GOLDEN / "torch_decoder" / "post_relu_causal_bool"
        artifact, inputs = self.compile(case), read_safetensors(case / "inputs.safetensors")
        size = inputs["tgt_mask"][1][-1]
        path, out = self.dir / "in.safetensors", self.dir / "out.safetensors"

        def given(mask, padding=None):
            tensors = {**inputs, "tgt_mask": mask}
            if padding:
                tensors["tgt_key_padding_mask"] = padding
            write_safetensors(path, tensors)
            return path
        for name in ("tgt_mask", "memory_mask"):  # of rank 1
            write_safetensors(path, {**inputs, name: ("F32", [size], array.array("f", [0.0] * size))})
            self.refuses(3, [f"{name}: wrong shape, expected ("], DECANT, "eval", artifact, "--inputs", path, "--outputs", out)
        integers = ("I64", [size, size], array.array("q", list(inputs["tgt_mask"][2])))
        self.assertEqual(self.evaluate(artifact, given(integers)), self.evaluate(artifact, given(inputs["tgt_mask"])))
        hidden = [k > q for q in range(size) for k in range(size)]
        batch = inputs["tgt"][1][0 if json.loads((case / "config.json").read_text()).get("batch_first") else 1]
        # Each is finite, their sum is -inf in f32: it hides, and no NaN comes of it.
        half = ("F32", [size, size], array.array("f", [-3e38 if h else 0.0 for h in hidden]))
        last = [0.0] * (size - 1) + [-3e38]
        expected = ("BOOL", [size, size], array.array("B", [h or k % size == size - 1 for k, h in enumerate(hidden)]))
        self.assertEqual(self.evaluate(artifact, given(half, ("F32", [batch, size], array.array("f", last * batch)))),
                         self.evaluate(artifact, given(expected)))

    def test_eval_refusals(self):
        out = self.dir / "out.safetensors"
        arguments = ["--inputs", GOLDEN / "g2p" / "inputs.safetensors", "--outputs", out]
        self.refuses(2, ["add --reference f32 or f64, or compile it first"], DECANT, "eval", G2P, *arguments)
        self.refuses(2, ["not an artifact"], DECANT, "eval", EXE, "--reference", "f32", *arguments)
        self.refuses(3, ["/absent"], DECANT, "eval", EXE, "--inputs", self.dir / "absent", "--outputs", out)
        torch = GOLDEN / "torch_decoder" / "post_relu_causal_bool" / "inputs.safetensors"
        for artifact in (EXE, LIB):
            self.refuses(3, ["decant: error: ", "input_ids"], DECANT, "eval", artifact, "--inputs", torch, "--outputs", out)
        self.assertFalse(out.exists())


if __name__ == "__main__":
    unittest.main()
