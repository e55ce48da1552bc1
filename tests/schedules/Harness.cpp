// Compile, link, load, call; and the four hooks a kernel needs from its host.
#include "tests/schedules/Harness.h"

#include "gtest/gtest.h"

#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <filesystem>
#include <map>

extern "C" {
int halide_do_par_for(void *context, int (*task)(void *, int, uint8_t *), int min, int size, uint8_t *closure) {
  for (int i = min + size - 1; i >= min; --i)
    if (int rc = task(context, i, closure))
      return rc;
  return 0;
}
void *halide_malloc(void *, size_t bytes) { return std::aligned_alloc(64, (bytes + 63) / 64 * 64); }
void halide_free(void *, void *p) { std::free(p); }
void halide_error(void *, const char *message) { ADD_FAILURE() << "kernel: " << message; }
}

namespace decant::test {
namespace {

struct Folder {
  std::string path;
  Folder() {
    std::string name = std::filesystem::temp_directory_path() / "decant-schedules-XXXXXX";
    path = mkdtemp(name.data());
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
};

} // namespace

const std::string &scratchFolder() {
  static Folder folder;
  return folder.path;
}

void fill(Floats &t, std::mt19937 &random, float scale) {
  std::uniform_real_distribution<float> uniform(-scale, scale);
  for (float &x : t.data)
    x = uniform(random);
}

uint32_t bits(float x) {
  uint32_t u;
  std::memcpy(&u, &x, 4);
  return u;
}

LoadedKernel::LoadedKernel(const std::string &text, const ScheduleParams &params, const std::string &target) {
  static int count = 0;
  std::string error;
  auto spec = parseKernelSpec(text, error);
  if (!spec)
    throw std::invalid_argument(error + " in: " + text);
  const std::string stem = scratchFolder() + "/" + std::to_string(count++), object = stem + ".o",
                    library = stem + ".so";
  compileToObject(*spec, target, object, params);
  const std::string link = std::string(DECANT_LLD) + " -shared -o " + library + " " + object;
  if (std::system(link.c_str()) != 0)
    throw std::runtime_error("cannot link: " + link);
  void *handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle)
    throw std::runtime_error(dlerror());
  entry = reinterpret_cast<Entry>(dlsym(handle, (kernelSymbol(*spec, target) + "_argv").c_str()));
  if (!entry)
    throw std::runtime_error("no entry in " + library);
}

void LoadedKernel::operator()(std::vector<halide_buffer_t *> buffers) const {
  void *context = nullptr;
  std::vector<void *> args = {&context};
  args.insert(args.end(), buffers.begin(), buffers.end());
  ASSERT_EQ(entry(args.data()), 0);
}

} // namespace decant::test
