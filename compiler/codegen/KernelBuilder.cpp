// Looks every request up in the cache, deals the rest to worker processes, stores what they made.
#include "compiler/codegen/KernelBuilder.h"
#include "compiler/codegen/KernelCache.h"
#include "compiler/codegen/Worker.h"
#include "compiler/config/Errors.h"
#include "compiler/weights/ScratchFolder.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

#define XXH_INLINE_ALL
#include <fmt/format.h>
#include <xxhash.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <optional>
#include <poll.h>
#include <thread>

namespace decant {

std::string defaultCacheDir() {
  if (const char *xdg = std::getenv("XDG_CACHE_HOME"); xdg && *xdg)
    return std::string(xdg) + "/decant";
  const char *home = std::getenv("HOME");
  return home && *home ? std::string(home) + "/.cache/decant" : "";
}

namespace {

using Clock = std::chrono::steady_clock;

std::string findWorker(const KernelBuildOptions &options) {
  if (!options.worker.empty())
    return options.worker;
  llvm::SmallString<256> path(llvm::sys::fs::getMainExecutable(nullptr, reinterpret_cast<void *>(&findWorker)));
  llvm::sys::path::remove_filename(path);
  llvm::sys::path::append(path, "decant-kernelc");
  return path.str().str();
}

/// Hash of the worker program: its schedules and the Halide it was built for. Read once a compilation.
llvm::Expected<XXH128_hash_t> hashWorker(const std::string &program) {
  auto file = llvm::MemoryBuffer::getFile(program, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!file)
    return userError(ExitCode::Environment, program + ": the kernel compiler is missing (" + file.getError().message() +
                                                "): it is built and installed beside decant");
  return XXH3_128bits((*file)->getBufferStart(), (*file)->getBufferSize());
}

std::string cacheKey(const KernelRequest &request, XXH128_hash_t worker) {
  std::string text = fmt::format("{}\n{}\n{:016x}{:016x}", request.spec, request.target, worker.high64, worker.low64);
  XXH128_hash_t hash = XXH3_128bits(text.data(), text.size());
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

/// Stores objects. A folder that the caller did not name may fail: one note, and no further attempt.
class CacheWriter {
public:
  CacheWriter(const KernelCache &cache, const KernelBuildOptions &options) : cache(cache), options(options) {}

  llvm::Error store(const std::string &key, const std::string &object) {
    if (broken)
      return llvm::Error::success();
    llvm::Error error = cache.store(key, object);
    if (!error || !options.cacheDir.empty())
      return error;
    broken = true;
    std::string reason = llvm::toString(std::move(error));
    if (options.warn)
      options.warn(reason + "; the kernels are not kept for the next compilation");
    return llvm::Error::success();
  }

private:
  const KernelCache &cache;
  const KernelBuildOptions &options;
  bool broken = false;
};

/// A worker and the request that it works on.
struct Lane {
  std::optional<Worker> worker;
  size_t request = 0;
  Clock::time_point deadline;
  bool busy = false;
};

class Builder {
public:
  Builder(llvm::ArrayRef<KernelRequest> requests, const KernelBuildOptions &options, std::string program,
          std::string scratch)
      : requests(requests), options(options), program(std::move(program)), scratch(std::move(scratch)) {}

  /// Builds the requests named in `todo` and calls `done` with each object's path.
  llvm::Error run(llvm::ArrayRef<size_t> todo, llvm::function_ref<llvm::Error(size_t, const std::string &)> done) {
    size_t jobs = options.jobs > 0 ? options.jobs : std::max(1u, std::thread::hardware_concurrency());
    lanes.resize(std::min(jobs, todo.size()));
    size_t next = 0, left = todo.size();
    while (left > 0) {
      for (Lane &lane : lanes)
        if (!lane.busy && next < todo.size())
          if (llvm::Error error = assign(lane, todo[next++]))
            return error;
      auto finished = wait();
      if (!finished)
        return finished.takeError();
      for (size_t request : *finished) {
        --left;
        if (llvm::Error error = done(request, objectPath(request)))
          return error;
      }
    }
    return llvm::Error::success();
  }

private:
  std::string objectPath(size_t request) const { return fmt::format("{}/{}.o", scratch, request); }

  llvm::Error failed(const Lane &lane, const std::string &reason) const {
    const KernelRequest &request = requests[lane.request];
    return userError(ExitCode::Internal, fmt::format("kernel \"{}\" for {}: {}", request.spec, request.target, reason));
  }

  llvm::Error assign(Lane &lane, size_t request) {
    if (!lane.worker) {
      auto started = Worker::start(program);
      if (!started)
        return started.takeError();
      lane.worker.emplace(std::move(*started));
    }
    lane.request = request;
    lane.busy = true;
    lane.deadline = Clock::now() + std::chrono::seconds(options.timeoutSeconds);
    if (!lane.worker->send(
            fmt::format("{}\t{}\t{}\n", requests[request].target, objectPath(request), requests[request].spec)))
      return failed(lane, "the kernel compiler ended with " + lane.worker->ending());
    return llvm::Error::success();
  }

  /// Blocks until a worker answers; the requests that are finished.
  llvm::Expected<std::vector<size_t>> wait() {
    std::vector<pollfd> fds;
    std::vector<Lane *> busy;
    for (Lane &lane : lanes)
      if (lane.busy) {
        fds.push_back({lane.worker->outputFd(), POLLIN, 0});
        busy.push_back(&lane);
      }
    poll(fds.data(), fds.size(), 1000);
    std::vector<size_t> finished;
    for (size_t i = 0; i < fds.size(); ++i) {
      auto isDone = advance(*busy[i], fds[i].revents != 0);
      if (!isDone)
        return isDone.takeError();
      if (*isDone)
        finished.push_back(busy[i]->request);
    }
    return finished;
  }

  llvm::Expected<bool> advance(Lane &lane, bool readable) {
    if (!readable) {
      if (Clock::now() > lane.deadline)
        return failed(lane, fmt::format("no result after {} s", options.timeoutSeconds));
      return false;
    }
    std::string answer;
    bool gone = false;
    if (!lane.worker->receive(answer, gone))
      return gone ? llvm::Expected<bool>(failed(lane, "the kernel compiler ended with " + lane.worker->ending()))
                  : false;
    lane.busy = false;
    if (answer.rfind("ok ", 0) != 0)
      return failed(lane, answer.rfind("error ", 0) == 0 ? answer.substr(6) : answer);
    return true;
  }

  llvm::ArrayRef<KernelRequest> requests;
  const KernelBuildOptions &options;
  std::string program, scratch;
  std::vector<Lane> lanes;
};

} // namespace

llvm::Expected<BuiltKernels> buildKernels(llvm::ArrayRef<KernelRequest> requests, const KernelBuildOptions &options) {
  std::string program = findWorker(options);
  auto workerHash = hashWorker(program);
  if (!workerHash)
    return workerHash.takeError();
  KernelCache cache(options.useCache ? (options.cacheDir.empty() ? defaultCacheDir() : options.cacheDir) : "");

  BuiltKernels built;
  built.objects.resize(requests.size());
  std::vector<size_t> todo;
  for (size_t i = 0; i < requests.size(); ++i) {
    if (auto object = cache.load(cacheKey(requests[i], *workerHash)))
      built.objects[i] = std::move(*object);
    else
      todo.push_back(i);
  }
  built.numCached = requests.size() - todo.size();
  if (todo.empty())
    return built;

  std::signal(SIGPIPE, SIG_IGN); // a worker that is gone shows up as a failed write
  auto scratch = ScratchFolder::create("decant-kernels");
  if (!scratch)
    return scratch.takeError();
  Builder builder(requests, options, program, scratch->folder());
  CacheWriter writer(cache, options);
  auto finish = [&](size_t i, const std::string &path) -> llvm::Error {
    auto file = llvm::MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
    if (!file)
      return userError(ExitCode::Resource, path + ": " + file.getError().message());
    built.objects[i] = (*file)->getBuffer().str();
    ++built.numBuilt;
    if (options.progress)
      options.progress(built.numCached + built.numBuilt, requests.size());
    return writer.store(cacheKey(requests[i], *workerHash), built.objects[i]);
  };
  if (llvm::Error error = builder.run(todo, finish))
    return error;
  return built;
}

} // namespace decant
