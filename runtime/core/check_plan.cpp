// Proves that no buffer of a plan reaches memory outside what the runtime reserves, whatever the sizes of a step.
//
// A buffer's reach is affine in one size n: bytes(n) = a * n + c. A region of the arena has n + 8 units of capacity or
// more, `unit` bytes each, and a buffer owns the last `unit - offset` bytes of each unit. Kernels may write 7 rows
// behind the last one. So a <= room and c + 7 a <= 8 room suffice. Tested in tests/runtime.
#include "runtime/core/check_plan.h"

namespace decant::rt {
namespace {

constexpr const char *kInputNames[DECANT_INPUT_COUNT] = {
    "ids",        "positions",   "features",    "out_rows",     "tiles",       "self_table",   "self_len",
    "self_block", "self_token",  "cross_table", "cross_len",    "cross_block", "cross_token",  "local_table",
    "local_len",  "local_block", "local_token", "window_table", "window_len",  "window_block", "window_token"};

/// Bytes from a buffer's address to the end of its last element: perSize * size + constant.
struct Reach {
  int64_t perSize = 0, constant = 0;
  uint32_t size = DECANT_SIZE_ONE;
};

struct PlanChecker {
  const Tables &tables;
  const char *file;
  const Message &message;

  decant_status fail(uint32_t buffer, const char *what) const {
    return message.fail(DECANT_DATA_LOSS, "%s: damaged: buffer %u: %s", file, buffer, what);
  }

  /// False if extents or strides are out of range or two sizes are mixed.
  static bool reachOf(const decant_buffer &buffer, uint32_t rank, Reach &reach) {
    int64_t bytes = static_cast<int64_t>(typeBytes(buffer.type));
    reach.constant = bytes;
    for (uint32_t i = 0; i < rank; ++i) {
      const decant_dim &dim = buffer.dims[i];
      if (dim.extent < 0 || dim.stride < 0 || dim.factor < 0 || dim.factor > 1 || dim.size >= DECANT_SIZE_COUNT)
        return false;
      if (dim.factor == 0 && dim.extent == 0)
        return false;
      // At most 4 * 2^31 * 2^31 = 2^64 does not fit.
      int64_t along = 0;
      if (__builtin_mul_overflow(bytes * dim.stride, int64_t(dim.extent) - 1, &along) ||
          __builtin_add_overflow(reach.constant, along, &reach.constant))
        return false;
      if (dim.factor == 0)
        continue;
      if (reach.size != DECANT_SIZE_ONE && reach.size != dim.size)
        return false;
      reach.size = dim.size;
      reach.perSize += bytes * dim.stride;
    }
    return reach.constant < (int64_t(1) << 48) && reach.perSize < (int64_t(1) << 40);
  }

  decant_status arena(uint32_t index, const decant_buffer &buffer, const Reach &reach,
                      const decant_entry &entry) const {
    bool outRows = buffer.region == DECANT_SIZE_OUT_ROWS;
    if (!outRows && buffer.region != DECANT_SIZE_ROWS)
      return fail(index, "an arena region must be rows or out_rows");
    if (reach.size != DECANT_SIZE_ONE && reach.size != buffer.region)
      return fail(index, "its extents grow with another size than its arena region");
    uint64_t unit = outRows ? entry.out_row_bytes : entry.row_bytes;
    if (buffer.offset >= unit || buffer.offset % 8)
      return fail(index, "its offset lies outside the arena or is no multiple of 8");
    int64_t room = static_cast<int64_t>(unit - buffer.offset);
    int64_t constant = static_cast<int64_t>(buffer.view_offset) + reach.constant;
    if (reach.perSize > room || constant + 7 * reach.perSize > 8 * room)
      return fail(index, "it reaches outside the arena");
    return DECANT_OK;
  }

