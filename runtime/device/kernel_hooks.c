/* Halide's runtime hooks as an artifact needs them: each goes to the decant_kernel_context that a kernel's user context
 * starts with. Linked into every artifact beside its kernels; the names are Halide 21's. */
#include "runtime/include/decant_module.h"

#include <stddef.h>

#define HOOK __attribute__((visibility("hidden")))

HOOK int halide_do_par_for(void *user_context, decant_task task, int min, int size, uint8_t *closure) {
  decant_kernel_context *context = (decant_kernel_context *)user_context;
  return context->par_for(context, task, min, size, closure);
}

HOOK void *halide_malloc(void *user_context, size_t bytes) {
  decant_kernel_context *context = (decant_kernel_context *)user_context;
  return context->allocate(context, bytes);
}

HOOK void halide_free(void *user_context, void *memory) {
  decant_kernel_context *context = (decant_kernel_context *)user_context;
  context->release(context, memory);
}

HOOK void halide_error(void *user_context, const char *message) {
  decant_kernel_context *context = (decant_kernel_context *)user_context;
  context->error(context, message);
}

/* What a kernel calls when halide_malloc gave NULL, in builds without assertions as well. -11: out of memory. */
HOOK int halide_error_out_of_memory(void *user_context) {
  halide_error(user_context, "out of memory");
  return -11;
}
