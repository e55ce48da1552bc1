// A module made by hand: its kernels are plain functions on the KV cache, so that steps, slots and searches can be
// tested against a direct computation. Its logits are a hash of the source ids and of all decoder ids so far.
#pragma once

#include "runtime/core/model.h"
#include "runtime/include/decant_module.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace toy {

constexpr uint32_t kVocab = 11, kWidth = 2, kContext = 24, kSource = 10, kBlock = 4, kBatch = 6, kHeads = 3;
constexpr int32_t kStart = 1, kEnd = 2, kWindow = 6;

/// Where the toy decoder keeps its keys.
enum class Keys {
  Full,
  Window, ///< it sees the newest kWindow alone, and keeps no others
  Both    ///< it sees all keys; a second cache keeps the newest kWindow, which have to be the same
};

/// What the toy decoder answers after `prefix` for the encoder input `source`: a number in [0, 8).
float logit(const std::vector<int32_t> &source, const std::vector<int32_t> &prefix, int32_t token);

struct Options {
  uint32_t kind = DECANT_MODEL_ENCODER_DECODER;
  std::vector<int32_t> eos = {kEnd}, suppress, begin_suppress;
  int32_t forced_bos = -1, forced_eos = -1, max_length = 16, min_length = 0;
  bool text = false, mask = false; ///< mask: a parameter self_bias, which no kernel reads
  Keys keys = Keys::Full;
  uint32_t context = kContext;
};

/// The tables block, header checksum set.
std::vector<uint64_t> makeTables(const Options &options = {});
/// Sets header fields that depend on the rest.
void seal(std::vector<uint64_t> &tables);
inline decant_tables_header &headerOf(std::vector<uint64_t> &tables) {
  return *reinterpret_cast<decant_tables_header *>(tables.data());
}

/// An open model on such tables; checks them as decant_model_open does.
struct Model {
  explicit Model(const Options &options = {});
  std::vector<uint64_t> tables;
  std::vector<uint8_t> weights;
  decant_model model;
};

/// While true, the logits kernel fails with "toy failure".
extern bool kernel_fails;
/// decant_row_class of the logits kernel that ran last.
extern uint32_t tile_class;
/// Scratch bytes that the logits kernel asks for in each iteration of its parallel loop.
extern uint64_t scratch_bytes;

/// An ELF file with these tables, weights and trailer, as decant writes them; nothing in it can run.
std::string makeFile(const std::vector<uint64_t> &tables);

} // namespace toy
