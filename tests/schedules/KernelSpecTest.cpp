// Text form of specs: round trip, refusals, symbols.
#include "schedules/spec/KernelSpec.h"

#include "gtest/gtest.h"

namespace decant {
namespace {

TEST(KernelSpec, PrintsWhatItParses) {
  for (const char *text :
       {"linear k=128 n=384 bias=1 act=gelu residual=0 gather=1 scale=0.0625 softcap=30 rows=many",
        "attention heads=4 kv_heads=2 d=64 block=16 scale=0.125 softcap=0 mask=(and (le k q) (load p b k)) visit=- "
        "full=() score=- "
        "params=p:u8:2 rows=one",
        "norm n=27 groups=3 eps=1e-05 rms=1 plus_one=1 bias=0 rows=few",
        "embed n=8 scale=11.3137085 positions=1 offset=2 rows=one", "kv_append heads=1 d=128 block=16 rows=many",
        "elementwise n=63 act=quick_gelu gate=1 residual=1 rows=few", "sinusoid n=32 offset=2 factor=0.5 rows=one",
        "rope heads=3 d=80 n=32 rows=many", "frames n=80 shifts=(-1 0 1) rows=few"}) {
    std::string error;
    auto spec = parseKernelSpec(text, error);
    ASSERT_TRUE(spec) << error;
    EXPECT_EQ(toText(*spec), text);
  }
}

TEST(KernelSpec, NamesWhatIsWrong) {
  auto errorOf = [](const char *text) {
    std::string error;
    EXPECT_FALSE(parseKernelSpec(text, error)) << text;
    return error;
  };
  EXPECT_EQ(errorOf("conv k=1"), "unknown op 'conv': expected one of linear, attention, norm, embed, kv_append, "
                                 "elementwise, sinusoid, rope, frames");
  EXPECT_EQ(errorOf("norm n=1 groups=1 eps=0 rms=0 plus_one=0 rows=one"), "key 'bias' is missing");
  EXPECT_EQ(errorOf("norm n=x groups=1 eps=0 rms=0 plus_one=0 bias=0 rows=one"),
            "key 'n': expected a whole number >= 0, found 'x'");
  EXPECT_EQ(errorOf("norm n=1 groups=1 eps=inf rms=0 plus_one=0 bias=0 rows=one"),
            "key 'eps': expected a finite number, found 'inf'");
  EXPECT_EQ(errorOf("norm n=1 groups=1 eps=0 rms=0 plus_one=0 bias=2 rows=one"),
            "key 'bias': expected 0 or 1, found '2'");
  EXPECT_EQ(errorOf("norm n=1 groups=1 eps=0 rms=0 plus_one=0 bias=0 rows=all"),
            "key 'rows': expected one, few or many, found 'all'");
  EXPECT_EQ(errorOf("norm n=1 n=2 groups=1 eps=0 rms=0 plus_one=0 bias=0 rows=one"), "key 'n' is given twice");
  EXPECT_EQ(errorOf("norm n=1 groups=1 eps=0 rms=0 plus_one=0 bias=0 rows=one tile=3"), "unknown key 'tile' for norm");
  EXPECT_EQ(errorOf("elementwise n=1 act=swish gate=0 residual=0 rows=one"),
            "key 'act': expected none, gelu, relu, gelu_tanh, silu or quick_gelu, found 'swish'");
  EXPECT_EQ(errorOf("norm n"), "expected key=value, found 'n'");
}

TEST(KernelSpec, ShiftsAreSmallNumbersInParentheses) {
  EXPECT_EQ(parseShifts("(-1 0 1)"), (std::vector<int>{-1, 0, 1}));
  EXPECT_EQ(parseShifts("(0)"), std::vector<int>{0});
  EXPECT_EQ(parseShifts("(0 0 0 0 0 0 0 1)")->size(), 8u);
  for (const char *text : {"", "-", "()", "(2)", "(-2)", "(01)", "(0", "0)", "(0,1)", "(0  1)", "( 0)", "(0 )", "(x)",
                           "(0 0 0 0 0 0 0 0 0)"})
    EXPECT_FALSE(parseShifts(text)) << text;
}

TEST(KernelSpec, SymbolDependsOnTextAndTarget) {
  NormSpec spec;
  spec.n = 128;
  const std::string symbol = kernelSymbol(spec, "x86-64-v3");
  EXPECT_EQ(symbol.substr(0, 13), "dec_norm_f32_");
  EXPECT_EQ(symbol.substr(29), "__x86_64_v3");
  spec.bias = true;
  EXPECT_NE(kernelSymbol(spec, "x86-64-v3"), symbol);
}

} // namespace
} // namespace decant
