// KernelSpec: everything that decides a kernel's machine code, and nothing else.
//
// The one struct that compiler/ (which selects kernels) and schedules/ (which builds them) share. Its text form is
// canonical: equal specs print equally, and the text is the key under which kernels are shared and cached.
// Grammar: `op key=value ...`, keys in the order of fields(), e.g.
//   linear k=128 n=384 bias=1 act=none residual=0 gather=0 scale=1 softcap=0 rows=many
//   attention heads=2 kv_heads=1 d=64 block=16 scale=0.125 softcap=0 mask=(le k q) visit=((0 q1)) full=((0 (add q0 1)))
//   score=- params=- rows=one
// Argument order of each kernel: schedules/README.md. Tested in tests/schedules/KernelSpecTest.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace decant {

/// How many rows one call handles: `One` row; `Few` (a small register tile); `Many` (the full register tile).
/// All classes of a kernel add in the same order, so a row's bits do not depend on the class.
enum class RowClass { One, Few, Many };

/// Gelu: erf form; GeluTanh: its tanh approximation; Silu: x * sigmoid(x); QuickGelu: x * sigmoid(1.702 x).
enum class Activation { None, Gelu, Relu, GeluTanh, Silu, QuickGelu };

/// out[r, n] = cap(act(scale * sum_k x[r, k] * w[n, k] + bias[n])) + residual[r, n]; cap as in attention
struct LinearSpec {
  int64_t k = 0, n = 0; ///< unpadded sizes
  bool bias = false;
  Activation act = Activation::None;
  bool residual = false;
  bool gather = false; ///< row r reads x[index[r]]
  double scale = 1;    ///< scale and softcap: of logits (gather) alone
  double softcap = 0;  ///< c > 0: a result s becomes c tanh(s / c)
  RowClass rows = RowClass::Many;

  template <class Visitor> void fields(Visitor &&v) {
    v("k", k), v("n", n), v("bias", bias), v("act", act), v("residual", residual), v("gather", gather),
        v("scale", scale), v("softcap", softcap), v("rows", rows);
  }
};

/// Scaled dot-product attention over a blocked KV cache, softmax online over key blocks.
struct AttentionSpec {
  int64_t heads = 0, kv_heads = 0, d = 0;
  int64_t block = 0; ///< tokens a KV block
  double scale = 1;
  double softcap = 0;        ///< c > 0: a scaled product s becomes c tanh(s / c), before score and mask
  std::string mask = "true"; ///< MaskExpr text; false = key not visible
  std::string visit = "-";   ///< KeyRanges text: keys outside are hidden from every row of the tile
  std::string full = "()";   ///< KeyRanges text: keys inside are visible to every row of the tile
  std::string score = "-";   ///< MaskExpr text of f32 type added to the scaled score, or "-"
  std::string params = "-";  ///< comma-separated `name:type:rank`, e.g. "p0:i32:1,p1:u8:4"; "-" = none
  RowClass rows = RowClass::Many;

  template <class Visitor> void fields(Visitor &&v) {
    v("heads", heads), v("kv_heads", kv_heads), v("d", d), v("block", block), v("scale", scale), v("softcap", softcap),
        v("mask", mask), v("visit", visit), v("full", full), v("score", score), v("params", params), v("rows", rows);
  }
};

/// Query rows that one tile of attention holds at most. The runtime makes tiles of these sizes (runtime/core).
inline constexpr int attentionTileRows(RowClass rows) {
  return rows == RowClass::One ? 1 : rows == RowClass::Few ? 8 : 32;
}

/// out = (x - mean) / sqrt(var + eps) * weight + bias, for each of `groups` groups of n columns in a row;
/// rms: out = x / sqrt(mean of x^2 + eps) * weight (Zhang and Sennrich 2019, arXiv:1910.07467)
struct NormSpec {
  int64_t n = 0;      ///< columns of a group
  int64_t groups = 1; ///< all read the same weight and bias of n
  double eps = 0;
  bool rms = false;
  bool plus_one = false; ///< the factor is weight + 1
  bool bias = false;
  RowClass rows = RowClass::Many;

