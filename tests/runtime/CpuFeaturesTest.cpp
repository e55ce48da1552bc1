#include "runtime/core/cpu_features.h"

#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

using namespace decant::rt;

TEST(CpuFeaturesTest, AgreesWithProcCpuinfo) {
  unsetenv("DECANT_CPU_FEATURES");
  std::ifstream file("/proc/cpuinfo");
  std::string line, flags;
  while (flags.empty() && std::getline(file, line))
    if (line.rfind("flags", 0) == 0 || line.rfind("Features", 0) == 0)
      flags = line.substr(line.find(':') + 1).append(" ");
  ASSERT_FALSE(flags.empty());
  for (std::string name :
       {"sse4_2", "avx", "avx2", "fma", "f16c", "bmi2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile", "asimd"})
    EXPECT_EQ(hasCpuFeature(name), flags.find(" " + name + " ") != std::string::npos) << name;
}

TEST(CpuFeaturesTest, TheEnvironmentReplacesTheAnswer) {
  setenv("DECANT_CPU_FEATURES", "avx,fma", 1);
  EXPECT_TRUE(hasCpuFeature("avx"));
  EXPECT_FALSE(hasCpuFeature("avx2"));
  EXPECT_EQ(missingCpuFeature("fma,avx2,f16c"), "avx2");
  EXPECT_EQ(missingCpuFeature("fma,avx"), "");
  EXPECT_EQ(missingCpuFeature(""), "");
  unsetenv("DECANT_CPU_FEATURES");
}
