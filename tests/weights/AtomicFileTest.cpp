// Written beside, synced, renamed: no failure leaves a file.
#include "compiler/weights/AtomicFile.h"
#include "compiler/weights/WeightSet.h"
#include "tests/config/TestSupport.h"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace decant;
using namespace decant::test;

namespace {

TEST(AtomicFile, AppearsOnlyAtCommit) {
  TempFolder folder;
  folder.write("f", "old");
  AtomicFile file = accepted(AtomicFile::create(folder.file("f")));
  ASSERT_EQ(outcomeOf(file.write("new!", 4)).code, ExitCode::Ok);
  EXPECT_EQ(readBytes(folder.file("f")), "old");
  ASSERT_EQ(outcomeOf(file.commit()).code, ExitCode::Ok);
  EXPECT_EQ(readBytes(folder.file("f")), "new!");
  EXPECT_EQ(folder.entries(), 1u);
}

TEST(AtomicFile, WritesOverItsBeginningAndGoesOnAtItsEnd) {
  TempFolder folder;
  AtomicFile file = accepted(AtomicFile::create(folder.file("f")));
  ASSERT_EQ(outcomeOf(file.write("....abc", 7)).code, ExitCode::Ok);
  ASSERT_EQ(outcomeOf(file.writeAt(1, "xy", 2)).code, ExitCode::Ok);
  ASSERT_EQ(outcomeOf(file.write("de", 2)).code, ExitCode::Ok);
  ASSERT_EQ(outcomeOf(file.commit()).code, ExitCode::Ok);
  EXPECT_EQ(readBytes(folder.file("f")), ".xy.abcde");
}

TEST(AtomicFile, WithoutCommitNothingStays) {
  TempFolder folder;
  {
    AtomicFile file = accepted(AtomicFile::create(folder.file("f")));
    EXPECT_EQ(outcomeOf(file.write("x", 1)).code, ExitCode::Ok);
    EXPECT_LE(folder.entries(), 1u) << "unnamed where the file system allows it";
    AtomicFile moved = std::move(file);
  }
  EXPECT_EQ(folder.entries(), 0u);
}

TEST(AtomicFile, AKilledWriterLeavesNothing) {
  TempFolder folder;
  struct stat info;
  ASSERT_EQ(::stat(folder.path.c_str(), &info), 0);
  if (int probe = ::open(folder.path.c_str(), O_WRONLY | O_TMPFILE, 0600); probe < 0)
    return; // this file system keeps a named temporary
  else
    ::close(probe);
  pid_t child = ::fork();
  if (child == 0) {
    AtomicFile file = accepted(AtomicFile::create(folder.file("f")));
    (void)outcomeOf(file.write("x", 1));
    ::raise(SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(folder.entries(), 0u);
}

TEST(AtomicFile, ModeObeysTheUmask) {
  TempFolder folder;
  mode_t old = ::umask(027);
  AtomicFile file = accepted(AtomicFile::create(folder.file("f"), 0777));
  ::umask(old);
  ASSERT_EQ(outcomeOf(file.commit()).code, ExitCode::Ok);
  struct stat info;
  ASSERT_EQ(::stat(folder.file("f").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0750u);
}

TEST(AtomicFile, RefusesWhatIsNoFile) {
  TempFolder folder;
  EXPECT_TRUE(refused(AtomicFile::create(folder.path), ExitCode::BadInput, {"not a regular file"}));
  EXPECT_TRUE(refused(AtomicFile::create("/dev/null"), ExitCode::BadInput, {"/dev/null", "not a regular file"}));
  EXPECT_TRUE(refused(AtomicFile::create(folder.file("gone/f")), ExitCode::BadInput,
                      {"gone/f: cannot be created: No such file or directory"}));
}

TEST(AtomicFile, AFolderInTheWayAtCommit) {
  TempFolder folder;
  AtomicFile file = accepted(AtomicFile::create(folder.file("f")));
  ASSERT_EQ(::mkdir(folder.file("f").c_str(), 0700), 0);
  Outcome outcome = outcomeOf(file.commit());
  EXPECT_EQ(outcome.code, ExitCode::BadInput);
  EXPECT_NE(outcome.message.find("renaming failed: Is a directory"), std::string::npos) << outcome.message;
}

TEST(AtomicFile, FullDisksAreResources) {
  for (int error : {ENOSPC, EDQUOT, EFBIG, ENOMEM, EMFILE})
    EXPECT_EQ(exitCodeOfErrno(error), ExitCode::Resource) << error;
  for (int error : {ENOENT, EACCES, EROFS, ENOTDIR})
    EXPECT_EQ(exitCodeOfErrno(error), ExitCode::BadInput) << error;
}

/// Runs `body` in a child that may write files of at most `bytes`; its result is the child's exit status.
int underFileSizeLimit(rlim_t bytes, int (*body)(const TempFolder &), const TempFolder &folder) {
  pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    rlimit limit = {bytes, bytes};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    ::_exit(body(folder));
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(AtomicFile, AWriteThatFailsHalfwayLeavesNothing) {
  TempFolder folder;
  int code = underFileSizeLimit(
      10000,
      [](const TempFolder &f) {
        NamedTensor tensor{"w", DType::U8, {20000}, std::vector<uint8_t>(20000)};
        return static_cast<int>(outcomeOf(writeSafetensors(f.file("w.safetensors"), {tensor})).code);
      },
      folder);
  EXPECT_EQ(code, static_cast<int>(ExitCode::Resource));
  EXPECT_EQ(folder.entries(), 0u);
}

} // namespace
