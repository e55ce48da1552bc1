// See WeightTable.h.
#include "compiler/import/WeightTable.h"
#include "compiler/config/Errors.h"

#include "llvm/Support/GlobPattern.h"

#include <cstring>
#include <fmt/format.h>
#include <fmt/ranges.h>

using namespace mlir;

namespace decant {

static constexpr size_t kMaxMessages = 10; // a wrong config disagrees with every tensor: the first ones tell enough

static std::string printShape(ArrayRef<int64_t> shape) {
  return fmt::format("[{}]", fmt::join(shape.begin(), shape.end(), ", "));
}

bool WeightTable::sameData(StringRef a, StringRef b) const {
  const TensorView *x = weights.find(a), *y = weights.find(b);
  return x && y && x->dtype == y->dtype && x->shape == y->shape && std::memcmp(x->data, y->data, x->bytes) == 0;
}

std::string WeightTable::declare(OpBuilder &builder, StringRef symbol, StringRef tensor, ArrayRef<int64_t> fileShape,
                                 ArrayRef<int64_t> shape, ArrayRef<RowRange> rows, bool transposed) {
  if (!declared.insert(symbol).second)
    return symbol.str();
  check(tensor, fileShape);
  SmallVector<Attribute> sources;
  for (RowRange range : rows)
    sources.push_back(dec::SourceAttr::get(builder.getContext(), tensor, range.begin, range.end, transposed));
  dec::WeightOp::create(builder, NameLoc::get(builder.getStringAttr(tensor)), symbol, builder.getArrayAttr(sources),
                        dec::Layout::Raw, RankedTensorType::get(shape, builder.getF32Type()));
  return symbol.str();
}

std::string WeightTable::declareValues(OpBuilder &builder, StringRef symbol, ArrayRef<float> values,
                                       ArrayRef<int64_t> shape) {
  if (declared.insert(symbol).second)
    dec::WeightOp::create(builder, NameLoc::get(builder.getStringAttr(symbol)), builder.getStringAttr(symbol),
                          builder.getArrayAttr({}), dec::LayoutAttr::get(builder.getContext(), dec::Layout::Raw),
                          TypeAttr::get(RankedTensorType::get(shape, builder.getF32Type())),
                          builder.getDenseF32ArrayAttr(values));
  return symbol.str();
}

void WeightTable::check(StringRef tensor, ArrayRef<int64_t> fileShape) {
  if (!used.insert(tensor).second)
    return;
  const TensorView *view = weights.find(tensor);
  if (!view)
    messages.push_back(fmt::format("tensor \"{}\" is missing: expected F32 {}", tensor.str(), printShape(fileShape)));
  else if (ArrayRef<int64_t>(view->shape) != fileShape)
    messages.push_back(fmt::format("tensor \"{}\" has shape {}, the config wants {}", tensor.str(),
                                   printShape(view->shape), printShape(fileShape)));
  else if (view->dtype != DType::F32 && view->dtype != DType::F16 && view->dtype != DType::BF16)
    messages.push_back(
        fmt::format("tensor \"{}\" has type {}, expected F32, F16 or BF16", tensor.str(), view->dtypeName));
}

void WeightTable::ignore(StringRef pattern) { ignored.push_back(pattern.str()); }

bool WeightTable::isIgnored(StringRef tensor) const {
  return llvm::any_of(ignored, [&](const std::string &pattern) {
    return llvm::cantFail(llvm::GlobPattern::create(pattern)).match(tensor);
  });
}

llvm::Error WeightTable::problems(StringRef family) {
  for (const auto &[name, view] : weights.tensors())
    if (!used.contains(name) && !isIgnored(name))
      messages.push_back(
          fmt::format("tensor \"{}\" {} is not used by the family \"{}\"", name, printShape(view.shape), family.str()));
  if (messages.empty())
    return llvm::Error::success();
  std::string text = path() + ": ";
  for (size_t i = 0; i < std::min(messages.size(), kMaxMessages); ++i)
    text += (i ? "\n  " : "") + messages[i];
  if (messages.size() > kMaxMessages)
    text += fmt::format("\n  and {} more", messages.size() - kMaxMessages);
  return badInput(text + "; give the weight file that belongs to this config.json");
}

} // namespace decant
