/* decant.h and decant_module.h as C; the build is the test. */
#include "runtime/include/decant.h"
#include "runtime/include/decant_module.h"

int decant_header_as_c(void);
int decant_header_as_c(void) {
  decant_generate_options options;
  decant_generate_options_init(&options);
  return (int)options.num_beams + (int)decant_api_version();
}
