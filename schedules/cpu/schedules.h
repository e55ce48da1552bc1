// How each kernel runs on a CPU: schedule only. In: an algorithm, its spec, the target's level and parameters (zero =
// the rule of this level). Out: nothing; the Funcs are scheduled in place. The bits never depend on what is chosen
// here.
#pragma once

#include "schedules/algorithms/algorithms.h"

#include <string_view>

namespace decant {

enum class CpuLevel { V3, V4 }; ///< x86-64-v3: 16 registers of 8 floats; x86-64-v4: 32 registers of 16

/// Sizes that a tuned table may set; 0 = the rule for the op, row class and level.
struct ScheduleParams {
  int rows = 0;      ///< linear: rows of the register tile, 1..8
  int panels = 0;    ///< linear: 16-column panels of the register tile; must divide the panels of the weight
  int rangeKib = 0;  ///< linear: KiB of weights that one task keeps in the second-level cache
  int unrollK = 0;   ///< linear: steps of k a loop iteration; must divide k
  int queryRows = 0; ///< attention: rows of the register tile, a power of two up to 8
  int grain = 0;     ///< attention: (tile, head) pairs a task
};

void scheduleLinear(LinearKernel &kernel, const LinearSpec &spec, CpuLevel level, const ScheduleParams &params);
void scheduleAttention(AttentionKernel &kernel, const AttentionSpec &spec, CpuLevel level,
                       const ScheduleParams &params);
void scheduleNorm(NormKernel &kernel, const NormSpec &spec);
void scheduleEmbed(RowKernel &kernel, const EmbedSpec &spec);
void scheduleElementwise(RowKernel &kernel, const ElementwiseSpec &spec);
/// `width`: columns of the output
void schedulePlaced(PlacedKernel &kernel, int64_t width, RowClass rows);
void scheduleKvAppend(KvAppendKernel &kernel, const KvAppendSpec &spec);

} // namespace decant
