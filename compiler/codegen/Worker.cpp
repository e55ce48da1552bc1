// posix_spawn with two pipes. The pipes are close-on-exec, so workers do not hold each other's open.
#include "compiler/codegen/Worker.h"
#include "compiler/config/Errors.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

namespace decant {

llvm::Expected<Worker> Worker::start(const std::string &program) {
  int toWorker[2], fromWorker[2];
  if (pipe2(toWorker, O_CLOEXEC) != 0)
    return userError(ExitCode::Resource, std::string("cannot make a pipe: ") + std::strerror(errno));
  if (pipe2(fromWorker, O_CLOEXEC) != 0) {
    close(toWorker[0]);
    close(toWorker[1]);
    return userError(ExitCode::Resource, std::string("cannot make a pipe: ") + std::strerror(errno));
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, toWorker[0], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, fromWorker[1], STDOUT_FILENO);
  pid_t pid;
  char *arguments[] = {const_cast<char *>(program.c_str()), nullptr};
  int failure = posix_spawn(&pid, program.c_str(), &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  close(toWorker[0]);
  close(fromWorker[1]);
  if (failure != 0) {
    close(toWorker[1]);
    close(fromWorker[0]);
    return userError(ExitCode::Environment, program + ": cannot start the kernel compiler: " + std::strerror(failure));
  }
  return Worker(pid, toWorker[1], fromWorker[0]);
}

Worker::Worker(Worker &&other) noexcept
    : pid(other.pid), input(other.input), output(other.output), pending(std::move(other.pending)) {
  other.pid = -1;
  other.input = other.output = -1;
}

Worker::~Worker() {
  if (input >= 0)
    close(input);
  if (output >= 0)
    close(output);
  if (pid > 0) {
    kill(pid, SIGKILL);
    while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR)
      ;
  }
}

bool Worker::send(const std::string &line) {
  const char *data = line.data();
  size_t left = line.size();
  while (left > 0) {
    ssize_t written = write(input, data, left);
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return false;
    data += written;
    left -= static_cast<size_t>(written);
  }
  return true;
}

bool Worker::receive(std::string &answer, bool &gone) {
  char buffer[4096];
  ssize_t bytes = read(output, buffer, sizeof(buffer));
  if (bytes < 0 && errno == EINTR)
    return false;
  if (bytes <= 0) {
    gone = true;
    return false;
  }
  pending.append(buffer, static_cast<size_t>(bytes));
  size_t end = pending.find('\n');
  if (end == std::string::npos)
    return false;
  answer = pending.substr(0, end);
  pending.erase(0, end + 1);
  return true;
}

std::string Worker::ending() {
  int status = 0;
  // A closed pipe is mostly the process's end, a moment before it can be reaped; but it may live on.
  bool ended = false;
  for (int tries = 0; tries < 100 && !ended; ++tries) {
    ended = waitpid(pid, &status, WNOHANG) != 0;
    if (!ended)
      usleep(10'000);
  }
  if (!ended) {
    kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
      ;
  }
  pid = -1;
  if (!ended)
    return "closed pipes and did not exit, so it was killed";
  if (WIFSIGNALED(status))
    return "signal " + std::to_string(WTERMSIG(status)) + " (" + strsignal(WTERMSIG(status)) + ")";
  return "exit code " + std::to_string(WEXITSTATUS(status));
}

} // namespace decant
