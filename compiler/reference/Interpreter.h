// The oracle of every later phase: dec IR, op by op, in f32 or f64, with plain loops and sums in order.
//
// Knows phases import to quantize (dec.* in func.func entries). Caches live in the interpreter, across calls; sequence
// b of a call is sequence b of the caches. Tested in tests/reference against PyTorch and by hand-written numbers.
#pragma once

#include "compiler/dialect/Dec.h"
#include "compiler/reference/Values.h"
#include "compiler/weights/WeightSet.h"

#include <memory>
#include <vector>

namespace decant {

/// T: float or double; f32 weights convert exactly.
template <class T> class Interpreter {
public:
  /// `model` and `weights` outlive the interpreter. Weights are read when first used.
  Interpreter(dec::ModelOp model, const WeightSet &weights);
  ~Interpreter();

  /// Runs the func.func `entry`. Errors: no such entry, arguments of another number, kind or shape, an id or position
  /// outside its table, a mask that indexes outside a parameter, a gap in a cache; the text names op and location.
  llvm::Expected<std::vector<Value<T>>> run(llvm::StringRef entry, std::vector<Value<T>> arguments);
  /// Forgets all tokens.
  void clearCaches();

private:
  struct State;
  std::unique_ptr<State> state;
};

} // namespace decant
