"""The command line itself: help, version, wrong words, wrong combinations."""
import json
import unittest

from harness import DECANT, G2P, Case, run


class Usage(Case):
    def test_help_opens_with_examples(self):
        for command in ([], ["compile"], ["run"], ["eval"], ["inspect"], ["explain"]):
            texts = {self.succeeds(DECANT, *command, flag).stdout for flag in ("--help", "-h")}
            self.assertEqual(len(texts), 1)
            self.assertTrue(texts.pop().startswith("Examples:\n  decant "), command)

    def test_version(self):
        self.assertRegex(self.succeeds(DECANT, "--version").stdout, r"^decant \d+\.\d+\.\d+\n$")

    def test_full_disk_of_stdout(self):
        for flag in ("--help", "--version"):
            result = run("sh", "-c", f"'{DECANT}' {flag} > /dev/full")
            self.assertEqual((result.returncode, result.stderr), (6, "decant: error: cannot write to standard output\n"))

    def test_no_command(self):
        self.refuses(2, ["a command is missing"], DECANT)

    def test_unknown_command_names_the_nearest(self):
        self.refuses(2, ['unknown command "comple"; did you mean compile?'], DECANT, "comple", "x")

    def test_unknown_option_names_the_nearest(self):
        self.refuses(2, ["unknown option --taget; did you mean --target?"], DECANT, "compile", G2P, "-o", "x", "--taget", "host")

    def test_later_commands(self):
        for command in ("bench", "tune"):
            self.refuses(4, [f"decant {command} comes with a later version"], DECANT, command, "x")

    def test_missing_output(self):
        self.refuses(2, ["-o OUT is missing"], DECANT, "compile", G2P)

    def test_missing_value(self):
        self.refuses(2, ["--max-batch"], DECANT, "compile", G2P, "-o", "x", "--max-batch")

    def test_one_argument_too_many(self):
        self.refuses(2, ['unexpected argument "second"'], DECANT, "compile", G2P, "second", "-o", "x")

    def test_targets(self):
        self.compile_refuses(2, ["--target x86-64-v5", "did you mean x86-64-v"], G2P, "--target", "x86-64-v5")
        for later in ("zen4", "sapphirerapids", "aarch64", "opencl", "cuda"):
            self.compile_refuses(4, [f"--target {later}: not in this version; known are host, x86-64-v3, x86-64-v4"], G2P,
                                 "--target", later)

    def test_empty_targets(self):
        for targets in ("", ",", "host,,x86-64-v3"):
            self.compile_refuses(2, ["--target: an empty "], G2P, "--target", targets)

    def test_ranges(self):
        arguments = ["--inputs", "a", "--outputs", "b"]
        for option, value, words in (("--threads", "257", ["eval", "x", *arguments]), ("--max-context", "1.5", ["compile", G2P, "-o", "x"]),
                                     ("--max-context", "0", ["compile", G2P, "-o", "x"]), ("--max-batch", "65537", ["compile", G2P, "-o", "x"])):
            self.refuses(2, [option], DECANT, *words, option, value)

    def test_inspect_bad_ir_is_bad_input(self):
        path = self.dir / "x.mlir"
        text = self.succeeds(DECANT, "compile", G2P, "--emit-ir=import").stdout
        path.write_text(text.replace('dec.phase = "import"', 'dec.phase = "nonsense"'))
        result = self.refuses(3, ["decant: error: "], DECANT, "inspect", path, "--weights", G2P / "model.safetensors")
        self.assertNotIn("see current operation", result.stderr)

    def test_dtypes(self):
        self.compile_refuses(4, ["--dtype int8: not in this version; known is f32"], G2P, "--dtype", "int8")
        self.compile_refuses(2, ["--dtype f23", "did you mean f32?"], G2P, "--dtype", "f23")

    def test_emit(self):
        self.compile_refuses(2, ["--emit dll: expected exe or lib"], G2P, "--emit", "dll")

    def test_unknown_phase(self):
        self.refuses(2, ["--emit-ir=mask: no such phase; did you mean masks?"], DECANT, "compile", G2P, "--emit-ir=mask")

    def test_output_onto_an_input(self):
        model = self.copy_model()
        before = (model / "model.safetensors").read_bytes()
        self.refuses(2, ["this is an input; choose another file"], DECANT, "compile", model, "-o", model / "model.safetensors")
        self.assertEqual((model / "model.safetensors").read_bytes(), before)

    def test_mlir_without_weights(self):
        path = self.dir / "x.mlir"
        path.write_text("module {}\n")
        self.compile_refuses(2, [str(path), "add --weights W.safetensors"], path)

    def test_weights_for_a_folder(self):
        self.compile_refuses(2, ["--weights goes with a .mlir file"], G2P, "--weights", G2P / "model.safetensors")

    def test_broken_mlir_names_the_line(self):
        path = self.dir / "x.mlir"
        path.write_text("module {\n  dec.nonsense\n}\n")
        self.compile_refuses(3, [f"{path}:2:3: "], path, "--weights", G2P / "model.safetensors")

    def test_emit_ir_writes_ir_alone(self):
        for phase in ("import", "memory"):
            text = self.succeeds(DECANT, "compile", G2P, f"--emit-ir={phase}").stdout
            self.assertIn(f'dec.phase = "{phase}"', text)

    def test_closed_stdout_is_a_quiet_end(self):
        result = run("bash", "-c", f"set -o pipefail; '{DECANT}' compile '{G2P}' --emit-ir=emit | head -c 1")
        self.assertEqual((result.returncode, result.stderr), (0, ""))

    def test_inspect_a_model(self):
        told = json.loads(self.succeeds(DECANT, "inspect", G2P, "--json").stdout)
        self.assertEqual(told["config"]["model_type"], "bart")
        self.assertEqual(told["max_context"], 64)
        self.assertEqual({cache["kind"] for cache in told["caches"]}, {"self", "cross", "local"})
        self.assertTrue(any("arith.cmpi" in mask for mask in told["masks"]))
        self.assertIn("model_type: bart", self.succeeds(DECANT, "inspect", G2P).stdout)


if __name__ == "__main__":
    unittest.main()
