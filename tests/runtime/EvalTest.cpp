#include "runtime/core/eval.h"
#include "ToyModel.h"

#include <gtest/gtest.h>
#include <memory>

namespace {

using namespace decant::rt;

template <class T>
RawTensor tensor(const char *name, uint32_t type, std::vector<uint64_t> dims, const std::vector<T> &data) {
  RawTensor t{name, type, uint32_t(dims.size()), {1, 1, 1, 1}, reinterpret_cast<const uint8_t *>(data.data())};
  std::copy(dims.begin(), dims.end(), t.dims);
  EXPECT_EQ(t.elements(), data.size());
  return t;
}

struct EvalTest : testing::Test {
  toy::Model toy;
  char message[512] = "";
  EvalResult result;
  std::vector<int64_t> ids = {9, 3, 4, 5, 6, 0};
  std::vector<int32_t> target = {1, 7, 8, 1, 5, 9};

  decant_status eval(const std::vector<RawTensor> &inputs) {
    return evaluate(&toy.model, 1, inputs, Message{message, sizeof message}, result);
  }
};

TEST_F(EvalTest, TokensWhoseMaskIsZeroTakeNoPart) {
  const std::vector<int64_t> mask = {0, 1, 1, 1, 0, 1};        // left padding; a hole
  const std::vector<uint8_t> target_mask = {1, 0, 1, 1, 1, 0}; // a hole; right padding
  ASSERT_EQ(eval({tensor("input_ids", RawI64, {2, 3}, ids), tensor("attention_mask", RawI64, {2, 3}, mask),
                  tensor("decoder_input_ids", RawI32, {2, 3}, target),
                  tensor("decoder_attention_mask", RawBool, {2, 3}, target_mask)}),
            DECANT_OK)
      << message;
  const RawTensor *logits = findTensor({result.tensors, result.count}, "logits");
  const RawTensor *hidden = findTensor({result.tensors, result.count}, "encoder_last_hidden_state");
  ASSERT_TRUE(logits && hidden);
  EXPECT_EQ(logits->dims[2], toy::kVocab);
  auto row = [&](size_t r) {
    const auto *at = reinterpret_cast<const float *>(logits->data) + r * toy::kVocab;
    return std::vector<float>(at, at + toy::kVocab);
  };
  auto expected = [](const std::vector<int32_t> &source, const std::vector<int32_t> &prefix) {
    std::vector<float> row;
    for (int32_t v = 0; v < int32_t(toy::kVocab); ++v)
      row.push_back(toy::logit(source, prefix, v));
    return row;
  };
  const std::vector<float> zero(toy::kVocab, 0.0f);
  EXPECT_EQ(row(0), expected({3, 4}, {1}));
  EXPECT_EQ(row(1), zero);
  EXPECT_EQ(row(2), expected({3, 4}, {1, 8}));
  EXPECT_EQ(row(3), expected({5, 0}, {1}));
  EXPECT_EQ(row(4), expected({5, 0}, {1, 5}));
  EXPECT_EQ(row(5), zero);
  EXPECT_EQ(elementAt(*hidden, 0), 0);
  EXPECT_EQ(elementAt(*hidden, 1 * toy::kWidth + 1), 31);
}

TEST_F(EvalTest, SequencesLongerThanAStepGoInSeveral) {
  toy::Options options;
  options.keys = toy::Keys::Window;
  options.context = 20000;
  toy::Model window(options);
  const uint64_t length = decant::rt::kWindowStep + 100;
  std::vector<int32_t> tokens(2 * length);
  std::vector<uint8_t> real(2 * length, 1);
  for (size_t i = 0; i < tokens.size(); ++i)
    tokens[i] = int32_t(i * i % toy::kVocab);
  std::fill(real.begin() + int64_t(length) + 50, real.end(), 0); // the second one fits one step
  ASSERT_EQ(evaluate(&window.model, 1,
                     std::vector<RawTensor>{tensor("input_ids", RawI64, {2, 3}, ids),
                                            tensor("decoder_input_ids", RawI32, {2, length}, tokens),
                                            tensor("decoder_attention_mask", RawBool, {2, length}, real)},
                     Message{message, sizeof message}, result),
            DECANT_OK)
      << message;
  const RawTensor *logits = findTensor({result.tensors, result.count}, "logits");
  ASSERT_TRUE(logits);
  for (size_t row = 0; row < 2 * length; ++row) {
    const size_t b = row / length, position = row % length,
                 first = position < toy::kWindow ? 0 : position + 1 - toy::kWindow;
    const std::vector<int32_t> seen(tokens.begin() + int64_t(b * length + first), tokens.begin() + int64_t(row + 1));
    const std::vector<int32_t> source(ids.begin() + int64_t(b * 3), ids.begin() + int64_t(b * 3 + 3));
    for (int32_t v = 0; v < int32_t(toy::kVocab); ++v)
      ASSERT_EQ(elementAt(*logits, row * toy::kVocab + size_t(v)), real[row] ? toy::logit(source, seen, v) : 0.0f)
          << "sequence " << b << ", position " << position;
  }
}

TEST_F(EvalTest, WrongInputsAreNamed) {
  const RawTensor input = tensor("input_ids", RawI64, {2, 3}, ids);
  EXPECT_EQ(eval({input}), DECANT_INVALID_ARGUMENT);
  EXPECT_STREQ(message, "decoder_input_ids: missing, expected (batch, tokens) of I32 or I64");
  EXPECT_EQ(eval({}), DECANT_INVALID_ARGUMENT);
  EXPECT_STREQ(message, "input_ids: missing, or its batch is not 1 to 65536");
  const std::vector<int32_t> none = {1, 1, 1, 0, 0, 0}, far = {1, 2, 3, 4, 99, 6};
  EXPECT_EQ(eval({input, tensor("attention_mask", RawI32, {2, 3}, none),
                  tensor("decoder_input_ids", RawI32, {2, 3}, target)}),
            DECANT_INVALID_ARGUMENT);
  EXPECT_STREQ(message, "attention_mask: sequence 1 has no real token");
  EXPECT_EQ(eval({input, tensor("decoder_input_ids", RawI32, {2, 3}, far)}), DECANT_INVALID_ARGUMENT);
  EXPECT_STREQ(message, "decoder_input_ids: token id 99 at (1, 1) is outside the vocabulary of 11");
  EXPECT_EQ(eval({input, tensor("decoder_input_ids", RawI32, {3, 2}, target)}), DECANT_INVALID_ARGUMENT);
  EXPECT_STREQ(message, "decoder_input_ids: 3 sequences, input_ids has 2");
}

TEST_F(EvalTest, UnknownNamesAndWrongMasksAreRefused) {
  const RawTensor input = tensor("input_ids", RawI64, {2, 3}, ids);
  const RawTensor decoder = tensor("decoder_input_ids", RawI32, {2, 3}, target);
  EXPECT_EQ(eval({input, decoder, tensor("atention_mask", RawI64, {2, 3}, ids)}), DECANT_INVALID_ARGUMENT);
  EXPECT_STREQ(message, "atention_mask: unknown input; this model takes input_ids, attention_mask, decoder_input_ids, "
                        "decoder_attention_mask");
  const std::vector<float> reals(6, 1.0f);
  EXPECT_EQ(eval({input, decoder, tensor("attention_mask", RawF32, {2, 3}, reals)}), DECANT_INVALID_ARGUMENT);
  EXPECT_STREQ(message, "attention_mask: wrong type, expected BOOL, I32 or I64");
  const std::vector<int32_t> twos = {1, 1, 2, 1, 1, 1};
  EXPECT_EQ(eval({input, decoder, tensor("attention_mask", RawI32, {2, 3}, twos)}), DECANT_INVALID_ARGUMENT);
  EXPECT_STREQ(message, "attention_mask: element 2 is 2, expected 0 or 1");
}

TEST_F(EvalTest, SequencesOfNoTokens) {
  const std::vector<int64_t> none;
  const RawTensor input = tensor("input_ids", RawI64, {2, 0}, none);
  EXPECT_EQ(eval({input, tensor("decoder_input_ids", RawI32, {2, 3}, target)}), DECANT_INVALID_ARGUMENT);
  EXPECT_STREQ(message, "attention_mask: sequence 0 has no real token");
  ASSERT_EQ(eval({tensor("input_ids", RawI64, {2, 3}, ids), tensor("decoder_input_ids", RawI64, {2, 0}, none)}),
            DECANT_OK)
      << message;
  EXPECT_EQ(findTensor({result.tensors, result.count}, "logits")->elements(), 0u);
}

std::string written(const std::vector<RawTensor> &tensors) {
  FILE *file = std::tmpfile();
  EXPECT_TRUE(writeRawTensors(file, tensors));
  std::string bytes(size_t(std::ftell(file)), 0);
  std::rewind(file);
  EXPECT_EQ(std::fread(bytes.data(), 1, bytes.size(), file), bytes.size());
  std::fclose(file);
  return bytes;
}

TEST_F(EvalTest, RawTensorsComeBackAsTheyWere) {
  const std::vector<uint8_t> flags = {1, 0, 1};
  const std::string bytes = written({tensor("input_ids", RawI64, {2, 3}, ids), tensor("m", RawBool, {3}, flags)});
  Array<RawTensor> read;
  ASSERT_EQ(readRawTensors(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size(), "F",
                           Message{message, sizeof message}, read),
            DECANT_OK)
      << message;
  ASSERT_EQ(read.size(), 2u);
  EXPECT_EQ(read[0].name, "input_ids");
  EXPECT_EQ(elementAt(read[0], 3), 5);
  EXPECT_EQ(read[1].type, uint32_t(RawBool));
  EXPECT_EQ(elementAt(read[1], 2), 1);
}

TEST_F(EvalTest, DamagedRawTensorsAreRefusedOrHarmless) {
  const std::string bytes = written({tensor("input_ids", RawI64, {2, 3}, ids)});
  auto read = [&](const std::string &file) {
    std::unique_ptr<uint8_t[]> exact(new uint8_t[file.size()]);
    std::copy(file.begin(), file.end(), exact.get());
    Array<RawTensor> list;
    decant_status status = readRawTensors(exact.get(), file.size(), "F", Message{message, sizeof message}, list);
    double sum = 0;
    for (const RawTensor &t : list)
      for (uint64_t i = 0; status == DECANT_OK && i < t.elements(); ++i)
        sum += elementAt(t, i);
    EXPECT_FALSE(status != DECANT_OK && message[0] == 0) << sum;
    return status;
  };
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_EQ(read(bytes.substr(0, size)), DECANT_DATA_LOSS) << size;
  for (size_t i = 0; i < bytes.size(); ++i)
    for (int flip : {0x01, 0x80, 0xff}) {
      std::string bad = bytes;
      bad[i] = static_cast<char>(bad[i] ^ flip);
      (void)read(bad);
    }
}

} // namespace
