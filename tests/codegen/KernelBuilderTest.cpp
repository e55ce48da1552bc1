// Workers and cache of the kernel builder: order of results, what is built and what is found, damaged entries, and each
// way a worker can fail, with message and exit code.
#include "compiler/codegen/KernelBuilder.h"
#include "compiler/config/Errors.h"

#include "gtest/gtest.h"

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace decant {
namespace {

namespace fs = std::filesystem;

const char kNorm[] = "norm n=8 groups=1 eps=1e-05 rms=0 plus_one=0 bias=0 rows=one";
const char kRelu[] = "elementwise n=16 act=relu gate=0 residual=0 rows=one";

class KernelBuilder : public testing::Test {
protected:
  KernelBuilder() {
    std::string name = fs::temp_directory_path() / "decant-codegen-XXXXXX";
    folder = mkdtemp(name.data());
    options.cacheDir = folder / "cache";
    options.worker = DECANT_KERNELC;
    options.jobs = 2;
  }
  ~KernelBuilder() override {
    std::error_code ignored;
    fs::remove_all(folder, ignored);
  }

  BuiltKernels build(std::vector<KernelRequest> requests) {
    auto built = buildKernels(requests, options);
    if (built)
      return std::move(*built);
    ADD_FAILURE() << llvm::toString(built.takeError());
    return {};
  }

  /// Expects failure; the message, and the exit code in `code`.
  std::string failure(std::vector<KernelRequest> requests, ExitCode &code) {
    auto built = buildKernels(requests, options);
    std::string message;
    if (built)
      ADD_FAILURE() << "built";
    else
      llvm::handleAllErrors(built.takeError(), [&](const UserError &e) { message = e.message, code = e.code; });
    return message;
  }

  void useScript(const char *body) {
    options.worker = folder / "worker";
    std::ofstream(options.worker) << "#!/bin/sh\n" << body << "\n";
    fs::permissions(options.worker, fs::perms::owner_all);
  }

  std::vector<fs::path> entries() {
    std::vector<fs::path> files;
    for (const auto &entry : fs::directory_iterator(options.cacheDir))
      files.push_back(entry.path());
    return files;
  }

  fs::path folder;
  KernelBuildOptions options;
};

TEST_F(KernelBuilder, BuildsInOrderThenFindsInTheCache) {
  const std::vector<KernelRequest> requests = {{kNorm, "x86-64-v3"}, {kRelu, "x86-64-v3"}, {kRelu, "x86-64-v4"}};
  const BuiltKernels first = build(requests);
  ASSERT_EQ(first.objects.size(), 3u);
  EXPECT_EQ(first.numBuilt, 3u);
  EXPECT_NE(first.objects[0].find("dec_norm_f32_"), std::string::npos);
  EXPECT_NE(first.objects[1].find("__x86_64_v3"), std::string::npos);
  EXPECT_NE(first.objects[2].find("__x86_64_v4"), std::string::npos);
  EXPECT_EQ(first.objects[0].substr(0, 4), "\x7f"
                                           "ELF");
  const BuiltKernels second = build(requests);
  EXPECT_EQ(second.numBuilt, 0u);
  EXPECT_EQ(second.numCached, 3u);
  EXPECT_EQ(second.objects, first.objects);
  EXPECT_EQ(fs::status(options.cacheDir).permissions() & (fs::perms::group_all | fs::perms::others_all),
            fs::perms::none);
}

TEST_F(KernelBuilder, TheBytesDoNotDependOnWhatWasBuiltBefore) {
  options.useCache = false;
  options.jobs = 1;
  const char linear[] = "linear k=8 n=16 bias=1 act=gelu residual=0 gather=0 scale=1 softcap=0 rows=many";
  BuiltKernels alone = build({{linear, "x86-64-v3"}}), behind = build({{kRelu, "x86-64-v3"}, {linear, "x86-64-v3"}});
  EXPECT_GT(alone.objects[0].size(), 1000u);
  EXPECT_EQ(alone.objects[0], behind.objects[1]);
}

TEST_F(KernelBuilder, WithoutTheCacheNothingIsStored) {
  options.useCache = false;
  EXPECT_EQ(build({{kNorm, "x86-64-v3"}}).numBuilt, 1u);
  EXPECT_FALSE(fs::exists(options.cacheDir));
}

TEST_F(KernelBuilder, ADamagedEntryIsBuiltAnew) {
  const std::vector<KernelRequest> requests = {{kNorm, "x86-64-v3"}};
  const std::string object = build(requests).objects[0];
  for (int damage = 0; damage < 3; ++damage) {
    ASSERT_EQ(entries().size(), 1u);
    const fs::path entry = entries()[0];
    const auto size = fs::file_size(entry);
    if (damage == 0)
      fs::resize_file(entry, size / 2);
    else if (damage == 1)
      fs::resize_file(entry, 5);
    else {
      std::fstream file(entry, std::ios::in | std::ios::out | std::ios::binary);
      file.seekp(long(size) - 20), file.put('\x5a');
    }
    const BuiltKernels again = build(requests);
    EXPECT_EQ(again.numBuilt, 1u) << damage;
    EXPECT_EQ(again.objects[0], object) << damage;
    EXPECT_EQ(build(requests).numCached, 1u) << damage;
  }
}

TEST_F(KernelBuilder, AnotherWorkerProgramIsAnotherKey) {
  build({{kNorm, "x86-64-v3"}});
  useScript("read line; echo error other");
  ExitCode code = ExitCode::Ok;
  EXPECT_EQ(failure({{kNorm, "x86-64-v3"}}, code), "kernel \"" + std::string(kNorm) + "\" for x86-64-v3: other");
}

TEST_F(KernelBuilder, NamesABadSpec) {
  ExitCode code = ExitCode::Ok;
  const std::string bad = "norm n=8 groups=1 eps=1e-05 rms=0 plus_one=0 bias=7 rows=one";
  EXPECT_EQ(failure({{kRelu, "x86-64-v3"}, {bad, "x86-64-v3"}}, code),
            "kernel \"" + bad + "\" for x86-64-v3: key 'bias': expected 0 or 1, found '7'");
  EXPECT_EQ(code, ExitCode::Internal);
  EXPECT_EQ(failure({{kNorm, "z80"}}, code),
            "kernel \"" + std::string(kNorm) + "\" for z80: unknown target 'z80': expected x86-64-v3 or x86-64-v4");
}

TEST_F(KernelBuilder, ACrashIsOneErrorThatNamesTheSpec) {
  useScript("read line; kill -SEGV $$");
  ExitCode code = ExitCode::Ok;
  EXPECT_EQ(failure({{kNorm, "x86-64-v3"}}, code),
            "kernel \"" + std::string(kNorm) +
                "\" for x86-64-v3: the kernel compiler ended with signal 11 (Segmentation fault)");
  EXPECT_EQ(code, ExitCode::Internal);
  useScript("read line; exit 3");
  EXPECT_EQ(failure({{kNorm, "x86-64-v3"}}, code),
            "kernel \"" + std::string(kNorm) + "\" for x86-64-v3: the kernel compiler ended with exit code 3");
}

TEST_F(KernelBuilder, AWorkerThatClosesItsPipesAndLivesOnIsKilled) {
  useScript("read line; exec >&- 2>&-; exec sleep 60");
  ExitCode code = ExitCode::Ok;
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(failure({{kNorm, "x86-64-v3"}}, code),
            "kernel \"" + std::string(kNorm) +
                "\" for x86-64-v3: the kernel compiler ended with closed pipes and did not exit, so it was killed");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

TEST_F(KernelBuilder, AnUnwritableCacheStopsOnlyWhoAskedForIt) {
  std::ofstream(folder / "file") << "no folder";
  options.cacheDir = folder / "file" / "cache";
  ExitCode code = ExitCode::Ok;
  EXPECT_NE(failure({{kNorm, "x86-64-v3"}}, code).find("use --cache-dir or --no-cache"), std::string::npos);
  EXPECT_EQ(code, ExitCode::Resource);

  const char *before = std::getenv("XDG_CACHE_HOME");
  const std::string saved = before ? before : "";
  setenv("XDG_CACHE_HOME", (folder / "file").c_str(), 1);
  options.cacheDir = "";
  std::vector<std::string> warnings;
  options.warn = [&](const std::string &text) { warnings.push_back(text); };
  EXPECT_EQ(build({{kNorm, "x86-64-v3"}, {kRelu, "x86-64-v3"}}).numBuilt, 2u);
  before ? setenv("XDG_CACHE_HOME", saved.c_str(), 1) : unsetenv("XDG_CACHE_HOME");
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warnings[0].find("file/decant: cannot make the kernel cache"), std::string::npos) << warnings[0];
}

TEST_F(KernelBuilder, AHangEndsAfterTheTimeout) {
  useScript("read line; exec sleep 60");
  options.timeoutSeconds = 1;
  ExitCode code = ExitCode::Ok;
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(failure({{kNorm, "x86-64-v3"}}, code),
            "kernel \"" + std::string(kNorm) + "\" for x86-64-v3: no result after 1 s");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

TEST_F(KernelBuilder, AMissingWorkerIsTheEnvironment) {
  options.worker = folder / "none";
  ExitCode code = ExitCode::Ok;
  EXPECT_NE(failure({{kNorm, "x86-64-v3"}}, code).find("the kernel compiler is missing"), std::string::npos);
  EXPECT_EQ(code, ExitCode::Environment);
}

} // namespace
} // namespace decant
