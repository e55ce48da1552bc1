// Only regular files are opened, and nothing is waited for.
#include "compiler/config/RegularFile.h"
#include "tests/config/TestSupport.h"

#include <sys/stat.h>
#include <unistd.h>

using namespace decant;
using namespace decant::test;

namespace {

TEST(RegularFile, RefusesWhatIsNoFile) {
  TempFolder folder;
  ASSERT_EQ(::mkfifo(folder.file("fifo").c_str(), 0600), 0);
  ASSERT_EQ(::symlink("gone", folder.file("broken").c_str()), 0);
  folder.write("plain", "x");
  EXPECT_TRUE(refused(RegularFile::open(folder.file("fifo")), ExitCode::BadInput, {"fifo", "not a regular file"}));
  EXPECT_TRUE(refused(RegularFile::open(folder.path), ExitCode::BadInput, {"not a regular file"}));
  EXPECT_TRUE(refused(RegularFile::open("/dev/zero"), ExitCode::BadInput, {"/dev/zero", "not a regular file"}));
  EXPECT_TRUE(refused(RegularFile::open(folder.file("broken")), ExitCode::BadInput, {"broken", "no such file"}));
  EXPECT_TRUE(refused(RegularFile::open(folder.file("plain/x")), ExitCode::BadInput, {"no such file"}));
  EXPECT_TRUE(refused(RegularFile::open(std::string("a\0b", 3)), ExitCode::BadInput, {"NUL"}));
}

TEST(RegularFile, FollowsLinksAndReads) {
  TempFolder folder;
  folder.write("blob", "bytes");
  ASSERT_EQ(::symlink("blob", folder.file("link").c_str()), 0);
  RegularFile file = accepted(RegularFile::open(folder.file("link")));
  EXPECT_EQ(file.size(), 5u);
  EXPECT_EQ(accepted(file.readAll(5)), "bytes");
  EXPECT_TRUE(refused(file.readAll(4), ExitCode::BadInput, {"has 5 bytes; at most 4"}));
}

TEST(RegularFile, AFileThatShrinksIsAnError) {
  TempFolder folder;
  folder.write("f", "bytes");
  RegularFile file = accepted(RegularFile::open(folder.file("f")));
  ASSERT_EQ(::truncate(folder.file("f").c_str(), 2), 0);
  EXPECT_TRUE(refused(file.readAll(5), ExitCode::BadInput, {"shrank from 5 to 2 bytes"}));
}

} // namespace
