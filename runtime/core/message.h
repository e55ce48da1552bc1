// One sentence for the user, in a buffer that belongs to someone else. Cut at its end, always NUL-terminated.
#pragma once

#include "runtime/include/decant.h"

#include <cstdarg>
#include <cstdio>

namespace decant::rt {

struct Message {
  char *text = nullptr;
  size_t bytes = 0;

  void formatList(const char *format, va_list list) const {
    if (text && bytes)
      std::vsnprintf(text, bytes, format, list);
  }

  /// Writes the sentence and returns `status`.
  [[gnu::format(printf, 3, 4)]] decant_status fail(decant_status status, const char *format, ...) const {
    va_list list;
    va_start(list, format);
    formatList(format, list);
    va_end(list);
    return status;
  }
};

} // namespace decant::rt
