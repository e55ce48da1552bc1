// Thread pool of a session: runs the iterations of a parallel loop on the calling thread and on its workers.
//
// Iterations are handed out in contiguous ranges; which thread runs which is not fixed, so a loop body must not care
// (kernels do not: every output element is written by one iteration, in one order of addition). A loop inside a loop
// runs inline. Workers spin briefly between loops, then sleep on a futex. Tested in tests/runtime.
#pragma once

#include "runtime/include/decant_module.h"

#include <atomic>
#include <pthread.h>

namespace decant::rt {

constexpr int kMaxThreads = 256;

/// 0 = the thread that called into the session, 1.. = its workers.
int currentWorker();

/// Cores that this process may use.
int usableCores();

class ThreadPool {
public:
  ThreadPool() = default;
  ThreadPool(const ThreadPool &) = delete;
  ThreadPool &operator=(const ThreadPool &) = delete;
  ~ThreadPool() { stop(); }

  /// Starts threads - 1 workers (fewer where the system refuses one).
  void start(int threads);
  int threads() const { return workers + 1; }

  /// Calls task(context, i, closure) for i in [min, min + size). Returns the first nonzero result; the rest is skipped
  /// then.
  int parallelFor(void *context, decant_task task, int min, int size, uint8_t *closure);

private:
  struct Worker {
    ThreadPool *pool;
    pthread_t thread;
    int index;
  };
  struct Job {
    void *context = nullptr;
    decant_task task = nullptr;
    uint8_t *closure = nullptr;
    int min = 0, size = 0, chunk = 1;
  };

  static void *workerMain(void *self);
  void runWorker();
  void work();
  void stop();
  uint32_t waitForChange(uint32_t epoch);

  // state: epoch << 16 | open << 15 | workers inside the job. A worker enters only while the job is open.
  std::atomic<uint32_t> state{0}, sleepers{0};
  std::atomic<int> next{0}, error{0};
  std::atomic<bool> quit{false};
  Job job;
  Worker slots[kMaxThreads];
  int workers = 0;
};

} // namespace decant::rt
