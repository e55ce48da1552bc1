// Compile, link, load, call; and the four hooks a kernel needs from its host.
#include "tests/schedules/Harness.h"

#include "gtest/gtest.h"

#include <algorithm>
#include <cmath>
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

View::View(int columns, int rows) {
  const int stride = roundUp16(columns) + 13;
  data.assign(size_t(stride) * size_t(rows + 2), NAN);
  buffer = Halide::Runtime::Buffer<float>(data.data() + stride + 5, {{0, columns, 1}, {0, rows, stride}});
}

size_t View::written() const {
  return size_t(std::count_if(data.begin(), data.end(), [](float x) { return !std::isnan(x); }));
}

void fill(View &view, std::mt19937 &random, float scale) {
  std::uniform_real_distribution<float> uniform(-scale, scale);
  view.buffer.for_each_value([&](float &x) { x = uniform(random); });
}

View runClasses(const std::string &spec, int columns, const std::vector<Halide::Runtime::Buffer<>> &inputs) {
  View all(columns, kMostRows);
  bool first = true;
  for (const char *rowClass : {"many", "few", "one"}) {
    const LoadedKernel kernel(spec + " rows=" + rowClass);
    for (int rows : {kMostRows, 1, 2, 5, 7, 8, 9, 16, 17, 32}) {
      std::vector<Halide::Runtime::Buffer<>> cut = inputs;
      std::vector<halide_buffer_t *> args;
      for (auto &input : cut) {
        const int last = input.dimensions() - 1;
        if (input.dim(last).extent() == kMostRows)
          input.crop(last, 0, rows);
        args.push_back(input.raw_buffer());
      }
      View again(columns, rows);
      View &out = first ? all : again;
      args.push_back(out);
      kernel(args);
      first = false;
      EXPECT_EQ(out.written(), size_t(rows) * size_t(columns)) << spec << " " << rowClass << " rows " << rows;
      long differ = 0;
      for (int r = 0; r < rows; ++r)
        for (int j = 0; j < columns; ++j)
          differ += bits(out(j, r)) != bits(all(j, r));
      EXPECT_EQ(differ, 0) << spec << " " << rowClass << " rows " << rows;
    }
  }
  return all;
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
