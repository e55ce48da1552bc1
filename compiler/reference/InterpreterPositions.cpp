// Ops that depend on where a row stands in its sequence: sinusoids, rotary positions, neighbouring frames. See
// Interpreter.h.
#include "compiler/reference/InterpreterState.h"

#include <cmath>

namespace decant {

template <class T> llvm::Error Interpreter<T>::State::eval(dec::SinusoidOp op) {
  auto freqs = weight(op, op.getFreqs());
  if (!freqs)
    return freqs.takeError();
  const Rows &division = rows(op.getRows());
  int64_t n = dec::width(op.getResult()) / 2;
  T factor = static_cast<T>(op.getFactor().convertToDouble());
  Real result = matrix<T>(division.total(), 2 * n);
  for (int64_t b = 0; b < division.sequences(); ++b)
    for (int64_t i = 0; i < division.count(b); ++i)
      for (int64_t j = 0; j < n; ++j) {
        // The angle is a product in f32, whatever T: SPEC.md.
        auto position = static_cast<float>(division.positions[b] + i + op.getOffset());
        T angle = position * static_cast<float>((*freqs)[j]);
        T *out = result.row(division.offsets[b] + i);
        out[j] = factor * std::sin(angle);
        out[n + j] = factor * std::cos(angle);
      }
  values[op.getResult()] = std::move(result);
  return llvm::Error::success();
}

template <class T> llvm::Error Interpreter<T>::State::eval(dec::RopeOp op) {
  const Real &x = real(op.getX()), &angles = real(op.getAngles());
  if (x.shape[0] != angles.shape[0])
    return error(op, "the operands have different numbers of rows");
  Real result = x;
  int64_t n = angles.shape[1] / 2, dim = x.shape[1] / op.getHeads();
  for (int64_t r = 0; r < x.shape[0]; ++r)
    for (int64_t h = 0; h < op.getHeads(); ++h)
      for (int64_t j = 0; j < n; ++j) {
        T s = angles.data[r * 2 * n + j], c = angles.data[r * 2 * n + n + j];
        const T *from = x.data.data() + r * x.shape[1] + h * dim;
        T *to = result.row(r) + h * dim;
        to[j] = from[j] * c - from[j + n] * s;
        to[j + n] = from[j + n] * c + from[j] * s;
      }
  values[op.getResult()] = std::move(result);
  return llvm::Error::success();
}

template <class T> llvm::Error Interpreter<T>::State::eval(dec::FramesOp op) {
  const Rows &division = rows(op.getRows());
  auto taps = static_cast<int64_t>(op.getInputs().size());
  int64_t n = dec::width(op.getInputs().front());
  Real result = matrix<T>(division.total(), n * taps);
  for (auto [tap, input] : llvm::enumerate(op.getInputs())) {
    const Real &x = real(input);
    if (llvm::Error error = checkRows(op, x, division))
      return error;
    for (int64_t b = 0; b < division.sequences(); ++b)
      for (int64_t i = 0; i < division.count(b); ++i) {
        int64_t from = i + op.getShifts()[tap];
        if (from < 0 || from >= division.count(b))
          continue;
        for (int64_t c = 0; c < n; ++c)
          result.row(division.offsets[b] + i)[c * taps + static_cast<int64_t>(tap)] =
              x.data[(division.offsets[b] + from) * n + c];
      }
  }
  values[op.getResult()] = std::move(result);
  return llvm::Error::success();
}

#define INSTANTIATE(T)                                                                                                 \
  template llvm::Error Interpreter<T>::State::eval(dec::SinusoidOp);                                                   \
  template llvm::Error Interpreter<T>::State::eval(dec::RopeOp);                                                       \
  template llvm::Error Interpreter<T>::State::eval(dec::FramesOp);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

} // namespace decant
