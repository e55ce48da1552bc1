"""Bad model folders: message and exit code of each, and no file left behind."""
import array
import unittest

from harness import DECANT, G2P, GOLDEN, Case, read_safetensors, write_safetensors


class BadModel(Case):
    def setUp(self):
        super().setUp()
        self.model = self.copy_model()
        self.weights = self.model / "model.safetensors"

    def change_tensors(self, change, tweak=None):
        tensors = read_safetensors(self.weights)
        change(tensors)
        write_safetensors(self.weights, tensors, tweak)

    def test_the_unbroken_copy_is_accepted(self):
        self.change_tensors(lambda tensors: None)
        self.succeeds(DECANT, "compile", self.model, "--emit-ir=import")

    def test_no_such_folder(self):
        self.compile_refuses(3, [f"{self.dir}/absent: no such folder"], self.dir / "absent")

    def test_folder_without_config(self):
        (self.model / "config.json").unlink()
        self.compile_refuses(3, ["config.json"], self.model)

    def test_folder_without_weights(self):
        self.weights.unlink()
        self.compile_refuses(3, ["model.safetensors"], self.model)

    def test_broken_json(self):
        (self.model / "config.json").write_text('{"model_type": "bart", ')
        self.compile_refuses(3, ["config.json"], self.model)

    def test_unknown_key(self):
        self.edit_json(self.model / "config.json", lambda config: config.update(quantum_heads=4))
        self.compile_refuses(4, ["config.json", "quantum_heads"], self.model)

    def test_unknown_family(self):
        self.edit_json(self.model / "config.json", lambda config: config.update(model_type="brat"))
        self.compile_refuses(4, ['"brat"', "the nearest is bart"], self.model)

    def test_missing_tensor(self):
        self.change_tensors(lambda tensors: tensors.pop("model.decoder.layers.0.fc1.weight"))
        self.compile_refuses(3, ["model.decoder.layers.0.fc1.weight", "missing"], self.model)

    def test_extra_tensor(self):
        self.change_tensors(lambda tensors: tensors.update(stray=("F32", [1], array.array("f", [0]))))
        self.compile_refuses(3, ['stray'], self.model)

    def test_wrong_shape(self):
        def reshape(tensors):
            dtype, shape, values = tensors["model.decoder.layers.0.fc1.weight"]
            tensors["model.decoder.layers.0.fc1.weight"] = (dtype, shape[::-1], values)
        self.change_tensors(reshape)
        self.compile_refuses(3, ["model.decoder.layers.0.fc1.weight", "1024", "128"], self.model)

    def test_wrong_type(self):
        def retype(tensors):
            _, shape, values = tensors["model.decoder.layers.0.fc1.bias"]
            tensors["model.decoder.layers.0.fc1.bias"] = ("I32", shape, array.array("i", [0] * len(values)))
        self.change_tensors(retype)
        self.compile_refuses(3, ["model.decoder.layers.0.fc1.bias", "I32"], self.model)

    def test_truncated_safetensors(self):
        data = self.weights.read_bytes()
        for length in (0, 7, 100, len(data) // 2, len(data) - 1):
            self.weights.write_bytes(data[:length])
            self.compile_refuses(3, ["model.safetensors"], self.model)

    def test_overlapping_safetensors(self):
        def overlap(header):
            begin, end = header["model.decoder.layers.0.fc2.bias"]["data_offsets"]
            header["model.decoder.layers.0.fc2.bias"]["data_offsets"] = [begin - 4, end - 4]
        self.change_tensors(lambda tensors: None, overlap)
        self.compile_refuses(3, ["model.safetensors", "model.decoder.layers.0.fc2.bias"], self.model)

    def test_context_longer_than_the_model(self):
        self.compile_refuses(6, ["65", "64 positions"], G2P, "--max-context", "65")

    def test_torch_decoder_without_its_layers(self):
        broken = self.dir / "torch"
        broken.mkdir()
        source = GOLDEN / "torch_decoder" / "pre_relu_two_layers"
        for name in ("config.json", "model.safetensors"):
            (broken / name).write_bytes((source / name).read_bytes())
        self.edit_json(broken / "config.json", lambda config: config.update(num_layers=config["num_layers"] + 1))
        self.compile_refuses(3, ["layers.2."], broken)


if __name__ == "__main__":
    unittest.main()
