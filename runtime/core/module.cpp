// decant_model_open: file or program -> decant_model, or one sentence that says why not.
//
// A library is checked as bytes (module_file.cpp, check_tables.cpp, check_plan.cpp) before dlopen runs anything of it.
// The tables in memory must then equal those in the file. Weights stay in the file's read-only mapping.
#define XXH_INLINE_ALL
#include "runtime/core/cpu_features.h"
#include "runtime/core/model.h"
#include "runtime/core/module_file.h"
#include "runtime/text/text_api.h"

#include <algorithm>
#include <cstdlib>
#include <dlfcn.h>
#include <unistd.h>
#include <xxhash.h>

extern "C" {
extern __attribute__((weak, visibility("default"))) const decant_module decant_module_symbol __asm__("decant_module");
}

using namespace decant::rt;

decant_model::~decant_model() {
  if (library)
    dlclose(library);
  unmap({mapped, file_bytes});
}

namespace {

constexpr size_t kPathBytes = 4096;

bool copyText(Array<char> &to, std::string_view from) {
  return to.resize(from.size() + 1) && (std::copy(from.begin(), from.end(), to.begin()), true);
}

/// The last target whose CPU features are all there, or the one that DECANT_TARGET names.
decant_status chooseTarget(decant_model &model, const char *file, const Message &message) {
  std::span<const decant_target> targets = model.tables.targets();
  const char *forced = std::getenv("DECANT_TARGET");
  std::string_view missing;
  for (size_t i = targets.size(); i-- > 0;) {
    if (forced && model.tables.text(targets[i].name) != forced)
      continue;
    missing = missingCpuFeature(model.tables.text(targets[i].features));
    if (missing.empty()) {
      model.target = static_cast<uint32_t>(i);
      return DECANT_OK;
    }
    if (forced)
      break;
  }
  if (missing.empty())
    return message.fail(DECANT_FAILED_PRECONDITION, "%s: has no target %s, which DECANT_TARGET asks for", file, forced);
  return message.fail(DECANT_FAILED_PRECONDITION, "%s: needs the CPU feature %.*s, which this machine lacks", file,
                      static_cast<int>(missing.size()), missing.data());
}

decant_status checkKernels(decant_model &model, const decant_module &module, const char *file, const Message &message) {
  uint32_t count = model.tables.kernelsPerTarget();
  model.kernels = module.kernels + uint64_t(count) * model.target;
  for (uint32_t i = 0; i < count; ++i)
    if (!model.kernels[i])
      return message.fail(DECANT_DATA_LOSS, "%s: damaged: kernel %u has no address", file, i);
  return DECANT_OK;
}

decant_status loadLibrary(decant_model &model, const char *path, const Message &message,
                          const decant_module **out_module) {
  char local[kPathBytes + 2];
  if (std::strlen(path) >= kPathBytes)
    return message.fail(DECANT_INVALID_ARGUMENT, "%s: the path is too long", path);
  std::snprintf(local, sizeof local, "%s%s", std::strchr(path, '/') ? "" : "./", path); // never the library search path
  model.library = dlopen(local, RTLD_NOW | RTLD_LOCAL);
  if (!model.library)
    return message.fail(DECANT_FAILED_PRECONDITION, "%s: cannot be loaded: %s", path, dlerror());
  const auto *module = static_cast<const decant_module *>(dlsym(model.library, "decant_module"));
  if (!module || !module->tables || !module->kernels)
    return message.fail(DECANT_DATA_LOSS, "%s: not a decant module", path);
  if (std::memcmp(module->tables, model.tables.base, model.header().tables_bytes) != 0)
    return message.fail(DECANT_DATA_LOSS, "%s: damaged: its tables in memory differ from those in the file", path);
  *out_module = module;
  return DECANT_OK;
}

decant_status finish(decant_model &model, const decant_module *linked, const decant_trailer &trailer, bool verify,
                     const char *path, const Message &message) {
  if (decant_status status = checkTables(model.tables, path, message); status != DECANT_OK)
    return status;
  if (decant_status status = checkText(model.tables, message); status != DECANT_OK)
    return status;
  model.weights = model.mapped + trailer.weights_offset;
  if (verify && XXH3_64bits(model.weights, trailer.weights_bytes) != model.header().weights_hash)
    return message.fail(DECANT_DATA_LOSS, "%s: damaged: checksum of the weights does not match", path);
  if (decant_status status = chooseTarget(model, path, message); status != DECANT_OK)
    return status;
  const decant_module *module = linked;
  if (!linked)
    if (decant_status status = loadLibrary(model, path, message, &module); status != DECANT_OK)
      return status;
  if (decant_status status = checkKernels(model, *module, path, message); status != DECANT_OK)
    return status;
  model.tables.base = reinterpret_cast<const uint8_t *>(module->tables);
  findInputs(model);
  const decant_tables_header &h = model.header();
  if (!copyText(model.name, model.tables.text(h.model_name)) || !copyText(model.dtype, model.tables.text(h.dtype)) ||
      !copyText(model.compiler_version, model.tables.text(h.compiler_version)) ||
      !copyText(model.target_name, model.tables.text(model.tables.targets()[model.target].name)))
    return message.fail(DECANT_RESOURCE_EXHAUSTED, "%s: out of memory", path);
  return DECANT_OK;
}

decant_status open(decant_model &model, const char *path, bool verify, const Message &message) {
  char self[kPathBytes];
  const decant_module *linked = nullptr;
  if (!path) {
    linked = &decant_module_symbol;
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    self[length > 0 ? length : 0] = 0;
    path = length > 0 ? self : "/proc/self/exe";
    if (!linked || !linked->tables || !linked->kernels)
      return message.fail(DECANT_DATA_LOSS, "%s: not a decant module", path);
  }
  MappedFile file;
  if (decant_status status = mapFile(linked ? "/proc/self/exe" : path, message, file); status != DECANT_OK)
    return status;
  model.mapped = file.data;
  model.file_bytes = file.bytes;
  decant_trailer trailer;
  decant_status status;
  if (linked) {
    model.tables.base = reinterpret_cast<const uint8_t *>(linked->tables);
    status = checkHeader(model.tables.base, linked->tables->tables_bytes, path, message);
    if (status == DECANT_OK)
      status = readTrailer(file, path, model.tables, message, &trailer);
  } else {
    status = readModuleFile(file, path, message, &model.tables, &trailer);
  }
  return status == DECANT_OK ? finish(model, linked, trailer, verify, path, message) : status;
}

} // namespace

