// The rules of the JSON front, each with an accepted and a refused case.
#include "compiler/config/Json.h"
#include "compiler/config/Limits.h"
#include "tests/config/TestSupport.h"

using namespace decant;
using namespace decant::test;
using json::Kind;
using json::Value;

namespace {

llvm::Expected<Value> parse(const std::string &text) { return json::parse(text, "f.json"); }

TEST(Json, KeepsKindsAndOrder) {
  Value v = accepted(parse(R"({"z": 1, "a": [null, true, -2, 1.5, "x\u00e9\ud83d\ude00"], "b": {}})"));
  ASSERT_TRUE(v.is(Kind::Object));
  EXPECT_EQ(v.keys(), (std::vector<std::string>{"z", "a", "b"}));
  const Value &a = *v.find("a");
  ASSERT_EQ(a.items().size(), 5u);
  EXPECT_TRUE(a.items()[0].is(Kind::Null));
  EXPECT_TRUE(a.items()[1].boolean());
  EXPECT_EQ(a.items()[2].integer(), -2);
  EXPECT_EQ(a.items()[3].real(), 1.5);
  EXPECT_EQ(a.items()[4].text(), "x\xc3\xa9\xf0\x9f\x98\x80");
  EXPECT_EQ(v.find("c"), nullptr);
}

TEST(Json, IntegersAreInt64AndNothingElse) {
  EXPECT_EQ(accepted(parse("9223372036854775807")).integer(), INT64_MAX);
  EXPECT_EQ(accepted(parse("-9223372036854775808")).integer(), INT64_MIN);
  for (const char *text : {"9223372036854775808", "18446744073709551616", "1.0", "1e2", "-9223372036854775809"})
    EXPECT_TRUE(accepted(parse(text)).is(Kind::Float)) << text;
}

struct BadText {
  const char *name;
  std::string text;
  const char *message;
};

TEST(Json, RefusesBadText) {
  const std::string nul("{}\0{}", 5);
  const BadText cases[] = {
      {"empty", "", "byte 1: not valid JSON"},
      {"blank", "  \n", "byte 4: not valid JSON"},
      {"cut off", "{\"a\": ", "not valid JSON"},
      {"trailing comma", "[1,]", "byte 4"},
      {"single quotes", "{'a': 1}", "byte 2"},
      {"comment", "{} // x", "byte 4"},
      {"two documents", "{} {}", "byte 4"},
      {"NUL behind the document", nul, "byte 2: a NUL byte"},
      {"byte order mark", "\xef\xbb\xbf{}", "byte order mark"},
      {"leading zero", "[01]", "not valid JSON"},
      {"plus sign", "[+1]", "not valid JSON"},
      {"hexadecimal", "[0x10]", "not valid JSON"},
      {"NaN", "{\"eps\": NaN}", "NaN and Infinity are no JSON numbers"},
      {"Infinity", "[Infinity]", "NaN and Infinity are no JSON numbers"},
      {"minus Infinity", "[-Infinity]", "NaN and Infinity are no JSON numbers"},
      {"1e999", "[1e999]", "number overflow"},
      {"raw control character", "[\"a\nb\"]", "not valid JSON"},
      {"bad UTF-8", "[\"\xff\"]", "UTF-8"},
      {"overlong UTF-8", "[\"\xc0\xaf\"]", "UTF-8"},
      {"surrogate in UTF-8", "[\"\xed\xa0\x80\"]", "UTF-8"},
      {"lone surrogate", "[\"\\ud800\"]", "surrogate"},
      {"bad escape", "[\"\\x41\"]", "not valid JSON"},
      {"equal keys", "{\"a\": 1, \"b\": 2, \"a\": 1}", "the key \"a\" appears twice"},
      {"equal keys, spelt differently", "{\"a\": 1, \"\\u0061\": 1}", "the key \"a\" appears twice"},
      {"equal keys, nested", "[{\"x\": {\"k\": 1, \"k\": 2}}]", "the key \"k\" appears twice"},
  };
  for (const BadText &bad : cases)
    EXPECT_TRUE(refused(parse(bad.text), ExitCode::BadInput, {"f.json: ", bad.message})) << bad.name;
}

TEST(Json, DepthIsCapped) {
  auto nested = [](size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  accepted(parse(nested(limits::jsonDepth)));
  EXPECT_TRUE(refused(parse(nested(limits::jsonDepth + 1)), ExitCode::BadInput, {"nested more than 64 deep"}));
  EXPECT_TRUE(refused(parse(std::string(1'000'000, '[')), ExitCode::BadInput, {"nested more than 64 deep"}));
  EXPECT_TRUE(refused(parse("{\"a\": [0, {\"b\": " + nested(62) + "}]}"), ExitCode::BadInput, {"\"a\"[1].\"b\"[0]"}));
}

TEST(Json, ValuesAreCapped) {
  auto elements = [](int64_t count) {
    std::string text = "[[]";
    for (int64_t i = 1; i < count; ++i)
      text += ",[]";
    return text + "]";
  };
  accepted(parse(elements(limits::jsonValues - 1)));
  EXPECT_TRUE(refused(parse(elements(limits::jsonValues)), ExitCode::BadInput, {"more than 500000 values"}));
  EXPECT_TRUE(refused(json::parse("[1, 2, 3]", "f.json", {3, 2}), ExitCode::BadInput, {"more than 3 values"}));
  EXPECT_TRUE(refused(json::parse("[[[]]]", "f.json", {9, 2}), ExitCode::BadInput, {"nested more than 2 deep"}));
}

TEST(Json, StringsAreCapped) {
  auto sized = [](size_t bytes) { return "[\"" + std::string(bytes, 'x') + "\"]"; };
  accepted(parse(sized(limits::stringBytes)));
  EXPECT_TRUE(refused(parse(sized(limits::stringBytes + 1)), ExitCode::BadInput, {"[0]: a string of 1048577 bytes"}));
  std::string key = "{\"" + std::string(limits::stringBytes + 1, 'x') + "\": 1}";
  EXPECT_TRUE(refused(parse(key), ExitCode::BadInput, {"a string of 1048577 bytes"}));
}

TEST(Json, FilesAreCapped) {
  TempFolder folder;
  folder.write("big.json", std::string(limits::jsonFileBytes + 1, ' '));
  EXPECT_TRUE(refused(json::parseFile(folder.file("big.json")), ExitCode::BadInput, {"big.json", "at most 16777216"}));
  folder.write("good.json", "{\"a\": 1}");
  EXPECT_EQ(accepted(json::parseFile(folder.file("good.json"))).find("a")->integer(), 1);
}

TEST(Json, MessagesStayShortAndPrintable) {
  std::string hostile = "\x1b[31m" + std::string(1000, 'x') + "\"";
  EXPECT_EQ(json::quote("\x1b\"\\"), "\"\\u001b\\\"\\\\\"");
  EXPECT_LT(json::quote(hostile).size(), 100u);
  EXPECT_LT(json::excerpt(Value(hostile)).size(), 120u);
  EXPECT_EQ(json::excerpt(accepted(parse("{\"a\":[1,2.50,null,true],\"b\":\"c\"}"))),
            "{\"a\": [1, 2.50, null, true], \"b\": \"c\"}");
}

} // namespace
