// Data and relocations only, through LLVM's own object writer. Tested in tests/e2e (every artifact goes through here).
#include "compiler/artifact/TablesObject.h"
#include "compiler/config/Errors.h"
#include "runtime/include/decant_module.h"

#include "llvm/IR/Constants.h"
#include "llvm/IR/GlobalVariable.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Target/TargetOptions.h"

using namespace llvm;

namespace decant {

namespace {

GlobalVariable *addGlobal(llvm::Module &module, Constant *value, StringRef name,
                          GlobalValue::VisibilityTypes visibility) {
  auto *global =
      new GlobalVariable(module, value->getType(), /*isConstant=*/true, GlobalValue::ExternalLinkage, value, name);
  global->setVisibility(visibility);
  return global;
}

void buildModule(llvm::Module &module, const ModuleTables &tables, ArrayRef<std::string> kernelSymbols) {
  LLVMContext &context = module.getContext();
  auto *blob = addGlobal(module, ConstantDataArray::get(context, ArrayRef<uint8_t>(tables.bytes)), "decant_tables",
                         GlobalValue::HiddenVisibility);
  blob->setSection(DECANT_TABLES_SECTION);
  blob->setAlignment(Align(64));

  auto *pointer = PointerType::getUnqual(context);
  auto *kernelType = FunctionType::get(Type::getInt32Ty(context), {pointer}, false);
  std::vector<Constant *> kernels;
  for (const std::string &symbol : kernelSymbols)
    kernels.push_back(cast<Constant>(module.getOrInsertFunction(symbol + "_argv", kernelType).getCallee()));
  auto *array = addGlobal(module, ConstantArray::get(ArrayType::get(pointer, kernels.size()), kernels),
                          "decant_kernels", GlobalValue::HiddenVisibility);
  addGlobal(module, ConstantStruct::getAnon({blob, array}), "decant_module", GlobalValue::DefaultVisibility);
}

} // namespace

llvm::Error writeTablesObject(const ModuleTables &tables, const std::vector<std::string> &kernelSymbols,
                              const std::string &path) {
  LLVMInitializeX86TargetInfo();
  LLVMInitializeX86Target();
  LLVMInitializeX86TargetMC();
  LLVMInitializeX86AsmPrinter();
  std::string problem;
  Triple triple("x86_64-unknown-linux-gnu");
  const Target *target = TargetRegistry::lookupTarget(triple, problem);
  if (!target)
    return userError(ExitCode::Environment, "LLVM has no x86-64 back end: " + problem);
  std::unique_ptr<TargetMachine> machine(
      target->createTargetMachine(triple, "x86-64", "", TargetOptions(), Reloc::PIC_));

  LLVMContext context;
  llvm::Module module("decant_tables", context);
  module.setDataLayout(machine->createDataLayout());
  module.setTargetTriple(triple);
  buildModule(module, tables, kernelSymbols);

  std::error_code failure;
  raw_fd_ostream out(path, failure);
  if (failure)
    return userError(ExitCode::Resource, path + ": " + failure.message());
  legacy::PassManager passes;
  if (machine->addPassesToEmitFile(passes, out, nullptr, CodeGenFileType::ObjectFile))
    return userError(ExitCode::Internal, "LLVM cannot write object files for x86-64");
  passes.run(module);
  out.flush();
  if (out.has_error()) {
    std::error_code error = out.error();
    out.clear_error();
    return userError(ExitCode::Resource, path + ": " + error.message());
  }
  return llvm::Error::success();
}

} // namespace decant
