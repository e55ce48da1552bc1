// Spec -> algorithm -> schedule -> object. In: a spec and a target name. Out: a file. Invariant: a warning of Halide is
// an error (with asserts off it can mean memory corruption), the bf16 notice aside. Tested in tests/schedules.
#include "schedules/compile.h"

#include <cmath>
#include <limits>
#include <stdexcept>

using namespace Halide;

namespace decant {
namespace {

class StrictReporter : public CompileTimeErrorReporter {
public:
  void warning(const char *message) override {
    if (std::string_view(message).find("float type operation is emulated") == std::string_view::npos)
      throw std::runtime_error(std::string("Halide warns: ") + message);
  }
  void error(const char *message) override { throw std::runtime_error(message); }
};

void installReporter() {
  static StrictReporter reporter;
  static const bool once = (set_custom_compile_time_error_reporter(&reporter), true);
  (void)once;
}

void check(bool holds, const char *rule) {
  if (!holds)
    throw std::invalid_argument(rule);
}

void checkExtent(int64_t value, const char *rule) { check(value >= 1 && value <= 1 << 24, rule); }

CpuLevel levelOf(std::string_view target) { return target == "x86-64-v4" ? CpuLevel::V4 : CpuLevel::V3; }

class Builder {
public:
  Builder(CpuLevel level, const ScheduleParams &params) : level(level), params(params) {}

  Kernel operator()(const LinearSpec &spec) const {
    checkExtent(spec.k, "linear: k must be 1 to 2^24");
    checkExtent(spec.n, "linear: n must be 1 to 2^24");
    check(std::isfinite(spec.scale) && std::isfinite(spec.softcap) && spec.softcap >= 0,
          "linear: scale must be finite, softcap too and not negative");
    check(roundUp16(spec.n) * spec.k * 4 <= std::numeric_limits<int32_t>::max(), "linear: the weight exceeds 2 GiB");
    LinearKernel kernel = linearAlgorithm(spec);
    scheduleLinear(kernel, spec, level, params);
    return kernel;
  }
  Kernel operator()(const AttentionSpec &spec) const {
    check(spec.d >= 1 && spec.d <= 256, "attention: d must be 1 to 256");
    check(spec.block == 16 || spec.block == 32 || spec.block == 64, "attention: block must be 16, 32 or 64");
    check(spec.kv_heads >= 1 && spec.heads >= 1 && spec.heads % spec.kv_heads == 0 && spec.heads <= 4096,
          "attention: heads must be a multiple of kv_heads, at most 4096");
    AttentionKernel kernel = attentionAlgorithm(spec);
    scheduleAttention(kernel, spec, level, params);
    return kernel;
  }
  Kernel operator()(const NormSpec &spec) const {
    checkExtent(spec.n, "norm: n must be 1 to 2^24");
    checkExtent(spec.groups, "norm: groups must be 1 to 2^24");
    checkExtent(spec.n * spec.groups, "norm: n * groups must be at most 2^24");
    NormKernel kernel = normAlgorithm(spec);
    scheduleNorm(kernel, spec);
    return kernel;
  }
  Kernel operator()(const EmbedSpec &spec) const {
    checkExtent(spec.n, "embed: n must be 1 to 2^24");
    RowKernel kernel = embedAlgorithm(spec);
    scheduleEmbed(kernel, spec);
    return kernel;
  }
  Kernel operator()(const KvAppendSpec &spec) const {
    checkExtent(spec.heads, "kv_append: heads must be at least 1");
    check(spec.d >= 1 && spec.d <= 256, "kv_append: d must be 1 to 256");
    check(spec.block == 16 || spec.block == 32 || spec.block == 64, "kv_append: block must be 16, 32 or 64");
    KvAppendKernel kernel = kvAppendAlgorithm(spec);
    scheduleKvAppend(kernel, spec);
    return kernel;
  }
  Kernel operator()(const ElementwiseSpec &spec) const {
    checkExtent(spec.n, "elementwise: n must be 1 to 2^24");
    RowKernel kernel = elementwiseAlgorithm(spec);
    scheduleElementwise(kernel, spec);
    return kernel;
  }
  Kernel operator()(const SinusoidSpec &spec) const {
    checkExtent(spec.n, "sinusoid: n must be 1 to 2^24");
    check(spec.offset <= 1 << 24, "sinusoid: offset must be at most 2^24");
    return placed(sinusoidAlgorithm(spec), 2 * spec.n, spec.rows);
  }
  Kernel operator()(const RopeSpec &spec) const {
    checkExtent(spec.heads, "rope: heads must be 1 to 2^24");
    checkExtent(spec.d, "rope: d must be 1 to 2^24");
    checkExtent(spec.heads * spec.d, "rope: heads * d must be at most 2^24");
    check(spec.n >= 1 && 2 * spec.n <= spec.d, "rope: n must be 1 to d / 2");
    return placed(ropeAlgorithm(spec), spec.heads * spec.d, spec.rows);
  }
  Kernel operator()(const FramesSpec &spec) const {
    auto shifts = parseShifts(spec.shifts);
    check(shifts.has_value(), "frames: shifts must be 1 to 8 of -1, 0, 1 in parentheses");
    checkExtent(spec.n, "frames: n must be 1 to 2^24");
    checkExtent(spec.n * int64_t(shifts->size()), "frames: n * shifts must be at most 2^24");
    return placed(framesAlgorithm(spec, *shifts), spec.n * int64_t(shifts->size()), spec.rows);
  }

private:
  static Kernel placed(PlacedKernel kernel, int64_t width, RowClass rows) {
    schedulePlaced(kernel, width, rows);
    return kernel;
  }

  CpuLevel level;
  const ScheduleParams &params;
};

Kernel build(const KernelSpec &spec, std::string_view target, const ScheduleParams &params) {
  installReporter();
  return std::visit(Builder(levelOf(target), params), spec);
}

} // namespace

std::string halideVersion() {
  return std::to_string(HALIDE_VERSION_MAJOR) + "." + std::to_string(HALIDE_VERSION_MINOR) + "." +
         std::to_string(HALIDE_VERSION_PATCH);
}

std::string halideTarget(std::string_view target) {
  std::string features;
  if (target == "x86-64-v3")
    features = "sse41-avx-avx2-fma-f16c";
  else if (target == "x86-64-v4")
    features = "sse41-avx-avx2-avx512-avx512_skylake-fma-f16c";
  else
    throw std::invalid_argument("unknown target '" + std::string(target) + "': expected x86-64-v3 or x86-64-v4");
  return "x86-64-linux-" + features + "-no_runtime-user_context-no_asserts-no_bounds_query";
}

void compileToObject(const KernelSpec &spec, std::string_view target, const std::string &path,
                     const ScheduleParams &params) {
  Target halide(halideTarget(target));
  Kernel kernel = build(spec, target, params);
  Module module =
      Pipeline(kernel.outputs)
          .compile_to_module(kernel.inputs, kernelSymbol(spec, target), halide, LinkageType::ExternalPlusArgv);
  module.compile({{OutputFileType::object, path}});
}

void compileToStmt(const KernelSpec &spec, std::string_view target, const std::string &path,
                   const ScheduleParams &params) {
  Target halide(halideTarget(target));
  Kernel kernel = build(spec, target, params);
  Pipeline(kernel.outputs).compile_to_lowered_stmt(path, kernel.inputs, Text, halide);
}

} // namespace decant
