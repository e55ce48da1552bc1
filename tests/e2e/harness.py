"""What the end-to-end tests share: running decant, reading and writing safetensors, broken copies of a model.

The build's bin folder and the two compiled artifacts come from the environment (CMakeLists.txt). Standard library only.
"""
import array
import json
import os
import pathlib
import shutil
import struct
import subprocess
import tempfile
import unittest

TESTS = pathlib.Path(__file__).resolve().parents[1]
G2P = TESTS / "models" / "g2p-bart-en-us"
GOLDEN = TESTS / "golden"
DECANT = os.environ["DECANT"]
ARTIFACTS = pathlib.Path(os.environ["DECANT_E2E_ARTIFACTS"])  # g2p and g2p.so, made by the test e2e-compile
EXE, LIB = ARTIFACTS / "g2p", ARTIFACTS / "g2p.so"

CODES = {"F32": "f", "F64": "d", "I32": "i", "I64": "q", "BOOL": "B", "U8": "B"}


def run(*arguments, env=None, stdin=None, cwd=None, **options):
    """The finished process, texts decoded."""
    return subprocess.run([str(a) for a in arguments], capture_output=True, text=True, input=stdin, cwd=cwd,
                          env={**os.environ, **(env or {})}, timeout=900, **options)


def read_safetensors(path):
    """{name: (dtype, shape, array of values)}"""
    data = pathlib.Path(path).read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    tensors = {}
    for name, info in json.loads(data[8:8 + length]).items():
        if name != "__metadata__":
            begin, end = info["data_offsets"]
            values = array.array(CODES[info["dtype"]])
            values.frombytes(data[8 + length + begin:8 + length + end])
            tensors[name] = (info["dtype"], info["shape"], values)
    return tensors


def write_safetensors(path, tensors, tweak=None):
    """tensors: {name: (dtype, shape, array)}. tweak(header) may change the header before it is written."""
    header, blobs, offset = {}, [], 0
    for name, (dtype, shape, values) in tensors.items():
        blob = values.tobytes()
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [offset, offset + len(blob)]}
        blobs.append(blob)
        offset += len(blob)
    if tweak:
        tweak(header)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    pathlib.Path(path).write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def read_jsonl(path):
    return [json.loads(line) for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines()]


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.dir = pathlib.Path(folder.name)

    def copy_model(self, source=G2P):
        """A copy that the test may break."""
        target = self.dir / "model"
        target.mkdir()
        for file in source.iterdir():
            if not file.name.startswith("reference"):
                shutil.copyfile(file, target / file.name)
        return target

    def edit_json(self, path, change):
        value = json.loads(path.read_text())
        change(value)
        path.write_text(json.dumps(value))

    def succeeds(self, *arguments, **options):
        result = run(*arguments, **options)
        self.assertEqual(result.returncode, 0, f"{arguments}\n{result.stderr}")
        return result

    def refuses(self, code, texts, *arguments, **options):
        """Ends with `code`; stderr is a message that holds every one of `texts`, stdout is empty."""
        result = run(*arguments, **options)
        self.assertEqual(result.returncode, code, f"{arguments}\n{result.stdout}{result.stderr}")
        self.assertEqual(result.stdout, "")
        for text in texts:
            self.assertIn(text, result.stderr)
        return result

    def compile_refuses(self, code, texts, model, *arguments, **options):
        """Besides, no file is left behind beside the output."""
        out = self.dir / "out"
        out.mkdir(exist_ok=True)
        result = self.refuses(code, ["decant: error: ", *texts], DECANT, "compile", model, "-o", out / "artifact", *arguments, **options)
        self.assertEqual(result.stderr.count("decant: error:"), 1)
        self.assertEqual(list(out.iterdir()), [])
