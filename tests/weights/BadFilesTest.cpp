// Bad safetensors files, one per rule, and two sweeps: truncation at every byte, every bit of the header flipped.
#include "compiler/weights/SafetensorsHeader.h"
#include "tests/config/TestSupport.h"

using namespace decant;
using namespace decant::test;

namespace {

std::string file(const std::string &header, size_t dataBytes, uint64_t length) {
  std::string bytes(8, '\0');
  for (int i = 0; i < 8; ++i)
    bytes[i] = static_cast<char>(length >> (8 * i));
  return bytes + header + std::string(dataBytes, '\x7f');
}
std::string file(const std::string &header, size_t dataBytes) { return file(header, dataBytes, header.size()); }

/// One tensor "w" of 16 bytes of data.
std::string one(const std::string &dtype, const std::string &shape, const std::string &offsets, size_t data = 16) {
  return file("{\"w\":{\"dtype\":" + dtype + ",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}}", data);
}

/// Tensors a, b, ... of U8 at the given offsets.
std::string several(std::initializer_list<std::pair<int, int>> offsets, size_t data) {
  std::string header = "{";
  char name = 'a';
  for (auto [begin, end] : offsets) {
    header += std::string(header.size() > 1 ? "," : "") + "\"" + name++ + "\":{\"dtype\":\"U8\",\"shape\":[" +
              std::to_string(end - begin) + "],\"data_offsets\":[" + std::to_string(begin) + "," + std::to_string(end) +
              "]}";
  }
  return file(header + "}", data);
}

llvm::Expected<std::map<std::string, TensorView>> parse(const std::string &bytes) {
  return parseSafetensors(bytes, "w.safetensors");
}

struct BadFile {
  const char *name;
  std::string bytes;
  const char *message;
};

const std::string good = "{\"w\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]}}";

std::vector<BadFile> badContainers() {
  return {
      {"empty", "", "the file has 0 bytes; a safetensors file has at least 8"},
      {"seven bytes", "1234567", "the file has 7 bytes"},
      {"header longer than the cap", file(good, 16, 100'000'001), "length is 100000001; at most 100000000"},
      {"header of 2^64 - 1", file(good, 16, UINT64_MAX), "length is 18446744073709551615"},
      {"header of 2^63", file(good, 16, 1ull << 63), "length is 9223372036854775808"},
      {"header beyond the file", file(good, 16, good.size() + 17), "it is truncated"},
      {"a pickle", "\x80\x02}q\x01(abcdefgh", "is this a safetensors file?"},
      {"empty header", file("", 16), "does not begin with '{'"},
      {"leading space", file(" " + good, 16), "does not begin with '{'"},
      {"array", file("[]", 0), "does not begin with '{'"},
      {"byte order mark", file("\xef\xbb\xbf" + good, 16), "does not begin with '{'"},
      {"bad JSON", file("{\"w\":", 0), "header: byte"},
      {"bad UTF-8", file("{\"\xff\":{}}", 0), "UTF-8"},
      {"trailing NUL", file(good + std::string(1, '\0'), 16), "a NUL byte"},
      {"second document", file(good + "{}", 16), "not valid JSON"},
      {"deep nesting", file("{\"w\":" + std::string(100000, '[') + std::string(100000, ']') + "}", 0),
       "\"w\"[0][0][0]: nested more than 4 deep"},
      {"nested metadata", file("{\"__metadata__\":{\"a\":[[[]]]}}", 0), "nested more than 4 deep"},
      {"equal names",
       file("{\"w\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]},"
            "\"w\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}",
            0),
       "the key \"w\" appears twice"},
      {"equal fields", file("{\"w\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}", 0),
       "the key \"dtype\" appears twice"},
      {"metadata is a list", file("{\"__metadata__\":[]}", 0), "\"__metadata__\": expected an object of strings"},
      {"metadata holds a number", file("{\"__metadata__\":{\"n\":1}}", 0), "key \"n\": expected a string, found 1"},
      {"no tensor, but data", file("{}", 1), "the tensors end at byte 0 of the data, but 1 bytes follow"},
      {"trailing byte", file(good, 17), "the tensors end at byte 16 of the data, but 17 bytes follow"},
      {"last byte missing", file(good, 15), "[0, 16] is outside the 15 bytes"},
  };
}

std::vector<BadFile> badTensors() {
  return {
      {"tensor is a number", file("{\"w\":1}", 0), "tensor \"w\": expected an object, found 1"},
      {"no dtype", file("{\"w\":{\"shape\":[0],\"data_offsets\":[0,0]}}", 0),
       "dtype: expected a string, found nothing"},
      {"no shape", file("{\"w\":{\"dtype\":\"U8\",\"data_offsets\":[0,0]}}", 0), "shape: expected an array"},
      {"no offsets", file("{\"w\":{\"dtype\":\"U8\",\"shape\":[0]}}", 0), "data_offsets: expected [begin, end]"},
      {"unknown field", file("{\"w\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0],\"strides\":[1]}}", 0),
       "unknown key \"strides\""},
      {"dtype is a number", one("4", "[4]", "[0,16]"), "dtype: expected a string, found 4"},
      {"unknown dtype", one("\"F128\"", "[1]", "[0,16]"), "\"F128\" is no type of the format"},
      {"lower-case dtype", one("\"f32\"", "[4]", "[0,16]"), "\"f32\" is no type of the format"},
      {"shape is a number", one("\"F32\"", "4", "[0,16]"), "shape: expected an array, found 4"},
      {"negative extent", one("\"F32\"", "[-4]", "[0,16]"), "shape: expected integers from 0, found -4"},
      {"fractional extent", one("\"F32\"", "[4.0]", "[0,16]"), "found 4.0"},
      {"exponent extent", one("\"U8\"", "[16e0]", "[0,16]"), "found 16e0"},
      {"extent of 2^64", one("\"F32\"", "[18446744073709551616]", "[0,16]"), "found 18446744073709551616"},
      {"rank 9", one("\"F32\"", "[4,1,1,1,1,1,1,1,1]", "[0,16]"), "9 dimensions; at most 8"},
      {"product wraps to 4", one("\"F32\"", "[4194305,4194305,211106198978564]", "[0,16]"),
       "shape [4194305, 4194305, 211106198978564]: the number of bits does not fit 64 bits"},
      {"bits wrap", one("\"F64\"", "[4611686018427387904]", "[0,16]"), "does not fit 64 bits"},
      {"shape smaller than the data", one("\"F32\"", "[3]", "[0,16]"),
       "needs 12 bytes, but data_offsets [0, 16] hold 16"},
      {"shape larger than the data", one("\"F32\"", "[5]", "[0,16]"), "needs 20 bytes"},
      {"extent 0, but data", one("\"F32\"", "[0,9]", "[0,16]"), "needs 0 bytes"},
      {"rank 0, but 16 bytes", one("\"F32\"", "[]", "[0,16]"), "needs 4 bytes"},
      {"half a byte", one("\"F4\"", "[3]", "[0,16]"), "12 bits are no whole number of bytes"},
      {"six bits", one("\"F6_E2M3\"", "[3]", "[0,16]"), "18 bits are no whole number of bytes"},
      {"one offset", one("\"F32\"", "[4]", "[0]"), "data_offsets: expected [begin, end], found [0]"},
      {"three offsets", one("\"F32\"", "[4]", "[0,16,16]"), "expected [begin, end], found [0, 16, 16]"},
      {"negative offset", one("\"F32\"", "[4]", "[-16,0]"), "data_offsets: expected integers from 0, found -16"},
      {"fractional offset", one("\"F32\"", "[4]", "[0,16.0]"), "found 16.0"},
      {"end before begin", one("\"F32\"", "[4]", "[16,0]"), "the end 0 is before the begin 16"},
      {"end beyond the file", one("\"F32\"", "[8]", "[0,32]"), "[0, 32] is outside the 16 bytes of data"},
      {"end of 2^63 - 1", one("\"F32\"", "[4]", "[0,9223372036854775807]"), "is outside the 16 bytes of data"},
      {"hole at the front", one("\"U8\"", "[12]", "[4,16]"), "\"w\": data_offsets: begins at 4, with a hole behind"},
      {"hole in the middle", several({{0, 4}, {8, 16}}, 16), "\"b\": data_offsets: begins at 8, with a hole behind"},
      {"overlap", several({{0, 8}, {4, 16}}, 16), "\"b\": data_offsets: begins at 4, inside the tensor before"},
      {"same bytes twice", several({{0, 16}, {0, 16}}, 16), "\"b\": data_offsets: begins at 0, inside"},
      {"empty tensor inside another", several({{0, 16}, {8, 8}}, 16), "\"b\": data_offsets: begins at 8, inside"},
  };
}

TEST(BadFiles, EachRuleHasItsMessage) {
  size_t kinds = 0;
  for (const auto &corpus : {badContainers(), badTensors()})
    for (const BadFile &bad : corpus) {
      EXPECT_TRUE(refused(parse(bad.bytes), ExitCode::BadInput, {"w.safetensors: ", bad.message})) << bad.name;
      ++kinds;
    }
  EXPECT_EQ(kinds, 58u);
}

TEST(BadFiles, LegalCorners) {
  EXPECT_TRUE(accepted(parse(file("{}", 0))).empty());
  EXPECT_EQ(accepted(parse(file(good + "   ", 16))).at("w").bytes, 16u) << "padding with spaces";
  EXPECT_EQ(accepted(parse(one("\"F32\"", "[]", "[0,4]", 4))).at("w").bytes, 4u) << "rank 0";
  EXPECT_EQ(accepted(parse(one("\"F32\"", "[0,9]", "[0,0]", 0))).at("w").bytes, 0u) << "extent 0";
  EXPECT_EQ(accepted(parse(one("\"F4\"", "[2]", "[0,1]", 1))).at("w").dtype, DType::Other) << "two nibbles";
  EXPECT_EQ(accepted(parse(several({{8, 16}, {0, 8}, {8, 8}}, 16))).size(), 3u) << "any order of names";
  // A zero extent after a product that wraps: the format's checked product fails, whatever comes behind.
  EXPECT_TRUE(refused(parse(one("\"U8\"", "[4611686018427387904,4611686018427387904,0]", "[0,0]", 0)),
                      ExitCode::BadInput, {"does not fit 64 bits"}));
}

/// A good file: three tensors, metadata, padding.
std::string sample() {
  return file("{\"__metadata__\":{\"format\":\"pt\"},\"a\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]},"
              "\"b\":{\"dtype\":\"F16\",\"shape\":[3],\"data_offsets\":[16,22]},"
              "\"c\":{\"dtype\":\"I8\",\"shape\":[],\"data_offsets\":[22,23]}}  ",
              23);
}

TEST(BadFiles, TruncatedAtEveryByte) {
  std::string whole = sample();
  accepted(parse(whole));
  for (size_t length = 0; length < whole.size(); ++length) {
    // An own allocation of exact size, so that a sanitizer sees a read beyond its end.
    std::vector<char> cut(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(length));
    auto result = parseSafetensors(llvm::StringRef(cut.data(), cut.size()), "w.safetensors");
    EXPECT_TRUE(refused(std::move(result), ExitCode::BadInput, {"w.safetensors: "})) << length;
  }
}

TEST(BadFiles, EveryBitOfTheHeaderFlipped) {
  const std::string whole = sample();
  size_t headerEnd = whole.size() - 23, kept = 0, refusedFiles = 0;
  for (size_t bit = 0; bit < headerEnd * 8; ++bit) {
    std::vector<char> flipped(whole.begin(), whole.end());
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    auto result = parseSafetensors(llvm::StringRef(flipped.data(), flipped.size()), "w.safetensors");
    if (!result) {
      Outcome outcome = outcomeOf(result.takeError());
      EXPECT_EQ(outcome.code, ExitCode::BadInput) << bit;
      EXPECT_FALSE(outcome.message.empty()) << bit;
      ++refusedFiles;
      continue;
    }
    // Only names, metadata and types of the same size may change: the same byte ranges in the same order.
    ++kept;
    std::vector<std::pair<ptrdiff_t, uint64_t>> ranges;
    for (auto &[name, view] : *result)
      ranges.emplace_back(reinterpret_cast<const char *>(view.data) - flipped.data() - ptrdiff_t(headerEnd),
                          view.bytes);
    std::sort(ranges.begin(), ranges.end());
    EXPECT_EQ(ranges, (std::vector<std::pair<ptrdiff_t, uint64_t>>{{0, 16}, {16, 6}, {22, 1}})) << bit;
  }
  EXPECT_GT(kept, 0u);
  EXPECT_GT(refusedFiles, 10 * kept);
}

} // namespace
