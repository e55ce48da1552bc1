// A KernelSpec becomes an object file. The only door to Halide for compiler/codegen and the tests.
#pragma once

#include "schedules/cpu/schedules.h"

#include <string>
#include <string_view>

namespace decant {

/// Shapes are not checked at run time: the plan has proven them.
/// Writes to `path` an object file with the symbols kernelSymbol(spec, target) and `.._argv`, free of a Halide runtime.
/// Targets: "x86-64-v3", "x86-64-v4". Throws std::invalid_argument (bad target or spec) or Halide::Error.
void compileToObject(const KernelSpec &spec, std::string_view target, const std::string &path,
                     const ScheduleParams &params = {});

/// The lowered pseudo-code of a kernel, for reading.
void compileToStmt(const KernelSpec &spec, std::string_view target, const std::string &path,
                   const ScheduleParams &params = {});

/// Part of every cache key: "21.0.0".
std::string halideVersion();

/// Halide's feature string of a target, throws std::invalid_argument for an unknown one.
std::string halideTarget(std::string_view target);

} // namespace decant
