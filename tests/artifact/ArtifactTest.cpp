// What an artifact holds: the plan calls kernels compiled from specs and nothing else; equal inputs give equal bytes.
#include "compiler/artifact/Tables.h"
#include "compiler/dialect/Dec.h"
#include "compiler/import/Import.h"
#include "compiler/passes/Pipeline.h"
#include "runtime/include/decant_module.h"
#include "schedules/spec/KernelSpec.h"
#include "tests/artifact/CompiledModel.h"

#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"

#include <gtest/gtest.h>

using namespace decant;

namespace {

const char *const kModel = DECANT_TEST_MODELS "/g2p-bart-en-us";

std::string readFile(const std::string &path) {
  auto file = llvm::MemoryBuffer::getFile(path);
  return file ? (*file)->getBuffer().str() : "";
}

/// The tables inside an artifact, found by their magic.
const decant_tables_header *findTables(const std::string &file) {
  size_t at = file.find(std::string(DECANT_MODULE_MAGIC, 8));
  return at == std::string::npos ? nullptr : reinterpret_cast<const decant_tables_header *>(file.data() + at);
}

template <class T> llvm::ArrayRef<T> list(const decant_tables_header *tables, decant_range range) {
  return {reinterpret_cast<const T *>(reinterpret_cast<const char *>(tables) + range.offset), range.count};
}

std::string text(const decant_tables_header *tables, decant_range range) {
  return std::string(reinterpret_cast<const char *>(tables) + range.offset, range.count);
}

TEST(ArtifactTest, EveryStepOfThePlanIsAKernelFromASpec) {
  std::string path = test::scratchFolder() + "/plan";
  ASSERT_EQ(test::compileModel(kModel, path), "");
  std::string file = readFile(path);
  const decant_tables_header *tables = findTables(file);
  ASSERT_NE(tables, nullptr);
  auto kernels = list<decant_kernel_info>(tables, tables->kernels);
  std::map<std::string, int> ops;
  for (const decant_entry &entry : tables->entries)
    for (const decant_step &step : list<decant_step>(tables, entry.steps))
      for (uint32_t kernel : step.kernel) {
        std::string spec = text(tables, kernels[kernel].spec), error,
                    target = text(tables, list<decant_target>(tables, tables->targets)[0].name);
        auto parsed = parseKernelSpec(spec, error);
        ASSERT_TRUE(parsed) << spec << ": " << error;
        EXPECT_EQ(text(tables, kernels[kernel].symbol), kernelSymbol(*parsed, target));
        EXPECT_EQ(text(tables, kernels[kernel].symbol).rfind("dec_", 0), 0u);
        ++ops[std::string(opName(*parsed))];
      }
  // One encoder and one decoder layer, three row classes a step.
  EXPECT_EQ(ops["attention"], 3 * 3);
  EXPECT_EQ(ops["norm"], 3 * (3 + 4));
  EXPECT_EQ(ops["embed"], 3 * 2);
  EXPECT_EQ(ops["kv_append"], 3 * 3);
  EXPECT_EQ(ops["linear"], 3 * (5 + 7));
  EXPECT_EQ(ops["elementwise"], 0);
}

TEST(ArtifactTest, EqualInputsGiveEqualBytes) {
  std::string copy = test::scratchFolder() + "/another-name";
  llvm::sys::fs::create_directory(copy);
  for (const char *name : {"config.json", "generation_config.json", "g2p_vocab.json", "model.safetensors"})
    ASSERT_FALSE(llvm::sys::fs::copy_file(std::string(kModel) + "/" + name, copy + "/" + name));
  std::string first = test::scratchFolder() + "/first", second = test::scratchFolder() + "/second";
  ASSERT_EQ(test::compileModel(kModel, first), "");
  ASSERT_EQ(test::compileModel(copy, second), "");
  EXPECT_GT(readFile(first).size(), 3000000u);
  EXPECT_EQ(readFile(first), readFile(second));
}

TEST(ArtifactTest, NoTraceOfTheBuild) {
  std::string path = test::scratchFolder() + "/trace";
  ASSERT_EQ(test::compileModel(kModel, path), "");
  std::string file = readFile(path);
  EXPECT_EQ(file.find(test::scratchFolder()), std::string::npos);
  EXPECT_EQ(file.find(DECANT_TEST_MODELS), std::string::npos);
}

} // namespace
