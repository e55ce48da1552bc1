// What the interpreter computes with: dense, row-major tensors in f32 or f64 and the division of packed rows.
#pragma once

#include <cstdint>
#include <variant>
#include <vector>

namespace decant {

/// How R packed rows divide into B sequences (!dec.rows).
struct Rows {
  std::vector<int64_t> offsets{0}; ///< B + 1, the first row of each sequence
  std::vector<int64_t> positions;  ///< B, the absolute position of each sequence's first row

  int64_t sequences() const { return static_cast<int64_t>(positions.size()); }
  int64_t count(int64_t b) const { return offsets[b + 1] - offsets[b]; }
  int64_t total() const { return offsets.back(); }
  void add(int64_t count, int64_t position) {
    offsets.push_back(offsets.back() + count);
    positions.push_back(position);
  }
};

template <class Element> struct Tensor {
  std::vector<int64_t> shape;
  std::vector<Element> data;

  /// Of a matrix [R, n].
  const Element *row(int64_t r) const { return data.data() + r * shape[1]; }
  Element *row(int64_t r) { return data.data() + r * shape[1]; }
};

template <class Element> Tensor<Element> matrix(int64_t rows, int64_t columns) {
  return {{rows, columns}, std::vector<Element>(rows * columns)};
}

/// A value of the IR: rows, ids, index tensor, i1 tensor, or an f32 tensor in T.
template <class T> using Value = std::variant<Rows, Tensor<int32_t>, Tensor<int64_t>, Tensor<uint8_t>, Tensor<T>>;

} // namespace decant
