// The plan of a session: Halide buffers set up once, patched and called for each step. Tested in tests/runtime.
#include "runtime/core/session.h"

#include <algorithm>
#include <climits>

namespace decant::rt {
namespace {

constexpr uint64_t kAlign = 64; ///< cache line, and an AVX-512 register

int64_t capacityOf(int32_t rows) { return static_cast<int64_t>(roundUp(static_cast<uint64_t>(rows), 8) + kRowPadding); }

HalideType halideType(uint32_t type) {
  switch (type) {
  case DECANT_I32:
    return {0, 32, 1};
  case DECANT_U8:
    return {1, 8, 1};
  default:
    return {2, 32, 1};
  }
}

int parFor(decant_kernel_context *hooks, decant_task task, int min, int size, uint8_t *closure) {
  auto *context = reinterpret_cast<KernelContext *>(hooks);
  return context->session->pool.parallelFor(context, task, min, size, closure);
}

void *allocateScratch(decant_kernel_context *hooks, uint64_t bytes) {
  decant_session *session = reinterpret_cast<KernelContext *>(hooks)->session;
  return session->scratch[std::min(currentWorker(), session->num_scratch - 1)].allocate(bytes);
}

void releaseScratch(decant_kernel_context *, void *memory) { Scratch::release(memory); }

void reportError(decant_kernel_context *hooks, const char *message) {
  decant_session *session = reinterpret_cast<KernelContext *>(hooks)->session;
  if (!session->has_error.exchange(true)) // the first error is the cause
    std::snprintf(session->kernel_message, sizeof session->kernel_message, "%s", message ? message : "");
}

/// Arguments of all steps of an entry, and the list of buffers they use.
bool prepareEntry(decant_session &session, uint32_t kind) {
  const Tables &tables = session.model->tables;
  const decant_entry &entry = tables.header().entries[kind];
  if (!entry.present)
    return true;
  for (const decant_step &step : tables.list<decant_step>(entry.steps)) {
    if (!session.args[kind].push(&session.context_address))
      return false;
    for (uint32_t index : tables.list<uint32_t>(step.args))
      if (!session.args[kind].push(&session.buffers[index]) || !session.used[kind].push(index))
        return false;
  }
  for (uint32_t result : {entry.output, entry.hidden})
    if (result != UINT32_MAX && !session.used[kind].push(result))
      return false;
  std::sort(session.used[kind].begin(), session.used[kind].end());
  auto *end = std::unique(session.used[kind].begin(), session.used[kind].end());
  return session.used[kind].resize(static_cast<size_t>(end - session.used[kind].begin()));
}

void findWidest(decant_session &session, uint32_t kind) {
  for (uint32_t index : session.used[kind]) {
    const decant_buffer &buffer = session.model->tables.buffers()[index];
    if (buffer.storage != DECANT_STORE_ARENA && buffer.storage != DECANT_STORE_INPUT)
      continue;
    for (uint32_t i = 0; i < buffer.rank; ++i)
      if (const decant_dim &dim = buffer.dims[i]; dim.factor)
        session.widest[kind][dim.size] = std::max<int64_t>(session.widest[kind][dim.size], dim.stride);
  }
}

void setFixed(decant_session &session, uint32_t index) {
  const decant_buffer &from = session.model->tables.buffers()[index];
  HalideBuffer &to = session.buffers[index];
  to.type = halideType(from.type);
  to.dimensions = from.rank;
  to.dim = &session.dims[uint64_t(index) * 4];
  for (uint32_t i = 0; i < from.rank; ++i)
    to.dim[i] = {0, from.dims[i].extent, from.dims[i].stride, 0};
  if (from.storage == DECANT_STORE_WEIGHT)
    to.host = const_cast<uint8_t *>(session.model->weights) + session.model->tables.weights()[from.index].offset +
              from.view_offset;
  if (from.storage == DECANT_STORE_KPOOL || from.storage == DECANT_STORE_VPOOL) {
    const PoolMemory &pool = session.cache.pool(from.index);
    to.host = reinterpret_cast<uint8_t *>(from.storage == DECANT_STORE_KPOOL ? pool.k : pool.v);
    to.dim[3].extent = static_cast<int32_t>(session.cache.blocks(session.model->tables.caches()[from.index].kind));
  }
}

void setMask(decant_session &session, const decant_buffer &from, HalideBuffer &to) {
  const MaskValue &mask = session.masks[from.index];
  to.host = static_cast<uint8_t *>(const_cast<void *>(mask.data));
  for (int32_t i = 0; i < mask.rank; ++i) // Halide counts from the innermost dimension
    to.dim[mask.rank - 1 - i] = {0, static_cast<int32_t>(mask.extents[i]), static_cast<int32_t>(mask.strides[i]), 0};
}

void setForStep(decant_session &session, uint32_t index, const int64_t *capacity) {
  const decant_buffer &from = session.model->tables.buffers()[index];
  HalideBuffer &to = session.buffers[index];
  switch (from.storage) {
  case DECANT_STORE_PARAM:
    return setMask(session, from, to);
  case DECANT_STORE_ARENA: {
    bool out = from.region == DECANT_SIZE_OUT_ROWS;
    to.host = session.arena[out].data() + from.offset * static_cast<uint64_t>(capacity[out]) + from.view_offset;
    break;
  }
  case DECANT_STORE_INPUT:
    to.host = session.inputs[from.index].data();
    break;
  default:
    return;
  }
  for (uint32_t i = 0; i < from.rank; ++i)
    to.dim[i].extent = from.dims[i].extent + from.dims[i].factor * session.sizes[from.dims[i].size];
}

uint32_t rowClass(const decant_session &session, uint32_t symbol) {
  if (symbol == DECANT_SIZE_TILES)
    return session.tile_class;
  int32_t rows = session.sizes[symbol];
  return rows == 1 ? DECANT_ROWS_ONE : rows <= 4 ? DECANT_ROWS_FEW : DECANT_ROWS_MANY;
}

} // namespace

bool Region::reserve(uint64_t bytes) {
  if (bytes <= room)
    return true;
  if (bytes > SIZE_MAX / 4)
    return false;
  uint64_t grown = std::max(bytes, room + room / 2);
  void *fresh = std::malloc(grown + kAlign);
  if (!fresh)
    return false;
  std::free(origin);
  origin = fresh;
  aligned = reinterpret_cast<uint8_t *>(roundUp(reinterpret_cast<uint64_t>(fresh), kAlign));
  room = grown;
  std::memset(aligned, 0, grown);
  return true;
}

bool preparePlan(decant_session &session) {
  const Tables &tables = session.model->tables;
  size_t count = tables.buffers().size();
  if (!session.buffers.resize(count) || !session.dims.resize(count * 4) ||
      !session.masks.resize(tables.params().size()) || !session.neutral.resize(tables.params().size()))
    return false;
  session.context = {{parFor, allocateScratch, releaseScratch, reportError}, &session};
  session.context_address = &session.context;
  for (uint32_t kind = 0; kind < DECANT_ENTRY_KINDS; ++kind) {
    if (!prepareEntry(session, kind))
      return false;
    for (uint32_t index : session.used[kind])
      setFixed(session, index);
    findWidest(session, kind);
  }
  for (size_t i = 0; i < session.neutral.size(); ++i) {
    const decant_param &param = tables.params()[i];
    if (param.type == DECANT_F32)
      std::memcpy(&session.neutral[i], &param.neutral, sizeof(float));
    else
      session.neutral[i] = static_cast<uint32_t>(static_cast<int32_t>(param.neutral)); // u8: low byte, little-endian
  }
  return true;
}

int64_t stepLimit(const decant_session &session, uint32_t entry, uint32_t size) {
  constexpr int64_t kMost = 1 << 24; // keeps sums of rows far inside 32 bits, whatever the width
  return std::min(kMost, INT32_MAX / std::max<int64_t>(session.widest[entry][size], 1) - int64_t(kRowPadding));
}

decant_status runEntry(decant_session &session, uint32_t kind) {
  const Tables &tables = session.model->tables;
  const decant_entry &entry = tables.header().entries[kind];
  int64_t capacity[2] = {capacityOf(session.sizes[DECANT_SIZE_ROWS]), capacityOf(session.sizes[DECANT_SIZE_OUT_ROWS])};
  if (!session.arena[0].reserve(entry.row_bytes * static_cast<uint64_t>(capacity[0])) ||
      !session.arena[1].reserve(entry.out_row_bytes * static_cast<uint64_t>(capacity[1])))
    return session.text().fail(DECANT_RESOURCE_EXHAUSTED, "out of memory: a step of %d rows needs %llu bytes",
                               session.sizes[DECANT_SIZE_ROWS],
                               static_cast<unsigned long long>(entry.row_bytes * static_cast<uint64_t>(capacity[0])));
  for (uint32_t index : session.used[kind])
    setForStep(session, index, capacity);
  session.has_error.store(false);
  session.kernel_message[0] = 0;
  void **args = session.args[kind].data();
  for (const decant_step &step : tables.list<decant_step>(entry.steps)) {
    int failed = session.model->kernels[step.kernel[rowClass(session, step.rows)]](args);
    if (failed) {
      std::string_view name = tables.text(step.name);
      constexpr int kHalideOutOfMemory = -11;
      return session.text().fail(failed == kHalideOutOfMemory ? DECANT_RESOURCE_EXHAUSTED : DECANT_INTERNAL,
                                 "step \"%.*s\" failed with %d: %s", static_cast<int>(name.size()), name.data(), failed,
                                 session.kernel_message[0] ? session.kernel_message : "no message");
    }
    args += 1 + step.args.count;
  }
  return DECANT_OK;
}

decant_result resultOf(decant_session &session, uint32_t index, uint32_t columns) {
  const HalideBuffer &buffer = session.buffers[index];
  return {reinterpret_cast<const float *>(buffer.host), static_cast<size_t>(buffer.dim[1].extent), columns,
          static_cast<size_t>(buffer.dim[1].stride)};
}

} // namespace decant::rt
