// decant.h and decant_module.h as C++; the build is the test.
#include "runtime/include/decant.h"
#include "runtime/include/decant_module.h"

int decantHeaderAsCpp();
int decantHeaderAsCpp() {
  decant_generate_options options;
  decant_generate_options_init(&options);
  return options.num_beams + static_cast<int>(decant_api_version());
}
