// Opening an artifact's file, and `decant run`.
#include "tools/decant/Artifact.h"

#include "compiler/config/Errors.h"
#include "runtime/exe/command.h"
#include "runtime/exe/options.h"
#include "tools/decant/Commands.h"

#include "llvm/BinaryFormat/Magic.h"
#include "llvm/Object/ELF.h"
#include "llvm/Support/FileSystem.h"

#include <fmt/format.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <unistd.h>
#include <utility>

namespace decant::cli {

llvm::Error runtimeError(decant_status status, const std::string &message) {
  return userError(static_cast<ExitCode>(rt::exitCode(status)), message);
}

llvm::Expected<ArtifactFile> ArtifactFile::open(const std::string &path) {
  char text[512] = "";
  rt::Message message{text, sizeof text};
  ArtifactFile artifact;
  decant_status status = rt::mapFile(path.c_str(), message, artifact.file);
  if (status == DECANT_OK)
    status = rt::readModuleFile(artifact.file, path.c_str(), message, &artifact.checked, &artifact.trailer);
  if (status == DECANT_OK)
    status = rt::checkTables(artifact.checked, path.c_str(), message);
  if (status != DECANT_OK)
    return runtimeError(status, text);
  return artifact;
}

ArtifactFile::ArtifactFile(ArtifactFile &&other) noexcept
    : file(std::exchange(other.file, {})), checked(other.checked), trailer(other.trailer) {}

bool ArtifactFile::isExecutable() const {
  auto elf = llvm::object::ELF64LEFile::create(bytes());
  if (!elf)
    return llvm::consumeError(elf.takeError()), false;
  auto headers = elf->program_headers();
  if (!headers)
    return llvm::consumeError(headers.takeError()), false;
  return llvm::any_of(*headers, [](const auto &header) { return header.p_type == llvm::ELF::PT_INTERP; });
}

bool looksLikeArtifact(const std::string &path) {
  llvm::file_magic magic;
  // A FIFO would be waited for.
  if (!llvm::sys::fs::is_regular_file(path) || llvm::identify_magic(path, magic))
    return false;
  return magic.is_object() || magic == llvm::file_magic::elf;
}

llvm::Expected<int> runArtifact(const RunOptions &options) {
  bool isProgram = false;
  {
    auto artifact = ArtifactFile::open(options.artifact);
    if (!artifact)
      return artifact.takeError();
    isProgram = artifact->isExecutable();
  }
  std::signal(SIGPIPE, SIG_DFL);
  std::string path = options.artifact.find('/') == std::string::npos ? "./" + options.artifact : options.artifact;
  std::vector<char *> argv{path.data()};
  std::vector<std::string> arguments = options.arguments;
  for (std::string &argument : arguments)
    argv.push_back(argument.data());
  argv.push_back(nullptr);
  if (!isProgram)
    return decant_exe_main(static_cast<int>(argv.size()) - 1, argv.data(), path.c_str());
  execv(path.c_str(), argv.data());
  return userError(ExitCode::Environment,
                   fmt::format("{}: cannot be executed: {}", options.artifact, std::strerror(errno)));
}

} // namespace decant::cli
