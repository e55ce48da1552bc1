// Mask and score functions: assembly, verifiers. Tested in tests/dialect/mask.mlir, mask-errors.mlir.
#include "compiler/dialect/Dec.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/FunctionImplementation.h"

using namespace mlir;

namespace decant::dec {

// ---- assembly: dec.mask @name(%b: index, %h: index, %q: index, %k: index) params(%len: tensor<?xindex>) { ... }

static ParseResult parseFunction(OpAsmParser &parser, OperationState &result) {
  StringAttr name;
  if (parser.parseSymbolName(name, SymbolTable::getSymbolAttrName(), result.attributes))
    return failure();
  SmallVector<OpAsmParser::Argument> arguments, params;
  if (parser.parseArgumentList(arguments, OpAsmParser::Delimiter::Paren, /*allowType=*/true))
    return failure();
  if (succeeded(parser.parseOptionalKeyword("params")) &&
      parser.parseArgumentList(params, OpAsmParser::Delimiter::Paren, /*allowType=*/true))
    return failure();
  if (arguments.size() != MaskOp::kNumIndices)
    return parser.emitError(parser.getNameLoc(), "(C1) expected four index arguments: sequence, head, query, key");
  arguments.append(params);
  if (parser.parseOptionalAttrDictWithKeyword(result.attributes))
    return failure();
  return parser.parseRegion(*result.addRegion(), arguments);
}

static void printFunction(OpAsmPrinter &printer, Operation *op, StringRef name, Region &body) {
  printer << ' ';
  printer.printSymbolName(name);
  auto arguments = body.getArguments();
  auto print = [&](auto range) {
    printer << '(';
    llvm::interleaveComma(range, printer, [&](BlockArgument argument) { printer.printRegionArgument(argument); });
    printer << ')';
  };
  print(arguments.take_front(MaskOp::kNumIndices));
  if (arguments.size() > MaskOp::kNumIndices) {
    printer << " params";
    print(arguments.drop_front(MaskOp::kNumIndices));
  }
  printer.printOptionalAttrDictWithKeyword(op->getAttrs(), {SymbolTable::getSymbolAttrName()});
  printer << ' ';
  printer.printRegion(body, /*printEntryBlockArgs=*/false);
}

ParseResult MaskOp::parse(OpAsmParser &parser, OperationState &result) { return parseFunction(parser, result); }
void MaskOp::print(OpAsmPrinter &printer) { printFunction(printer, *this, getSymName(), getBody()); }
ParseResult ScoreOp::parse(OpAsmParser &parser, OperationState &result) { return parseFunction(parser, result); }
void ScoreOp::print(OpAsmPrinter &printer) { printFunction(printer, *this, getSymName(), getBody()); }

// ---- verifiers

/// Users ask before the function itself is verified: one without a block or four indices has none.
static SmallVector<Type> paramTypes(Region &body) {
  if (body.empty() || body.getNumArguments() < MaskOp::kNumIndices)
    return {};
  return llvm::to_vector(llvm::drop_begin(body.getArgumentTypes(), MaskOp::kNumIndices));
}
std::vector<MaskParam> maskParams(Region &body, unsigned first) {
  std::vector<MaskParam> params;
  for (Type type : paramTypes(body)) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    Type element = tensor ? tensor.getElementType() : type;
    params.push_back({"p" + std::to_string(first++),
                      element.isF32()        ? "f32"
                      : element.isInteger(1) ? "u8"
                                             : "i32",
                      tensor ? static_cast<int>(tensor.getRank()) : 0, false});
  }
  body.walk([&](ParamOp op) {
    auto argument = dyn_cast<BlockArgument>(op.getParam());
    if (op.getSorted() && argument && argument.getArgNumber() >= MaskOp::kNumIndices)
      params[argument.getArgNumber() - MaskOp::kNumIndices].sorted = true;
  });
  return params;
}
SmallVector<Type> MaskOp::getParamTypes() { return paramTypes(getBody()); }
SmallVector<Type> ScoreOp::getParamTypes() { return paramTypes(getBody()); }