  decant_status input(uint32_t index, const decant_buffer &buffer, const decant_entry &entry) const {
    if (buffer.index >= DECANT_INPUT_COUNT)
      return fail(index, "unknown input");
    const auto kind = static_cast<uint32_t>(&entry - tables.header().entries);
    InputShape shape = inputShape(tables, buffer.index, kind);
    const decant_dim &outer = buffer.dims[shape.matrix];
    bool rows = shape.size == DECANT_SIZE_ROWS || shape.size == DECANT_SIZE_OUT_ROWS;
    bool ok = buffer.type == shape.type && buffer.rank == (shape.matrix ? 2 : 1) && buffer.view_offset == 0 &&
              outer.size == shape.size && outer.factor == 1 && outer.extent <= (rows ? int32_t(kRowPadding) : 0) &&
              uint64_t(outer.stride) == shape.per;
    if (shape.matrix)
      ok = ok && buffer.dims[0].factor == 0 && uint64_t(buffer.dims[0].extent) <= shape.per &&
           buffer.dims[0].stride == 1;
    if (!ok)
      return message.fail(DECANT_DATA_LOSS,
                          "%s: damaged: buffer %u: input %s must be (%s%llu per %u) of type %u with strides to match",
                          file, index, kInputNames[buffer.index], shape.matrix ? "rank 2, " : "rank 1, ",
                          static_cast<unsigned long long>(shape.per), shape.size, shape.type);
    return DECANT_OK;
  }

  decant_status pool(uint32_t index, const decant_buffer &buffer) const {
    if (buffer.index >= tables.header().caches.count || buffer.rank != 4 || buffer.type != DECANT_F32 ||
        buffer.view_offset)
      return fail(index, "a cache must be named with rank 4, type f32 and no view");
    const decant_cache &cache = tables.caches()[buffer.index];
    uint64_t block = buffer.storage == DECANT_STORE_KPOOL ? blockElemsK(tables, cache) : blockElemsV(tables, cache);
    Reach reach;
    if (!reachOf(buffer, 3, reach) || reach.size != DECANT_SIZE_ONE || uint64_t(reach.constant) > block * 4 ||
        uint64_t(buffer.dims[3].stride) != block)
      return fail(index, "its extents or strides are not those of a block of its cache");
    return DECANT_OK;
  }

  decant_status buffer(uint32_t index, const decant_entry &entry) const {
    const decant_buffer &buffer = tables.buffers()[index];
    if (buffer.rank < 1 || buffer.rank > 4 || buffer.type > DECANT_U8 || buffer.view_offset >= 1ull << 40)
      return fail(index, "its rank, type or view is out of range");
    switch (buffer.storage) {
    case DECANT_STORE_PARAM:
      if (buffer.index >= tables.header().params.count || tables.params()[buffer.index].rank != buffer.rank ||
          tables.params()[buffer.index].type != buffer.type || buffer.view_offset)
        return fail(index, "it does not match its mask parameter");
      return DECANT_OK;
    case DECANT_STORE_KPOOL:
    case DECANT_STORE_VPOOL:
      return pool(index, buffer);
    default:
      break;
    }
    Reach reach;
    if (!reachOf(buffer, buffer.rank, reach))
      return fail(index, "an extent, stride or size is out of range");
    if (buffer.storage == DECANT_STORE_ARENA)
      return arena(index, buffer, reach, entry);
    if (buffer.storage == DECANT_STORE_INPUT)
      return input(index, buffer, entry);
    if (buffer.storage != DECANT_STORE_WEIGHT || buffer.index >= tables.header().weights.count)
      return fail(index, "unknown storage or weight");
    if (reach.size != DECANT_SIZE_ONE || buffer.view_offset % 4 ||
        buffer.view_offset + uint64_t(reach.constant) > tables.weights()[buffer.index].bytes)
      return fail(index, "it reaches outside its weight");
    return DECANT_OK;
  }

  decant_status result(uint32_t index, const decant_entry &entry, uint32_t columns) const {
    if (index >= tables.header().buffers.count)
      return message.fail(DECANT_DATA_LOSS, "%s: damaged: a result names buffer %u of %u", file, index,
                          tables.header().buffers.count);
    const decant_buffer &b = tables.buffers()[index];
    if (b.storage != DECANT_STORE_ARENA || b.rank != 2 || b.type != DECANT_F32 || b.dims[0].factor != 0 ||
        b.dims[0].stride != 1 || uint32_t(b.dims[0].extent) < columns || b.dims[1].factor != 1 || b.dims[1].extent != 0)
      return fail(index, "a result must be (columns, rows) f32 in the arena");
    return buffer(index, entry);
  }

