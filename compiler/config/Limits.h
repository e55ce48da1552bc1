// The published caps on what comes from outside. A reader checks a number against its cap before it allocates or
// computes.
#pragma once

#include <cstdint>

namespace decant::limits {

inline constexpr int64_t headerBytes = 100'000'000; ///< safetensors header
inline constexpr int64_t tensors = 1'000'000;       ///< tensors a file
inline constexpr int64_t shards = 4096;             ///< files of one set of weights
inline constexpr int64_t rank = 8;
inline constexpr int64_t jsonDepth = 64;
inline constexpr int64_t headerDepth = 4;          ///< nesting of a safetensors header; the format needs 3
inline constexpr int64_t jsonFileBytes = 16 << 20; ///< config.json, generation_config.json, g2p_vocab.json
// Values a document bound the memory of its tree: at most about 150 bytes each.
inline constexpr int64_t jsonValues = 500'000;            ///< config.json, generation_config.json, g2p_vocab.json
inline constexpr int64_t tokenizerBytes = 64 << 20;       ///< tokenizer.json
inline constexpr int64_t tokenizerValues = 4'000'000;     ///< of it: 256,000 pieces and 600,000 merges are in use
inline constexpr int64_t headerValues = 16 * tensors + 2; ///< safetensors: a tensor of rank 8 has 14
inline constexpr int64_t stringBytes = 1 << 20;
inline constexpr int64_t layers = 4096;
inline constexpr int64_t heads = 1024;
inline constexpr int64_t hidden = 1 << 20;
inline constexpr int64_t ffn = 1 << 22;
inline constexpr int64_t vocabulary = 1 << 24;
inline constexpr int64_t context = 1 << 24;
inline constexpr int64_t beams = 1024;

} // namespace decant::limits