static bool isParamType(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (type.isIndex() || type.isInteger(1) || type.isF32()) // of functions that are only applied
    return true;
  return tensor && tensor.getRank() >= 1 && tensor.getRank() <= kMaxParamRank &&
         (tensor.getElementType().isIndex() || tensor.getElementType().isInteger(1) || tensor.getElementType().isF32());
}

static bool isAllowed(Operation &op) {
  return isa<ParamOp, ApplyOp, ApplyScoreOp, YieldOp, math::ExpOp>(op) ||
         isa_and_nonnull<arith::ArithDialect>(op.getDialect());
}

static bool isPositive(Value value) {
  Operation *op = value.getDefiningOp();
  APInt constant;
  if (matchPattern(value, m_ConstantInt(&constant)))
    return constant.isStrictlyPositive();
  if (isa_and_nonnull<arith::MaxSIOp>(op))
    return isPositive(op->getOperand(0)) || isPositive(op->getOperand(1));
  return isa_and_nonnull<arith::MinSIOp>(op) && isPositive(op->getOperand(0)) && isPositive(op->getOperand(1));
}

/// (C5): what a reader of the mask sees at a glance; a parameter's value is known to nobody.
static bool neverZero(Value value) {
  APInt constant;
  if (matchPattern(value, m_ConstantInt(&constant)))
    return !constant.isZero();
  return isPositive(value);
}

static LogicalResult verifyFunction(Operation *op, Region &body, bool wantsBool) {
  auto types = body.getArgumentTypes();
  for (unsigned i = 0; i < types.size(); ++i) // (C1)
    if (i < MaskOp::kNumIndices ? !types[i].isIndex() : !isParamType(types[i]))
      return op->emitOpError("(C1) argument ")
             << i << " is " << types[i]
             << (i < MaskOp::kNumIndices ? ", expected index"
                                         : ", expected a tensor of index, i1 or f32, rank 1 to 4, or a scalar of them");
  if (types.size() < MaskOp::kNumIndices)
    return op->emitOpError("(C1) expected four index arguments: sequence, head, query, key");
  auto yield = body.front().mightHaveTerminator() ? dyn_cast<YieldOp>(body.front().getTerminator()) : YieldOp();
  if (!yield || !(wantsBool ? yield.getValue().getType().isInteger(1) : yield.getValue().getType().isF32())) // (C2)
    return op->emitOpError("(C2) must yield one value of type ") << (wantsBool ? "i1" : "f32");
  for (Operation &inner : body.front()) { // (C3)
    if (!isAllowed(inner))
      return inner.emitOpError("(C3) is not allowed in a mask or score: only arith ops, math.exp, dec.param, dec.apply "
                               "and dec.apply_score");
    if (isa<arith::DivSIOp, arith::FloorDivSIOp, arith::CeilDivSIOp, arith::RemSIOp, arith::DivUIOp, arith::CeilDivUIOp,
            arith::RemUIOp>(inner) &&
        !neverZero(inner.getOperand(1))) // (C5)
      return inner.emitOpError(
          "(C5) may divide by zero: the divisor must be a constant other than 0 or arith.maxsi with "
          "a positive constant");
    for (Type type : inner.getResultTypes())
      if (!type.isIndex() && !type.isF32() && !type.isInteger(1) && !type.isInteger(32) && !type.isInteger(64))
        return inner.emitOpError("(C3) gives ") << type << ", expected index, i1, i32, i64 or f32";
  }
  return success();
}

LogicalResult MaskOp::verifyRegions() {
  if (failed(verifyFunction(*this, getBody(), /*wantsBool=*/true)))
    return failure();
  for (auto [name, text] : {std::pair{"visit", getVisit()}, std::pair{"full", getFull()}}) { // (C4)
    std::string error;
    if (text && !parseKeyRanges(*text, maskParams(getBody()), error))
      return emitOpError("(C4) ") << name << ": " << error;
  }
  return success();
}
LogicalResult ScoreOp::verifyRegions() { return verifyFunction(*this, getBody(), /*wantsBool=*/false); }

