// plan-memory on random plans: no two buffers that are alive at once share bytes, and all lie within row_bytes.
// The seed is in the message of a failure.
#include "compiler/dialect/Dec.h"
#include "compiler/dialect/Plan.h"
#include "compiler/passes/Passes.h"

#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>
#include <vector>

using namespace mlir;
using namespace decant;

namespace {

/// Alive at steps [begin, end], both included.
struct Buffer {
  int64_t begin, end, columns;
  std::string type() const { return fmt::format("memref<?x{0}xf32, strided<[{0}, 1]>>", columns); }
  /// Its first 16 columns, which is what the calls read and write.
  std::string viewType() const { return fmt::format("memref<?x16xf32, strided<[{}, 1]>>", columns); }
};

/// A plan in which call i writes buffer i and reads one of the buffers before it.
std::string randomPlan(unsigned seed, std::vector<Buffer> &buffers) {
  std::mt19937 random(seed);
  auto pick = [&](int64_t count) { return static_cast<int64_t>(random() % count); };
  int64_t count = 3 + pick(40);
  std::string text =
      R"(dec.model @m attributes {kind = "decoder_only", width = 16 : i64, vocab = 0 : i64, max_batch = 1 : i64,
    max_context = 16 : i64, max_source = 0 : i64} { plan.entry @decode {
    %x = plan.input "features" : memref<?x16xf32, strided<[16, 1]>>
)";
  for (int64_t i = 0; i < count; ++i) {
    std::string source = "%x", sourceType = "memref<?x16xf32, strided<[16, 1]>>";
    if (i > 0) {
      int64_t j = pick(i);
      buffers[j].end = i;
      source = fmt::format("%v{}", j), sourceType = buffers[j].viewType();
    }
    buffers.push_back({i, i, 16 * (1 + pick(8))});
    text += fmt::format(
        "%b{0} = plan.alloc rows : {1}\n%v{0} = plan.view %b{0}[0] : {1} -> {2}\n"
        "plan.call \"c\" \"elementwise n=16 act=relu gate=0 residual=0\" rows ins({3} : {4}) outs(%v{0} : {2})\n",
        i, buffers[i].type(), buffers[i].viewType(), source, sourceType);
  }
  int64_t output = pick(count);
  buffers[output].end = count;
  return text + fmt::format("plan.return output %b{} : {} }} }}", output, buffers[output].type());
}

TEST(PlanMemory, buffersAliveAtOnceShareNoBytes) {
  MLIRContext context;
  context.loadDialect<dec::DecDialect, plan::PlanDialect>();
  for (unsigned seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    std::vector<Buffer> buffers;
    auto module = parseSourceString<ModuleOp>(randomPlan(seed, buffers), &context);
    ASSERT_TRUE(module);
    PassManager passes(&context);
    passes.addPass(createPlanMemory());
    ASSERT_TRUE(succeeded(passes.run(*module)));
    int64_t rowBytes = 0;
    std::vector<int64_t> offsets;
    module->walk([&](plan::EntryOp entry) { rowBytes = *entry.getRowBytes(); });
    module->walk([&](plan::AllocOp alloc) { offsets.push_back(*alloc.getOffset()); });
    ASSERT_EQ(offsets.size(), buffers.size());
    for (size_t i = 0; i < buffers.size(); ++i) {
      const Buffer &a = buffers[i];
      EXPECT_LE(offsets[i] + 4 * a.columns, rowBytes) << "buffer " << i;
      for (size_t j = 0; j < i; ++j) {
        const Buffer &b = buffers[j];
        bool bothAlive = a.begin <= b.end && b.begin <= a.end;
        bool apart = offsets[i] + 4 * a.columns <= offsets[j] || offsets[j] + 4 * b.columns <= offsets[i];
        EXPECT_TRUE(apart || !bothAlive) << "buffers " << j << " and " << i;
      }
    }
  }
}

} // namespace
