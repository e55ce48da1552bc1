// The module tables as an object file: section .decant.tables, the kernel pointers, symbol decant_module.
#pragma once

#include "compiler/artifact/Tables.h"

namespace decant {

/// Writes an x86-64 ELF object to `path`. `kernelSymbols`: targets x kernels, in the order of the kernel table.
llvm::Error writeTablesObject(const ModuleTables &tables, const std::vector<std::string> &kernelSymbols,
                              const std::string &path);

} // namespace decant