LogicalResult ParamOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, ValueRange operands,
                                        DictionaryAttr, OpaqueProperties, RegionRange, SmallVectorImpl<Type> &types) {
  auto tensor = operands.empty() ? RankedTensorType() : dyn_cast<RankedTensorType>(operands[0].getType());
  if (!tensor)
    return emitOptionalError(location, "dec.param wants a ranked tensor");
  types.push_back(tensor.getElementType());
  return success();
}

LogicalResult ParamOp::verify() {
  int64_t rank = cast<RankedTensorType>(getParam().getType()).getRank();
  if (static_cast<int64_t>(getIndices().size()) != rank)
    return emitOpError("(C1) has ") << getIndices().size() << " indices for a parameter of rank " << rank;
  auto argument = dyn_cast<BlockArgument>(getParam());
  if (!argument || argument.getArgNumber() < MaskOp::kNumIndices ||
      !isa<MaskOp, ScoreOp>(argument.getOwner()->getParentOp()))
    return emitOpError("(C2) the parameter is not an argument of the mask or score");
  if (getSorted() && !getResult().getType().isIndex())
    return emitOpError("(C3) a sorted parameter holds indices, found ") << getResult().getType();
  return success();
}

/// (C3): follows callees; `seen` holds the functions being visited.
static bool reaches(Operation *from, Operation *target, llvm::SmallPtrSetImpl<Operation *> &seen) {
  if (!seen.insert(from).second || from->getRegion(0).empty()) // an empty one is refused where it stands
    return false;
  for (Operation &op : from->getRegion(0).front()) {
    if (!isa<ApplyOp, ApplyScoreOp>(op))
      continue;
    // The other functions may not be verified yet: their callee may be missing.
    auto symbol = op.getAttrOfType<FlatSymbolRefAttr>("callee");
    Operation *callee = symbol ? SymbolTable::lookupNearestSymbolFrom(from->getParentOp(), symbol) : nullptr;
    if (isa_and_nonnull<MaskOp, ScoreOp>(callee) && (callee == target || reaches(callee, target, seen)))
      return true;
  }
  return false;
}

template <class Function, class Apply> static LogicalResult verifyApply(Apply op) {
  Operation *caller = op->getParentOp();
  auto callee = SymbolTable::lookupNearestSymbolFrom<Function>(caller->getParentOp(), op.getCalleeAttr());
  if (!callee)
    return op.emitOpError("(C1) @") << op.getCallee() << " is not a " << Function::getOperationName();
  auto expected = callee.getParamTypes();
  if (!llvm::equal(expected, op.getParams().getTypes()))
    return op.emitOpError("(C2) the parameters of @") << op.getCallee() << " have other types or another number";
  llvm::SmallPtrSet<Operation *, 8> seen;
  if (callee == caller || reaches(callee, caller, seen))
    return op.emitOpError("(C3) @") << SymbolTable::getSymbolName(caller).getValue() << " applies itself";
  return success();
}

LogicalResult ApplyOp::verify() { return verifyApply<MaskOp>(*this); }
LogicalResult ApplyScoreOp::verify() { return verifyApply<ScoreOp>(*this); }

LogicalResult TableOp::verify() {
  auto weight = SymbolTable::lookupNearestSymbolFrom<WeightOp>(*this, getWeightAttr());
  auto type = cast<RankedTensorType>(getResult().getType());
  if (!weight || weight.getTensorType().getElementType() != type.getElementType() ||
      failed(verifyCompatibleShape(weight.getTensorType().getShape(), type.getShape())))
    return emitOpError("(C1) @") << getWeight() << " is not a dec.weight of type " << type;
  return success();
}

} // namespace decant::dec
