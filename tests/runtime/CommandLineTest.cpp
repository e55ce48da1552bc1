#include "runtime/exe/options.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace {

using namespace decant::rt;

struct Parsed {
  int code;
  std::string error;
};

/// The words stay until the next call, as argv does: `line` points at them.
Parsed parse(std::vector<std::string> given, CommandLine &line) {
  static std::vector<std::string> words;
  words = std::move(given);
  std::string program = "program";
  std::vector<char *> argv = {program.data()};
  for (std::string &word : words)
    argv.push_back(word.data());
  testing::internal::CaptureStderr();
  int code = parseCommandLine(int(argv.size()), argv.data(), line);
  return {code, testing::internal::GetCapturedStderr()};
}

TEST(CommandLineTest, ValuesAndFlags) {
  CommandLine line;
  EXPECT_EQ(parse({"--num-beams", "4", "--length-penalty=-0.5", "--early-stopping", "never", "--ignore-eos", "--json",
                   "--min-new-tokens", "0", "--max-new-tokens=7", "--ids"},
                  line)
                .code,
            0);
  EXPECT_EQ(line.generate.num_beams, 4);
  EXPECT_EQ(line.generate.length_penalty, -0.5f);
  EXPECT_EQ(line.generate.early_stopping, 2);
  EXPECT_EQ(line.generate.ignore_eos, 1);
  EXPECT_EQ(line.generate.min_new_tokens, 0);
  EXPECT_EQ(line.generate.max_new_tokens, 7);
  EXPECT_TRUE(line.json && line.ids && !line.stream && line.texts.empty());
}

TEST(CommandLineTest, TextsMayBeEmptyOrLookLikeOptions) {
  CommandLine line;
  std::vector<std::string> words = {"", "-x", "--", "--json"};
  std::vector<char *> argv = {words[0].data()};
  for (std::string &word : words)
    argv.push_back(word.data());
  ASSERT_EQ(parseCommandLine(int(argv.size()), argv.data(), line), 0);
  ASSERT_EQ(line.texts.size(), 3u);
  EXPECT_STREQ(line.texts[0], "");
  EXPECT_STREQ(line.texts[1], "-x");
  EXPECT_STREQ(line.texts[2], "--json");
  EXPECT_FALSE(line.json);
}

TEST(CommandLineTest, IdsMayStandBehindAnEqualsSign) {
  CommandLine line, help;
  char program[] = "program", ids[] = "--ids=1 2"; // texts point into argv: it outlives the line
  char *argv[] = {program, ids};
  ASSERT_EQ(parseCommandLine(2, argv, line), 0);
  ASSERT_TRUE(line.ids && line.texts.size() == 1);
  EXPECT_STREQ(line.texts[0], "1 2");
  EXPECT_EQ(parse({"-h"}, help).code, 0);
  EXPECT_TRUE(help.help && help.texts.empty());
}

TEST(CommandLineTest, Sampling) {
  CommandLine line;
  EXPECT_EQ(parse({"--do-sample", "--temperature", "0.7", "--top-k=5", "--top-p", "0.9", "--min-p", "0.05", "--seed",
                   "18446744073709551615", "--repetition-penalty", "1.2", "--no-repeat-ngram-size", "3", "--chat",
                   "--system", "Be brief."},
                  line)
                .code,
            0);
  EXPECT_EQ(line.generate.do_sample, 1);
  EXPECT_EQ(line.generate.temperature, 0.7f);
  EXPECT_EQ(line.generate.top_k, 5);
  EXPECT_EQ(line.generate.top_p, 0.9f);
  EXPECT_EQ(line.generate.min_p, 0.05f);
  EXPECT_EQ(line.generate.seed, UINT64_MAX);
  EXPECT_EQ(line.generate.repetition_penalty, 1.2f);
  EXPECT_EQ(line.generate.no_repeat_ngram_size, 3);
  EXPECT_TRUE(line.chat && line.generate.until_context && line.generate.without_scores);
  EXPECT_STREQ(line.system, "Be brief.");
}

TEST(CommandLineTest, WrongUseIsExitTwoOrFour) {
  auto refused = [](std::vector<std::string> words, int code, const char *error) {
    CommandLine line;
    Parsed parsed = parse(std::move(words), line);
    EXPECT_EQ(parsed.code, code);
    EXPECT_EQ(parsed.error, error);
  };
  refused({"--num-beam", "4"}, 2, "unknown option --num-beam; the nearest one is --num-beams (see --help)\n");
  refused({"--thread=1"}, 2, "unknown option --thread; the nearest one is --threads (see --help)\n");
  refused({"--num-beams"}, 2, "--num-beams: a value is missing\n");
  refused({"--num-beams", "0"}, 2, "--num-beams: expected a whole number from 1 to 1024, found \"0\"\n");
  refused({"--num-beams", "4x"}, 2, "--num-beams: expected a whole number from 1 to 1024, found \"4x\"\n");
  refused({"--num-beams", "1025"}, 2, "--num-beams: expected a whole number from 1 to 1024, found \"1025\"\n");
  refused({"--threads", "257"}, 2, "--threads: expected a whole number from 1 to 256, found \"257\"\n");
  refused({"--batch=65537"}, 2, "--batch: expected a whole number from 1 to 65536, found \"65537\"\n");
  refused({"--max-new-tokens", "0"}, 2, "--max-new-tokens: expected a whole number from 1 on, found \"0\"\n");
  refused({"--early-stopping", "maybe"}, 2, "--early-stopping: expected true, false or never, found \"maybe\"\n");
  refused({"--length-penalty", "nan"}, 2, "--length-penalty: expected a finite number, found \"nan\"\n");
  refused({"--json=1"}, 2, "--json: expected no value, found \"1\"\n");
  refused({"--device", "cpu"}, 4, "--device: not supported by this version\n");
  refused({"--seed", "-1"}, 2, "--seed: expected a whole number from 0 on, found \"-1\"\n");
  refused({"--top-p", "x"}, 2, "--top-p: expected a finite number, found \"x\"\n");
  refused({"--do-sample", "--num-beams", "2"}, 2, "--do-sample goes with --num-beams 1\n");
  refused({"--system", "Be brief."}, 2, "--system goes with --chat\n");
  refused({"--chat", "--ids", "1"}, 2, "--chat takes texts, not --ids\n");
}

TEST(CommandLineTest, StatusesBecomeExitCodes) {
  EXPECT_EQ(exitCode(DECANT_OK), 0);
  EXPECT_EQ(exitCode(DECANT_INTERNAL), 1);
  EXPECT_EQ(exitCode(DECANT_INVALID_ARGUMENT), 3);
  EXPECT_EQ(exitCode(DECANT_DATA_LOSS), 3);
  EXPECT_EQ(exitCode(DECANT_UNIMPLEMENTED), 4);
  EXPECT_EQ(exitCode(DECANT_FAILED_PRECONDITION), 5);
  EXPECT_EQ(exitCode(DECANT_OUT_OF_RANGE), 6);
  EXPECT_EQ(exitCode(DECANT_RESOURCE_EXHAUSTED), 6);
}

} // namespace