  template <class Visitor> void fields(Visitor &&v) {
    v("n", n), v("groups", groups), v("eps", eps), v("rms", rms), v("plus_one", plus_one), v("bias", bias),
        v("rows", rows);
  }
};

/// out[r] = factor * (sin(a_0), .., sin(a_n-1), cos(a_0), .., cos(a_n-1)), a_j = (position[r] + offset) * freqs[j] in
/// f32
struct SinusoidSpec {
  int64_t n = 0; ///< angles
  int64_t offset = 0;
  double factor = 1;
  RowClass rows = RowClass::Many;

  template <class Visitor> void fields(Visitor &&v) {
    v("n", n), v("offset", offset), v("factor", factor), v("rows", rows);
  }
};

/// Rotary positions (Su et al. 2021, arXiv:2104.09864): in each head the pairs (j, j + n) turn by the angle whose sine
/// and cosine stand in columns j and n + j of `angles`; columns from 2 n on stay.
struct RopeSpec {
  int64_t heads = 0, d = 0;
  int64_t n = 0; ///< angles; 2 n <= d
  RowClass rows = RowClass::Many;

  template <class Visitor> void fields(Visitor &&v) { v("heads", heads), v("d", d), v("n", n), v("rows", rows); }
};

/// out[r, c * t + i] = x_i[r + shift_i, c] for t inputs of n columns; 0 beyond the ends of r's sequence: the
/// neighbourhoods that a convolution over rows multiplies with its weight [out, n, t].
struct FramesSpec {
  int64_t n = 0;
  std::string shifts = "(0)"; ///< one of -1, 0, 1 an input, e.g. "(-1 0 0)"
  RowClass rows = RowClass::Many;

  template <class Visitor> void fields(Visitor &&v) { v("n", n), v("shifts", shifts), v("rows", rows); }
};

/// out[r] = table[ids[r]] * scale + positions[position[r] + offset]
struct EmbedSpec {
  int64_t n = 0; ///< width E
  double scale = 1;
  bool positions = false;
  int64_t offset = 0; ///< added to a position before the table is read
  RowClass rows = RowClass::Many;

  template <class Visitor> void fields(Visitor &&v) {
    v("n", n), v("scale", scale), v("positions", positions), v("offset", offset), v("rows", rows);
  }
};

/// Writes the rows of K and V into their places in the blocked KV cache.
struct KvAppendSpec {
  int64_t heads = 0, d = 0, block = 0;
  RowClass rows = RowClass::Many;

  template <class Visitor> void fields(Visitor &&v) {
    v("heads", heads), v("d", d), v("block", block), v("rows", rows);
  }
};

/// out = act(x) (* gate) (+ residual): what no linear could take as its epilogue
struct ElementwiseSpec {
  int64_t n = 0;
  Activation act = Activation::None;
  bool gate = false;
  bool residual = false;
  RowClass rows = RowClass::Many;

  template <class Visitor> void fields(Visitor &&v) {
    v("n", n), v("act", act), v("gate", gate), v("residual", residual), v("rows", rows);
  }
};

/// The numbers of FramesSpec::shifts; nothing if the text is not 1 to 8 of -1, 0, 1 in parentheses.
std::optional<std::vector<int>> parseShifts(std::string_view text);

using KernelSpec = std::variant<LinearSpec, AttentionSpec, NormSpec, EmbedSpec, KvAppendSpec, ElementwiseSpec,
                                SinusoidSpec, RopeSpec, FramesSpec>;

/// "linear", "attention", "norm", "embed", "kv_append", "elementwise", "sinusoid", "rope", "frames"
std::string_view opName(const KernelSpec &spec);

std::string toText(const KernelSpec &spec);

/// Inverse of toText. On failure returns nothing and says in `error` which key is wrong and what was expected.
std::optional<KernelSpec> parseKernelSpec(std::string_view text, std::string &error);

/// Symbol of the kernel: `dec_<op>_f32_<16 hex digits of the XXH3 of the text>__<target>`, '-' of the target as '_'.
std::string kernelSymbol(const KernelSpec &spec, std::string_view target);

} // namespace decant
