// Executable: start-up objects of libc, tables, kernels, runtime; library: tables, kernels, hooks. libc and libm only,
// so an artifact runs wherever glibc >= 2.36 is.
#include "compiler/artifact/Linker.h"
#include "compiler/config/Errors.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"

#include <fmt/format.h>

#include <cstdlib>

namespace decant {

namespace {

namespace fs = llvm::sys::fs;

/// $DECANT_LINKER, else ld.lld of $PATH, else that of LLVM's own folder.
llvm::Expected<std::string> findLinker() {
  if (const char *chosen = std::getenv("DECANT_LINKER"); chosen && *chosen) {
    if (fs::can_execute(chosen))
      return std::string(chosen);
    return userError(ExitCode::Environment, fmt::format("DECANT_LINKER names {}, which is no program", chosen));
  }
  for (const char *name : {"ld.lld", "ld.lld-22"})
    if (auto found = llvm::sys::findProgramByName(name))
      return *found;
  if (auto found = llvm::sys::findProgramByName("ld.lld", {DECANT_LLVM_BIN}))
    return *found;
  return userError(ExitCode::Environment,
                   "no linker found: decant needs ld.lld; install the package lld-22 (tools/setup does)");
}

llvm::Expected<std::string> findStartObject(llvm::StringRef name) {
  for (const char *dir : {"/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib"}) {
    std::string path = fmt::format("{}/{}", dir, name.str());
    if (fs::exists(path))
      return path;
  }
  return userError(ExitCode::Environment,
                   fmt::format("{} of the C library is missing: install the package libc6-dev", name.str()));
}

llvm::Expected<std::string> findArchive(const LinkInput &input, llvm::StringRef name) {
  llvm::SmallString<256> path(input.runtimeDir);
  if (path.empty()) {
    path = fs::getMainExecutable(nullptr, reinterpret_cast<void *>(&findArchive));
    llvm::sys::path::remove_filename(path);
    llvm::sys::path::append(path, "..", "lib", "decant");
  }
  llvm::sys::path::append(path, name);
  if (!fs::exists(path))
    return userError(
        ExitCode::Environment,
        fmt::format("{}: the runtime's archive is missing: it is built and installed with decant", path.str().str()));
  return path.str().str();
}

/// Runs the linker; its messages become the error.
llvm::Error run(const std::string &program, const std::vector<std::string> &arguments) {
  llvm::SmallString<128> log;
  if (std::error_code error = fs::createTemporaryFile("decant-link", "log", log))
    return userError(ExitCode::Resource, "cannot make a temporary file: " + error.message());
  std::vector<llvm::StringRef> argv(arguments.begin(), arguments.end());
  std::string problem;
  int code = llvm::sys::ExecuteAndWait(program, argv, std::nullopt,
                                       {llvm::StringRef(), llvm::StringRef(log), llvm::StringRef(log)}, 0, 0, &problem);
  auto text = llvm::MemoryBuffer::getFile(log);
  std::string messages = text ? (*text)->getBuffer().rtrim().str() : "";
  fs::remove(log);
  if (code == 0)
    return llvm::Error::success();
  bool diskFull = messages.find("No space left") != std::string::npos;
  return userError(diskFull ? ExitCode::Resource : ExitCode::Internal,
                   fmt::format("{} failed: {}{}", program, problem, messages));
}

} // namespace

llvm::Error link(const LinkInput &input) {
  auto linker = findLinker();
  if (!linker)
    return linker.takeError();
  bool isLibrary = input.kind == EmitKind::Library;
  std::vector<std::string> arguments{*linker,
                                     "-o",
                                     input.output,
                                     "--build-id=none",
                                     "--hash-style=gnu",
                                     "-z",
                                     "relro",
                                     "-z",
                                     "now",
                                     "-z",
                                     "noexecstack",
                                     "--gc-sections",
                                     "--strip-debug",
                                     "--no-undefined",
                                     "--as-needed"};
  auto append = [&](auto &&list) { arguments.insert(arguments.end(), list.begin(), list.end()); };
  std::vector<std::string> startObjects =
      isLibrary ? std::vector<std::string>{"crti.o"} : std::vector<std::string>{"Scrt1.o", "crti.o"};
  append(isLibrary ? std::vector<std::string>{"-shared", "--export-dynamic-symbol=decant_module", "--exclude-libs=ALL"}
                   : std::vector<std::string>{"-pie", "-dynamic-linker", "/lib64/ld-linux-x86-64.so.2"});
  for (const std::string &name : startObjects) {
    auto path = findStartObject(name);
    if (!path)
      return path.takeError();
    arguments.push_back(*path);
  }
  append(input.objects);
  std::vector<std::string> archives{"libdecant_hooks.a"};
  if (!isLibrary) {
    archives = {"libdecant_exe.a", "libdecant_runtime.a", "libdecant_hooks.a"};
    if (input.hasAudio) {
      archives.push_back("libdecant_audio.a");
      append(std::vector<std::string>{"-u", "decant_audio"});
    }
    if (input.textKind == DECANT_TEXT_CHARS) {
      archives.push_back("libdecant_text.a");
      append(std::vector<std::string>{"-u", "decant_text_chars"});
    } else if (input.textKind == DECANT_TEXT_TOKENIZER) {
      archives.push_back("libdecant_tokenizer.a");
      append(std::vector<std::string>{"-u", "decant_text_tokenizer"});
    }
  }
  arguments.push_back("--start-group");
  for (const std::string &name : archives) {
    auto path = findArchive(input, name);
    if (!path)
      return path.takeError();
    arguments.push_back(*path);
  }
  append(std::vector<std::string>{"--end-group", "-L/usr/lib/x86_64-linux-gnu", "-L/lib/x86_64-linux-gnu",
                                  "-L/usr/lib64", "-lm", "-lc"});
  auto end = findStartObject("crtn.o");
  if (!end)
    return end.takeError();
  arguments.push_back(*end);
  return run(*linker, arguments);
}

} // namespace decant
