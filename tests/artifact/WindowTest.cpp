// A cache with a window against a full one under the same masks: 10,000 steps of a compiled decoder give the same bits,
// and the memory of the first stops growing. The full model's kernels evaluate the mask on every block, so that this
// tests the derived bounds too.
#include "compiler/dialect/Dec.h"
#include "compiler/weights/WeightSet.h"
#include "runtime/core/session.h"
#include "tests/artifact/CompiledModel.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fmt/format.h>
#include <random>
#include <unistd.h>

namespace {

using namespace decant;

constexpr int kWidth = 32, kVocab = 29, kSteps = 10000, kBlock = 16;

/// window = 0: causal; else the newest `window` positions.
std::string maskText(int layer, int window) {
  return fmt::format(R"(
  dec.mask @mask{0}(%b: index, %h: index, %q: index, %k: index) {{
    %past = arith.cmpi sle, %k, %q : index
    %w = arith.constant {1} : index
    %first = arith.subi %q, %w : index
    %new = arith.cmpi sgt, %k, %first : index
    %keep = arith.andi %past, %new : i1
    dec.yield %keep : i1
  }})",
                     layer, window ? window : 1 << 20);
}

std::string layerText(int layer) {
  return fmt::format(R"(
    %n{0} = dec.norm %x{0} weight @norm eps 1.0e-5 : tensor<?x32xf32>
    %y{0} = dec.linear %n{0} weight @qkv{0} : tensor<?x32xf32> -> tensor<?x64xf32>
    %q{0}, %k{0}, %v{0} = dec.split %y{0} : tensor<?x64xf32> -> tensor<?x32xf32>, tensor<?x16xf32>, tensor<?x16xf32>
    %a{0} = dec.attention %q{0}, %k{0}, %v{0} rows %rows, %rows heads 2 kv_heads 1 scale 0.25 mask @mask{0}()
            : tensor<?x32xf32>, tensor<?x16xf32>
    %o{0} = dec.linear %a{0} weight @out{0} : tensor<?x32xf32> -> tensor<?x32xf32>
    %x{1} = dec.residual %x{0}, %o{0} : tensor<?x32xf32>)",
                     layer, layer + 1);
}

