// An open module: checked tables, mapped weights, the kernels of the chosen target. Immutable after
// decant_model_open().
#pragma once

#include "runtime/core/array.h"
#include "runtime/core/tables.h"
#include "runtime/include/decant.h"

struct decant_model {
  decant::rt::Tables tables;
  const decant_kernel *kernels = nullptr; ///< of the chosen target, kernelsPerTarget() of them
  uint32_t target = 0;
  uint64_t inputs[DECANT_ENTRY_KINDS] = {}; ///< bit i: the entry reads decant_input i
  uint64_t file_bytes = 0;

  const uint8_t *mapped = nullptr; ///< the whole file, read-only; owned
  const uint8_t *weights = nullptr;
  void *library = nullptr;                                            ///< of dlopen, or nullptr; owned
  decant::rt::Array<char> name, target_name, dtype, compiler_version; ///< NUL-terminated

  ~decant_model();
  bool uses(uint32_t entry, uint32_t input) const { return inputs[entry] >> input & 1; }
  const decant_tables_header &header() const { return tables.header(); }
};

namespace decant::rt {
/// Sets model.inputs from its tables.
void findInputs(decant_model &model);
} // namespace decant::rt
