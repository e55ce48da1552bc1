"""A CTranslate2 model.bin (version 6, little-endian) -> {name: array}. The caller has checked the file's SHA-256.

    u32 version, string spec, u32 revision, u32 variables; per variable: string name, u8 rank, u32 sizes, u8 type,
    u32 bytes, the data; u32 aliases; per alias: string alias, string name

A string is a u16 length, which counts the closing zero byte, and its bytes.
"""
import struct

TYPES = {0: "<f4", 1: "<i1", 2: "<i2", 3: "<i4", 4: "<f2"}


def read(np, data, spec):
    at = 0

    def number(code):
        nonlocal at
        (value,) = struct.unpack_from("<" + code, data, at)
        at += struct.calcsize("<" + code)
        return value

    def string():
        nonlocal at
        length = number("H")
        at += length
        return data[at - length:at - 1].decode()

    found = number("I"), string()
    if found != (6, spec):
        raise ValueError(f"model.bin: version and spec are {found}, expected (6, {spec})")
    number("I")  # the spec's revision
    variables = {}
    for _ in range(number("I")):
        name = string()
        shape = [number("I") for _ in range(number("B"))]
        dtype = np.dtype(TYPES[number("B")])
        size = number("I")
        variables[name] = np.frombuffer(data, dtype, size // dtype.itemsize, at).reshape(shape)
        at += size
    return variables
