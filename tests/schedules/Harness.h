// Compiles a kernel as an artifact would, loads it, calls it. In: spec text. Out: a callable and tensors with room for
// the padded rows of a register tile, or views. Parallel loops run backwards on one thread: no kernel may depend on
// their order.
#pragma once

#include "schedules/compile.h"

#include "HalideBuffer.h"

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace decant::test {

/// Dense, innermost dimension first. `spareRows` more elements of the last dimension follow in memory.
template <class T> class Tensor {
public:
  explicit Tensor(std::vector<int> extents, int spareRows = 8) : extents(std::move(extents)) {
    size_t row = 1;
    for (size_t i = 0; i + 1 < this->extents.size(); ++i)
      row *= size_t(this->extents[i]);
    data.resize(row * size_t(this->extents.back() + spareRows));
    buffer = Halide::Runtime::Buffer<T>(data.data(), this->extents);
  }
  Tensor(const Tensor &other) : data(other.data), extents(other.extents) {
    buffer = Halide::Runtime::Buffer<T>(data.data(), extents);
  }
  template <class... I> T &operator()(I... i) { return buffer(i...); }
  template <class... I> T at(I... i) const { return buffer(i...); }
  operator halide_buffer_t *() { return buffer.raw_buffer(); }

  std::vector<T> data;
  std::vector<int> extents;
  Halide::Runtime::Buffer<T> buffer;
};
using Floats = Tensor<float>;
using Ints = Tensor<int32_t>;

/// A view of columns and rows as of a wider buffer: start unaligned, row stride ~columns + 13, NaN all around.
class View {
public:
  View(int columns, int rows);
  float &operator()(int column, int row) { return buffer(column, row); }
  operator halide_buffer_t *() { return buffer.raw_buffer(); }
  operator Halide::Runtime::Buffer<>() { return buffer; }
  /// Elements that are not NaN: as many as the view has, if all of it and nothing else was written.
  size_t written() const;

  std::vector<float> data;
  Halide::Runtime::Buffer<float> buffer;
};
void fill(View &view, std::mt19937 &random, float scale = 1);
void fill(Floats &t, std::mt19937 &random, float scale = 1);
/// The bits, so that -0 and NaN count.
uint32_t bits(float x);

/// Compiles and loads the kernel of a spec.
class LoadedKernel {
public:
  explicit LoadedKernel(const std::string &spec, const ScheduleParams &params = {},
                        const std::string &target = "x86-64-v3");
  /// Fails the test when the kernel reports an error.
  void operator()(std::vector<halide_buffer_t *> buffers) const;

private:
  using Entry = int (*)(void **);
  Entry entry = nullptr;
};

/// The most rows that runClasses calls a kernel with.
constexpr int kMostRows = 33;

/// Runs a kernel of row-wise meaning in all row classes on 1 to 33 rows. `spec` is without rows; inputs whose last
/// extent is kMostRows are cut to the rows of the call. Fails unless every call gives a row the same bits and writes
/// `columns` columns, nothing else. Returns the result of 33 rows.
View runClasses(const std::string &spec, int columns, const std::vector<Halide::Runtime::Buffer<>> &inputs);

/// A folder that lives as long as the test program.
const std::string &scratchFolder();

} // namespace decant::test
