// Mask parameters of `decant eval`, by the names that the model gives them. Tested in tests/runtime and tests/e2e.
#pragma once

#include "runtime/core/eval.h"
#include "runtime/core/session.h"

namespace decant::rt {

/// The inputs that name a parameter of the model, converted to the types that kernels read. Owns the converted data.
class EvalParams {
public:
  EvalParams() = default;
  EvalParams(const EvalParams &) = delete;
  EvalParams &operator=(const EvalParams &) = delete;
  ~EvalParams();

  /// INVALID_ARGUMENT: a parameter of another rank or type (index: I32 or I64; boolean: BOOL, or 0 and 1 of I32 or I64;
  /// float: F32 or F64), or a number beyond 32 bits.
  decant_status collect(const decant_session &session, std::span<const RawTensor> inputs, const Message &message);
  /// For the steps: dense, row-major.
  std::span<const decant_mask> masks() const { return {list.data(), list.size()}; }

private:
  decant_status convert(const decant_param &param, const char *name, const RawTensor &tensor, const Message &message);

  Array<decant_mask> list;
  Array<void *> memory; ///< of malloc
};

} // namespace decant::rt
