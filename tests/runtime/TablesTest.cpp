// No table that a checker lets pass may lead a session outside its memory (run under ASan and UBSan).
#include "ToyModel.h"
#include "runtime/core/session.h"

#include <cstddef>
#include <gtest/gtest.h>

namespace {

using namespace decant::rt;

struct Checked {
  decant_status status;
  std::string message;
};

Checked check(const std::vector<uint64_t> &tables) {
  char text[512] = "";
  Message message{text, sizeof text};
  const auto *base = reinterpret_cast<const uint8_t *>(tables.data());
  decant_status status = checkHeader(base, tables.size() * 8, "F", message);
  if (status == DECANT_OK)
    status = checkTables(Tables{base}, "F", message);
  return {status, text};
}

TEST(TablesTest, ToyTablesPass) {
  Checked checked = check(toy::makeTables());
  EXPECT_EQ(checked.status, DECANT_OK) << checked.message;
}

TEST(TablesTest, EveryFlippedByteIsNoticed) {
  const std::vector<uint64_t> good = toy::makeTables();
  for (size_t i = 0; i < good.size() * 8; ++i) {
    std::vector<uint64_t> bad = good;
    reinterpret_cast<uint8_t *>(bad.data())[i] ^= 0x11;
    EXPECT_NE(check(bad).status, DECANT_OK) << "byte " << i;
  }
}

TEST(TablesTest, EachRefusalHasItsSentence) {
  auto message = [](auto change, bool reseal = false) {
    std::vector<uint64_t> tables = toy::makeTables();
    change(toy::headerOf(tables));
    if (reseal)
      toy::seal(tables);
    return check(tables).message;
  };
  using H = decant_tables_header;
  EXPECT_EQ(message([](H &h) { h.magic[0] = 'X'; }), "F: not a decant module");
  EXPECT_EQ(message([](H &h) { h.abi = DECANT_MODULE_ABI + 1; }),
            "F: made for module ABI " + std::to_string(DECANT_MODULE_ABI + 1) + ", this runtime knows up to " +
                std::to_string(DECANT_MODULE_ABI) + ": update the runtime");
  EXPECT_EQ(message([](H &h) { h.abi = 0; }), "F: made for module ABI 0, this runtime needs " +
                                                  std::to_string(DECANT_MODULE_ABI) + ": compile the model again");
  EXPECT_EQ(message([](H &h) { h.machine = 243; }).substr(0, 18), "F: made for riscv,");
  EXPECT_EQ(message([](H &h) { h.vocab = 12; }), "F: damaged: checksum of the tables does not match");
  EXPECT_EQ(message([](H &h) { h.block_tokens = 0; }, true), "F: damaged: a limit of the model is out of range");
  EXPECT_EQ(message([](H &h) { h.buffers.count = 1u << 30; }, true), "F: damaged: a list lies outside the tables");
  EXPECT_EQ(message([](H &h) { h.weights_bytes = 64; }, true), "F: damaged: a weight lies outside the weights");
  EXPECT_EQ(message([](H &h) { h.entries[DECANT_ENTRY_DECODE].present = 0; }, true),
            "F: damaged: the model has no decode entry");
  EXPECT_EQ(message([](H &h) { h.entries[DECANT_ENTRY_DECODE].output = 999; }, true),
            "F: damaged: a result names buffer 999 of 15");
  EXPECT_EQ(message([](H &h) { h.entries[DECANT_ENTRY_DECODE].out_row_bytes = 40; }, true),
            "F: damaged: buffer 14: it reaches outside the arena");
}

TEST(TablesTest, WindowsFitTheirCaches) {
  toy::Options options;
  options.keys = toy::Keys::Both;
  auto message = [&](auto change) {
    std::vector<uint64_t> tables = toy::makeTables(options);
    decant_tables_header &h = toy::headerOf(tables);
    change(h, reinterpret_cast<decant_cache *>(reinterpret_cast<uint8_t *>(tables.data()) + h.caches.offset));
    toy::seal(tables);
    return check(tables).message;
  };
  using H = decant_tables_header;
  const char *const unfit = "F: damaged: the window of a cache does not fit its kind or is out of range";
  const char *const not_largest = "F: damaged: the model's window is not the largest one of its caches";
  EXPECT_EQ(message([](H &, decant_cache *) {}), "");
  EXPECT_EQ(message([](H &, decant_cache *caches) { caches[0].window = 5; }), unfit);
  EXPECT_EQ(message([](H &, decant_cache *caches) { caches[2].window = 0; }), unfit);
  EXPECT_EQ(message([](H &, decant_cache *caches) { caches[2].kind = DECANT_CACHE_SELF; }), unfit);
  EXPECT_EQ(message([](H &h, decant_cache *caches) { h.window = caches[2].window = (1u << 24) + 1; }), unfit);
  EXPECT_EQ(message([](H &h, decant_cache *) { --h.window; }), not_largest);
  EXPECT_EQ(message([](H &h, decant_cache *) { h.window = 0; }), not_largest);
  EXPECT_EQ(message([](H &h, decant_cache *caches) { h.window = caches[2].window = 1u << 24; }), "");
}

TEST(TablesTest, AReachThatOverflowsIsRefused) {
  std::vector<uint64_t> tables = toy::makeTables();
  decant_tables_header &h = toy::headerOf(tables);
  h.entries[DECANT_ENTRY_ENCODE].hidden = UINT32_MAX; // else the buffer would have to be a matrix
  auto *buffers = reinterpret_cast<decant_buffer *>(reinterpret_cast<uint8_t *>(tables.data()) + h.buffers.offset);
  decant_buffer &hidden = buffers[13];
  ASSERT_EQ(hidden.storage, DECANT_STORE_ARENA);
  hidden.rank = 4; // 4 bytes * 2^30 * 2^30, four times: 2^64
  for (decant_dim &dim : hidden.dims)
    dim = {(1 << 30) + 1, 0, DECANT_SIZE_ONE, 1 << 30};
  toy::seal(tables);
  EXPECT_EQ(check(tables).message, "F: damaged: buffer 13: an extent, stride or size is out of range");
}

/// Runs a whole model on tables that passed the check with one number changed: they may mean something else, no more.
void runIfAccepted(const std::vector<uint64_t> &tables) {
  if (check(tables).status != DECANT_OK)
    return;
  toy::Model good;
  good.model.tables.base = reinterpret_cast<const uint8_t *>(tables.data());
  if (good.model.header().max_batch > 64 || good.model.header().max_context > 4096 ||
      good.model.header().max_source > 4096)
    return;
  decant_session_options options{sizeof options, 1, 3};
  decant_session *session = nullptr;
  if (decant_session_create(&good.model, &options, &session) != DECANT_OK)
    return;
  decant_session_release(session);
}

TEST(TablesTest, EveryNumberOutOfRangeIsRefusedOrHarmless) {
  toy::Options with_window;
  with_window.keys = toy::Keys::Both;
  for (const std::vector<uint64_t> &good : {toy::makeTables(), toy::makeTables(with_window)})
    for (size_t i = offsetof(decant_tables_header, weights_bytes) / 4; i < good.size() * 2; ++i)
      for (uint32_t value : {0u, 1u, 0x7fffffffu, 0x80000000u, 0xffffffffu}) {
        std::vector<uint64_t> bad = good;
        reinterpret_cast<uint32_t *>(bad.data())[i] = value;
        toy::seal(bad);
        runIfAccepted(bad);
      }
}

} // namespace
