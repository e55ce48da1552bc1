// What each kernel computes, as Halide Funcs without a schedule. In: a spec. Out: the ABI-ordered inputs, the output
// Funcs and the inner stages that schedules/cpu places. Buffers and shapes: schedules/README.md. Everything is f32; a
// float addition whose order could depend on the schedule is strict, so that all row classes give the same bits.
#pragma once

#include "schedules/spec/KernelSpec.h"

#include "Halide.h"

#include <vector>

namespace decant {

/// A scheduled or unscheduled kernel: what the compiler needs to emit it.
struct Kernel {
  std::vector<Halide::Argument> inputs; ///< in ABI order, outputs not included
  std::vector<Halide::Func> outputs;    ///< in ABI order
};

/// out(j, m), product(n, panel, m): 16 columns n a panel; k is the whole reduction, in order.
struct LinearKernel : Kernel {
  Halide::Func out{"out"}, product{"product"};
  Halide::Var j{"j"}, m{"m"}, n{"n"}, panel{"panel"};
  Halide::RDom k;
  std::vector<Halide::Func> steps; ///< (j, m): of the activation, then of the cap
};

/// Stages of attention, computed per (row of the tile, key block, head, tile). Lanes run over keys up to `partial`,
/// over 16 columns of the value from `weighted` on.
struct AttentionKernel : Kernel {
  Halide::Func keep{"keep"};         ///< (key, row, block, head, tile) i32: -1 visible, 0 not
  Halide::Func visit{"visit"};       ///< (head, tile): first block and end of each range of keys to visit
  Halide::Func full{"full"};         ///< (head, tile): first key and end of each range that every row sees
  Halide::Func partial{"partial"};   ///< (key, chunk, row, ..): q . k over one chunk of d
  Halide::Func scaled{"scaled"};     ///< (key, row, ..): their sum, scaled
  Halide::Func score{"score"};       ///< (key, row, ..): natural units, masked = -1e36
  Halide::Func place{"place"};       ///< (block, head, tile) i32: the block's number in the pools
  Halide::Func laneTop{"laneTop"};   ///< (lane, row, ..): largest score of the keys = lane modulo 16
  Halide::Func top{"top"};           ///< (row, ..): largest score
  Halide::Func exponent{"exponent"}; ///< (row, ..): ceil(top log2 e), an integer
  Halide::Func weight{"weight"};     ///< (key, row, ..): e^score 2^-exponent, masked = 0
  Halide::Func laneSum{"laneSum"};   ///< (lane, row, ..): weights of the keys = lane modulo 16
  Halide::Func weighted{"weighted"}; ///< (lane, column block, row, ..): sum of weight * value
  Halide::Func running{"running"};   ///< (lane, row, head, tile): (exponent, weights, values of each column block)
  Halide::Func inverse{"inverse"};   ///< (row, head, tile)
  Halide::Func result{"result"};     ///< (lane, column block, row, head, tile)
  Halide::Func out{"out"};
  Halide::Var key{"key"}, row{"row"}, lane{"lane"}, column{"column"}, chunk{"chunk"}, block{"block"}, head{"head"},
      tile{"tile"};
  Halide::RDom d, topKey, maskKey, sumKey, fullKey, partialKey, blocks, scatter;
  Halide::Expr dense;                 ///< if defined: the parameters' rows are contiguous, so that vectors load them
  std::vector<Halide::Func> searches; ///< (head, tile): places in ascending parameters
  int tileRows = 1, chunks = 1, columns = 1;
};

/// Statistics of each group of a row and the result; sums run over 16 or 64 fixed lanes.
struct NormKernel : Kernel {
  Halide::Func laneTotal{"laneTotal"}, mean{"mean"}; ///< not of rms
  Halide::Func laneSquares{"laneSquares"}, scale{"scale"}, out{"out"};
  Halide::Var j{"j"}, m{"m"}, lane{"lane"}, group{"group"};
  Halide::RDom whole, rest; ///< (lane, chunk) and the columns behind the last whole chunk
  Halide::RDom place;       ///< (column of the group, group): update 0 of out
  int lanes = 16;
  bool hasRest = false;
};

/// embed and elementwise: out(j, m)
struct RowKernel : Kernel {
  Halide::Func out{"out"};
  Halide::Var j{"j"}, m{"m"};
  std::vector<Halide::Func> steps; ///< (j, m): of the activation
};

/// sinusoid, rope and frames: out is written at places that the loops over a row's parts compute.
struct PlacedKernel : Kernel {
  Halide::Func out{"out"};
  Halide::Var j{"j"}, m{"m"};
  Halide::RDom place; ///< (part, column, head): update 0 of out
  Halide::RDom rest;  ///< (column, head): update 1 of out, copies; rope with columns behind the angles

  /// Names the arguments; out's first column and row are 0.
  void finish(std::vector<Halide::Argument> arguments) {
    out.output_buffer().dim(0).set_min(0);
    out.output_buffer().dim(1).set_min(0);
    inputs = std::move(arguments);
    outputs = {out};
  }
};

struct KvAppendKernel : Kernel {
  Halide::Func keys{"kpool"}, values{"vpool"};
  Halide::RDom place; ///< (d, head, row)
};

LinearKernel linearAlgorithm(const LinearSpec &spec);
AttentionKernel attentionAlgorithm(const AttentionSpec &spec);
NormKernel normAlgorithm(const NormSpec &spec);
RowKernel embedAlgorithm(const EmbedSpec &spec);
KvAppendKernel kvAppendAlgorithm(const KvAppendSpec &spec);
RowKernel elementwiseAlgorithm(const ElementwiseSpec &spec);
PlacedKernel sinusoidAlgorithm(const SinusoidSpec &spec);
PlacedKernel ropeAlgorithm(const RopeSpec &spec);
PlacedKernel framesAlgorithm(const FramesSpec &spec, const std::vector<int> &shifts);

/// A pool of the KV cache (an ImageParam or an OutputImageParam): panels of 16 lanes, `rows` of them a head and block.
template <class Pool> void constrainPool(Pool pool, int rows, int heads) {
  pool.dim(0).set_bounds(0, 16);
  pool.dim(1).set_bounds(0, rows).set_stride(16);
  pool.dim(2).set_bounds(0, heads).set_stride(16 * rows);
  pool.dim(3).set_min(0).set_stride(16 * rows * heads);
}

/// Rounds up to the next multiple of 16, the width of a weight panel.
inline int roundUp16(int64_t n) { return int((n + 15) / 16 * 16); }

} // namespace decant
