// PyTorch's tensors and masks -> packed rows, keep and bias parameters -> output. See Eval.h.
//
// Boolean true or -inf hides a key, finite floats are added; every target row is computed.
#include "compiler/config/Errors.h"
#include "compiler/reference/EvalInputs.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <cmath>
#include <fmt/format.h>

namespace decant {
namespace {

/// Sizes of `tgt` or `memory` and where its elements lie.
struct Layout {
  int64_t batch, length, width;
  bool batched, batchFirst;

  int64_t fileRow(int64_t b, int64_t t) const { return batchFirst ? b * length + t : t * batch + b; }
  std::vector<int64_t> shape() const {
    if (!batched)
      return {length, width};
    return batchFirst ? std::vector<int64_t>{batch, length, width} : std::vector<int64_t>{length, batch, width};
  }
};

llvm::Expected<Layout> layoutOf(const EvalInputs &inputs, llvm::StringRef name, dec::ModelOp model, int64_t limit) {
  auto shape = inputs.find(name)->shape;
  bool batchFirst = model.getBatchFirst();
  if ((shape.size() != 2 && shape.size() != 3) || shape.back() != model.getWidth())
    return EvalInputs::error(name,
                             fmt::format("has shape {}, expected {}, {}] or [positions, {}] (batch_first is {})",
                                         printShape(shape), batchFirst ? "[batch, positions" : "[positions, batch",
                                         model.getWidth(), model.getWidth(), batchFirst));
  Layout result{1, shape[0], shape.back(), shape.size() == 3, batchFirst};
  if (result.batched) {
    result.batch = shape[batchFirst ? 0 : 1];
    result.length = shape[batchFirst ? 1 : 0];
  }
  if (result.batch < 1 || result.batch > dec::kMaxBatch)
    return EvalInputs::error(name, fmt::format("has shape {}: the batch is {}, expected 1..{}", printShape(shape),
                                               result.batch, dec::kMaxBatch));
  if (result.length > limit)
    return EvalInputs::tooLong(name, result.length, limit);
  return result;
}

template <class T>
llvm::Expected<Tensor<T>> readStates(const EvalInputs &inputs, llvm::StringRef name, const Layout &layout) {
  auto numbers = inputs.reals(name);
  if (!numbers)
    return numbers.takeError();
  Tensor<T> result = matrix<T>(layout.batch * layout.length, layout.width);
  for (int64_t b = 0; b < layout.batch; ++b)
    for (int64_t t = 0; t < layout.length; ++t)
      std::copy_n(numbers->begin() + layout.fileRow(b, t) * layout.width, layout.width,
                  result.row(b * layout.length + t));
  return result;
}

Rows allRows(const Layout &layout) {
  Rows rows;
  for (int64_t b = 0; b < layout.batch; ++b)
    rows.add(layout.length, 0);
  return rows;
}

/// keep and bias [B, H, T, S]; extents of 1 while no mask is given.
template <class T> struct MaskParams {
  Tensor<uint8_t> keep{{1, 1, 1, 1}, {1}};
  Tensor<T> bias{{1, 1, 1, 1}, {0}};
};

template <class T> class MaskReader {
public:
  MaskReader(const EvalInputs &inputs, const Layout &query, const Layout &key, int64_t heads)
      : inputs(inputs), query(query), key(key), heads(heads) {}

  llvm::Expected<MaskParams<T>> read(llvm::StringRef maskName, llvm::StringRef paddingName) {
    MaskParams<T> params;
    if (inputs.find(maskName))
      if (llvm::Error error = addMask(maskName, params))
        return error;
    if (inputs.find(paddingName))
      if (llvm::Error error = addPadding(paddingName, params))
        return error;
    return params;
  }

private:
  llvm::Error addMask(llvm::StringRef name, MaskParams<T> &params) {
    int64_t rows = query.length, columns = key.length;
    bool perHead = inputs.find(name)->shape.size() == 3;
    std::vector<int64_t> shape{rows, columns};
    if (perHead)
      shape.insert(shape.begin(), query.batch * heads);
    if (llvm::Error error = inputs.checkShape(name, shape))
      return error;
    return add(name, params, [=, this](int64_t b, int64_t h, int64_t q, int64_t k) {
      return ((perHead ? (b * heads + h) * rows : 0) + q) * columns + k;
    });
  }

  llvm::Error addPadding(llvm::StringRef name, MaskParams<T> &params) {
    std::vector<int64_t> shape{query.batch, key.length};
    if (!query.batched)
      shape.erase(shape.begin());
    if (llvm::Error error = inputs.checkShape(name, shape))
      return error;
    return add(name, params, [this](int64_t b, int64_t, int64_t, int64_t k) { return b * key.length + k; });
  }

  /// Adds a tensor whose element for (b, h, q, k) lies at `index`.
  template <class Index> llvm::Error add(llvm::StringRef name, MaskParams<T> &params, Index index) {
    bool isReal = inputs.isReal(name);
    std::vector<double> numbers;
    std::vector<uint8_t> hidden;
    if (llvm::Error error = isReal ? readReals(name, numbers, hidden) : readFlags(name, hidden))
      return error;
    grow(params);
    size_t at = 0;
    for (int64_t b = 0; b < query.batch; ++b)
      for (int64_t h = 0; h < heads; ++h)
        for (int64_t q = 0; q < query.length; ++q)
          for (int64_t k = 0; k < key.length; ++k, ++at) {
            int64_t from = index(b, h, q, k);
            if (hidden[from])
              params.keep.data[at] = 0;
            else if (isReal)
              params.bias.data[at] += static_cast<T>(numbers[from]);
          }
    return llvm::Error::success();
  }

  llvm::Error readFlags(llvm::StringRef name, std::vector<uint8_t> &hidden) {
    auto flags = inputs.flags(name);
    if (!flags)
      return flags.takeError();
    hidden = std::move(*flags);
    return llvm::Error::success();
  }

  llvm::Error readReals(llvm::StringRef name, std::vector<double> &numbers, std::vector<uint8_t> &hidden) {
    auto read = inputs.reals(name);
    if (!read)
      return read.takeError();
    numbers = std::move(*read);
    for (double number : numbers) {
      if (std::isnan(number) || number == INFINITY)
        return EvalInputs::error(name, fmt::format("holds {}, expected finite numbers or -inf", number));
      hidden.push_back(number == -INFINITY);
    }
    return llvm::Error::success();
  }

  void grow(MaskParams<T> &params) {
    std::vector<int64_t> shape{query.batch, heads, query.length, key.length};
    if (params.keep.shape == shape)
      return;
    int64_t size = query.batch * heads * query.length * key.length;
    params.keep = {shape, std::vector<uint8_t>(size, 1)};
    params.bias = {shape, std::vector<T>(size)};
  }

  const EvalInputs &inputs;
  const Layout &query, &key;
  int64_t heads;
};

/// The number of heads, as the attention of @decode has it; 0 if it has none.
int64_t findHeads(dec::ModelOp model) {
  int64_t heads = 0;
  if (mlir::Operation *decode = mlir::SymbolTable::lookupSymbolIn(model, "decode"))
    decode->walk([&](mlir::Operation *op) {
      if (auto attention = llvm::dyn_cast<dec::AttentionOp>(op))
        heads = attention.getHeads();
      if (auto attention = llvm::dyn_cast<dec::CachedAttentionOp>(op))
        heads = attention.getHeads();
    });
  return heads;
}

template <class T> NamedTensor outputOf(const Layout &layout, const Tensor<T> &rows) {
  std::vector<T> data(rows.data.size());
  for (int64_t b = 0; b < layout.batch; ++b)
    for (int64_t t = 0; t < layout.length; ++t)
      std::copy_n(rows.row(b * layout.length + t), layout.width, data.begin() + layout.fileRow(b, t) * layout.width);
  return makeOutput("output", layout.shape(), data);
}

} // namespace

template <class T>
llvm::Expected<std::vector<NamedTensor>> evalTorchDecoder(dec::ModelOp model, const WeightSet &weights,
                                                          const EvalInputs &inputs) {
  if (llvm::Error error = inputs.checkNames(
          {"tgt", "memory", "tgt_mask", "memory_mask", "tgt_key_padding_mask", "memory_key_padding_mask"},
          {"tgt", "memory"}))
    return error;
  auto target = layoutOf(inputs, "tgt", model, model.getMaxContext());
  if (!target)
    return target.takeError();
  auto memory = layoutOf(inputs, "memory", model, model.getMaxSource());
  if (!memory)
    return memory.takeError();
  if (target->batch != memory->batch || target->batched != memory->batched)
    return EvalInputs::error("memory", fmt::format("has shape {}, \"tgt\" {}: the batches differ",
                                                   printShape(memory->shape()), printShape(target->shape())));
  auto targetStates = readStates<T>(inputs, "tgt", *target);
  if (!targetStates)
    return targetStates.takeError();
  auto memoryStates = readStates<T>(inputs, "memory", *memory);
  if (!memoryStates)
    return memoryStates.takeError();
  int64_t heads = findHeads(model);
  auto self = MaskReader<T>(inputs, *target, *target, heads).read("tgt_mask", "tgt_key_padding_mask");
  if (!self)
    return self.takeError();
  auto cross = MaskReader<T>(inputs, *target, *memory, heads).read("memory_mask", "memory_key_padding_mask");
  if (!cross)
    return cross.takeError();

  Interpreter<T> interpreter(model, weights);
  llvm::StringMap<Value<T>> arguments;
  arguments["memory"] = std::move(*memoryStates);
  arguments["rows"] = allRows(*memory);
  auto encoded = runEntry(model, interpreter, "encode", arguments);
  if (!encoded)
    return encoded.takeError();
  arguments["memory"] = encoded->front();
  arguments["memory_rows"] = allRows(*memory);
  arguments["tgt"] = std::move(*targetStates);
  arguments["rows"] = allRows(*target);
  arguments["self_causal"] = Tensor<int64_t>{{1}, {0}}; // tgt_mask says it all
  arguments["self_keep"] = std::move(self->keep);
  arguments["self_bias"] = std::move(self->bias);
  arguments["cross_keep"] = std::move(cross->keep);
  arguments["cross_bias"] = std::move(cross->bias);
  auto decoded = runEntry(model, interpreter, "decode", arguments);
  if (!decoded)
    return decoded.takeError();
  return std::vector<NamedTensor>{outputOf(*target, std::get<Tensor<T>>(decoded->front()))};
}

template llvm::Expected<std::vector<NamedTensor>> evalTorchDecoder<float>(dec::ModelOp, const WeightSet &,
                                                                          const EvalInputs &);
template llvm::Expected<std::vector<NamedTensor>> evalTorchDecoder<double>(dec::ModelOp, const WeightSet &,
                                                                           const EvalInputs &);

} // namespace decant
