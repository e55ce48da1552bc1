// A session: slots, KV cache, scratch, threads, and the plan's buffers prepared for its calls.
//
// Only extents and addresses change from step to step; everything grows to the largest step seen and stays. One thread
// at a time. Tested in tests/runtime.
#pragma once

#include "runtime/core/halide_abi.h"
#include "runtime/core/kv_cache.h"
#include "runtime/core/model.h"
#include "runtime/device/pool.h"
#include "runtime/device/scratch.h"

namespace decant::rt {

/// What args[0] of a kernel points at.
struct KernelContext {
  decant_kernel_context hooks; // first: kernels see this alone
  decant_session *session;
};

/// Arena region, or input array: grows, keeps 64-byte alignment, does not keep its content.
class Region {
public:
  Region() = default;
  Region(const Region &) = delete;
  Region &operator=(const Region &) = delete;
  ~Region() { std::free(origin); }
  uint8_t *data() { return aligned; }
  template <class T> T *as() { return reinterpret_cast<T *>(aligned); }
  /// Zeroed when it grows. False = out of memory.
  bool reserve(uint64_t bytes);

private:
  void *origin = nullptr;
  uint8_t *aligned = nullptr;
  uint64_t room = 0;
};

/// A mask parameter for one step.
struct MaskValue {
  const void *data;
  int32_t rank;
  int64_t extents[4], strides[4]; ///< outermost first; strides in elements
};

/// The new rows of one sequence, checked.
struct StepItem {
  uint32_t slot;
  int32_t count, before; ///< before: tokens in the cache already
  const int32_t *ids;
  const float *features;
};

} // namespace decant::rt

struct decant_session {
  decant_model *model = nullptr;
  decant::rt::KvCache cache;
  decant::rt::ThreadPool pool;
  decant::rt::Array<decant::rt::StepItem> items; ///< of the current step
  int32_t sizes[DECANT_SIZE_COUNT] = {1, 0, 0, 0, 0};
  uint32_t tile_class = DECANT_ROWS_ONE; ///< decant_row_class of the step's tiles
  char message[512] = "";

  // Plan (plan.cpp).
  decant::rt::Array<decant::rt::HalideBuffer> buffers;  ///< one for each buffer of the tables
  decant::rt::Array<decant::rt::HalideDim> dims;        ///< 4 a buffer
  decant::rt::Array<uint32_t> used[DECANT_ENTRY_KINDS]; ///< buffers that an entry's steps name
  decant::rt::Array<void *> args[DECANT_ENTRY_KINDS];   ///< of all steps, one after another; [0] of each: &context
  decant::rt::Region arena[2];                          ///< rows, out_rows
  decant::rt::Region inputs[DECANT_INPUT_COUNT];
  /// Elements between two rows of the widest array that grows with each size: kernels index with 32 bits.
  int64_t widest[DECANT_ENTRY_KINDS][DECANT_SIZE_COUNT] = {};
  decant::rt::Array<decant::rt::MaskValue> masks; ///< one a parameter
  decant::rt::Array<uint32_t> neutral;            ///< bits of each parameter's neutral element
  decant::rt::Array<float> compact;               ///< result rows picked out after a step
  decant::rt::Scratch *scratch = nullptr;         ///< one a thread
  int num_scratch = 0;
  decant::rt::KernelContext context{};
  void *context_address = nullptr;
  std::atomic<bool> has_error{false};
  char kernel_message[256] = "";

  ~decant_session();
  decant::rt::Message text() { return {message, sizeof message}; }
  const decant_tables_header &header() const { return model->header(); }
};

namespace decant::rt {

bool preparePlan(decant_session &session);

/// Fills the inputs of `entry` for session.items. False = out of memory. out_all: results of all rows, else of the
/// last.
bool fillInputs(decant_session &session, uint32_t entry, bool out_all);

/// Sets every used buffer's address and extents, then calls the kernels.
decant_status runEntry(decant_session &session, uint32_t entry);

/// The most units of a size (rows, sequences, ..) in a step of `entry`: more would leave the 32 bits of kernels.
int64_t stepLimit(const decant_session &session, uint32_t entry, uint32_t size);

/// Resolves the masks of a step into session.masks (absent ones neutral).
decant_status resolveMasks(decant_session &session, uint32_t entry, const decant_step_options *options);

/// Result buffer `index` after a step: (rows, columns) in the arena.
decant_result resultOf(decant_session &session, uint32_t index, uint32_t columns);

/// Slots of beams change places: slots[i] continues the sequence of source[i]. See KvCache::permute.
decant_status permuteSlots(decant_session &session, const int32_t *slots, const int32_t *source, size_t count);

} // namespace decant::rt
