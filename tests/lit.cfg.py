# lit: .mlir and .test files, one subject each. Tools of this build and of LLVM stand on the PATH of a test by their names
# (decant-opt, decant, FileCheck, not, split-file, diff); %models and %golden are data folders; features are CPU flags.
import os

import lit.formats

config.name = "decant"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["models", "golden", "Inputs"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = config.decant_test_exec_root

config.environment["PATH"] = os.pathsep.join([config.decant_tools_dir, config.llvm_tools_dir, os.environ["PATH"]])
config.environment["NO_COLOR"] = "1"
# A kernel cache of this build: tests share it, and leave the user's alone.
config.environment["XDG_CACHE_HOME"] = os.path.join(config.decant_test_exec_root, "cache")
config.substitutions += [
    ("%models", os.path.join(config.test_source_root, "models")),
    ("%golden", os.path.join(config.test_source_root, "golden")),
    ("%root", config.decant_source_dir),
]


def cpu_features():
    """What the running CPU can do, of the flags that tests ask for."""
    wanted = {"avx2": "avx2", "avx512f": "avx512", "avx512_bf16": "avx512bf16", "amx_tile": "amx"}
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as info:
            flags = next((line.split() for line in info if line.startswith("flags")), [])
    except OSError:
        flags = []
    return {name for flag, name in wanted.items() if flag in flags}


config.available_features |= cpu_features()
