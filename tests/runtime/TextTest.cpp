#include "ToyModel.h"

#include <gtest/gtest.h>

namespace {

toy::Options withText() {
  toy::Options options;
  options.text = true;
  return options;
}

struct TextTest : testing::Test {
  toy::Model toy{withText()};
  char message[256] = "";

  decant_status encode(const char *text, std::vector<int32_t> &ids) {
    size_t count = 0;
    decant_status status = decant_text_encode(&toy.model, text, nullptr, 0, message, sizeof message, &count);
    if (status != DECANT_OK)
      return status;
    ids.assign(count, -1);
    return decant_text_encode(&toy.model, text, ids.data(), count, message, sizeof message, &count);
  }
};

TEST_F(TextTest, EncodesCharactersBetweenPrefixAndSuffix) {
  std::vector<int32_t> ids;
  EXPECT_EQ(encode("abé𝕏a", ids), DECANT_OK);
  EXPECT_EQ(ids, (std::vector<int32_t>{1, 3, 4, 5, 6, 3, 2}));
  EXPECT_EQ(encode("", ids), DECANT_OK);
  EXPECT_EQ(ids, (std::vector<int32_t>{1, 2}));
}

TEST_F(TextTest, NamesTheUnknownCharacterAndItsPlace) {
  std::vector<int32_t> ids;
  EXPECT_EQ(encode("aé€b", ids), DECANT_INVALID_ARGUMENT);
  EXPECT_STREQ(message, "the model does not know the character '€' (U+20AC) at byte 3");
}

TEST_F(TextTest, RefusesWhatIsNotUtf8) {
  std::vector<int32_t> ids;
  // Lone continuation, cut sequence, overlong forms, surrogate, beyond U+10FFFF, bytes that never occur.
  for (const char *bad : {"\x80", "a\xc3", "\xc0\xaf", "\xe0\x80\x80", "\xf0\x80\x80\x80", "\xed\xa0\x80",
                          "\xf4\x90\x80\x80", "\xff", "\xe2\x82"}) {
    EXPECT_EQ(encode(bad, ids), DECANT_INVALID_ARGUMENT);
    EXPECT_NE(std::string(message).find("not UTF-8 at byte"), std::string::npos) << message;
  }
}

TEST_F(TextTest, DecodesWithoutSpecialsAndCutsToTheCapacity) {
  const int32_t ids[] = {1, 3, 7, 5, 2};
  char text[16];
  size_t bytes = 0;
  EXPECT_EQ(decant_text_decode(&toy.model, ids, 5, text, sizeof text, &bytes), DECANT_OK);
  EXPECT_STREQ(text, "axyzé");
  EXPECT_EQ(bytes, 6u);
  EXPECT_EQ(decant_text_decode(&toy.model, ids, 5, text, 3, &bytes), DECANT_OK);
  EXPECT_STREQ(text, "ax");
  EXPECT_EQ(bytes, 6u);
  const int32_t unknown[] = {11};
  EXPECT_EQ(decant_text_decode(&toy.model, unknown, 1, text, sizeof text, &bytes), DECANT_INVALID_ARGUMENT);
}

TEST(TextWithoutTables, IsUnimplemented) {
  toy::Model toy;
  char message[128];
  size_t count = 9;
  EXPECT_EQ(decant_text_encode(&toy.model, "a", nullptr, 0, message, sizeof message, &count), DECANT_UNIMPLEMENTED);
  EXPECT_STREQ(message, "this model has no text tables: use token ids");
  EXPECT_EQ(count, 9u);
}

} // namespace
