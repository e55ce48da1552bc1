// Opening real files, reading them as f32, writing them back.
#include "compiler/weights/WeightSet.h"
#include "tests/config/TestSupport.h"

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>

using namespace decant;
using namespace decant::test;

namespace {

template <typename T> std::vector<uint8_t> bytesOf(const std::vector<T> &values) {
  std::vector<uint8_t> bytes(values.size() * sizeof(T));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

NamedTensor tensor(const std::string &name, DType type, std::vector<int64_t> shape, std::vector<uint8_t> data) {
  return NamedTensor{name, type, std::move(shape), std::move(data)};
}

TEST(WeightSet, ReadsTheBundledModel) {
  WeightSet set = accepted(WeightSet::openFolder(DECANT_MODELS "/g2p-bart-en-us"));
  EXPECT_EQ(set.tensors().size(), 50u);
  const TensorView *shared = set.find("model.shared.weight");
  ASSERT_NE(shared, nullptr);
  EXPECT_EQ(shared->shape, (std::vector<int64_t>{63, 128}));
  EXPECT_EQ(shared->dtypeName, "F32");
  std::vector<float> values = accepted(set.readF32("model.shared.weight", {63, 128}));
  ASSERT_EQ(values.size(), 63u * 128u);
  for (float value : values)
    ASSERT_TRUE(std::isfinite(value) && std::fabs(value) < 100);
  EXPECT_EQ(std::memcmp(values.data(), shared->data, shared->bytes), 0);
  EXPECT_EQ(set.find("lm_head.weight"), nullptr);
}

TEST(WeightSet, Folders) {
  TempFolder folder;
  EXPECT_TRUE(refused(WeightSet::openFolder(folder.path), ExitCode::BadInput,
                      {"model.safetensors: no such file", "model.safetensors.index.json"}));
  folder.write("pytorch_model.bin", "x");
  EXPECT_TRUE(refused(WeightSet::openFolder(folder.path), ExitCode::BadInput, {"save the model as safetensors"}));
  folder.write("model.safetensors.index.json", "{}");
  EXPECT_TRUE(refused(WeightSet::openFolder(folder.path), ExitCode::BadInput, {"index.json: key \"weight_map\""}));
  folder.write("model.safetensors", "");
  EXPECT_TRUE(refused(WeightSet::openFolder(folder.path), ExitCode::BadInput, {"the file has 0 bytes"}));
  ASSERT_EQ(::mkfifo(folder.file("fifo").c_str(), 0600), 0);
  EXPECT_TRUE(refused(WeightSet::openFile(folder.file("fifo")), ExitCode::BadInput, {"not a regular file"}));
}

TEST(WeightSet, Shards) {
  TempFolder folder;
  auto file = [&](const std::string &name, const std::string &tensorName, float value) {
    ASSERT_FALSE(writeSafetensors(folder.file(name), {tensor(tensorName, DType::F32, {1}, bytesOf<float>({value}))}));
  };
  file("a.safetensors", "x", 1);
  file("b.safetensors", "y", 2);
  auto index = [&](const std::string &map) {
    folder.write("model.safetensors.index.json", R"({"metadata": {"total_size": 8}, "weight_map": {)" + map + "}}");
    return WeightSet::openFolder(folder.path);
  };
  WeightSet set = accepted(index(R"("x": "a.safetensors", "y": "b.safetensors")"));
  EXPECT_EQ(accepted(set.readF32("x", {1}))[0], 1);
  EXPECT_EQ(accepted(set.readF32("y", {1}))[0], 2);

  for (const char *name :
       {"../a.safetensors", "/a.safetensors", ".safetensors", "a.bin", "sub/a.safetensors", "", ".", "..",
        "./a.safetensors", "sub/../a.safetensors", "..\\u002fa.safetensors", "a.safetensors\\u0000.safetensors",
        "\\u0000.safetensors", "../../a.safetensors", "a.safetensors/", "//a.safetensors", ".a.safetensors"})
    EXPECT_TRUE(refused(index(std::string(R"("x": ")") + name + "\""), ExitCode::BadInput,
                        {"tensor \"x\" is in", "expected the name of a .safetensors file"}))
        << name;
  EXPECT_TRUE(refused(index(R"("x": 5)"), ExitCode::BadInput, {"tensor \"x\" is in 5"}));
  EXPECT_TRUE(refused(index(R"("x": "a.safetensors", "z": "b.safetensors")"), ExitCode::BadInput,
                      {"b.safetensors: tensor \"y\" is not in the index"}));
  EXPECT_TRUE(refused(index(R"("x": "a.safetensors", "y": "b.safetensors", "z": "b.safetensors")"), ExitCode::BadInput,
                      {"tensor \"z\" is not in b.safetensors"}));
  EXPECT_TRUE(refused(index(R"("x": "c.safetensors")"), ExitCode::BadInput, {"c.safetensors"}));
  file("b.safetensors", "x", 3);
  EXPECT_TRUE(refused(index(R"("x": "a.safetensors", "y": "b.safetensors")"), ExitCode::BadInput,
                      {"b.safetensors: tensor \"x\" is in the index of a.safetensors"}));
}

TEST(WeightSet, LinksOfShards) {
  TempFolder folder;
  std::filesystem::path root = folder.file("models--x"), snapshot = root / "snapshots/1", away = folder.file("away");
  std::filesystem::create_directories(snapshot);
  std::filesystem::create_directories(root / "blobs");
  std::filesystem::create_directories(away);
  for (const auto &place : {snapshot / "a.safetensors", root / "blobs/0f", away / "x.safetensors"})
    ASSERT_FALSE(writeSafetensors(place, {tensor("x", DType::F32, {1}, bytesOf<float>({1}))}));
  std::ofstream(snapshot / "model.safetensors.index.json") << R"({"weight_map": {"x": "shard.safetensors"}})";
  auto open = [&](const std::string &target) {
    std::filesystem::remove(snapshot / "shard.safetensors");
    std::filesystem::create_symlink(target, snapshot / "shard.safetensors");
    return WeightSet::openFolder(snapshot);
  };
  for (const char *target : {"a.safetensors", "../../blobs/0f"}) // within the folder; a hub's cache
    EXPECT_EQ(accepted(accepted(open(target)).readF32("x", {1}))[0], 1) << target;
  for (const std::string &target : {std::string("../../../away/x.safetensors"), (away / "x.safetensors").string()})
    EXPECT_TRUE(refused(open(target), ExitCode::BadInput, {"shard.safetensors: a link that leaves the folder", "away"}))
        << target;
  EXPECT_TRUE(refused(open("nowhere"), ExitCode::BadInput, {"shard.safetensors: no such file"}));
}

TEST(WeightSet, WritesWhatItReads) {
  TempFolder folder;
  const std::string odd = "quote\" \\ \xc3\xa9\n";
  std::vector<NamedTensor> tensors = {
      tensor(odd, DType::U8, {3}, {1, 2, 3}),
      tensor("f", DType::F32, {2, 2}, bytesOf<float>({1, -2, 0.5f, NAN})),
      tensor("scalar", DType::I64, {}, bytesOf<int64_t>({-7})),
      tensor("empty", DType::F16, {0, 5}, {}),
  };
  std::string path = folder.file("w.safetensors");
  ASSERT_EQ(outcomeOf(writeSafetensors(path, tensors)).message, "");
  EXPECT_EQ(folder.entries(), 1u);
  WeightSet set = accepted(WeightSet::openFile(path));
  ASSERT_EQ(set.tensors().size(), 4u);
  for (const NamedTensor &t : tensors) {
    const TensorView *view = set.find(t.name);
    ASSERT_NE(view, nullptr) << t.name;
    EXPECT_EQ(view->dtype, t.dtype);
    EXPECT_EQ(view->shape, t.shape);
    EXPECT_EQ(std::vector<uint8_t>(view->data, view->data + view->bytes), t.data);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(view->data) % static_cast<uintptr_t>(elementBytes(t.dtype)), 0u) << t.name;
  }
  std::string first = readBytes(path);
  std::swap(tensors[0], tensors[3]);
  ASSERT_EQ(outcomeOf(writeSafetensors(path, tensors)).message, "");
  EXPECT_EQ(readBytes(path), first) << "the order of the arguments does not matter";
}

TEST(WeightSet, ConvertsExactly) {
  TempFolder folder;
  std::vector<uint16_t> all(65536);
  for (size_t i = 0; i < all.size(); ++i)
    all[i] = static_cast<uint16_t>(i);
  ASSERT_EQ(outcomeOf(writeSafetensors(folder.file("w"), {tensor("h", DType::F16, {65536}, bytesOf(all)),
                                                          tensor("b", DType::BF16, {65536}, bytesOf(all))}))
                .message,
            "");
  WeightSet set = accepted(WeightSet::openFile(folder.file("w")));
  std::vector<float> half = accepted(set.readF32("h", {65536})), brain = accepted(set.readF32("b", {65536}));
  for (uint32_t i = 0; i < 65536; ++i) {
    // The definition: (-1)^s 2^(e-15) (1 + f/1024), subnormals f 2^-24.
    int exponent = (i >> 10) & 31, fraction = i & 1023;
    double value = exponent ? std::ldexp(1 + fraction / 1024.0, exponent - 15) : std::ldexp(fraction, -24);
    ASSERT_EQ(std::signbit(half[i]), i >= 32768) << i;
    if (exponent == 31)
      ASSERT_TRUE(fraction ? std::isnan(half[i]) : std::isinf(half[i])) << i;
    else
      ASSERT_EQ(std::fabs(static_cast<double>(half[i])), value) << i;
    uint32_t bits;
    std::memcpy(&bits, &brain[i], 4);
    ASSERT_EQ(bits, i << 16);
  }
}

TEST(WeightSet, ReadF32Refusals) {
  TempFolder folder;
  std::vector<NamedTensor> tensors = {tensor("f", DType::F32, {2}, bytesOf<float>({1, 2})),
                                      tensor("i", DType::I32, {2}, bytesOf<int32_t>({1, 2}))};
  ASSERT_EQ(outcomeOf(writeSafetensors(folder.file("w"), tensors)).message, "");
  WeightSet set = accepted(WeightSet::openFile(folder.file("w")));
  EXPECT_EQ(accepted(set.readF32("f", {2})), (std::vector<float>{1, 2}));
  EXPECT_TRUE(
      refused(set.readF32("g", {2, 3}), ExitCode::BadInput, {"/w: tensor \"g\": missing; expected shape [2, 3]"}));
  EXPECT_TRUE(refused(set.readF32("f", {1, 2}), ExitCode::BadInput, {"\"f\": expected shape [1, 2], found [2]"}));
  EXPECT_TRUE(refused(set.readF32("i", {2}), ExitCode::BadInput, {"\"i\": expected F32, F16 or BF16, found I32"}));
}

TEST(WeightSet, ViewsOutliveCopies) {
  std::unique_ptr<WeightSet> copy;
  {
    WeightSet set = accepted(WeightSet::openFolder(DECANT_MODELS "/g2p-bart-en-us"));
    copy = std::make_unique<WeightSet>(set);
  }
  EXPECT_EQ(accepted(copy->readF32("final_logits_bias", {1, 63})).size(), 63u);
}

TEST(WeightSet, WriterRefusals) {
  TempFolder folder;
  auto refusal = [&](std::vector<NamedTensor> tensors) {
    Outcome outcome = outcomeOf(writeSafetensors(folder.file("w"), tensors));
    EXPECT_EQ(outcome.code, ExitCode::BadInput);
    EXPECT_EQ(folder.entries(), 0u);
    return outcome.message;
  };
  NamedTensor byte = tensor("x", DType::U8, {1}, {1});
  EXPECT_NE(refusal({byte, byte}).find("tensor \"x\": given twice"), std::string::npos);
  EXPECT_NE(refusal({tensor("x", DType::F32, {2}, {1, 2})}).find("shape [2] of F32 does not match 2 bytes"),
            std::string::npos);
  EXPECT_NE(refusal({tensor("x", DType::U8, {-1}, {})}).find("shape [-1]"), std::string::npos);
  EXPECT_NE(refusal({tensor("x", DType::Other, {0}, {})}).find("of other"), std::string::npos);
  EXPECT_NE(refusal({tensor("__metadata__", DType::U8, {1}, {1})}).find("not a legal name"), std::string::npos);
  EXPECT_NE(refusal({tensor("\xff", DType::U8, {1}, {1})}).find("not a legal name"), std::string::npos);
  EXPECT_NE(refusal({tensor("x", DType::U8, {1, 1, 1, 1, 1, 1, 1, 1, 1}, {1})}).find("9 dimensions"),
            std::string::npos);
}

} // namespace
