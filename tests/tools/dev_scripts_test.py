"""tools/dev/include-direction, tree-rules and sizes on small trees and binaries made here: each rule is broken once."""
import json
import pathlib
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).parents[2]


def run(script, *args):
    return subprocess.run([ROOT / "tools/dev" / script, *args], capture_output=True, text=True, check=False)


class TreeCase(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = pathlib.Path(self.folder.name)

    def write(self, name, text):
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_text(text, encoding="utf-8")


class IncludeDirection(TreeCase):
    def refused(self, name, text, *expected):
        self.write(name, text)
        result = run("include-direction", self.root)
        self.assertEqual(result.returncode, 1, result.stdout)
        for part in (name, *expected):
            self.assertIn(part, result.stderr)

    def accepted(self, name, text):
        self.write(name, text)
        result = run("include-direction", self.root)
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_allowed(self):
        self.write("compiler/config/Errors.h", '#include "llvm/Support/Error.h"\n')
        self.accepted("compiler/weights/W.cpp", '#include "compiler/config/Errors.h"\n#include <vector>\n')

    def test_room_against_the_flow(self):
        self.write("compiler/passes/P.h", "")
        self.refused("compiler/config/C.cpp", '#include "compiler/passes/P.h"\n', "compiler/config may include")

    def test_generated_header_counts(self):
        self.refused("compiler/config/C.cpp", '#include "compiler/dialect/DecOps.h.inc"\n', "compiler/config may include")

    def test_relative_include_counts(self):
        self.write("compiler/passes/P.h", "")
        self.refused("compiler/dialect/D.cpp", '#include "../passes/P.h"\n', "compiler/dialect may include")

    def test_mlir_outside_its_rooms(self):
        self.refused("compiler/weights/W.cpp", '#include "mlir/IR/Builders.h"\n', "compiler/weights may use only")

    def test_runtime_takes_no_compiler_and_no_libstdcxx(self):
        self.write("compiler/text/T.h", "")
        self.refused("runtime/core/a.cpp", '#include "compiler/text/T.h"\n', "runtime may include")
        self.refused("runtime/core/a.cpp", "#include <vector>\n", "linked without libstdc++")
        self.refused("runtime/core/a.cpp", "#include <fmt/format.h>\n", "runtime may use only")
        self.accepted("runtime/core/a.cpp", "#include <cstring>\n#include <sys/mman.h>\n")

    def test_nothing_includes_tools_or_tests(self):
        self.write("tools/decant/Cli.h", "")
        self.refused("compiler/artifact/A.cpp", '#include "tools/decant/Cli.h"\n', "compiler/artifact may include")

    def test_halide_and_mlir_never_meet(self):
        self.write("schedules/Kernel.h", '#include "Halide.h"\n')
        self.refused("compiler/codegen/G.cpp", '#include "schedules/Kernel.h"\n#include "mlir/IR/Builders.h"\n', "both Halide.h and an mlir/")

    def test_unknown_room(self):
        self.refused("compiler/new/N.cpp", "", "no room")

    def test_empty_tree(self):
        self.assertEqual(run("include-direction", self.root).returncode, 1)


class TreeRules(TreeCase):
    def setUp(self):
        super().setUp()
        self.write("compiler/config/README.md", "config\n")
        self.write("compiler/config/C.cpp", "int x;\n" * 400)

    def test_good(self):
        result = run("tree-rules", self.root)
        self.assertEqual((result.returncode, result.stderr), (0, ""))

    def test_missing_readme(self):
        self.write("compiler/text/T.cpp", "")
        result = run("tree-rules", self.root)
        self.assertEqual(result.returncode, 1)
        self.assertIn("compiler/text: no README.md", result.stderr)

    def test_long_readme(self):
        self.write("compiler/config/README.md", "line\n" * 31)
        self.assertIn("31 lines", run("tree-rules", self.root).stderr)

    def test_long_files(self):
        self.write("compiler/config/C.cpp", "int x;\n" * 600)
        result = run("tree-rules", self.root)
        self.assertEqual(result.returncode, 0)
        self.assertIn("C.cpp: 600 lines, over 400", result.stdout)
        self.write("compiler/config/C.cpp", "int x;\n" * 601)
        result = run("tree-rules", self.root)
        self.assertEqual(result.returncode, 1)
        self.assertIn("C.cpp: 601 lines; split it", result.stderr)


class Sizes(TreeCase):
    def test_binary(self):
        self.write("a.c", "char dec_norm_f32_0__x[5000] = {1};\nint dec_norm_f32_0__x_argv(void) { return dec_norm_f32_0__x[1]; }\n"
                          "char other[300] = {1};\nint main(void) { return other[2]; }\n")
        binary = self.root / "a.out"
        subprocess.run(["cc", "-o", binary, self.root / "a.c"], check=True)
        with open(binary, "ab") as out:
            out.write(bytes(1000))
        result = run("sizes", "--json", binary)
        self.assertEqual(result.returncode, 0, result.stderr)
        sizes = json.loads(result.stdout)
        self.assertEqual(sizes["file_bytes"], binary.stat().st_size)
        self.assertGreaterEqual(sizes["kernel_bytes"], 5000)
        self.assertLess(sizes["kernel_bytes"], 5200)
        self.assertGreaterEqual(sizes["after_elf_bytes"], 1000)
        self.assertEqual(sizes["text_bytes"] + sizes["data_bytes"], sizes["kernel_bytes"] + sizes["other_bytes"])

    def test_no_elf(self):
        self.write("x", "text")
        result = run("sizes", self.root / "x")
        self.assertEqual(result.returncode, 3)
        self.assertIn("not an ELF file", result.stderr)


if __name__ == "__main__":
    unittest.main()
