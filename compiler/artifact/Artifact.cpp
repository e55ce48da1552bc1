// Orchestrates: pack weights, write tables, build kernels, link, then image + weights + trailer become the file at
// once.
#include "compiler/artifact/Artifact.h"
#include "compiler/artifact/Linker.h"
#include "compiler/artifact/TablesObject.h"
#include "compiler/artifact/WeightPacker.h"
#include "compiler/config/Errors.h"
#include "compiler/weights/AtomicFile.h"
#include "compiler/weights/ScratchFolder.h"
#include "runtime/include/decant_module.h"
#include "schedules/spec/KernelSpec.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"

#define XXH_INLINE_ALL
#include <fmt/format.h>
#include <xxhash.h>

#include <chrono>
#include <cstring>

using namespace mlir;

namespace decant {

namespace {

constexpr uint64_t kPage = 4096;

double secondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

llvm::Error writeFile(const std::string &path, llvm::StringRef bytes) {
  std::error_code failure;
  llvm::raw_fd_ostream out(path, failure);
  if (failure)
    return userError(ExitCode::Resource, path + ": " + failure.message());
  out << bytes;
  out.flush();
  if (!out.has_error())
    return llvm::Error::success();
  std::error_code error = out.error();
  out.clear_error();
  return userError(ExitCode::Resource, path + ": " + error.message());
}

/// targets x kernels, target by target, as the kernel table wants them.
std::vector<KernelRequest> kernelRequests(const ModuleTables &tables, const std::vector<std::string> &targets) {
  std::vector<KernelRequest> requests;
  for (const std::string &target : targets)
    for (const std::string &spec : tables.kernelSpecs)
      requests.push_back({spec, target});
  return requests;
}

std::vector<std::string> symbolsOf(llvm::ArrayRef<KernelRequest> requests) {
  std::vector<std::string> symbols;
  std::string error;
  for (const KernelRequest &request : requests)
    symbols.push_back(kernelSymbol(*parseKernelSpec(request.spec, error), request.target));
  return symbols;
}

llvm::Expected<std::string> linkImage(const ModuleTables &tables, llvm::ArrayRef<KernelRequest> requests,
                                      llvm::ArrayRef<std::string> kernels, const ArtifactOptions &options) {
  auto scratch = ScratchFolder::create("decant-link");
  if (!scratch)
    return scratch.takeError();
  LinkInput input{options.kind,       tables.takesFeatures,  tables.textKind, {scratch->file("tables.o")},
                  options.runtimeDir, scratch->file("image")};
  if (llvm::Error error = writeTablesObject(tables, symbolsOf(requests), input.objects.front()))
    return error;
  for (auto [i, object] : llvm::enumerate(kernels)) {
    input.objects.push_back(scratch->file(fmt::format("{}.o", i)));
    if (llvm::Error error = writeFile(input.objects.back(), object))
      return error;
  }
  if (llvm::Error error = link(input))
    return error;
  auto image = llvm::MemoryBuffer::getFile(input.output, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!image)
    return userError(ExitCode::Resource, input.output + ": " + image.getError().message());
  return (*image)->getBuffer().str();
}

decant_trailer makeTrailer(const ModuleTables &tables, uint64_t imageBytes, uint64_t weightBytes) {
  decant_trailer trailer = {};
  std::memcpy(trailer.magic, DECANT_TRAILER_MAGIC, sizeof(trailer.magic));
  trailer.abi = DECANT_MODULE_ABI;
  trailer.weights_offset = (imageBytes + kPage - 1) / kPage * kPage;
  trailer.weights_bytes = weightBytes;
  trailer.file_bytes = trailer.weights_offset + weightBytes + sizeof(trailer);
  decant_tables_header header;
  std::memcpy(&header, tables.bytes.data(), sizeof(header));
  trailer.tables_hash = header.tables_hash;
  trailer.trailer_hash = XXH3_64bits(&trailer, offsetof(decant_trailer, trailer_hash));
  return trailer;
}

llvm::Error writeArtifactFile(const std::string &path, const std::string &image, const std::vector<uint8_t> &weights,
                              const decant_trailer &trailer) {
  auto file = AtomicFile::create(path, 0777);
  if (!file)
    return file.takeError();
  std::string padding(trailer.weights_offset - image.size(), '\0');
  for (auto [data, bytes] : {std::pair<const void *, size_t>(image.data(), image.size()),
                             {padding.data(), padding.size()},
                             {weights.data(), weights.size()},
                             {&trailer, sizeof(trailer)}})
    if (llvm::Error error = file->write(data, bytes))
      return error;
  return file->commit();
}

} // namespace

llvm::Expected<ArtifactReport> writeArtifact(ModuleOp module, const WeightSet &weights,
                                             const ArtifactOptions &options) {
  dec::ModelOp model = dec::findModel(module);
  if (!model)
    return badInput("the module holds no dec.model, or more than one");
  ArtifactReport report;
  auto start = std::chrono::steady_clock::now();
  auto packed = packWeights(model, weights, options.packingProgress);
  if (!packed)
    return packed.takeError();
  report.weightSeconds = secondsSince(start);
  report.weightBytes = packed->bytes.size();

  auto tables =
      buildTables(module, {options.targets, packed->sizes, XXH3_64bits(packed->bytes.data(), packed->bytes.size())});
  if (!tables)
    return tables.takeError();

  start = std::chrono::steady_clock::now();
  auto requests = kernelRequests(*tables, options.targets);
  auto kernels = buildKernels(requests, options.kernels);
  if (!kernels)
    return kernels.takeError();
  report.kernelSeconds = secondsSince(start);
  report.kernelsBuilt = kernels->numBuilt;
  report.kernelsCached = kernels->numCached;

  start = std::chrono::steady_clock::now();
  auto image = linkImage(*tables, requests, kernels->objects, options);
  if (!image)
    return image.takeError();
  decant_trailer trailer = makeTrailer(*tables, image->size(), packed->bytes.size());
  report.fileBytes = trailer.file_bytes;
  if (llvm::Error error = writeArtifactFile(options.output, *image, packed->bytes, trailer))
    return error;
  report.linkSeconds = secondsSince(start);
  return report;
}

} // namespace decant
