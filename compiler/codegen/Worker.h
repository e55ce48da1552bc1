// One decant-kernelc process: a line in, a line out. See KernelWorker.cpp for the protocol. Tested in tests/codegen.
#pragma once

#include "llvm/Support/Error.h"

#include <string>
#include <sys/types.h>

namespace decant {

class Worker {
public:
  static llvm::Expected<Worker> start(const std::string &program);
  Worker(Worker &&other) noexcept;
  Worker &operator=(Worker &&) = delete;
  /// Ends the process (SIGKILL if it still works) and reaps it.
  ~Worker();

  /// Sends one request. False if the process is gone.
  bool send(const std::string &line);
  /// Reads what has arrived; true if a whole answer is in `answer`. Sets `gone` at the end of the process's output.
  bool receive(std::string &answer, bool &gone);
  int outputFd() const { return output; }
  /// "exit code 1", "signal 11 (Segmentation fault)": after it is gone. A process that only closed its pipes is killed.
  std::string ending();

private:
  Worker(pid_t pid, int input, int output) : pid(pid), input(input), output(output) {}
  pid_t pid;
  int input, output;
  std::string pending;
};

} // namespace decant
