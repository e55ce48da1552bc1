// *.safetensors -> WeightSet: named, checked views of tensor bytes in a mapped file. No MLIR.
//
// The reader enforces every rule of the format (see README.md); a hostile file is refused, never read out of bounds.
// Tested in tests/weights.
#pragma once

#include "llvm/Support/Error.h"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace decant {

enum class DType { BOOL, U8, I8, I16, U16, F16, BF16, I32, U32, F32, F64, I64, U64, Other };
std::string_view name(DType type);
/// Bytes an element; 0 for Other.
int64_t elementBytes(DType type);

/// A tensor's bytes: row-major, little-endian, possibly unaligned (use memcpy).
struct TensorView {
  DType dtype = DType::Other;
  std::string dtypeName; ///< as in the file
  std::vector<int64_t> shape;
  const uint8_t *data = nullptr;
  uint64_t bytes = 0;
};

/// The tensors of one model. Owns the mapping; views live as long as it does.
class WeightSet {
public:
  /// One file. Refuses whatever breaks a rule of the format, naming file and tensor.
  static llvm::Expected<WeightSet> openFile(const std::string &path);
  /// `folder`/model.safetensors, or the files that model.safetensors.index.json names: plain names in the folder, each
  /// tensor in the file that the index says and in no other.
  static llvm::Expected<WeightSet> openFolder(const std::string &folder);

  const std::string &path() const { return filePath; }
  const std::map<std::string, TensorView> &tensors() const { return byName; }
  const TensorView *find(std::string_view name) const;

  /// The tensor as f32 (F32, F16, BF16 are converted exactly). Error names the tensor if it is missing, has another
  /// shape than `shape`, or another type.
  llvm::Expected<std::vector<float>> readF32(std::string_view name, const std::vector<int64_t> &shape) const;

  /// Rows [begin, end) of a tensor read as [rows, width], row-major, as f32 into `out`, (end - begin) * width numbers.
  /// A tensor [n, a, b] counts as [n, a * b], with width 0 (a vector: one number a row) [1, n] as [n]; `transposed`:
  /// the rows of the transpose of a matrix. Error names the tensor if it is missing or does not hold them.
  llvm::Error readRows(std::string_view name, int64_t begin, int64_t end, int64_t width, bool transposed,
                       float *out) const;

  /// Gives the tensor's pages of the mapped file back to the system; reading it again brings them again.
  void release(std::string_view name) const;

private:
  struct Mapping;
  std::vector<std::shared_ptr<Mapping>> mappings; ///< one a file
  std::string filePath;
  std::map<std::string, TensorView> byName;
};

/// Tensor to write; data is row-major, little-endian.
struct NamedTensor {
  std::string name;
  DType dtype = DType::F32;
  std::vector<int64_t> shape;
  std::vector<uint8_t> data;
};
/// Writes a file beside `path`, syncs it and renames it over `path`. A full disk is ExitCode::Resource; no failure
/// leaves a file. The same tensors give the same bytes, in whatever order they come.
llvm::Error writeSafetensors(const std::string &path, const std::vector<NamedTensor> &tensors);

} // namespace decant
