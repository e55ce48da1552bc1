#include "compiler/import/LinkPrelude.h"
#include "compiler/import/Prelude.h" // generated from compiler/dialect/prelude.mlir

#include "mlir/Parser/Parser.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace decant {

OwningOpRef<ModuleOp> parsePrelude(MLIRContext &context, StringRef more) {
  std::string all = (StringRef(kPrelude) + "\n" + more).str();
  auto parsed = parseSourceString<ModuleOp>(all, ParserConfig(&context), "prelude.mlir");
  assert(parsed && "the prelude and the families' masks are part of the compiler");
  return parsed;
}

void copyFunction(OpBuilder &builder, dec::ModelOp model, ModuleOp from, StringRef name) {
  Operation *function = SymbolTable::lookupSymbolIn(from, name);
  assert(function && "no such mask or score in the prelude");
  if (SymbolTable::lookupSymbolIn(model, name))
    return;
  function->walk([&](dec::ApplyOp apply) { copyFunction(builder, model, from, apply.getCallee()); });
  function->walk([&](dec::ApplyScoreOp apply) { copyFunction(builder, model, from, apply.getCallee()); });
  Operation *copy = builder.clone(*function);
  Location where = NameLoc::get(builder.getStringAttr(name));
  copy->walk([&](Operation *op) { op->setLoc(where); });
  for (BlockArgument argument : copy->getRegion(0).getArguments())
    argument.setLoc(where);
}

LogicalResult linkPrelude(dec::ModelOp model) {
  if (model.getBody().empty())
    return success(); // the verifier's to say
  auto prelude = parsePrelude(*model.getContext());
  OpBuilder builder = OpBuilder::atBlockBegin(&model.getBody().front());
  auto link = [&](Operation *user) -> WalkResult {
    if (!isa<dec::ApplyOp, dec::ApplyScoreOp, dec::AttentionOp, dec::CachedAttentionOp>(user))
      return WalkResult::advance();
    for (StringRef key : {"callee", "mask", "score"}) {
      auto symbol = user->getAttrOfType<FlatSymbolRefAttr>(key);
      if (!symbol || SymbolTable::lookupSymbolIn(model, symbol.getValue()))
        continue;
      if (SymbolTable::lookupSymbolIn(*prelude, symbol.getValue())) {
        copyFunction(builder, model, *prelude, symbol.getValue());
        continue;
      }
      auto error = user->emitOpError() << symbol << " is not defined in this file; the prelude has ";
      SmallVector<std::string> names;
      for (Operation &op : *prelude->getBody())
        names.push_back("@" + SymbolTable::getSymbolName(&op).str());
      error << llvm::join(names, ", ");
      return error;
    }
    return WalkResult::advance();
  };
  return failure(model.walk(link).wasInterrupted());
}

} // namespace decant