/// A decoder of two layers.
std::string modelText(const int (&windows)[2]) {
  return fmt::format(R"(
dec.model @window attributes {{kind = "decoder_only", width = 32 : i64, vocab = 29 : i64, max_batch = 2 : i64,
                              max_context = 10240 : i64, max_source = 0 : i64}} {{
  dec.weight @embed from [#dec.source<"embed", 0, 29>] raw : tensor<29x32xf32>
  dec.weight @norm from [#dec.source<"norm", 0, 32>] raw : tensor<32xf32>
  dec.weight @qkv0 from [#dec.source<"qkv0", 0, 64>] raw : tensor<64x32xf32>
  dec.weight @qkv1 from [#dec.source<"qkv1", 0, 64>] raw : tensor<64x32xf32>
  dec.weight @out0 from [#dec.source<"out0", 0, 32>] raw : tensor<32x32xf32>
  dec.weight @out1 from [#dec.source<"out1", 0, 32>] raw : tensor<32x32xf32>
{}{}
  func.func @decode(%ids: tensor<?xi32> {{dec.name = "input_ids"}}, %rows: !dec.rows {{dec.name = "rows"}}) -> tensor<?x29xf32> {{
    %x0 = dec.embed %ids table @embed scale 1.0 : tensor<?xi32> -> tensor<?x32xf32>
{}{}
    %l = dec.logits %x2 weight @embed : tensor<?x32xf32> -> tensor<?x29xf32>
    return %l : tensor<?x29xf32>
  }}
}})",
                     maskText(0, windows[0]), maskText(1, windows[1]), layerText(0), layerText(1));
}

std::string weightsFile() {
  std::mt19937 random(11);
  std::uniform_real_distribution<float> uniform(-0.6f, 0.6f);
  std::vector<NamedTensor> tensors;
  auto add = [&](const char *name, std::vector<int64_t> shape) {
    int64_t count = 1;
    for (int64_t extent : shape)
      count *= extent;
    std::vector<uint8_t> bytes;
    for (int64_t i = 0; i < count; ++i) {
      const float value = uniform(random);
      bytes.insert(bytes.end(), reinterpret_cast<const uint8_t *>(&value),
                   reinterpret_cast<const uint8_t *>(&value) + sizeof value);
    }
    tensors.push_back({name, DType::F32, std::move(shape), std::move(bytes)});
  };
  add("embed", {kVocab, kWidth}), add("norm", {kWidth});
  add("qkv0", {64, kWidth}), add("qkv1", {64, kWidth}), add("out0", {kWidth, kWidth}), add("out1", {kWidth, kWidth});
  std::string path = test::scratchFolder() + "/window.safetensors";
  llvm::Error error = writeSafetensors(path, tensors);
  EXPECT_FALSE(bool(error)) << llvm::toString(std::move(error));
  return path;
}

/// Small blocks, so that a window spans several. `full`: no windows, no bounds.
void changeCaches(mlir::ModuleOp module, bool full) {
  module.walk([&](dec::CacheOp cache) {
    cache.setBlock(kBlock);
    if (full)
      cache.removeWindowAttr();
  });
  if (full)
    module.walk([](dec::MaskOp mask) { mask.removeVisitAttr(), mask.removeFullAttr(); });
}

int32_t idAt(size_t i) { return static_cast<int32_t>((i * i / 3 + i) % kVocab); }

/// A session of one model, and what its steps gave.
class Running {
public:
  Running(const int (&windows)[2], bool full) {
    const std::string path = fmt::format("{}/window-{}-{}-{}.so", test::scratchFolder(), windows[0], windows[1], full);
    EXPECT_EQ(test::compileIr(modelText(windows), weightsFile(), path,
                              [&](mlir::ModuleOp module, llvm::StringRef phase) {
                                if (phase == "cache")
                                  changeCaches(module, full);
                              }),
              "");
    char message[256] = "";
    EXPECT_EQ(decant_model_open(path.c_str(), nullptr, message, sizeof message, &model), DECANT_OK) << message;
    decant_session_options options{sizeof options, 1, 2};
    if (!model)
      return;
    EXPECT_EQ(decant_session_create(model, &options, &session), DECANT_OK) << decant_session_message(nullptr);
    EXPECT_EQ(decant_slot_open(session, &slot), DECANT_OK);
  }
  Running(const Running &) = delete;
  Running &operator=(const Running &) = delete;
  ~Running() {
    decant_session_release(session);
    decant_model_release(model);
  }

  /// Appends the next `count` tokens; the last row's logits, or all of them, go behind `out`.
  void feed(size_t count, std::vector<float> &out, bool all = false) {
    std::vector<int32_t> ids;
    for (size_t i = 0; i < count; ++i)
      ids.push_back(idAt(fed++));
    decant_rows rows{slot, int32_t(count), ids.data(), nullptr};
    decant_step_options options{sizeof options, all, nullptr, 0};
    decant_result result{};
    ASSERT_EQ(decant_decode(session, &rows, 1, &options, &result), DECANT_OK) << decant_session_message(session);
    for (size_t r = 0; r < result.rows; ++r)
      out.insert(out.end(), result.data + r * result.stride, result.data + r * result.stride + result.columns);
  }
  uint32_t inUse(uint32_t kind) const { return session->cache.blocksInUse(kind); }

  decant_model *model = nullptr;
  decant_session *session = nullptr;

private:
  int32_t slot = -1;
  size_t fed = 0;
};

int64_t residentBytes() {
  long pages = 0, resident = 0;
  FILE *file = std::fopen("/proc/self/statm", "r");
  if (!file || std::fscanf(file, "%ld %ld", &pages, &resident) != 2)
    ADD_FAILURE() << "/proc/self/statm cannot be read";
  if (file)
    std::fclose(file);
  return resident * sysconf(_SC_PAGESIZE);
}

/// The number of the first row of the two that differs in a bit; -1: none.
int64_t firstDifference(const std::vector<float> &found, const std::vector<float> &expected) {
  if (found.size() != expected.size())
    return 0;
  for (size_t at = 0; at < found.size(); at += kVocab)
    if (std::memcmp(&found[at], &expected[at], kVocab * sizeof(float)) != 0)
      return int64_t(at / kVocab);
  return -1;
}

void expectSaneLogits(const std::vector<float> &logits) {
  size_t moving = 0;
  for (size_t at = 0; at < logits.size(); ++at) {
    ASSERT_TRUE(std::isfinite(logits[at]));
    moving += at >= kVocab && logits[at] != logits[at - kVocab];
  }
  EXPECT_GT(moving, logits.size() / 2);
}

TEST(WindowTest, TenThousandStepsEqualAFullCacheAndMemoryStaysTheSame) {
  const int windows[2] = {16, 33};
  const int64_t mebi = 1 << 20;
  Running sliding(windows, false), full(windows, true);
  ASSERT_TRUE(sliding.session && full.session);
  ASSERT_EQ(sliding.session->header().window, 33u);
  std::vector<float> found, expected;
  found.reserve(kSteps * kVocab), expected.reserve(kSteps * kVocab);
  std::fill_n(found.data(), found.capacity(), 0.0f), std::fill_n(expected.data(), expected.capacity(), 0.0f); // touched
  int64_t before = 0;
  for (int step = 1; step <= kSteps; ++step) {
    ASSERT_NO_FATAL_FAILURE(sliding.feed(1, found));
    ASSERT_LE(sliding.inUse(DECANT_CACHE_WINDOW), 33u / kBlock + 3) << "step " << step; // ceil(W / block) + 2
    ASSERT_EQ(sliding.inUse(DECANT_CACHE_SELF), 0u);
    if (step == 1000)
      before = residentBytes();
  }
  EXPECT_LE(residentBytes() - before, mebi);

  for (int step = 1; step <= kSteps; ++step) {
    ASSERT_NO_FATAL_FAILURE(full.feed(1, expected));
    if (step == 1000)
      before = residentBytes();
  }
  EXPECT_EQ(full.inUse(DECANT_CACHE_SELF), uint32_t(kSteps / kBlock));
  EXPECT_GE(residentBytes() - before, 3 * mebi / 2); // the measure sees a cache that grows: 256 bytes a token
  EXPECT_EQ(firstDifference(found, expected), -1) << "step (from 0) whose logits differ";
  expectSaneLogits(found);
}

TEST(WindowTest, AWindowBesideAFullCache) {
  const int windows[2] = {33, 0};
  Running sliding(windows, false), full(windows, true);
  ASSERT_TRUE(sliding.session && full.session);
  std::vector<float> found, expected;
  for (int step = 1; step <= 1500; ++step) {
    ASSERT_NO_FATAL_FAILURE(sliding.feed(1, found));
    ASSERT_NO_FATAL_FAILURE(full.feed(1, expected));
    ASSERT_LE(sliding.inUse(DECANT_CACHE_WINDOW), 33u / kBlock + 3);
    ASSERT_EQ(sliding.inUse(DECANT_CACHE_SELF), uint32_t((step + kBlock - 1) / kBlock));
  }
  EXPECT_EQ(firstDifference(found, expected), -1) << "step (from 0) whose logits differ";
  expectSaneLogits(found);
}

/// Tiles of 1, 8 and 32 rows over a cache with a window.
TEST(WindowTest, StepsOfAnyLengthGiveTheSameBits) {
  const int windows[2] = {16, 33};
  const unsigned seed = 20261;
  std::printf("seed %u\n", seed);
  std::mt19937 random(seed);
  Running chunks(windows, false), full(windows, true);
  ASSERT_TRUE(chunks.session && full.session);
  std::vector<float> found, expected;
  for (size_t fed = 0; fed < 4000;) {
    const size_t most = fed % 3 == 0 ? 9 : fed % 3 == 1 ? 40 : 300, count = 1 + random() % most;
    ASSERT_NO_FATAL_FAILURE(chunks.feed(count, found, true));
    for (size_t i = 0; i < count; ++i)
      ASSERT_NO_FATAL_FAILURE(full.feed(1, expected));
    ASSERT_LE(chunks.inUse(DECANT_CACHE_WINDOW), 33u / kBlock + 3);
    fed += count;
  }
  EXPECT_EQ(firstDifference(found, expected), -1) << "row whose logits differ";
}

} // namespace
