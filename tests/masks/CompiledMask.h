// One mask, written in the dialect, and what becomes of it: the interpreter's attention and the spec of the kernel.
#pragma once

#include "tests/masks/AttentionRunner.h"

#include "compiler/reference/Interpreter.h"

#include "mlir/IR/MLIRContext.h"

#include <string>

namespace decant::test {

/// The phases import to masks of a model whose only attention has this mask; params(%len, %prefix, %segment, %keep).
class CompiledMask {
public:
  /// `body`: the mask's region, which yields. Throws std::runtime_error if the phases fail.
  CompiledMask(mlir::MLIRContext &context, const std::string &body, const std::string &name = "mask");

  /// KernelSpec text without its row class. ranges = false: visits everything, knows nothing as full.
  std::string spec(const AttentionData &data, bool ranges = true) const;
  /// The f64 interpreter on the model as it was written.
  std::vector<double> reference(mlir::MLIRContext &context, const AttentionData &data) const;
  std::string mask, visit, full; ///< MaskExpr and KeyRanges texts

private:
  std::string text, params;
};

/// A context with the dialects that masks use.
class MaskContext : public mlir::MLIRContext {
public:
  MaskContext();
};

/// Random q, k, v; lengths n - 3 (at least 1), prefixes n / 3, three documents a sequence, holes in keep.
AttentionData makeData(std::vector<int> lengths, int heads, int kvHeads, int block, unsigned seed);

} // namespace decant::test
