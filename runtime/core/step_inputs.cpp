// Bookkeeping before a step: ids, positions, tiles and block tables as the kernels read them. No model arithmetic.
//
// Takes session.items (checked, their blocks taken); gives session.sizes and the filled input arrays. Behind the last
// row, 8 rows and more of zeros follow: kernels read whole register tiles.
#include "runtime/core/session.h"

#include <algorithm>

namespace decant::rt {
namespace {

constexpr int32_t kTileRows[DECANT_ROW_CLASSES] = {DECANT_TILE_ROWS_ONE, DECANT_TILE_ROWS_FEW, DECANT_TILE_ROWS_MANY};

/// Tiles of a step, which do not reach over the end of a sequence's rows.
int64_t countTiles(const decant_session &session, uint32_t tile_class) {
  int64_t tiles = 0;
  for (const StepItem &item : session.items)
    tiles += (item.count + kTileRows[tile_class] - 1) / kTileRows[tile_class];
  return tiles;
}

/// Large tiles read each key for more rows at once; a tile that is not half full spends more on rows that are not
/// there.
uint32_t chooseTiles(const decant_session &session, int64_t rows) {
  if (rows == static_cast<int64_t>(session.items.size()))
    return DECANT_ROWS_ONE;
  return rows * 2 >= countTiles(session, DECANT_ROWS_MANY) * DECANT_TILE_ROWS_MANY ? DECANT_ROWS_MANY : DECANT_ROWS_FEW;
}

struct Filler {
  decant_session &session;
  uint32_t entry;

  bool wanted(uint32_t input) const { return session.model->uses(entry, input); }
  int32_t *array(uint32_t input) { return session.inputs[input].as<int32_t>(); }

  /// Room for an input's units (elements `per` each), rows padded; the padding is zeroed.
  bool room(uint32_t input, uint64_t units) {
    if (!wanted(input))
      return true;
    InputShape shape = inputShape(session.model->tables, input, entry);
    uint64_t padded = roundUp(units, 8) + kRowPadding;
    if (!session.inputs[input].reserve(padded * shape.per * 4))
      return false;
    std::memset(session.inputs[input].data() + units * shape.per * 4, 0, (padded - units) * shape.per * 4);
    return true;
  }

  void rows() {
    int32_t row = 0;
    for (const StepItem &item : session.items) {
      if (wanted(DECANT_INPUT_IDS))
        std::copy_n(item.ids, item.count, array(DECANT_INPUT_IDS) + row);
      if (wanted(DECANT_INPUT_FEATURES)) {
        uint64_t width = session.model->tables.featureWidth(entry);
        std::copy_n(item.features, uint64_t(item.count) * width,
                    session.inputs[DECANT_INPUT_FEATURES].as<float>() + uint64_t(row) * width);
      }
      if (wanted(DECANT_INPUT_POSITIONS))
        for (int32_t i = 0; i < item.count; ++i)
          array(DECANT_INPUT_POSITIONS)[row + i] = item.before + i;
      row += item.count;
    }
  }

  void outRows(bool all) {
    if (!wanted(DECANT_INPUT_OUT_ROWS))
      return;
    int32_t row = 0, *out = array(DECANT_INPUT_OUT_ROWS);
    for (const StepItem &item : session.items) {
      for (int32_t i = all ? 0 : item.count - 1; i < item.count; ++i)
        *out++ = row + i;
      row += item.count;
    }
  }

  void tiles() {
    if (!wanted(DECANT_INPUT_TILES))
      return;
    const int32_t most = kTileRows[session.tile_class];
    int32_t row = 0, *out = array(DECANT_INPUT_TILES);
    for (size_t b = 0; b < session.items.size(); ++b) {
      const StepItem &item = session.items[b];
      for (int32_t i = 0; i < item.count; i += most) {
        const int32_t tile[4] = {static_cast<int32_t>(b), row + i, std::min(most, item.count - i), item.before + i};
        out = std::copy_n(tile, 4, out);
      }
      row += item.count;
    }
  }

  /// Table, lengths, and the places of new rows in one cache kind. `first` = number of the table input of the kind.
  void cache(uint32_t first, uint32_t kind) {
    const int32_t block = static_cast<int32_t>(session.cache.blockTokens());
    const uint32_t stride = session.model->tables.maxBlocks(kind);
    int32_t row = 0, next_local = 0;
    for (size_t b = 0; b < session.items.size(); ++b) {
      const StepItem &item = session.items[b];
      const bool local = kind == DECANT_CACHE_LOCAL;
      const bool source = kind == DECANT_CACHE_CROSS && entry == DECANT_ENTRY_DECODE; // read only
      const int32_t length = source ? session.cache.slots[item.slot].source : item.before + item.count;
      const int32_t blocks = (length + block - 1) / block;
      auto blockAt = [&](int32_t i) { return local ? next_local + i : session.cache.table(kind, item.slot)[i]; };
      if (local && wanted(first))
        session.cache.prepareLocal(static_cast<uint32_t>(next_local + blocks - 1),
                                   static_cast<uint32_t>(length - (blocks - 1) * block));
      if (wanted(first))
        for (int32_t i = 0; i < blocks; ++i)
          array(first)[b * stride + static_cast<uint32_t>(i)] = blockAt(i);
      if (wanted(first + 1))
        array(first + 1)[b] = length;
      for (int32_t i = 0; i < item.count && !source; ++i) {
        int32_t token = item.before + i;
        if (wanted(first + 2))
          array(first + 2)[row + i] = blockAt(token / block);
        if (wanted(first + 3))
          array(first + 3)[row + i] = token % block;
      }
      row += item.count;
      next_local += blocks;
    }
  }
};

} // namespace

bool fillInputs(decant_session &session, uint32_t entry, bool out_all) {
  int64_t rows = 0;
  for (const StepItem &item : session.items)
    rows += item.count;
  const auto items = static_cast<int64_t>(session.items.size());
  session.sizes[DECANT_SIZE_ROWS] = static_cast<int32_t>(rows);
  session.sizes[DECANT_SIZE_OUT_ROWS] = static_cast<int32_t>(out_all ? rows : items);
  session.sizes[DECANT_SIZE_SEQS] = static_cast<int32_t>(items);
  session.tile_class = chooseTiles(session, rows);
  session.sizes[DECANT_SIZE_TILES] = static_cast<int32_t>(countTiles(session, session.tile_class));
  Filler filler{session, entry};
  for (uint32_t input = 0; input < DECANT_INPUT_COUNT; ++input)
    if (!filler.room(input, static_cast<uint64_t>(session.sizes[inputShape(session.model->tables, input, entry).size])))
      return false;
  filler.rows();
  filler.outRows(out_all);
  filler.tiles();
  if (entry == DECANT_ENTRY_DECODE) {
    filler.cache(DECANT_INPUT_SELF_TABLE, DECANT_CACHE_SELF);
    filler.cache(DECANT_INPUT_WINDOW_TABLE, DECANT_CACHE_WINDOW);
  }
  filler.cache(DECANT_INPUT_CROSS_TABLE, DECANT_CACHE_CROSS);
  if (entry == DECANT_ENTRY_ENCODE)
    filler.cache(DECANT_INPUT_LOCAL_TABLE, DECANT_CACHE_LOCAL);
  return true;
}

} // namespace decant::rt