void decant::rt::findInputs(decant_model &model) {
  for (uint32_t kind = 0; kind < DECANT_ENTRY_KINDS; ++kind) {
    const decant_entry &entry = model.header().entries[kind];
    if (!entry.present)
      continue;
    for (const decant_step &step : model.tables.list<decant_step>(entry.steps))
      for (uint32_t index : model.tables.list<uint32_t>(step.args))
        if (const decant_buffer &buffer = model.tables.buffers()[index]; buffer.storage == DECANT_STORE_INPUT)
          model.inputs[kind] |= uint64_t(1) << buffer.index;
  }
}

decant_status decant_model_open(const char *path, const decant_model_options *options, char *text, size_t text_bytes,
                                decant_model **out_model) {
  Message message{text, text_bytes};
  if (text && text_bytes)
    text[0] = 0;
  if (!out_model)
    return message.fail(DECANT_INVALID_ARGUMENT, "decant_model_open: out_model is NULL");
  auto *model = create<decant_model>();
  if (!model)
    return message.fail(DECANT_RESOURCE_EXHAUSTED, "%s: out of memory", path ? path : "decant_model_open");
  bool verify = options && options->struct_size >= sizeof(decant_model_options) && options->verify_weights;
  decant_status status = open(*model, path, verify, message);
  if (status != DECANT_OK)
    destroy(model);
  else
    *out_model = model;
  return status;
}

void decant_model_release(decant_model *model) { destroy(model); }

uint32_t decant_api_version(void) { return 1000; }

const char *decant_status_name(decant_status status) {
  constexpr const char *kNames[] = {
      "ok",           "invalid argument",   "data loss", "not found", "unimplemented", "failed precondition",
      "out of range", "resource exhausted", "cancelled", "internal"};
  return status >= 0 && static_cast<size_t>(status) < std::size(kNames) ? kNames[status] : "unknown status";
}

decant_status decant_model_get_info(const decant_model *model, decant_model_info *out_info) {
  if (!model || !out_info || out_info->struct_size < sizeof(size_t))
    return DECANT_INVALID_ARGUMENT;
  const decant_tables_header &h = model->header();
  decant_model_info info{};
  info.struct_size = out_info->struct_size;
  info.name = model->name.data();
  info.target = model->target_name.data();
  info.dtype = model->dtype.data();
  info.compiler_version = model->compiler_version.data();
  info.kind = static_cast<int32_t>(h.model_kind);
  info.vocab = static_cast<int32_t>(h.vocab);
  info.width = static_cast<int32_t>(h.width);
  info.max_batch = static_cast<int32_t>(h.max_batch);
  info.max_context = static_cast<int32_t>(h.max_context);
  info.max_source = static_cast<int32_t>(h.max_source);
  info.bos_token_id = h.generation.bos_token_id;
  info.pad_token_id = h.generation.pad_token_id;
  info.decoder_start_token_id = h.generation.decoder_start_token_id;
  info.weight_bytes = h.weights_bytes;
  info.source_width = static_cast<int32_t>(h.source_width);
  std::memcpy(static_cast<void *>(out_info), &info, std::min(sizeof info, info.struct_size));
  return DECANT_OK;
}
