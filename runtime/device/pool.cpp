// The pool's protocol: the caller publishes a job and a new epoch with the `open` bit, works along, closes the job and
// waits until no worker is inside. A worker that comes too late finds the job closed and never touches it.
#include "runtime/device/pool.h"

#include <algorithm>
#include <climits>
#include <csignal>
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace decant::rt {
namespace {

constexpr uint32_t kOpen = 1u << 15, kInside = kOpen - 1, kEpoch = 1u << 16;
constexpr int kSpins = 2000; ///< about 30 to 90 us: longer than the gaps between the loops of one step

thread_local int tlsWorker = 0;
thread_local bool tlsInLoop = false;

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

void futexWait(std::atomic<uint32_t> &word, uint32_t seen) {
  syscall(SYS_futex, reinterpret_cast<uint32_t *>(&word), FUTEX_WAIT_PRIVATE, seen, nullptr, nullptr, 0);
}
void futexWake(std::atomic<uint32_t> &word, int count) {
  syscall(SYS_futex, reinterpret_cast<uint32_t *>(&word), FUTEX_WAKE_PRIVATE, count, nullptr, nullptr, 0);
}

} // namespace

int currentWorker() { return tlsWorker; }

int usableCores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0)
    return std::clamp(CPU_COUNT(&set), 1, kMaxThreads);
  long online = sysconf(_SC_NPROCESSORS_ONLN);
  return static_cast<int>(std::clamp<long>(online, 1, kMaxThreads));
}

void ThreadPool::start(int threads) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before); // signals are for the program's own threads
  for (int i = 1; i < std::min(threads, kMaxThreads); ++i) {
    Worker &worker = slots[i];
    worker.pool = this;
    worker.index = i;
    if (pthread_create(&worker.thread, nullptr, workerMain, &worker) != 0)
      break;
    workers = i;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void ThreadPool::stop() {
  quit.store(true);
  state.fetch_add(kEpoch);
  futexWake(state, INT_MAX);
  for (int i = 1; i <= workers; ++i)
    pthread_join(slots[i].thread, nullptr);
  workers = 0;
}

void *ThreadPool::workerMain(void *self) {
  auto *worker = static_cast<Worker *>(self);
  tlsWorker = worker->index;
  worker->pool->runWorker();
  return nullptr;
}

/// Returns the state once its epoch differs from `epoch`.
uint32_t ThreadPool::waitForChange(uint32_t epoch) {
  for (int spin = 0;; ++spin) {
    uint32_t seen = state.load();
    if ((seen ^ epoch) >= kEpoch)
      return seen;
    if (spin < kSpins) {
      relax();
      continue;
    }
    sleepers.fetch_add(1);
    futexWait(state, seen);
    sleepers.fetch_sub(1);
  }
}

void ThreadPool::runWorker() {
  uint32_t epoch = 0;
  while (!quit.load()) {
    uint32_t seen = waitForChange(epoch);
    epoch = seen & ~(kEpoch - 1);
    while ((seen & kOpen) && (seen & ~(kEpoch - 1)) == epoch) {
      if (!state.compare_exchange_weak(seen, seen + 1))
        continue;
      work();
      uint32_t left = state.fetch_sub(1) - 1;
      if (!(left & kOpen) && !(left & kInside))
        futexWake(state, INT_MAX); // the caller may be asleep
      break;
    }
  }
}

/// Takes ranges of the job until none is left.
void ThreadPool::work() {
  tlsInLoop = true;
  const Job mine = job;
  while (error.load(std::memory_order_relaxed) == 0) {
    int begin = next.fetch_add(mine.chunk, std::memory_order_relaxed);
    if (begin >= mine.size)
      break;
    for (int i = begin; i < std::min(begin + mine.chunk, mine.size); ++i)
      if (int failed = mine.task(mine.context, mine.min + i, mine.closure)) {
        int none = 0;
        error.compare_exchange_strong(none, failed);
        break;
      }
  }
  tlsInLoop = false;
}

int ThreadPool::parallelFor(void *context, decant_task task, int min, int size, uint8_t *closure) {
  if (workers == 0 || size <= 1 || tlsInLoop) {
    for (int i = 0; i < size; ++i)
      if (int failed = task(context, min + i, closure))
        return failed;
    return 0;
  }
  // Four ranges a thread even out tasks of unequal length; size + threads * chunk must not overflow.
  job = {context, task, closure, min, size, std::max(1, size / (threads() * 4))};
  next.store(0, std::memory_order_relaxed);
  error.store(0, std::memory_order_relaxed);
  state.store(((state.load() & ~(kEpoch - 1)) + kEpoch) | kOpen);
  if (sleepers.load())
    futexWake(state, std::min(workers, size - 1));
  work();
  uint32_t seen = state.fetch_and(~kOpen) & ~kOpen;
  for (int spin = 0; seen & kInside; ++spin) {
    if (spin < kSpins)
      relax();
    else
      futexWait(state, seen);
    seen = state.load();
  }
  return error.load(std::memory_order_relaxed);
}

} // namespace decant::rt