  decant_status step(const decant_step &step, const decant_entry &entry) const {
    if (step.rows != DECANT_SIZE_ROWS && step.rows != DECANT_SIZE_OUT_ROWS && step.rows != DECANT_SIZE_TILES)
      return message.fail(DECANT_DATA_LOSS, "%s: damaged: a step's row class is picked by size %u", file, step.rows);
    for (uint32_t kernel : step.kernel)
      if (kernel >= tables.kernelsPerTarget())
        return message.fail(DECANT_DATA_LOSS, "%s: damaged: a step names kernel %u of %u", file, kernel,
                            tables.kernelsPerTarget());
    for (uint32_t index : tables.list<uint32_t>(step.args)) {
      if (index >= tables.header().buffers.count)
        return message.fail(DECANT_DATA_LOSS, "%s: damaged: a step names buffer %u of %u", file, index,
                            tables.header().buffers.count);
      if (decant_status status = buffer(index, entry); status != DECANT_OK)
        return status;
    }
    return DECANT_OK;
  }

  decant_status entry(uint32_t kind) const {
    const decant_entry &entry = tables.header().entries[kind];
    if (!entry.present)
      return DECANT_OK;
    if (entry.row_bytes > 1ull << 36 || entry.out_row_bytes > 1ull << 36 || entry.row_bytes % 8 ||
        entry.out_row_bytes % 8)
      return message.fail(DECANT_DATA_LOSS, "%s: damaged: the arena of an entry is out of range", file);
    for (const decant_step &each : tables.list<decant_step>(entry.steps))
      if (decant_status status = step(each, entry); status != DECANT_OK)
        return status;
    const decant_tables_header &h = tables.header();
    uint32_t columns = h.vocab ? h.vocab : h.width;
    if (entry.output != UINT32_MAX || kind == DECANT_ENTRY_DECODE)
      if (decant_status status = result(entry.output, entry, kind == DECANT_ENTRY_DECODE ? columns : 1);
          status != DECANT_OK)
        return status;
    return entry.hidden == UINT32_MAX ? DECANT_OK : result(entry.hidden, entry, h.width);
  }
};

} // namespace

InputShape inputShape(const Tables &tables, uint32_t input, uint32_t entry) {
  auto table = [&](uint32_t kind) { return InputShape{DECANT_SIZE_SEQS, tables.maxBlocks(kind), true, DECANT_I32}; };
  switch (input) {
  case DECANT_INPUT_FEATURES:
    return {DECANT_SIZE_ROWS, tables.featureWidth(entry), true, DECANT_F32};
  case DECANT_INPUT_OUT_ROWS:
    return {DECANT_SIZE_OUT_ROWS, 1, false, DECANT_I32};
  case DECANT_INPUT_TILES:
    return {DECANT_SIZE_TILES, 4, true, DECANT_I32};
  case DECANT_INPUT_SELF_TABLE:
    return table(DECANT_CACHE_SELF);
  case DECANT_INPUT_CROSS_TABLE:
    return table(DECANT_CACHE_CROSS);
  case DECANT_INPUT_LOCAL_TABLE:
    return table(DECANT_CACHE_LOCAL);
  case DECANT_INPUT_WINDOW_TABLE:
    return table(DECANT_CACHE_WINDOW);
  case DECANT_INPUT_SELF_LEN:
  case DECANT_INPUT_CROSS_LEN:
  case DECANT_INPUT_LOCAL_LEN:
  case DECANT_INPUT_WINDOW_LEN:
    return {DECANT_SIZE_SEQS, 1, false, DECANT_I32};
  default:
    return {DECANT_SIZE_ROWS, 1, false, DECANT_I32};
  }
}

const char *inputName(uint32_t input) { return kInputNames[input]; }

decant_status checkPlan(const Tables &tables, const char *file, const Message &message) {
  PlanChecker checker{tables, file, message};
  if (!tables.header().entries[DECANT_ENTRY_DECODE].present)
    return message.fail(DECANT_DATA_LOSS, "%s: damaged: the model has no decode entry", file);
  if (tables.header().model_kind != DECANT_MODEL_DECODER_ONLY && !tables.header().entries[DECANT_ENTRY_ENCODE].present)
    return message.fail(DECANT_DATA_LOSS, "%s: damaged: the model has no encode entry", file);
  for (uint32_t kind = 0; kind < DECANT_ENTRY_KINDS; ++kind)
    if (decant_status status = checker.entry(kind); status != DECANT_OK)
      return status;
  return DECANT_OK;
}

} // namespace decant::rt
