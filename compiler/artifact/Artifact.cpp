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

uint64_t weightsOffset(uint64_t imageBytes) { return (imageBytes + kPage - 1) / kPage * kPage; }

decant_trailer makeTrailer(const ModuleTables &tables, uint64_t imageBytes, uint64_t weightBytes) {
  decant_trailer trailer = {};
  std::memcpy(trailer.magic, DECANT_TRAILER_MAGIC, sizeof(trailer.magic));
  trailer.abi = DECANT_MODULE_ABI;
  trailer.weights_offset = weightsOffset(imageBytes);
  trailer.weights_bytes = weightBytes;
  trailer.file_bytes = trailer.weights_offset + weightBytes + sizeof(trailer);
  decant_tables_header header;
  std::memcpy(&header, tables.bytes.data(), sizeof(header));
  trailer.tables_hash = header.tables_hash;
  trailer.trailer_hash = XXH3_64bits(&trailer, offsetof(decant_trailer, trailer_hash));
  return trailer;
}

/// Packs the weights into `file`; their hash, XXH3-64 of all.
llvm::Expected<uint64_t> writeWeights(dec::ModelOp model, const WeightSet &weights, AtomicFile &file,
                                      const PackingProgress &progress) {
  std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> hash(XXH3_createState(), XXH3_freeState);
  if (!hash)
    return userError(ExitCode::Resource, "out of memory");
  XXH3_64bits_reset(hash.get());
  auto write = [&](const void *data, size_t bytes) {
    XXH3_64bits_update(hash.get(), data, bytes);
    return file.write(data, bytes);
  };
  if (llvm::Error error = packWeights(model, weights, write, progress))
    return error;
  return XXH3_64bits_digest(hash.get());
}

} // namespace

llvm::Expected<ArtifactReport> writeArtifact(ModuleOp module, const WeightSet &weights,
                                             const ArtifactOptions &options) {
  dec::ModelOp model = dec::findModel(module);
  if (!model)
    return badInput("the module holds no dec.model, or more than one");
  ArtifactReport report;
  TablesInput input{options.targets, packedSizes(model), 0};
  for (uint64_t bytes : input.weightBytes)
    report.weightBytes += paddedBytes(bytes);
  auto tables = buildTables(module, input);
  if (!tables)
    return tables.takeError();

  auto start = std::chrono::steady_clock::now();
  auto requests = kernelRequests(*tables, options.targets);
  auto kernels = buildKernels(requests, options.kernels);
  if (!kernels)
    return kernels.takeError();
  report.kernelSeconds = secondsSince(start);
  report.kernelsBuilt = kernels->numBuilt;
  report.kernelsCached = kernels->numCached;

  // The weights are never in memory as a whole: they go behind an image that has their place, then it is linked again
  // with their hash.
  start = std::chrono::steady_clock::now();
  auto image = linkImage(*tables, requests, kernels->objects, options);
  if (!image)
    return image.takeError();
  auto file = AtomicFile::create(options.output, options.kind == EmitKind::Executable ? 0777 : 0666);
  if (!file)
    return file.takeError();
  const size_t imageBytes = image->size();
  image->resize(weightsOffset(imageBytes), '\0');
  if (llvm::Error error = file->write(image->data(), image->size()))
    return error;
  report.linkSeconds = secondsSince(start);

  start = std::chrono::steady_clock::now();
  auto hash = writeWeights(model, weights, *file, options.packingProgress);
  if (!hash)
    return hash.takeError();
  report.weightSeconds = secondsSince(start);

  start = std::chrono::steady_clock::now();
  input.weightsHash = *hash;
  tables = buildTables(module, input);
  if (!tables)
    return tables.takeError();
  image = linkImage(*tables, requests, kernels->objects, options);
  if (!image)
    return image.takeError();
  if (image->size() != imageBytes)
    return userError(ExitCode::Internal, "the linker made images of two sizes from tables of one");
  decant_trailer trailer = makeTrailer(*tables, imageBytes, report.weightBytes);
  report.fileBytes = trailer.file_bytes;
  if (llvm::Error error = file->write(&trailer, sizeof(trailer)))
    return error;
  if (llvm::Error error = file->writeAt(0, image->data(), imageBytes))
    return error;
  if (llvm::Error error = file->commit())
    return error;
  report.linkSeconds += secondsSince(start);
  return report;
}

} // namespace decant
