// The header and everything that is not the plan: limits, targets, weights, generation defaults, text.
#include "compiler/artifact/Tables.h"
#include "compiler/artifact/PlanTables.h"
#include "compiler/artifact/WeightPacker.h"
#include "compiler/config/Errors.h"
#include "schedules/spec/KernelSpec.h"

#define XXH_INLINE_ALL
#include <fmt/format.h>
#include <xxhash.h>

using namespace mlir;

namespace decant {

StringRef targetFeatures(StringRef target) {
  static constexpr std::pair<StringRef, StringRef> kFeatures[] = {
      {"x86-64-v3", "avx,avx2,fma,f16c"},
      {"x86-64-v4", "avx,avx2,fma,f16c,avx512f,avx512bw,avx512cd,avx512dq,avx512vl"},
  };
  for (auto [name, features] : kFeatures)
    if (name == target)
      return features;
  return "";
}

namespace {

constexpr uint32_t kMachineX86_64 = 62; // EM_X86_64

uint32_t modelKind(dec::ModelOp model) {
  return llvm::StringSwitch<uint32_t>(model.getKind())
      .Case("encoder_decoder", DECANT_MODEL_ENCODER_DECODER)
      .Case("decoder_only", DECANT_MODEL_DECODER_ONLY)
      .Default(DECANT_MODEL_TORCH_DECODER);
}

/// Without a dec.generation: no ids, one sequence, as long as the context.
decant_generation generationTable(dec::ModelOp model, Blob &blob) {
  decant_generation table = {};
  auto ops = model.getBody().getOps<dec::GenerationOp>();
  if (ops.empty()) {
    table.bos_token_id = table.pad_token_id = table.decoder_start_token_id = table.forced_bos_token_id =
        table.forced_eos_token_id = table.max_new_tokens = table.min_new_tokens = -1;
    table.max_length = model.getMaxContext();
    table.num_beams = 1;
    table.length_penalty = table.temperature = table.top_p = table.repetition_penalty = 1;
    return table;
  }
  dec::GenerationOp op = *ops.begin();
  table.bos_token_id = op.getBosTokenId();
  table.pad_token_id = op.getPadTokenId();
  table.decoder_start_token_id = op.getDecoderStartTokenId();
  table.forced_bos_token_id = op.getForcedBosTokenId();
  table.forced_eos_token_id = op.getForcedEosTokenId();
  table.max_length = op.getMaxLength();
  table.min_length = op.getMinLength();
  table.max_new_tokens = op.getMaxNewTokens();
  table.min_new_tokens = op.getMinNewTokens();
  table.num_beams = op.getNumBeams();
  table.early_stopping = op.getEarlyStopping();
  table.length_penalty = static_cast<float>(op.getLengthPenalty().convertToDouble());
  auto real = [](const llvm::APFloat &value) { return static_cast<float>(value.convertToDouble()); };
  table.do_sample = op.getDoSample();
  table.temperature = real(op.getTemperature());
  table.top_k = op.getTopK();
  table.top_p = real(op.getTopP());
  table.min_p = real(op.getMinP());
  table.repetition_penalty = real(op.getRepetitionPenalty());
  table.no_repeat_ngram_size = op.getNoRepeatNgramSize();
  table.bad_words_ids = blob.append(op.getBadWordsIds());
  table.decoder_prompt = blob.append(op.getDecoderPrompt());
  table.eos_token_ids = blob.append(op.getEosTokenIds());
  table.suppress_tokens = blob.append(op.getSuppressTokens());
  table.begin_suppress_tokens = blob.append(op.getBeginSuppressTokens());
  return table;
}

decant_text textTable(dec::ModelOp model, Blob &blob) {
  decant_text table = {};
  table.unknown_id = -1;
  for (auto tokenizer : model.getBody().getOps<dec::TokenizerOp>()) {
    ArrayRef<char> raw = cast<DenseElementsAttr>(tokenizer.getTables()).getRawData();
    std::vector<uint64_t> words((raw.size() + 7) / 8, 0); // their parts are aligned within the block
    std::memcpy(words.data(), raw.data(), raw.size());
    decant_range range = blob.append(words);
    table.kind = DECANT_TEXT_TOKENIZER;
    table.blob = {range.offset, static_cast<uint32_t>(range.count * 8)};
  }
  auto ops = model.getBody().getOps<dec::TextOp>();
  if (ops.empty())
    return table;
  dec::TextOp op = *ops.begin();
  std::vector<decant_char> chars;
  for (auto [codepoint, id] : llvm::zip(op.getCharacters(), op.getIds()))
    chars.push_back({static_cast<uint32_t>(codepoint), id});
  std::vector<decant_range> pieces;
  for (auto piece : op.getPieces().getAsValueRange<StringAttr>())
    pieces.push_back(blob.text(piece));
  table.kind = DECANT_TEXT_CHARS;
  table.unknown_id = op.getUnknown();
  table.chars = blob.append(chars);
  table.prefix = blob.append(op.getPrefix());
  table.suffix = blob.append(op.getSuffix());
  table.pieces = blob.append(pieces);
  table.specials = blob.append(op.getSpecials());
  return table;
}

decant_range weightTable(ArrayRef<std::string> symbols, ArrayRef<uint64_t> sizes, Blob &blob, uint64_t &total) {
  std::vector<decant_weight> table;
  total = 0;
  for (auto [symbol, bytes] : llvm::zip_equal(symbols, sizes)) {
    table.push_back({blob.text(symbol), total, bytes});
    total += paddedBytes(bytes);
  }
  return blob.append(table);
}

void addTargets(ArrayRef<std::string> targets, ArrayRef<std::string> specs, Blob &blob, decant_tables_header &header) {
  std::vector<decant_target> table;
  std::vector<decant_kernel_info> kernels;
  std::string error;
  for (const std::string &target : targets) {
    table.push_back({blob.text(target), blob.text(targetFeatures(target))});
    for (const std::string &spec : specs)
      kernels.push_back({blob.text(kernelSymbol(*parseKernelSpec(spec, error), target)), blob.text(spec)});
  }
  header.targets = blob.append(table);
  header.kernels = blob.append(kernels);
}

uint32_t mostHeads(llvm::ArrayRef<std::string> specs) {
  uint32_t heads = 0;
  std::string error;
  for (const std::string &text : specs)
    if (auto spec = parseKernelSpec(text, error))
      if (const auto *attention = std::get_if<AttentionSpec>(&*spec))
        heads = std::max(heads, static_cast<uint32_t>(attention->heads));
  return heads;
}

} // namespace

llvm::Expected<ModuleTables> buildTables(ModuleOp module, const TablesInput &input) {
  dec::ModelOp model = dec::findModel(module);
  if (!model)
    return badInput("the module holds no dec.model, or more than one");
  Blob blob(sizeof(decant_tables_header));
  PlanTables plan(model, blob);
  if (failed(plan.numberKernels()))
    return badInput("the plan of this file cannot be written as tables");
  for (auto entry : model.getBody().getOps<plan::EntryOp>())
    if (failed(plan.addEntry(entry)))
      return badInput("the plan of this file cannot be written as tables");

  decant_tables_header header = {};
  std::memcpy(header.magic, DECANT_MODULE_MAGIC, sizeof(header.magic));
  header.abi = DECANT_MODULE_ABI;
  header.machine = kMachineX86_64;
  header.weights_hash = input.weightsHash;
  header.model_kind = modelKind(model);
  header.vocab = model.getVocab();
  header.width = model.getWidth();
  header.source_width = model.getSourceWidth().value_or(0);
  header.heads = mostHeads(plan.kernelSpecs);
  header.max_batch = model.getMaxBatch();
  header.max_context = model.getMaxContext();
  header.max_source = model.getMaxSource();
  header.block_tokens = plan.blockTokens;
  header.batch_first = model.getBatchFirst();
  header.window = plan.window;
  header.compiler_version = blob.text(DECANT_VERSION);
  header.model_name = blob.text(model.getSymName());
  header.dtype = blob.text("f32");
  addTargets(input.targets, plan.kernelSpecs, blob, header);
  header.buffers = blob.append(plan.buffers);
  header.weights = weightTable(plan.weightSymbols, input.weightBytes, blob, header.weights_bytes);
  header.caches = blob.append(plan.caches);
  header.params = blob.append(plan.params);
  std::copy(std::begin(plan.entries), std::end(plan.entries), header.entries);
  header.generation = generationTable(model, blob);
  header.text = textTable(model, blob);

  blob.bytes.resize((blob.bytes.size() + 7) / 8 * 8, 0);
  header.tables_bytes = blob.bytes.size();
  std::memcpy(blob.bytes.data(), &header, sizeof(header));
  constexpr size_t kHashed = offsetof(decant_tables_header, weights_bytes);
  header.tables_hash = XXH3_64bits(blob.bytes.data() + kHashed, blob.bytes.size() - kHashed);
  std::memcpy(blob.bytes.data(), &header, sizeof(header));
  return ModuleTables{std::move(blob.bytes), std::move(plan.kernelSpecs), std::move(plan.weightSymbols),
                      header.source_width != 0, header.text.kind};
}

} // namespace decant
