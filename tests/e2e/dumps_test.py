"""Resuming from the dump of any phase gives the same artifact, byte for byte."""
import unittest

from harness import DECANT, EXE, G2P, GOLDEN, Case

PHASES = ["import", "simplify", "masks", "cache", "fuse", "select", "memory", "emit"]


class Dumps(Case):
    def check(self, model, expected):
        dumps = self.dir / "dumps"
        self.succeeds(DECANT, "compile", model, "-o", self.dir / "whole", f"--dump-phases={dumps}")
        self.assertEqual((self.dir / "whole").read_bytes(), expected)
        names = [f"{number}.{phase}.mlir" for number, phase in enumerate(PHASES, 1)]
        self.assertEqual(sorted(path.name for path in dumps.iterdir()), names)
        for name in names:
            with self.subTest(name):
                self.succeeds(DECANT, "compile", dumps / name, "--weights", model / "model.safetensors", "-o", self.dir / "resumed")
                self.assertEqual((self.dir / "resumed").read_bytes(), expected)

    def test_bundled_model(self):
        self.check(G2P, EXE.read_bytes())

    def test_torch_decoder(self):
        model = GOLDEN / "torch_decoder" / "pre_gelu_per_head"
        self.succeeds(DECANT, "compile", model, "-o", self.dir / "first")
        self.check(model, (self.dir / "first").read_bytes())

    def test_emit_ir_equals_the_dump(self):
        dumps = self.dir / "dumps"
        self.succeeds(DECANT, "compile", G2P, "--emit-ir=emit", f"--dump-phases={dumps}")
        for number, phase in enumerate(PHASES, 1):
            printed = self.succeeds(DECANT, "compile", G2P, f"--emit-ir={phase}").stdout
            self.assertEqual(printed, (dumps / f"{number}.{phase}.mlir").read_text(encoding="utf-8"))

    def test_a_phase_that_is_past(self):
        dumps = self.dir / "dumps"
        self.succeeds(DECANT, "compile", G2P, "--emit-ir=fuse", f"--dump-phases={dumps}")
        self.refuses(2, ["is past that phase"], DECANT, "compile", dumps / "5.fuse.mlir", "--weights", G2P / "model.safetensors",
                     "--emit-ir=masks")


if __name__ == "__main__":
    unittest.main()
