// decant eval: one forward pass of an artifact, or of a model in the reference interpreter; safetensors in and out.
//
// An artifact takes and gives raw tensors (runtime/core/raw_tensors.h): it has no reader of safetensors.
#include "compiler/reference/Eval.h"
#include "compiler/config/Errors.h"
#include "runtime/core/eval.h"
#include "runtime/core/raw_tensors.h"
#include "tools/decant/Artifact.h"
#include "tools/decant/Commands.h"
#include "tools/decant/Interrupt.h"
#include "tools/decant/LoadModel.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <list>

namespace decant::cli {
namespace {

std::optional<uint32_t> rawType(DType type) {
  switch (type) {
  case DType::F32:
    return rt::RawF32;
  case DType::I32:
    return rt::RawI32;
  case DType::BOOL:
    return rt::RawBool;
  case DType::I64:
    return rt::RawI64;
  case DType::F64:
    return rt::RawF64;
  default:
    return std::nullopt;
  }
}

llvm::Error writeRaw(const WeightSet &inputs, const std::string &path) {
  std::vector<rt::RawTensor> tensors;
  std::list<std::vector<float>> converted; // F16 and BF16 go over as F32
  for (const auto &[name, view] : inputs.tensors()) {
    if (view.shape.empty() || view.shape.size() > 4)
      return badInput(
          fmt::format("{}: tensor \"{}\" has rank {}, expected 1 to 4", inputs.path(), name, view.shape.size()));
    rt::RawTensor raw{name, rt::RawF32, static_cast<uint32_t>(view.shape.size()), {1, 1, 1, 1}, view.data};
    std::copy(view.shape.begin(), view.shape.end(), raw.dims);
    if (auto type = rawType(view.dtype)) {
      raw.type = *type;
    } else {
      auto values = inputs.readF32(name, view.shape);
      if (!values)
        return values.takeError();
      converted.push_back(std::move(*values));
      raw.data = reinterpret_cast<const uint8_t *>(converted.back().data());
    }
    tensors.push_back(raw);
  }
  FILE *out = std::fopen(path.c_str(), "wbe");
  bool written = out && rt::writeRawTensors(out, tensors);
  if (out)
    written = std::fclose(out) == 0 && written;
  if (written)
    return llvm::Error::success();
  return userError(ExitCode::Resource, fmt::format("{}: {}", path, std::strerror(errno)));
}

/// Raw tensors (f32 alone, of an artifact) -> safetensors.
llvm::Error convertOutputs(const std::string &from, const std::string &to) {
  auto buffer = llvm::MemoryBuffer::getFile(from);
  if (!buffer)
    return userError(ExitCode::Internal,
                     fmt::format("{}: the artifact wrote no outputs: {}", from, buffer.getError().message()));
  const auto *data = reinterpret_cast<const uint8_t *>((*buffer)->getBufferStart());
  rt::Array<rt::RawTensor> tensors;
  char text[256] = "";
  if (rt::readRawTensors(data, (*buffer)->getBufferSize(), from.c_str(), {text, sizeof text}, tensors) != DECANT_OK)
    return userError(ExitCode::Internal, text);
  std::vector<NamedTensor> outputs;
  for (const rt::RawTensor &raw : tensors) {
    NamedTensor tensor{std::string(raw.name), DType::F32, {raw.dims, raw.dims + raw.rank}, {}};
    if (raw.type != rt::RawF32)
      return userError(ExitCode::Internal, fmt::format("the artifact's output \"{}\" is not f32", tensor.name));
    tensor.data.assign(raw.data, raw.data + raw.elements() * sizeof(float));
    outputs.push_back(std::move(tensor));
  }
  return writeSafetensors(to, outputs);
}

llvm::Error evalLibrary(const EvalOptions &options, const std::string &in, const std::string &out) {
  char text[512] = "";
  rt::Message message{text, sizeof text};
  decant_model *model = nullptr;
  decant_status status = decant_model_open(options.model.c_str(), nullptr, text, sizeof text, &model);
  if (status == DECANT_OK)
    status = rt::evalFile(model, options.threads, in.c_str(), out.c_str(), message);
  decant_model_release(model);
  return status == DECANT_OK ? llvm::Error::success() : runtimeError(status, text);
}

llvm::Error evalProgram(const EvalOptions &options, const ScratchFolder &scratch, const std::string &in,
                        const std::string &out) {
  std::string log = scratch.file("stderr"), problem, threads = std::to_string(options.threads);
  // execv says the same, but only in the child.
  if (!llvm::sys::fs::can_execute(options.model))
    return userError(ExitCode::Environment,
                     fmt::format("{}: cannot be executed: {}", options.model, std::strerror(errno)));
  std::vector<llvm::StringRef> argv{options.model, "--eval-raw", in, out};
  if (options.threads)
    argv.insert(argv.end(), {"--threads", threads});
  int code = llvm::sys::ExecuteAndWait(options.model, argv, std::nullopt,
                                       {llvm::StringRef(), llvm::StringRef(), llvm::StringRef(log)}, 0, 0, &problem);
  if (code == 0)
    return llvm::Error::success();
  auto said = llvm::MemoryBuffer::getFile(log);
  std::string text = said ? (*said)->getBuffer().rtrim().str() : "";
  if (code < 0 || text.empty())
    return userError(ExitCode::Internal, fmt::format("{}: failed: {} {}", options.model, problem, text));
  return userError(static_cast<ExitCode>(code), text);
}

llvm::Error evalArtifact(const EvalOptions &options, const WeightSet &inputs) {
  bool isProgram = false;
  {
    auto artifact = ArtifactFile::open(options.model);
    if (!artifact)
      return artifact.takeError();
    isProgram = artifact->isExecutable();
  }
  auto scratch = ScratchFolder::create();
  if (!scratch)
    return scratch.takeError();
  std::string in = scratch->file("inputs"), out = scratch->file("outputs");
  if (llvm::Error error = writeRaw(inputs, in))
    return error;
  if (llvm::Error error = isProgram ? evalProgram(options, *scratch, in, out) : evalLibrary(options, in, out))
    return error;
  return convertOutputs(out, options.outputs);
}

} // namespace

llvm::Error runEval(const EvalOptions &options) {
  catchInterrupts();
  bool isArtifact = looksLikeArtifact(options.model);
  if (isArtifact && !options.reference.empty())
    return userError(
        ExitCode::Usage,
        fmt::format("{}: --reference interprets a model folder or a .mlir file, not an artifact", options.model));
  if (!isArtifact && options.reference.empty() &&
      (isFolder(options.model) || llvm::StringRef(options.model).ends_with(".mlir")))
    return userError(ExitCode::Usage,
                     fmt::format("{}: is a model; add --reference f32 or f64, or compile it first", options.model));
  auto inputs = WeightSet::openFile(options.inputs);
  if (!inputs)
    return inputs.takeError();
  if (options.reference.empty())
    return evalArtifact(options, *inputs);
  ModelContext context;
  auto model = loadModel(context, {options.model, options.weights, std::nullopt, std::nullopt});
  if (!model)
    return model.takeError();
  auto outputs = evalReference(*model->module, model->weights, inputs->tensors(), options.reference == "f64");
  if (!outputs)
    return outputs.takeError();
  return writeSafetensors(options.outputs, *outputs);
}

} // namespace decant::cli
