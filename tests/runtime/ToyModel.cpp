#define XXH_INLINE_ALL
#include "ToyModel.h"

#include "runtime/core/cpu_features.h"
#include "runtime/core/halide_abi.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <elf.h>
#include <gtest/gtest.h>
#include <xxhash.h>

using decant::rt::HalideBuffer;

namespace toy {

bool kernel_fails = false;
uint64_t scratch_bytes = 0;
uint32_t tile_class = DECANT_ROWS_ONE;

namespace {

uint64_t mix(uint64_t hash, uint64_t value) { return (hash ^ value) * 0x9E3779B97F4A7C15ull + 0x632BE59BD9B4E019ull; }

/// Hash of the source, then of the decoder ids in order.
uint64_t sourceHash(const int32_t *ids, size_t count) {
  uint64_t hash = 7;
  for (size_t i = 0; i < count; ++i)
    hash = mix(hash, static_cast<uint64_t>(ids[i]));
  return mix(hash, 1000);
}

float hashedLogit(uint64_t hash, int32_t token) {
  uint64_t h = mix(hash, static_cast<uint64_t>(token) + 77);
  return static_cast<float>((h ^ h >> 29) >> 20 & 0xffff) / 8192.0f;
}

const HalideBuffer &buffer(void **args, int i) { return *static_cast<HalideBuffer *>(args[i]); }
template <class T> T *data(void **args, int i) { return reinterpret_cast<T *>(buffer(args, i).host); }

/// A token's id lies in the first element of its column of K: kpool(block, d, heads, blocks).
float &cell(void **args, int pool, int32_t block, int32_t token) {
  const HalideBuffer &k = buffer(args, pool);
  EXPECT_LT(block, k.dim[3].extent);
  return reinterpret_cast<float *>(k.host)[block * k.dim[3].stride + token];
}

/// append: ids(R), block(R), token(R), kpool
int append(void **args) {
  for (int32_t r = 0; r < buffer(args, 1).dim[0].extent; ++r)
    cell(args, 4, data<int32_t>(args, 2)[r], data<int32_t>(args, 3)[r]) =
        static_cast<float>(data<int32_t>(args, 1)[r] + 1);
  return 0;
}

/// hidden: ids(R), out(width, R)
int hidden(void **args) {
  const HalideBuffer &out = buffer(args, 2);
  for (int32_t r = 0; r < buffer(args, 1).dim[0].extent; ++r)
    for (int32_t c = 0; c < out.dim[0].extent; ++c)
      data<float>(args, 2)[r * out.dim[1].stride + c] = static_cast<float>(data<int32_t>(args, 1)[r] * 10 + c);
  return 0;
}

float key(void **args, int table, int pool, int32_t sequence, int32_t k) {
  const int32_t *blocks = data<int32_t>(args, table) + sequence * buffer(args, table).dim[1].stride;
  float value = cell(args, pool, blocks[k / int32_t(kBlock)], k % int32_t(kBlock));
  EXPECT_GE(value, 1) << "a key that was never written";
  return value;
}

uint64_t hashKeys(void **args, int table, int pool, int32_t sequence, int32_t first, int32_t count, uint64_t hash) {
  for (int32_t k = first; k < count; ++k)
    hash = mix(hash, static_cast<uint64_t>(key(args, table, pool, sequence, k) - 1));
  return hash;
}

/// logits: out_rows(O), tiles(4, T), self table, self len, cross table, cross len, self kpool, cross kpool, out(V, O);
/// Both: window table, window kpool
template <Keys keys, decant_row_class rows> int logits(void **args) {
  tile_class = rows;
  auto *context = *static_cast<decant_kernel_context **>(args[0]);
  if (kernel_fails) {
    context->error(context, "toy failure");
    return -1;
  }
  auto body = [](void *user, int row, uint8_t *closure) {
    auto *context = static_cast<decant_kernel_context *>(user);
    auto **args = reinterpret_cast<void **>(closure);
    void *memory = scratch_bytes ? context->allocate(context, scratch_bytes) : nullptr;
    if (scratch_bytes && !memory)
      return -11;
    int32_t wanted = data<int32_t>(args, 1)[row];
    for (int32_t t = 0; t < buffer(args, 2).dim[1].extent; ++t) {
      const int32_t *tile = data<int32_t>(args, 2) + t * 4;
      EXPECT_LE(tile[2], rows == DECANT_ROWS_ONE ? 1 : rows == DECANT_ROWS_FEW ? 8 : 32);
      if (wanted < tile[1] || wanted >= tile[1] + tile[2])
        continue;
      int32_t count = tile[3] + wanted - tile[1] + 1;
      EXPECT_LE(count, data<int32_t>(args, 4)[tile[0]]);
      const int32_t sources = data<int32_t>(args, 6)[tile[0]], oldest = std::max(count - kWindow, 0);
      uint64_t hash = mix(hashKeys(args, 5, 8, tile[0], 0, sources, 7), 1000);
      hash = hashKeys(args, 3, 7, tile[0], keys == Keys::Window ? oldest : 0, count, hash);
      for (int32_t k = oldest; keys == Keys::Both && k < count; ++k)
        EXPECT_EQ(key(args, 10, 11, tile[0], k), key(args, 3, 7, tile[0], k));
      for (int32_t v = 0; v < int32_t(kVocab); ++v)
        data<float>(args, 9)[row * buffer(args, 9).dim[1].stride + v] = hashedLogit(hash, v);
    }
    context->release(context, memory);
    return 0;
  };
  return context->par_for(context, body, 0, buffer(args, 1).dim[0].extent, reinterpret_cast<uint8_t *>(args));
}

constexpr decant_kernel kKernels[] = {
    append,
    hidden,
    logits<Keys::Full, DECANT_ROWS_ONE>,
    logits<Keys::Full, DECANT_ROWS_FEW>,
    logits<Keys::Full, DECANT_ROWS_MANY>,
    logits<Keys::Window, DECANT_ROWS_ONE>,
    logits<Keys::Window, DECANT_ROWS_FEW>,
    logits<Keys::Window, DECANT_ROWS_MANY>,
    logits<Keys::Both, DECANT_ROWS_ONE>,
    logits<Keys::Both, DECANT_ROWS_FEW>,
    logits<Keys::Both, DECANT_ROWS_MANY>,
};

/// Grows a tables block: places lists behind the header.
struct Builder {
  std::vector<uint8_t> bytes = std::vector<uint8_t>(sizeof(decant_tables_header));

