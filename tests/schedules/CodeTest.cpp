// The machine code itself, read with objdump: instruction sets of both targets, no spills in linear's inner loop, no
// symbol from outside but the runtime's hooks.
#include "tests/schedules/Harness.h"

#include "gtest/gtest.h"

#include <array>
#include <cstdio>
#include <regex>
#include <sstream>
#include <stdexcept>

namespace decant::test {
namespace {

std::string output(const std::string &command) {
  FILE *pipe = popen(command.c_str(), "r");
  if (!pipe)
    throw std::runtime_error("cannot run: " + command);
  std::string text;
  std::array<char, 4096> buffer;
  for (size_t n; (n = fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
    text.append(buffer.data(), n);
  EXPECT_EQ(pclose(pipe), 0) << command; // a missing tool must not pass for an empty answer
  return text;
}

std::string object(const std::string &text, const char *target) {
  std::string error, path = scratchFolder() + "/code.o";
  auto spec = parseKernelSpec(text, error);
  EXPECT_TRUE(spec) << error;
  compileToObject(*spec, target, path);
  return path;
}

/// The lines between a backward jump and its target with the most fused multiply-adds: the inner loop.
std::vector<std::string> innerLoop(const std::string &path) {
  std::istringstream text(output("objdump -d --no-show-raw-insn " + path));
  std::vector<std::pair<unsigned long, std::string>> code;
  const std::regex form("^ *([0-9a-f]+):\t(.*)$"), jump("^j[a-z]+ +([0-9a-f]+).*");
  std::smatch match;
  for (std::string line; std::getline(text, line);)
    if (std::regex_match(line, match, form))
      code.emplace_back(std::stoul(match[1], nullptr, 16), match[2]);
  std::vector<std::string> best;
  long most = 0;
  for (size_t i = 0; i < code.size(); ++i) {
    if (!std::regex_match(code[i].second, match, jump))
      continue;
    const unsigned long target = std::stoul(match[1], nullptr, 16);
    std::vector<std::string> body;
    for (size_t j = i; j > 0 && code[j].first >= target; --j)
      body.push_back(code[j].second);
    const long count = std::count_if(body.begin(), body.end(), [](auto &s) { return s.rfind("vfmadd", 0) == 0; });
    if (body.size() < 200 && count > most)
      most = count, best = body;
  }
  return best;
}

struct Expected {
  const char *target, *wide;
  int sums;
};

class Code : public testing::TestWithParam<Expected> {};

TEST_P(Code, LinearKeepsItsSumsInRegisters) {
  const Expected &want = GetParam();
  auto loop = innerLoop(
      object("linear k=128 n=384 bias=1 act=none residual=0 gather=0 scale=1 softcap=0 rows=many", want.target));
  int sums = 0, spills = 0;
  for (const std::string &line : loop) {
    sums += line.rfind("vfmadd", 0) == 0 && line.find(want.wide) != std::string::npos;
    spills += line.find("rsp") != std::string::npos && line.rfind("vmov", 0) == 0;
  }
  EXPECT_GE(sums, want.sums);
  EXPECT_EQ(sums % want.sums, 0);
  EXPECT_EQ(spills, 0);
}

TEST_P(Code, AttentionMultipliesWithFusedVectors) {
  const std::string code = output(
      "objdump -d --no-show-raw-insn " +
      object("attention heads=1 kv_heads=1 d=128 block=16 scale=0.125 softcap=0 mask=(le k q) visit=- full=() score=- "
             "params=- rows=many",
             GetParam().target));
  EXPECT_NE(code.find(GetParam().wide), std::string::npos);
  EXPECT_NE(code.find("vfmadd231ps"), std::string::npos);
}

TEST_P(Code, OnlyTheHooksAreUndefined) {
  for (const char *spec :
       {"linear k=128 n=1024 bias=1 act=gelu residual=1 gather=1 scale=1 softcap=0 rows=many",
        "attention heads=2 kv_heads=1 d=20 block=64 scale=1 softcap=0 mask=(le k q) visit=- full=() score=(exp (itof "
        "k)) params=- rows=many",
        "norm n=1027 groups=1 eps=0 rms=0 plus_one=0 bias=1 rows=many",
        "embed n=9 scale=2 positions=1 offset=0 rows=many", "kv_append heads=2 d=9 block=16 rows=many",
        "norm n=64 groups=9 eps=1e-06 rms=1 plus_one=1 bias=0 rows=many",
        "linear k=128 n=1024 bias=0 act=none residual=0 gather=1 scale=0.5 softcap=30 rows=many",
        "sinusoid n=33 offset=0 factor=1 rows=many", "rope heads=9 d=80 n=16 rows=many",
        "frames n=81 shifts=(-1 0 1) rows=many", "elementwise n=9001 act=silu gate=1 residual=0 rows=many",
        "elementwise n=9 act=quick_gelu gate=1 residual=0 rows=many",
        "elementwise n=9 act=gelu_tanh gate=1 residual=0 rows=many",
        "elementwise n=9 act=gelu gate=0 residual=1 rows=many"}) {
    std::istringstream names(output("nm -u " + object(spec, GetParam().target)));
    bool parallel = false;
    for (std::string kind, name; names >> kind >> name; parallel |= name == "halide_do_par_for")
      EXPECT_TRUE(name == "halide_do_par_for" || name == "halide_malloc" || name == "halide_free" ||
                  name == "halide_error" || name == "memset" || name == "memcpy")
          << name << " in " << spec;
    if (std::string(spec).rfind("attention", 0) == 0) {
      EXPECT_TRUE(parallel) << spec;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, Code,
                         testing::Values(Expected{"x86-64-v3", "%ymm", 8}, Expected{"x86-64-v4", "%zmm", 24}),
                         [](const auto &info) { return std::string(info.index ? "v4" : "v3"); });

TEST(Refusals, BadSpecsAndTargets) {
  NormSpec norm;
  norm.n = 8;
  EXPECT_THROW(compileToObject(norm, "x86-64-v9", scratchFolder() + "/no.o"), std::invalid_argument);
  norm.n = 0;
  EXPECT_THROW(compileToObject(norm, "x86-64-v3", scratchFolder() + "/no.o"), std::invalid_argument);
  AttentionSpec attention;
  attention.heads = 3, attention.kv_heads = 2, attention.d = 8, attention.block = 16;
  EXPECT_THROW(compileToObject(attention, "x86-64-v3", scratchFolder() + "/no.o"), std::invalid_argument);
  RopeSpec rope;
  rope.heads = 2, rope.d = 8, rope.n = 5; // 2 n > d
  EXPECT_THROW(compileToObject(rope, "x86-64-v3", scratchFolder() + "/no.o"), std::invalid_argument);
  FramesSpec frames;
  frames.n = 4, frames.shifts = "(2)";
  EXPECT_THROW(compileToObject(frames, "x86-64-v3", scratchFolder() + "/no.o"), std::invalid_argument);
  LinearSpec linear;
  linear.k = linear.n = 16, linear.softcap = -1;
  EXPECT_THROW(compileToObject(linear, "x86-64-v3", scratchFolder() + "/no.o"), std::invalid_argument);
  attention.kv_heads = 3, attention.mask = "(add k q)";
  EXPECT_THROW(compileToObject(attention, "x86-64-v3", scratchFolder() + "/no.o"), std::invalid_argument);
}

} // namespace
} // namespace decant::test
