// Files as decant writes them, cut and damaged everywhere; nothing of them is ever executed.
#include "ToyModel.h"
#include "runtime/core/module_file.h"

#include <cstdlib>
#include <elf.h>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

namespace {

using namespace decant::rt;

decant_status read(const std::string &file, std::string *out_message = nullptr) {
  // A copy of its own, so that AddressSanitizer sees every read behind the end.
  std::unique_ptr<uint8_t[]> exact(new uint8_t[file.size()]);
  std::copy(file.begin(), file.end(), exact.get());
  char text[512] = "";
  Tables tables;
  decant_trailer trailer;
  decant_status status = readModuleFile({exact.get(), file.size()}, "F", Message{text, sizeof text}, &tables, &trailer);
  if (out_message)
    *out_message = text;
  return status;
}

TEST(ModuleFileTest, AWholeFileIsRead) {
  std::string message;
  EXPECT_EQ(read(toy::makeFile(toy::makeTables()), &message), DECANT_OK) << message;
}

TEST(ModuleFileTest, EveryTruncationIsRefused) {
  const std::string file = toy::makeFile(toy::makeTables());
  std::string message;
  for (size_t size = 0; size < file.size(); size += size < 128 || size + 256 > file.size() ? 1 : 37)
    EXPECT_NE(read(file.substr(0, size)), DECANT_OK) << size;
  EXPECT_EQ(read(file.substr(0, file.size() - 1), &message), DECANT_DATA_LOSS);
  EXPECT_EQ(message,
            "F: truncated: " + std::to_string(file.size() - 1) + " bytes, expected " + std::to_string(file.size()));
  EXPECT_EQ(read(file.substr(0, 3000), &message), DECANT_DATA_LOSS);
  EXPECT_EQ(message.substr(0, 14), "F: truncated: ");
}

TEST(ModuleFileTest, EveryFlippedByteIsRefusedOrMeansNothing) {
  const std::string file = toy::makeFile(toy::makeTables());
  for (size_t i = 0; i < file.size(); ++i) {
    std::string bad = file;
    bad[i] = static_cast<char>(bad[i] ^ 0x41);
    (void)read(bad); // the sanitizers judge
  }
  const size_t trailer = file.size() - sizeof(decant_trailer);
  for (size_t i = trailer; i < trailer + offsetof(decant_trailer, padding); ++i) {
    std::string bad = file;
    bad[i] = static_cast<char>(bad[i] ^ 0x41);
    EXPECT_NE(read(bad), DECANT_OK) << i - trailer;
  }
}

TEST(ModuleFileTest, OtherFilesAreNoModules) {
  std::string message, file = toy::makeFile(toy::makeTables());
  EXPECT_EQ(read("hello, this is no ELF file", &message), DECANT_DATA_LOSS);
  EXPECT_EQ(message, "F: not a decant module");
  std::string other = file;
  other[EI_CLASS] = ELFCLASS32;
  EXPECT_EQ(read(other, &message), DECANT_DATA_LOSS);
  other = file;
  other[offsetof(Elf64_Ehdr, e_machine)] = static_cast<char>(EM_RISCV);
  EXPECT_EQ(read(other, &message), DECANT_FAILED_PRECONDITION);
  EXPECT_EQ(message.substr(0, 32), "F: made for riscv, this machine ");
}

struct OpenTest : testing::Test {
  std::string path = testing::TempDir() + "toy-" + std::to_string(getpid()) + ".so";
  char message[1024] = "";

  void TearDown() override {
    unlink(path.c_str());
    unsetenv("DECANT_CPU_FEATURES");
    unsetenv("DECANT_TARGET");
  }
  decant_status open(const std::string &file, bool verify = false) {
    std::ofstream(path, std::ios::binary) << file;
    decant_model_options options{sizeof options, verify};
    decant_model *model = nullptr;
    decant_status status = decant_model_open(path.c_str(), &options, message, sizeof message, &model);
    EXPECT_EQ(model, nullptr);
    return status;
  }
  std::string text() const { return std::string(message).substr(path.size()); }
};

TEST_F(OpenTest, FilesThatAreNotThere) {
  decant_model *model = nullptr;
  EXPECT_EQ(decant_model_open("/no/such/file.so", nullptr, message, sizeof message, &model), DECANT_NOT_FOUND);
  EXPECT_STREQ(message, "/no/such/file.so: No such file or directory");
  EXPECT_EQ(decant_model_open("/", nullptr, message, sizeof message, &model), DECANT_DATA_LOSS);
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0); // nobody writes: open() alone would wait for ever
  EXPECT_EQ(decant_model_open(path.c_str(), nullptr, message, sizeof message, &model), DECANT_DATA_LOSS);
  EXPECT_EQ(text(), ": not a decant module");
  EXPECT_EQ(decant_model_open(nullptr, nullptr, message, sizeof message, &model), DECANT_DATA_LOSS);
  EXPECT_NE(std::string(message).find("not a decant module"), std::string::npos);
}

TEST_F(OpenTest, AForeignTargetIsRefused) {
  setenv("DECANT_TARGET", "zen4", 1);
  EXPECT_EQ(open(toy::makeFile(toy::makeTables())), DECANT_FAILED_PRECONDITION);
  EXPECT_EQ(text(), ": has no target zen4, which DECANT_TARGET asks for");
}

TEST_F(OpenTest, AMissingCpuFeatureIsNamed) {
  std::vector<uint64_t> tables = toy::makeTables();
  decant_tables_header &h = toy::headerOf(tables);
  auto &target = reinterpret_cast<decant_target *>(reinterpret_cast<uint8_t *>(tables.data()) + h.targets.offset)[0];
  target.features = h.model_name; // "toy" is no CPU feature
  toy::seal(tables);
  setenv("DECANT_CPU_FEATURES", "avx,fma", 1);
  EXPECT_EQ(open(toy::makeFile(tables)), DECANT_FAILED_PRECONDITION);
  EXPECT_EQ(text(), ": needs the CPU feature toy, which this machine lacks");
}

TEST_F(OpenTest, WeightsAreCheckedWhenAskedFor) {
  std::string file = toy::makeFile(toy::makeTables());
  file[file.size() - sizeof(decant_trailer) - 5] ^= 1;
  EXPECT_EQ(open(file, true), DECANT_DATA_LOSS);
  EXPECT_EQ(text(), ": damaged: checksum of the weights does not match");
  EXPECT_EQ(open(file, false), DECANT_FAILED_PRECONDITION); // no code in it: only the loader objects
  EXPECT_EQ(text().substr(0, 20), ": cannot be loaded: ");
}

} // namespace