  template <class T> decant_range put(const std::vector<T> &list) {
    bytes.resize((bytes.size() + 7) / 8 * 8);
    decant_range range{static_cast<uint32_t>(bytes.size()), static_cast<uint32_t>(list.size())};
    const auto *from = reinterpret_cast<const uint8_t *>(list.data());
    bytes.insert(bytes.end(), from, from + list.size() * sizeof(T));
    return range;
  }
  decant_range text(const std::string &text) { return put(std::vector<char>(text.begin(), text.end())); }
};

decant_dim fixed(uint32_t extent, uint32_t stride) { return {int32_t(extent), 0, DECANT_SIZE_ONE, int32_t(stride)}; }
decant_dim per(uint32_t size, uint32_t stride) { return {0, 1, size, int32_t(stride)}; }

decant_buffer vectorInput(uint32_t input, uint32_t size) {
  return {DECANT_STORE_INPUT, DECANT_I32, 1, 0, input, 0, 0, {per(size, 1)}};
}
decant_buffer tableInput(uint32_t input, uint32_t blocks) {
  return {DECANT_STORE_INPUT, DECANT_I32, 2, 0, input, 0, 0, {fixed(blocks, 1), per(DECANT_SIZE_SEQS, blocks)}};
}
decant_buffer pool(uint32_t cache) {
  return {DECANT_STORE_KPOOL,
          DECANT_F32,
          4,
          0,
          cache,
          0,
          0,
          {fixed(kBlock, 1), fixed(1, kBlock), fixed(1, kBlock), fixed(1, kBlock)}};
}
decant_buffer arena(uint32_t region, uint32_t columns, uint64_t offset) {
  return {DECANT_STORE_ARENA, DECANT_F32, 2, uint8_t(region), 0, offset, 0, {fixed(columns, 1), per(region, columns)}};
}

/// Indices into the buffers below.
enum {
  Ids,
  SelfBlock,
  SelfToken,
  CrossBlock,
  CrossToken,
  OutRows,
  Tiles,
  SelfTable,
  SelfLen,
  CrossTable,
  CrossLen,
  SelfPool,
  CrossPool,
  Hidden,
  Out,
  WindowBlock, // Both: from here on
  WindowToken,
  WindowTable,
  WindowPool
};

std::vector<decant_buffer> buffers(const Options &o) {
  const uint32_t blocks = (o.context + kBlock - 1) / kBlock;
  const uint32_t more = o.keys == Keys::Window ? DECANT_INPUT_WINDOW_TABLE - DECANT_INPUT_SELF_TABLE : 0;
  std::vector<decant_buffer> list = {
      vectorInput(DECANT_INPUT_IDS, DECANT_SIZE_ROWS),
      vectorInput(DECANT_INPUT_SELF_BLOCK + more, DECANT_SIZE_ROWS),
      vectorInput(DECANT_INPUT_SELF_TOKEN + more, DECANT_SIZE_ROWS),
      vectorInput(DECANT_INPUT_CROSS_BLOCK, DECANT_SIZE_ROWS),
      vectorInput(DECANT_INPUT_CROSS_TOKEN, DECANT_SIZE_ROWS),
      vectorInput(DECANT_INPUT_OUT_ROWS, DECANT_SIZE_OUT_ROWS),
      {DECANT_STORE_INPUT, DECANT_I32, 2, 0, DECANT_INPUT_TILES, 0, 0, {fixed(4, 1), per(DECANT_SIZE_TILES, 4)}},
      tableInput(DECANT_INPUT_SELF_TABLE + more, blocks),
      vectorInput(DECANT_INPUT_SELF_LEN + more, DECANT_SIZE_SEQS),
      tableInput(DECANT_INPUT_CROSS_TABLE, (kSource + kBlock - 1) / kBlock),
      vectorInput(DECANT_INPUT_CROSS_LEN, DECANT_SIZE_SEQS),
      pool(0),
      pool(1),
      arena(DECANT_SIZE_ROWS, kWidth, 8),
      arena(DECANT_SIZE_OUT_ROWS, kVocab, 0)};
  if (o.keys == Keys::Both)
    list.insert(list.end(), {vectorInput(DECANT_INPUT_WINDOW_BLOCK, DECANT_SIZE_ROWS),
                             vectorInput(DECANT_INPUT_WINDOW_TOKEN, DECANT_SIZE_ROWS),
                             tableInput(DECANT_INPUT_WINDOW_TABLE, blocks), pool(2)});
  return list;
}

void putText(Builder &b, decant_text &text) {
  text.kind = DECANT_TEXT_CHARS;
  text.unknown_id = -1;
  text.chars = b.put<decant_char>({{'a', 3}, {'b', 4}, {0xe9, 5}, {0x1d54f, 6}});
  text.prefix = b.put<int32_t>({1});
  text.suffix = b.put<int32_t>({2});
  text.specials = b.put<int32_t>({0, 1, 2});
  std::vector<decant_range> pieces;
  for (const char *piece : {"<pad>", "<s>", "</s>", "a", "b", "é", "𝕏", "xyz", "", "9", "10"})
    pieces.push_back(b.text(piece));
  text.pieces = b.put(pieces);
}

void putGeneration(Builder &b, decant_generation &g, const Options &o) {
  bool encoder = o.kind == DECANT_MODEL_ENCODER_DECODER;
  g = {};
  g.bos_token_id = kStart;
  g.decoder_start_token_id = encoder ? kStart : -1;
  g.forced_bos_token_id = o.forced_bos;
  g.forced_eos_token_id = o.forced_eos;
  g.max_length = o.max_length;
  g.min_length = o.min_length;
  g.max_new_tokens = g.min_new_tokens = -1;
  g.num_beams = 1;
  g.length_penalty = g.temperature = g.top_p = g.repetition_penalty = 1.0f;
  g.eos_token_ids = b.put(o.eos);
  g.suppress_tokens = b.put(o.suppress);
  g.begin_suppress_tokens = b.put(o.begin_suppress);
}

} // namespace

float logit(const std::vector<int32_t> &source, const std::vector<int32_t> &prefix, int32_t token) {
  uint64_t hash = sourceHash(source.data(), source.size());
  for (int32_t id : prefix)
    hash = mix(hash, static_cast<uint64_t>(id));
  return hashedLogit(hash, token);
}

void seal(std::vector<uint64_t> &tables) {
  decant_tables_header &h = headerOf(tables);
  std::memcpy(h.magic, DECANT_MODULE_MAGIC, 8);
  h.abi = DECANT_MODULE_ABI;
  h.machine = decant::rt::thisMachine();
  h.tables_bytes = tables.size() * 8;
  size_t start = offsetof(decant_tables_header, weights_bytes);
  h.tables_hash = XXH3_64bits(reinterpret_cast<uint8_t *>(&h) + start, h.tables_bytes - start);
}

std::vector<uint64_t> makeTables(const Options &o) {
  Builder b;
  decant_tables_header h{};
  const std::vector<uint8_t> weights(128, 3);
  h.weights_bytes = weights.size();
  h.weights_hash = XXH3_64bits(weights.data(), weights.size());
  h.model_kind = o.kind;
  h.vocab = kVocab, h.width = kWidth, h.max_batch = kBatch, h.max_context = o.context, h.max_source = kSource,
  h.block_tokens = kBlock, h.heads = kHeads;
  h.compiler_version = b.text("0.1.0"), h.model_name = b.text("toy"), h.dtype = b.text("f32");
  h.targets = b.put<decant_target>({{b.text("toy-target"), b.text("")}});
  std::vector<decant_kernel_info> kernels;
  for (size_t i = 0; i < std::size(kKernels); ++i)
    kernels.push_back({b.text("kernel_" + std::to_string(i)), b.text("-")});
  h.kernels = b.put(kernels);
  h.buffers = b.put(buffers(o));
  h.weights = b.put<decant_weight>({{b.text("w"), 64, 64}});
  const decant_cache window = {DECANT_CACHE_WINDOW, 1, 1, kWindow};
  std::vector<decant_cache> caches = {{DECANT_CACHE_SELF, 1, 1, 0}, {DECANT_CACHE_CROSS, 1, 1, 0}};
  if (o.keys == Keys::Window)
    caches[0] = window;
  if (o.keys == Keys::Both)
    caches.push_back(window);
  h.window = o.keys == Keys::Full ? 0 : kWindow;
  h.caches = b.put(caches);
  if (o.mask)
    h.params = b.put<decant_param>({{b.text("self_bias"), DECANT_F32, 4, 0, 0}});
  auto step = [&](uint32_t kernel, uint32_t rows, std::vector<uint32_t> args, const char *name) {
    return decant_step{{kernel, kernel, kernel}, rows, b.put(args), b.text(name)};
  };
  std::vector<decant_step> encode = {
      step(0, DECANT_SIZE_ROWS, {Ids, CrossBlock, CrossToken, CrossPool}, "encoder: append"),
      step(1, DECANT_SIZE_ROWS, {Ids, Hidden}, "encoder: hidden")};
  std::vector<decant_step> decode = {
      step(0, DECANT_SIZE_ROWS, {Ids, SelfBlock, SelfToken, SelfPool}, "decoder: append"),
      step(0, DECANT_SIZE_TILES, {OutRows, Tiles, SelfTable, SelfLen, CrossTable, CrossLen, SelfPool, CrossPool, Out},
           "decoder: logits")};
  for (uint32_t rows = 0; rows < DECANT_ROW_CLASSES; ++rows)
    decode[1].kernel[rows] = 2 + uint32_t(o.keys) * DECANT_ROW_CLASSES + rows;
  if (o.keys == Keys::Both) {
    decode[1].args = b.put<uint32_t>(
        {OutRows, Tiles, SelfTable, SelfLen, CrossTable, CrossLen, SelfPool, CrossPool, Out, WindowTable, WindowPool});
    decode.insert(decode.begin() + 1, step(0, DECANT_SIZE_ROWS, {Ids, WindowBlock, WindowToken, WindowPool},
                                           "decoder: append to the window"));
  }
  if (o.kind == DECANT_MODEL_ENCODER_DECODER)
    h.entries[DECANT_ENTRY_ENCODE] = {1, UINT32_MAX, Hidden, 0, 8 + kWidth * 4, 0, b.put(encode)};
  h.entries[DECANT_ENTRY_DECODE] = {1, Out, UINT32_MAX, 0, 8, (kVocab * 4 + 7) / 8 * 8, b.put(decode)};
  putGeneration(b, h.generation, o);
  if (o.text)
    putText(b, h.text);
  std::vector<uint64_t> tables((b.bytes.size() + 7) / 8);
  std::memcpy(tables.data(), b.bytes.data(), b.bytes.size());
  std::memcpy(static_cast<void *>(tables.data()), &h, sizeof h);
  seal(tables);
  return tables;
}

Model::Model(const Options &options) : tables(makeTables(options)), weights(128, 3) {
  char text[256] = "";
  decant::rt::Message message{text, sizeof text};
  model.tables.base = reinterpret_cast<const uint8_t *>(tables.data());
  EXPECT_EQ(decant::rt::checkHeader(model.tables.base, tables.size() * 8, "toy", message), DECANT_OK) << text;
  EXPECT_EQ(decant::rt::checkTables(model.tables, "toy", message), DECANT_OK) << text;
  model.kernels = kKernels;
  model.weights = weights.data();
  decant::rt::findInputs(model);
}

std::string makeFile(const std::vector<uint64_t> &tables) {
  const std::string names = std::string("\0.decant.tables\0.shstrtab\0", 26);
  std::string file(sizeof(Elf64_Ehdr), 0);
  auto put = [&](const void *data, size_t bytes) {
    file.resize((file.size() + 7) / 8 * 8);
    size_t at = file.size();
    file.append(static_cast<const char *>(data), bytes);
    return at;
  };
  Elf64_Shdr sections[3] = {};
  sections[1].sh_name = 1, sections[1].sh_type = SHT_PROGBITS, sections[1].sh_size = tables.size() * 8;
  sections[1].sh_offset = put(tables.data(), tables.size() * 8);
  sections[2].sh_name = 16, sections[2].sh_type = SHT_STRTAB, sections[2].sh_size = names.size();
  sections[2].sh_offset = put(names.data(), names.size());
  Elf64_Ehdr elf{};
  std::memcpy(elf.e_ident, ELFMAG, SELFMAG);
  elf.e_ident[EI_CLASS] = ELFCLASS64, elf.e_ident[EI_DATA] = ELFDATA2LSB, elf.e_ident[EI_VERSION] = EV_CURRENT;
  elf.e_type = ET_DYN, elf.e_machine = static_cast<uint16_t>(decant::rt::thisMachine()), elf.e_version = EV_CURRENT;
  elf.e_ehsize = sizeof elf, elf.e_shentsize = sizeof(Elf64_Shdr), elf.e_shnum = 3, elf.e_shstrndx = 2;
  elf.e_shoff = put(sections, sizeof sections);
  std::memcpy(file.data(), &elf, sizeof elf);
  file.resize((file.size() + 4095) / 4096 * 4096);
  decant_trailer trailer{};
  std::memcpy(trailer.magic, DECANT_TRAILER_MAGIC, 8);
  trailer.abi = DECANT_MODULE_ABI;
  trailer.weights_offset = file.size();
  trailer.weights_bytes = 128;
  file.append(128, 3);
  trailer.file_bytes = file.size() + sizeof trailer;
  trailer.tables_hash = reinterpret_cast<const decant_tables_header *>(tables.data())->tables_hash;
  trailer.trailer_hash = XXH3_64bits(&trailer, offsetof(decant_trailer, trailer_hash));
  file.append(reinterpret_cast<const char *>(&trailer), sizeof trailer);
  return file;
}

} // namespace toy
