"""A GGUF file (version 3, little-endian) -> its metadata and its tensors as float32. What SmolLM2's file uses, no more:

    "GGUF", u32 version, u64 tensors, u64 pairs; per pair: string key, u32 type, value (an array: u32 type, u64 length, values)
    per tensor: string name, u32 rank, u64 sizes (fastest axis first), u32 type, u64 offset; then, aligned to 32 bytes, the data

A string is a u64 length and its bytes. Blocks of 32 values: Q8_0 is f16 scale d, 32 i8 q: d q. Q4_1 is f16 d, f16 least m,
16 bytes whose low halves are values 0..15 and high halves 16..31: d q + m. The caller has checked the file's SHA-256.
"""
import struct

NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
STRING, ARRAY, ALIGNMENT, BLOCK = 8, 9, 32, 32
F32, Q4_1, Q8_0 = 0, 3, 8


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def number(self, code):
        (value,) = struct.unpack_from("<" + code, self.data, self.at)
        self.at += struct.calcsize("<" + code)
        return value

    def string(self):
        length = self.number("Q")
        self.at += length
        return self.data[self.at - length:self.at].decode()

    def value(self, kind):
        if kind == STRING:
            return self.string()
        if kind == ARRAY:
            element, length = self.number("I"), self.number("Q")
            return [self.value(element) for _ in range(length)]
        return self.number(NUMBERS[kind])


def dequantise(np, data, offset, kind, shape):
    count = int(np.prod(shape))
    blocks = count // BLOCK
    if kind == F32:
        return np.frombuffer(data, "<f4", count, offset).reshape(shape)
    if kind == Q8_0:
        raw = np.frombuffer(data, np.dtype([("d", "<f2"), ("q", "i1", 32)]), blocks, offset)
        return (raw["d"].astype(np.float32)[:, None] * raw["q"].astype(np.float32)).reshape(shape)
    if kind == Q4_1:
        raw = np.frombuffer(data, np.dtype([("d", "<f2"), ("m", "<f2"), ("q", "u1", 16)]), blocks, offset)
        values = np.concatenate([raw["q"] & 15, raw["q"] >> 4], axis=1).astype(np.float32)
        return (raw["d"].astype(np.float32)[:, None] * values + raw["m"].astype(np.float32)[:, None]).reshape(shape)
    raise ValueError(f"tensor type {kind}")


def read(np, data):
    """(metadata {key: value}, tensors {name: float32 array})"""
    reader = Reader(data)
    if (data[:4], struct.unpack_from("<I", data, 4)[0]) != (b"GGUF", 3):
        raise ValueError("not a GGUF file of version 3")
    reader.at = 8
    tensors, pairs = reader.number("Q"), reader.number("Q")
    metadata = {}
    for _ in range(pairs):
        key = reader.string()
        metadata[key] = reader.value(reader.number("I"))
    found = []
    for _ in range(tensors):
        name = reader.string()
        shape = tuple(reversed([reader.number("Q") for _ in range(reader.number("I"))]))
        found.append((name, shape, reader.number("I"), reader.number("Q")))
    start = -(-reader.at // ALIGNMENT) * ALIGNMENT
    return metadata, {name: dequantise(np, data, start + offset, kind, shape) for name, shape, kind, offset in found}
