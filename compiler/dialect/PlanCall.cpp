// Verifier of plan.call: in: a spec's text and the call's memrefs. The types of all arguments follow from the spec
// (schedules/README.md, there innermost dimension first, here outermost). Tested in tests/dialect/plan-errors.mlir.
#include "compiler/dialect/Dec.h"
#include "compiler/dialect/Plan.h"
#include "schedules/spec/KernelSpec.h"
#include "schedules/spec/MaskExpr.h"

#include "llvm/ADT/TypeSwitch.h"

#include <fmt/format.h>

using namespace mlir;

namespace decant::plan {

namespace {

constexpr int64_t kAny = ShapedType::kDynamic;

int64_t roundUp(int64_t n) { return (n + 15) / 16 * 16; }

/// What one argument has to be.
struct Argument {
  enum Kind { Rows, Static, Dynamic, Param } kind;
  SmallVector<int64_t> shape; ///< kAny in Static: any static extent; in Dynamic: a dynamic one
  char element = 'f';         ///< f32, i32 or u8 ('b')
};

bool hasElement(MemRefType type, char element) {
  Type found = type.getElementType();
  return element == 'f' ? found.isF32() : found.isInteger(element == 'i' ? 32 : 8);
}

bool fits(const Argument &argument, MemRefType type) {
  if (type.getRank() != static_cast<int64_t>(argument.shape.size()) || !hasElement(type, argument.element))
    return false;
  SmallVector<int64_t> strides;
  int64_t offset;
  switch (argument.kind) {
  case Argument::Rows: // a view is legal as long as its columns are contiguous
    return type.isDynamicDim(0) && type.getDimSize(1) == argument.shape[1] &&
           succeeded(type.getStridesAndOffset(strides, offset)) && strides[1] == 1;
  case Argument::Static:
    return type.hasStaticShape() && type.getLayout().isIdentity() &&
           llvm::all_of(llvm::zip(type.getShape(), argument.shape),
                        [](auto pair) { return std::get<1>(pair) == kAny || std::get<0>(pair) == std::get<1>(pair); });
  case Argument::Dynamic:
    return type.getLayout().isIdentity() && type.getShape() == ArrayRef(argument.shape);
  case Argument::Param: // whatever strides the caller's tensor has, or a raw weight
    return llvm::all_of(type.getShape(), ShapedType::isDynamic) ||
           (type.hasStaticShape() && type.getLayout().isIdentity());
  }
  llvm_unreachable("unknown kind");
}

std::string print(const Argument &argument) {
  std::string text = "memref<";
  for (int64_t extent : argument.shape)
    text += extent == kAny ? argument.kind == Argument::Static ? "nx" : "?x" : fmt::format("{}x", extent);
  return text + (argument.element == 'f' ? "f32" : argument.element == 'i' ? "i32" : "i8") + ">";
}

struct Arguments {
  SmallVector<Argument> ins, outs;
};

Argument rows(int64_t columns) { return {Argument::Rows, {kAny, columns}}; }
Argument vector(int64_t n) { return {Argument::Static, {roundUp(n)}}; }
Argument table(int64_t n) { return {Argument::Static, {kAny, n}}; }
Argument indices() { return {Argument::Dynamic, {kAny}, 'i'}; }
Argument keyPool(int64_t heads, int64_t d, int64_t block) {
  return {Argument::Dynamic, {kAny, heads, block / 16 * d, 16}};
}
Argument valuePool(int64_t heads, int64_t d, int64_t block) {
  return {Argument::Dynamic, {kAny, heads, roundUp(d) / 16 * block, 16}};
}

Arguments argumentsOf(const LinearSpec &s) {
  Arguments result{{rows(s.k)}, {rows(s.n)}};
  if (s.gather)
    result.ins.push_back(indices());
  result.ins.push_back({Argument::Static, {roundUp(s.n) / 16, s.k, 16, 1}});
  if (s.bias)
    result.ins.push_back(vector(s.n));
  if (s.residual)
    result.ins.push_back(rows(s.n));
  return result;
}

Arguments argumentsOf(const AttentionSpec &s) {
  Arguments result{{rows(s.heads * s.d), keyPool(s.kv_heads, s.d, s.block), valuePool(s.kv_heads, s.d, s.block),
                    Argument{Argument::Dynamic, {kAny, kAny}, 'i'}, indices(),
                    Argument{Argument::Dynamic, {kAny, 4}, 'i'}},
                   {rows(s.heads * s.d)}};
  std::string error;
  auto params = parseMaskParams(s.params, error);
  for (const MaskParam &param : params ? *params : std::vector<MaskParam>()) {
    char element = param.type == "f32" ? 'f' : param.type == "i32" ? 'i' : 'b';
    result.ins.push_back({Argument::Param, SmallVector<int64_t>(param.rank, kAny), element});
  }
  return result;
}

Arguments argumentsOf(const NormSpec &s) {
  int64_t width = s.n * s.groups;
  Arguments result{{rows(width), vector(s.n)}, {rows(width)}};
  if (s.bias)
    result.ins.push_back(vector(s.n));
  return result;
}

Arguments argumentsOf(const SinusoidSpec &s) { return {{indices(), vector(s.n)}, {rows(2 * s.n)}}; }

Arguments argumentsOf(const RopeSpec &s) { return {{rows(s.heads * s.d), rows(2 * s.n)}, {rows(s.heads * s.d)}}; }

Arguments argumentsOf(const FramesSpec &s) {
  auto shifts = parseShifts(s.shifts);
  auto taps = static_cast<int64_t>(shifts ? shifts->size() : 0);
  Arguments result{{indices()}, {rows(s.n * taps)}};
  result.ins.append(taps, rows(s.n));
  return result;
}

Arguments argumentsOf(const EmbedSpec &s) {
  Arguments result{{indices(), table(s.n)}, {rows(s.n)}};
  if (s.positions)
    result.ins.append({indices(), table(s.n)});
  return result;
}

Arguments argumentsOf(const KvAppendSpec &s) {
  Argument row = rows(s.heads * s.d);
  return {{row, row, indices(), indices()}, {keyPool(s.heads, s.d, s.block), valuePool(s.heads, s.d, s.block)}};
}

Arguments argumentsOf(const ElementwiseSpec &s) {
  Arguments result{{rows(s.n)}, {rows(s.n)}};
  if (s.gate)
    result.ins.push_back(rows(s.n));
  if (s.residual)
    result.ins.push_back(rows(s.n));
  return result;
}

/// Sizes within the limits of SPEC.md, so that products of two do not overflow.
bool sizesAreSane(KernelSpec spec) {
  bool sane = true;
  std::visit(
      [&](auto &s) {
        s.fields([&](const char *, auto &value) {
          if constexpr (std::is_same_v<std::decay_t<decltype(value)>, int64_t>)
            sane = sane && value >= 0 && value <= dec::kMaxVocab;
        });
      },
      spec);
  return sane;
}

/// Mask and score of an attention, the shifts of frames; true for the other kernels.
bool functionsParse(const KernelSpec &spec, std::string &error) {
  if (const auto *frames = std::get_if<FramesSpec>(&spec); frames && !parseShifts(frames->shifts)) {
    error = fmt::format("shifts is \"{}\", expected 1 to 8 of -1, 0, 1 such as (-1 0 0)", frames->shifts);
    return false;
  }
  const auto *attention = std::get_if<AttentionSpec>(&spec);
  if (!attention)
    return true;
  auto params = parseMaskParams(attention->params, error);
  if (!params)
    return false;
  auto parses = [&](const std::string &text, MaskExpr::Type type) {
    auto expr = parseMaskExpr(text, *params, error);
    if (expr && expr->type != type)
      error = fmt::format("\"{}\" is not {}", text, type == MaskExpr::Type::Bool ? "a truth value" : "an f32");
    return expr && expr->type == type;
  };
  return parses(attention->mask, MaskExpr::Type::Bool) && parseKeyRanges(attention->visit, *params, error) &&
         parseKeyRanges(attention->full, *params, error) &&
         (attention->score == "-" || parses(attention->score, MaskExpr::Type::F32));
}

/// The run-time size that the kernel's row class depends on.
Size rowsOf(const KernelSpec &spec) {
  if (std::holds_alternative<AttentionSpec>(spec))
    return Size::Tiles;
  const auto *linear = std::get_if<LinearSpec>(&spec);
  return linear && linear->gather ? Size::OutRows : Size::Rows;
}

LogicalResult verifyTypes(CallOp call, StringRef side, ArrayRef<Argument> expected, ValueRange found) {
  for (auto [i, pair] : llvm::enumerate(llvm::zip(expected, found))) {
    auto [argument, value] = pair;
    if (!fits(argument, cast<MemRefType>(value.getType())))
      return call.emitOpError("(C3) ") << side << " " << i << " is " << value.getType() << ", the spec wants "
                                       << print(argument);
  }
  return success();
}

} // namespace

LogicalResult CallOp::verify() {
  std::string error;
  auto spec = parseKernelSpec((getSpec() + " rows=many").str(), error);
  if (!spec || !functionsParse(*spec, error))
    return emitOpError("(C1) spec \"") << getSpec() << "\": " << error;
  if (!sizesAreSane(*spec))
    return emitOpError("(C1) spec \"") << getSpec() << "\": a size is beyond 2^24";
  if (getRows() != rowsOf(*spec))
    return emitOpError("(C1) rows is ") << stringifySize(getRows()) << ", its kernel goes by "
                                        << stringifySize(rowsOf(*spec));
  auto expected = std::visit([](const auto &s) { return argumentsOf(s); }, *spec);
  if (getIns().size() != expected.ins.size() || getOuts().size() != expected.outs.size())
    return emitOpError("(C2) has ") << getIns().size() << " inputs and " << getOuts().size() << " outputs, the spec "
                                    << expected.ins.size() << " and " << expected.outs.size();
  return success(succeeded(verifyTypes(*this, "input", expected.ins, getIns())) &&
                 succeeded(verifyTypes(*this, "output", expected.outs, getOuts())));
}

} // namespace decant::plan
