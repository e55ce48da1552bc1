// CPUID (x86-64) or the auxiliary vector (aarch64) -> names as in /proc/cpuinfo. Features whose registers the operating
// system does not save (XCR0) count as missing. Source: Intel SDM vol. 2A, CPUID. Tested in tests/runtime.
#include "runtime/core/cpu_features.h"

#include <cstdint>
#include <cstdlib>
#include <elf.h>

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#endif

namespace decant::rt {
namespace {

/// Calls f(name) for each name of a comma-separated list until it returns true.
template <class F> bool anyName(std::string_view list, F f) {
  while (!list.empty()) {
    size_t comma = list.find(',');
    std::string_view name(list.data(), comma == std::string_view::npos ? list.size() : comma); // substr could throw
    if (!name.empty() && f(name))
      return true;
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
  }
  return false;
}

#if defined(__x86_64__)
enum Register { A, B, C, D };
enum : uint32_t { None = 0, Ymm = 0x6, Zmm = 0xe6, Tile = 0x60000 }; ///< XCR0 bits that must be set

struct Feature {
  std::string_view name;
  uint32_t leaf, subleaf;
  Register reg;
  uint32_t bit, state;
};

constexpr Feature kFeatures[] = {
    {"pni", 1, 0, C, 0, None},
    {"ssse3", 1, 0, C, 9, None},
    {"fma", 1, 0, C, 12, Ymm},
    {"sse4_1", 1, 0, C, 19, None},
    {"sse4_2", 1, 0, C, 20, None},
    {"movbe", 1, 0, C, 22, None},
    {"popcnt", 1, 0, C, 23, None},
    {"aes", 1, 0, C, 25, None},
    {"avx", 1, 0, C, 28, Ymm},
    {"f16c", 1, 0, C, 29, Ymm},
    {"bmi1", 7, 0, B, 3, None},
    {"avx2", 7, 0, B, 5, Ymm},
    {"bmi2", 7, 0, B, 8, None},
    {"avx512f", 7, 0, B, 16, Zmm},
    {"avx512dq", 7, 0, B, 17, Zmm},
    {"avx512ifma", 7, 0, B, 21, Zmm},
    {"avx512cd", 7, 0, B, 28, Zmm},
    {"avx512bw", 7, 0, B, 30, Zmm},
    {"avx512vl", 7, 0, B, 31, Zmm},
    {"avx512vbmi", 7, 0, C, 1, Zmm},
    {"avx512_vbmi2", 7, 0, C, 6, Zmm},
    {"gfni", 7, 0, C, 8, None},
    {"vaes", 7, 0, C, 9, Ymm},
    {"vpclmulqdq", 7, 0, C, 10, Ymm},
    {"avx512_vnni", 7, 0, C, 11, Zmm},
    {"avx512_bitalg", 7, 0, C, 12, Zmm},
    {"avx512_vpopcntdq", 7, 0, C, 14, Zmm},
    {"amx_bf16", 7, 0, D, 22, Tile},
    {"avx512_fp16", 7, 0, D, 23, Zmm},
    {"amx_tile", 7, 0, D, 24, Tile},
    {"amx_int8", 7, 0, D, 25, Tile},
    {"avx_vnni", 7, 1, A, 4, Ymm},
    {"avx512_bf16", 7, 1, A, 5, Zmm},
    {"abm", 0x80000001, 0, C, 5, None},
    {"sse4a", 0x80000001, 0, C, 6, None},
};

uint32_t savedState() {
  uint32_t r[4];
  if (!__get_cpuid(1, &r[A], &r[B], &r[C], &r[D]) || !(r[C] & bit_OSXSAVE))
    return 0;
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

bool cpuHas(std::string_view name) {
  for (const Feature &feature : kFeatures) {
    if (feature.name != name)
      continue;
    uint32_t r[4];
    if (!__get_cpuid_count(feature.leaf, feature.subleaf, &r[A], &r[B], &r[C], &r[D]))
      return false;
    return (r[feature.reg] >> feature.bit & 1) &&
           (feature.state == None || (savedState() & feature.state) == feature.state);
  }
  return name == "sse" || name == "sse2" || name == "fxsr"; // part of x86-64 itself
}
#elif defined(__aarch64__)
bool cpuHas(std::string_view name) {
  struct Feature {
    std::string_view name;
    int vector;
    unsigned long mask;
  };
  constexpr Feature kFeatures[] = {
      {"fp", AT_HWCAP, 1ul << 0},       {"asimd", AT_HWCAP, 1ul << 1},    {"fphp", AT_HWCAP, 1ul << 9},
      {"asimdhp", AT_HWCAP, 1ul << 10}, {"asimddp", AT_HWCAP, 1ul << 20}, {"sve", AT_HWCAP, 1ul << 22},
      {"sve2", AT_HWCAP2, 1ul << 1},    {"i8mm", AT_HWCAP2, 1ul << 13},   {"bf16", AT_HWCAP2, 1ul << 14}};
  for (const Feature &feature : kFeatures)
    if (feature.name == name)
      return getauxval(feature.vector) & feature.mask;
  return false;
}
#else
bool cpuHas(std::string_view) { return false; }
#endif

} // namespace

bool hasCpuFeature(std::string_view name) {
  if (const char *forced = std::getenv("DECANT_CPU_FEATURES"))
    return anyName(forced, [&](std::string_view each) { return each == name; });
  return cpuHas(name);
}

std::string_view missingCpuFeature(std::string_view features) {
  std::string_view missing;
  anyName(features, [&](std::string_view name) {
    if (hasCpuFeature(name))
      return false;
    missing = name;
    return true;
  });
  return missing;
}

unsigned thisMachine() {
#if defined(__x86_64__)
  return EM_X86_64;
#elif defined(__aarch64__)
  return EM_AARCH64;
#else
  return EM_NONE;
#endif
}

const char *machineName(unsigned machine) {
  switch (machine) {
  case EM_X86_64:
    return "x86-64";
  case EM_AARCH64:
    return "aarch64";
  case EM_386:
    return "x86 (32 bits)";
  case EM_RISCV:
    return "riscv";
  default:
    return "another architecture";
  }
}

} // namespace decant::rt
