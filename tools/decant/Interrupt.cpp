// A signal handler may do next to nothing: it writes a byte to a pipe, and a thread that reads the pipe cleans up.
#include "tools/decant/Interrupt.h"

#include "compiler/config/Errors.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <unistd.h>
#include <vector>

namespace decant::cli {
namespace {

int pipeEnds[2];
std::atomic<bool> signalled{false};
std::mutex mutex;
std::vector<std::string> folders, prefixes;

void onSignal(int) {
  signalled = true;
  char byte = 0;
  (void)!write(pipeEnds[1], &byte, 1);
}

void removePrefixed(llvm::StringRef prefix) {
  llvm::StringRef parent = llvm::sys::path::parent_path(prefix);
  std::error_code error;
  llvm::sys::fs::directory_iterator it(parent.empty() ? "." : parent, error), end;
  for (; !error && it != end; it.increment(error))
    if (llvm::sys::path::filename(it->path()).starts_with(llvm::sys::path::filename(prefix)))
      llvm::sys::fs::remove(it->path());
}

/// Renamed first: kernel compilers that are still at work then find no folder to write into while it is emptied.
void removeFolder(const std::string &folder) {
  std::string gone = folder + ".gone";
  llvm::sys::fs::remove_directories(llvm::sys::fs::rename(folder, gone) ? folder : gone);
}

void cleanUp() {
  char byte;
  while (read(pipeEnds[0], &byte, 1) < 0) // a signal may interrupt the read itself
    ;
  std::lock_guard lock(mutex);
  for (const std::string &prefix : prefixes)
    removePrefixed(prefix);
  for (const std::string &folder : folders)
    removeFolder(folder);
  _exit(static_cast<int>(ExitCode::Interrupted));
}

} // namespace

void catchInterrupts() {
  if (pipe(pipeEnds) != 0)
    return; // the signals keep their default: the program ends, temporary files stay
  std::thread(cleanUp).detach();
  std::signal(SIGINT, onSignal);
  std::signal(SIGTERM, onSignal);
}

bool interrupted() { return signalled; }

void waitForEnd() {
  for (;;)
    pause();
}

void removeOnInterrupt(const std::string &prefix) {
  std::lock_guard lock(mutex);
  prefixes.push_back(prefix);
}

llvm::Expected<ScratchFolder> ScratchFolder::create() {
  llvm::SmallString<128> path;
  if (std::error_code error = llvm::sys::fs::createUniqueDirectory("decant", path))
    return userError(ExitCode::Resource, "cannot make a temporary folder (TMPDIR names where): " + error.message());
  std::lock_guard lock(mutex);
  folders.push_back(path.str().str());
  setenv("TMPDIR", path.c_str(), 1);
  return ScratchFolder(path.str().str());
}

ScratchFolder::~ScratchFolder() {
  if (!folder.empty())
    llvm::sys::fs::remove_directories(folder);
}

} // namespace decant::cli
