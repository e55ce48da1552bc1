"""The artifact as a file and as a program: what it needs, what it is, and how it refuses a bad place or a bad file."""
import json
import os
import pathlib
import resource
import shutil
import signal
import struct
import subprocess
import time
import unittest

from harness import DECANT, EXE, G2P, GOLDEN, LIB, Case, run

HEADER_ABI = 8  # byte of the ABI number behind the magic, in tables and trailer


class Artifact(Case):
    def patched(self, source, change):
        """A copy of an artifact with changed bytes."""
        data = bytearray(source.read_bytes())
        change(data)
        path = self.dir / "patched"
        path.write_bytes(data)
        path.chmod(0o755)
        return path

    def test_pronounces(self):
        for command in ([EXE], [DECANT, "run", EXE], [DECANT, "run", LIB]):
            self.assertEqual(self.succeeds(*command, "transformer", "decoder").stdout.count("\n"), 2)
            self.assertEqual(self.succeeds(*command, "washbasin").stdout, "wˈɔʃbəsˌɪn\n")
            self.assertEqual(self.succeeds(*command, stdin="washbasin\n").stdout, "wˈɔʃbəsˌɪn\n")

    def test_program_and_library_take_the_same_options(self):
        for arguments in (["--ids", "1 24 50 2", "--num-beams", "4", "--scores"], ["--json", "word"], ["--help"]):
            outputs = {run(*command, *arguments).stdout.replace(str(LIB), str(EXE))
                       for command in ([EXE], [DECANT, "run", EXE], [DECANT, "run", LIB])}
            self.assertEqual(len(outputs), 1, outputs)

    def test_needs_libc_and_libm_alone(self):
        for artifact in (EXE, LIB):
            dynamic = self.succeeds("readelf", "-d", artifact).stdout
            needed = {line.split("[")[1].split("]")[0] for line in dynamic.splitlines() if "(NEEDED)" in line}
            self.assertLessEqual(needed, {"libc.so.6", "libm.so.6"})
        loaded = {line.split()[0].split("/")[-1].split(".")[0] for line in self.succeeds("ldd", EXE).stdout.splitlines()}
        self.assertLessEqual(loaded, {"linux-vdso", "libc", "libm", "ld-linux-x86-64"})

    def test_size(self):
        self.assertLessEqual(EXE.stat().st_size, 6_000_000)

    def test_moves_away_from_model_and_compiler(self):
        path = self.dir / "moved"
        shutil.copy2(EXE, path)
        result = subprocess.run([path, "washbasin"], capture_output=True, text=True, env={}, cwd="/")
        self.assertEqual((result.returncode, result.stdout), (0, "wˈɔʃbəsˌɪn\n"))

    def test_inspect(self):
        for artifact, kind in ((EXE, "executable"), (LIB, "library")):
            told = json.loads(self.succeeds(DECANT, "inspect", artifact, "--json").stdout)
            self.assertEqual((told["file"], told["kind"], told["vocab"], told["max_context"]), (kind, "encoder-decoder", 63, 64))
            self.assertEqual(told["sizes"]["artifact_bytes"], artifact.stat().st_size)
            self.assertTrue(all(kernel["symbol"].startswith("dec_") for kernel in told["kernels"]))
            self.assertEqual({cache["kind"] for cache in told["caches"]}, {"self", "cross", "local"})
            self.assertTrue(all(cache["bytes_per_slot_at_most"] == 64 * cache["bytes_per_token"]
                                for cache in told["caches"] if cache["kind"] != "local"))
            self.assertTrue(any("(le k q)" in mask for mask in told["masks"]))
            self.assertGreater(told["memory"]["self_cache_bytes_per_token"], 0)
        self.assertIn("kind: encoder-decoder", self.succeeds(DECANT, "inspect", EXE).stdout)

    def test_another_abi(self):
        def newer(data):
            at = data.index(b"DECANTM\0") + HEADER_ABI
            data[at:at + 4] = struct.pack("<I", 99)
        path = self.patched(EXE, newer)
        abi = json.loads(self.succeeds(EXE, "--info", "--json").stdout)["abi"]
        sentence = f"made for module ABI 99, this runtime knows up to {abi}: update the runtime"
        self.refuses(5, [sentence], path, "word")
        self.refuses(5, [sentence], DECANT, "inspect", path)
        self.refuses(5, [sentence], DECANT, "run", self.patched(LIB, newer), "word")

    def test_truncated(self):
        for length in (100, EXE.stat().st_size // 2, EXE.stat().st_size - 1):
            path = self.patched(EXE, lambda data: data.__delitem__(slice(length, None)))
            self.refuses(3, [str(path)], DECANT, "inspect", path)
            self.refuses(3, [str(path)], DECANT, "run", path, "word")

    def test_damaged_tables(self):
        def flip(data):
            data[data.index(b"DECANTM\0") + 400] ^= 1
        path = self.patched(EXE, flip)
        self.refuses(3, ["damaged"], DECANT, "inspect", path)
        self.refuses(3, ["damaged"], path, "word")

    def test_damaged_weights(self):
        def flip(data):
            data[-1000] ^= 1
        self.refuses(3, ["checksum of the weights does not match"], self.patched(EXE, flip), "--verify", "word")

    def test_not_an_artifact(self):
        for other in (pathlib.Path("/bin/sh"), G2P / "config.json"):
            self.refuses(3, ["not a decant module"], DECANT, "inspect", other)
            self.refuses(3, ["not a decant module"], DECANT, "run", other)
        self.refuses(3, ["/absent: "], DECANT, "run", self.dir / "absent")

    def test_missing_cpu_feature(self):
        for command in ([EXE], [DECANT, "run", LIB]):
            self.refuses(5, ["needs the CPU feature avx, which this machine lacks"], *command, "word",
                         env={"DECANT_CPU_FEATURES": "sse2"})

    def test_unknown_character(self):
        model = self.copy_model()
        self.edit_json(model / "g2p_vocab.json", lambda vocab: vocab["special_tokens"].pop("<unk>"))
        self.succeeds(DECANT, "compile", model, "-o", self.dir / "strict")
        self.refuses(3, ["ß"], self.dir / "strict", "straße")
        self.succeeds(self.dir / "strict", "strand")

    def test_input_longer_than_the_model(self):
        self.refuses(6, ["64"], EXE, "a" * 100)

    def test_a_bad_line_of_stdin_ends_the_work_after_those_before_it(self):
        for bad, sentence, code in (("1 b", 'line 2: expected token ids', 3), ("1 24x", "line 2: expected token ids", 3),
                                    ("1 2\0", "line 2: a NUL byte", 3), ("", "line 2: no token ids", 3),
                                    ("1 9999", "line 2: token id 9999 is outside the vocabulary of 63", 3),
                                    ("1 " * 100, "line 2: 100 tokens are more than the maximum of 64", 6)):
            result = run(EXE, "--ids", "-", stdin=f"1 24 50 2\n{bad}\n1 24 50 2\n")
            self.assertEqual((result.returncode, result.stdout.count("\n")), (code, 1), result.stderr)
            self.assertIn(sentence, result.stderr)
        result = run(EXE, stdin="a" * (3 << 20))
        self.assertEqual((result.returncode, result.stdout), (3, ""))
        self.assertIn("line 1: longer than the maximum of 1048576 bytes", result.stderr)

    def test_lines_are_counted_over_all_reads(self):
        process = subprocess.Popen([EXE, "--ids", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        process.stdin.write("1 24 50 2\n")
        process.stdin.flush()
        self.assertTrue(process.stdout.readline())
        out, err = process.communicate("1 24 2\nx\n", timeout=60)
        self.assertEqual((process.returncode, out.count("\n")), (3, 1))
        self.assertIn("line 3: ", err)

    def test_full_disk_of_stdout(self):
        for arguments in (["--info"], ["--version"], ["--help"], ["word"]):
            with open("/dev/full", "w") as full:
                process = subprocess.run([EXE, *arguments], stdout=full, stderr=subprocess.PIPE, text=True)
            self.assertEqual((process.returncode, process.stderr), (6, "cannot write to standard output\n"), arguments)

    def test_not_executable(self):
        path = self.patched(EXE, lambda data: None)
        path.chmod(0o644)
        tensors = GOLDEN / "g2p" / "inputs.safetensors"
        for command in (["run", path, "word"], ["eval", path, "--inputs", tensors, "--outputs", self.dir / "out"]):
            self.refuses(5, ["cannot be executed: Permission denied"], DECANT, *command)

    def test_a_score_that_is_not_finite_is_null(self):
        told = json.loads(self.succeeds(EXE, "--json", "--length-penalty=-1000", "word").stdout)
        self.assertIsNone(told["score"])

    def test_fifo(self):
        path = self.dir / "fifo"
        os.mkfifo(path)
        for command in (["inspect", path], ["run", path], ["eval", path, "--inputs", GOLDEN / "g2p" / "inputs.safetensors", "--outputs", "x"]):
            self.refuses(3, ["fifo: not a decant module"], DECANT, *command)

    def test_two_targets_in_one_file(self):
        both = self.dir / "both"
        self.succeeds(DECANT, "compile", G2P, "-o", both, "--target", "x86-64-v4,x86-64-v3")
        told = json.loads(self.succeeds(DECANT, "inspect", both, "--json").stdout)
        self.assertEqual([target["name"] for target in told["targets"]], ["x86-64-v3", "x86-64-v4"])
        result = self.succeeds(both, "washbasin", env={"DECANT_TARGET": "x86-64-v3"})
        self.assertEqual(result.stdout, "wˈɔʃbəsˌɪn\n")

    def test_no_linker(self):
        self.compile_refuses(5, ["DECANT_LINKER names /nonexistent/ld.lld, which is no program"], G2P,
                             env={"DECANT_LINKER": "/nonexistent/ld.lld"})

    def test_report(self):
        result = self.succeeds(DECANT, "compile", G2P, "-o", self.dir / "x", "--report")
        for row in ("import", "memory", "kernels built", "from cache", "artifact", "total"):
            self.assertIn(row, result.stderr)
        self.assertEqual(result.stdout, "")

    def test_says_nothing_without_a_terminal(self):
        result = self.succeeds(DECANT, "compile", G2P, "-o", self.dir / "x")
        self.assertEqual(result.stdout + result.stderr, "")

    def test_compiles_to_the_same_bytes(self):
        for artifact in (EXE, LIB):
            again = self.dir / artifact.name
            self.succeeds(DECANT, "compile", G2P, "-o", again)
            self.assertEqual(again.read_bytes(), artifact.read_bytes())


class Interruptions(Case):
    def test_file_size_limit_leaves_no_partial_file(self):
        """What a full disk looks like to a program: write() fails. The old artifact stays."""
        out = self.dir / "out"
        out.mkdir()
        (out / "artifact").write_text("old")

        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))
        result = run(DECANT, "compile", G2P, "-o", out / "artifact", preexec_fn=limit)
        self.assertEqual(result.returncode, 6, result.stderr)
        self.assertIn("decant: error: ", result.stderr)
        self.assertEqual([path.name for path in out.iterdir()], ["artifact"])
        self.assertEqual((out / "artifact").read_text(), "old")

    def test_full_disk_leaves_no_partial_file(self):
        """A real one: 1 MiB of tmpfs in a mount namespace of its own."""
        disk = self.dir / "disk"
        disk.mkdir()
        script = (f"mount -t tmpfs -o size=1m tmpfs '{disk}' && '{DECANT}' compile '{G2P}' -o '{disk}/artifact'; "
                  f"code=$?; ls -A '{disk}'; exit $code")
        probe = run("unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", disk)
        if probe.returncode != 0:
            self.skipTest("no mount namespaces here: " + probe.stderr.strip())
        result = run("unshare", "-rm", "sh", "-c", script)
        self.assertEqual(result.returncode, 6, result.stderr)
        self.assertIn("No space left on device", result.stderr)
        self.assertEqual(result.stdout, "")

    def test_interrupt_cleans_up(self):
        out, scratch = self.dir / "out", self.dir / "scratch"
        out.mkdir()
        scratch.mkdir()
        process = subprocess.Popen([DECANT, "compile", str(G2P), "-o", str(out / "artifact"), "--no-cache"],
                                   env={**os.environ, "TMPDIR": str(scratch)}, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 60
        while not any(scratch.iterdir()) and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertTrue(any(scratch.iterdir()), "the compiler works in TMPDIR")
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(timeout=60), 130)
        self.assertEqual(process.stderr.read(), b"")
        process.stderr.close()
        self.assertEqual(list(out.iterdir()) + list(scratch.iterdir()), [])


if __name__ == "__main__":
    unittest.main()
