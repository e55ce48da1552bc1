// Which CPU features this machine has, by their names in /proc/cpuinfo.
#pragma once

#include <string_view>

namespace decant::rt {

/// True if the CPU (and the operating system's saved state) has it. DECANT_CPU_FEATURES, if set, is the answer instead.
bool hasCpuFeature(std::string_view name);

/// First name of the comma-separated `features` that this machine lacks; empty = all there.
std::string_view missingCpuFeature(std::string_view features);

/// ELF e_machine of this build, and the name of any e_machine ("x86-64", "aarch64", "other").
unsigned thisMachine();
const char *machineName(unsigned machine);

} // namespace decant::rt
