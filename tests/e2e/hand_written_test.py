"""A decoder layer written by hand, with a mask of its own from the prelude's parts: README's example, against PyTorch."""
import array
import json
import unittest

from harness import DECANT, TESTS, Case, read_safetensors, run, write_safetensors

MODEL = TESTS / "models" / "prefix-window-document"
LAYER, WEIGHTS, INPUTS = MODEL / "layer.mlir", MODEL / "w.safetensors", MODEL / "inputs.safetensors"


class HandWritten(Case):
    def compile(self, layer=LAYER, name="layer"):
        self.succeeds(DECANT, "compile", layer, "--weights", WEIGHTS, "-o", self.dir / name)
        return self.dir / name

    def evaluate(self, model, inputs=INPUTS, *options):
        out = self.dir / "out.safetensors"
        self.succeeds(DECANT, "eval", model, "--inputs", inputs, "--outputs", out, *options)
        return read_safetensors(out)["last_hidden_state"]

    def assert_near(self, found, expected, limit):
        self.assertEqual(found[1], expected[1])
        self.assertLessEqual(max(abs(a - b) for a, b in zip(found[2], expected[2])), limit)

    def inputs(self, change):
        tensors = read_safetensors(INPUTS)
        change(tensors)
        write_safetensors(self.dir / "in.safetensors", tensors)
        return self.dir / "in.safetensors"

    def test_golden(self):
        golden = read_safetensors(MODEL / "golden.safetensors")["last_hidden_state"]
        for name in ("layer", "layer.so"):
            self.assert_near(self.evaluate(self.compile(name=name)), golden, 1e-5)
        self.assert_near(self.evaluate(LAYER, INPUTS, "--weights", WEIGHTS, "--reference", "f64"), golden, 1e-10)

    def test_bounds_stand_in_the_ir(self):
        masks = self.succeeds(DECANT, "compile", LAYER, "--weights", WEIGHTS, "--emit-ir=masks").stdout
        self.assertIn('visit = "', masks)
        self.assertIn("(sub q0 19)", masks)
        self.assertIn("(search p0 b ", masks)
        self.assertNotIn("dec.apply", masks)

    def test_every_dump_resumes(self):
        self.compile()
        dumps = self.dir / "dumps"
        self.succeeds(DECANT, "compile", LAYER, "--weights", WEIGHTS, "-o", self.dir / "again", "--dump-phases", dumps)
        for dump in sorted(dumps.iterdir()):
            with self.subTest(dump.name):
                self.assertEqual((self.compile(dump, "resumed")).read_bytes(), (self.dir / "layer").read_bytes())

    def test_without_ranges_the_bits_are_the_same(self):
        """Phase masks with its attributes taken out: every block is visited, every mask evaluated."""
        masks = self.succeeds(DECANT, "compile", LAYER, "--weights", WEIGHTS, "--emit-ir=masks").stdout
        begin = masks.index('full = "')
        end = masks.index("}", begin)
        plain = self.dir / "plain.mlir"
        plain.write_text(masks[:begin].rstrip() + 'full = "()", visit = "-"' + masks[end:])
        self.assertEqual(self.evaluate(self.compile(plain, "plain")), self.evaluate(self.compile()))

    def test_absent_parameters_are_neutral(self):
        def drop(tensors):
            del tensors["segment"], tensors["prefix"]

        def neutral(tensors):
            for name in ("segment", "prefix"):
                dtype, shape, values = tensors[name]
                tensors[name] = (dtype, shape, array.array("q", [0] * len(values)))

        model = self.compile()
        absent = self.evaluate(model, self.inputs(drop))
        self.assertEqual(absent, self.evaluate(model, self.inputs(neutral)))
        self.assert_near(self.evaluate(LAYER, self.inputs(drop), "--weights", WEIGHTS, "--reference", "f64"), absent, 1e-5)

    def test_a_prefix_of_any_length(self):
        """Beyond the keys, and as large as 32 bits go."""
        layer = self.dir / "prefix.mlir"
        layer.write_text(LAYER.read_text().replace("%keep = arith.andi %same, %seen : i1", "%keep = arith.ori %early, %early : i1"))
        model = self.compile(layer, "prefix")
        for length in (0, 61, 2**31 - 1, -5):
            with self.subTest(length):
                inputs = self.inputs(lambda tensors: tensors["prefix"][2].__setitem__(0, length))
                expected = self.evaluate(layer, inputs, "--weights", WEIGHTS, "--reference", "f64")
                self.assert_near(self.evaluate(model, inputs), expected, 1e-5)

    def test_hostile_functions(self):
        """An empty region, one that is verified after its user; constants that no kernel can hold; a neutral element."""
        text = LAYER.read_text()
        cases = {
            "empty": text.replace("@causal(%b", "@void(%b").replace(
                "  func.func", '  "dec.mask"() <{sym_name = "void"}> ({}) : () -> ()\n  func.func'),
            "infinite": text.replace("  // document and", """  dec.score @s(%b: index, %h: index, %q: index, %k: index) {
    %x = arith.constant 0x7F800000 : f32
    dec.yield %x : f32
  }
  // document and""").replace("tensor<?xindex>) : tensor<?x48xf32>, tensor<?x48xf32>",
                              "tensor<?xindex>) score @s() : tensor<?x48xf32>, tensor<?x48xf32>"),
            "neutral": text.replace('dec.name = "prefix", dec.neutral = 0.0', 'dec.name = "prefix", dec.neutral = 1.0e10')}
        for name, layer in cases.items():
            with self.subTest(name):
                file = self.dir / f"{name}.mlir"
                file.write_text(layer)
                self.assertNotEqual(layer, text)
                self.refuses(3, [f"{name}.mlir:"], DECANT, "compile", file, "--weights", WEIGHTS, "-o", self.dir / "x")

    def test_segments_must_ascend(self):
        def swap(tensors):
            tensors["segment"][2][3] = 99

        for model, options in ((self.compile(), ()), (LAYER, ("--weights", WEIGHTS, "--reference", "f64"))):
            self.refuses(3, ["segment", "must ascend"], DECANT, "eval", model, "--inputs", self.inputs(swap), "--outputs",
                         self.dir / "out", *options)

    def test_inputs_are_named(self):
        def rename(tensors):
            tensors["segments"] = tensors.pop("segment")

        for model, options in ((self.compile(), ()), (LAYER, ("--weights", WEIGHTS, "--reference", "f64"))):
            self.refuses(3, ["segments", "segment"], DECANT, "eval", model, "--inputs", self.inputs(rename), "--outputs",
                         self.dir / "out", *options)

    def test_unknown_mask(self):
        broken = self.dir / "broken.mlir"
        broken.write_text(LAYER.read_text().replace("@sliding_window(", "@slidin_window("))
        self.refuses(3, ["broken.mlir:", "@slidin_window", "@sliding_window"], DECANT, "compile", broken, "--weights", WEIGHTS,
                     "-o", self.dir / "x")

    def test_scores_and_softcap(self):
        """T5's buckets from a weight, ALiBi, a capped product: compiled against the interpreter."""
        text = LAYER.read_text()
        mask = "mask @mine(%segment, %prefix : tensor<?x?xindex>, tensor<?xindex>)"
        t5 = text.replace("    %o = dec.attention", "    %t = dec.table @buckets : tensor<?x?xf32>\n    %o = dec.attention").replace(
            "  // document and", '  dec.weight @buckets from [#dec.source<"up.weight", 0, 32>] raw : tensor<32x48xf32>\n  // document and')
        t5 = t5.replace("scale 0.25", "scale 0.25 softcap 1.5").replace(mask, mask + " score @t5_bias_causal(%t : tensor<?x?xf32>)")
        alibi = text.replace("  // document and", """  dec.score @slopes(%b: index, %h: index, %q: index, %k: index) {
    %heads = arith.constant 3 : index
    %bias = dec.apply_score @alibi(%b, %h, %q, %k) params(%heads : index)
    dec.yield %bias : f32
  }
  // document and""").replace(mask, mask + " score @slopes()")
        plain = read_safetensors(MODEL / "golden.safetensors")["last_hidden_state"]
        for name, layer in (("t5", t5), ("alibi", alibi)):
            with self.subTest(name):
                file = self.dir / f"{name}.mlir"
                file.write_text(layer)
                expected = self.evaluate(file, INPUTS, "--weights", WEIGHTS, "--reference", "f64")
                self.assert_near(self.evaluate(self.compile(file, name)), expected, 1e-5)
                self.assertGreater(max(abs(a - b) for a, b in zip(expected[2], plain[2])), 1e-2)

    def test_explain(self):
        told = json.loads(self.succeeds(DECANT, "explain", LAYER, "--weights", WEIGHTS, "--json").stdout)
        (mask,) = told["masks"]
        self.assertEqual(mask["name"], "mine")
        self.assertGreater(mask["tiles"][1]["skipped_percent"], 80)


if __name__ == "__main__":
    unittest.main()
