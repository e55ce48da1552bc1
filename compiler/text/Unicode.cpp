// Tables of characters from utf8proc: what the runtime would otherwise need a library for.
#include "compiler/text/Tokenizer.h"

#include "llvm/ADT/ArrayRef.h"

#include <algorithm>
#include <cstdlib>
#include <utf8proc.h>

using namespace decant;

namespace {

constexpr utf8proc_int32_t kCharacters = 0x110000;
constexpr uint32_t kFirstHangul = 0xac00, kLastHangul = 0xd7a3; // arithmetic in the runtime

/// Letters in circles and squares: alphabetic by Unicode's Other_Alphabetic, which utf8proc does not tell.
bool isEnclosed(utf8proc_int32_t c) {
  return (c >= 0x24b6 && c <= 0x24e9) || (c >= 0x1f130 && c <= 0x1f149) || (c >= 0x1f150 && c <= 0x1f169) ||
         (c >= 0x1f170 && c <= 0x1f189);
}

uint32_t classOf(utf8proc_int32_t character) {
  switch (utf8proc_category(character)) {
  case UTF8PROC_CATEGORY_LU:
  case UTF8PROC_CATEGORY_LL:
  case UTF8PROC_CATEGORY_LT:
  case UTF8PROC_CATEGORY_LM:
  case UTF8PROC_CATEGORY_LO:
    return DECANT_CLASS_LETTER | DECANT_CLASS_WORD;
  case UTF8PROC_CATEGORY_ND:
  case UTF8PROC_CATEGORY_NL:
    return DECANT_CLASS_NUMBER | DECANT_CLASS_WORD;
  case UTF8PROC_CATEGORY_NO:
    return DECANT_CLASS_NUMBER;
  case UTF8PROC_CATEGORY_MN:
  case UTF8PROC_CATEGORY_MC:
  case UTF8PROC_CATEGORY_ME:
  case UTF8PROC_CATEGORY_PC:
    return DECANT_CLASS_WORD;
  case UTF8PROC_CATEGORY_ZS:
  case UTF8PROC_CATEGORY_ZL:
  case UTF8PROC_CATEGORY_ZP:
    return DECANT_CLASS_SPACE;
  default: // White_Space among the controls, Join_Control
    if ((character >= 9 && character <= 13) || character == 0x85)
      return DECANT_CLASS_SPACE;
    return character == 0x200c || character == 0x200d || isEnclosed(character) ? DECANT_CLASS_WORD : 0;
  }
}

uint32_t breakOf(utf8proc_int32_t character) {
  switch (utf8proc_get_property(character)->boundclass) {
  case UTF8PROC_BOUNDCLASS_CR:
    return DECANT_BREAK_CR;
  case UTF8PROC_BOUNDCLASS_LF:
    return DECANT_BREAK_LF;
  case UTF8PROC_BOUNDCLASS_CONTROL:
    return DECANT_BREAK_CONTROL;
  case UTF8PROC_BOUNDCLASS_EXTEND:
    return DECANT_BREAK_EXTEND;
  case UTF8PROC_BOUNDCLASS_ZWJ:
    return DECANT_BREAK_JOINER;
  case UTF8PROC_BOUNDCLASS_SPACINGMARK:
    return DECANT_BREAK_SPACING;
  case UTF8PROC_BOUNDCLASS_PREPEND:
    return DECANT_BREAK_PREPEND;
  case UTF8PROC_BOUNDCLASS_REGIONAL_INDICATOR:
    return DECANT_BREAK_REGIONAL;
  case UTF8PROC_BOUNDCLASS_EXTENDED_PICTOGRAPHIC:
    return DECANT_BREAK_PICTOGRAPH;
  case UTF8PROC_BOUNDCLASS_L:
    return DECANT_BREAK_L;
  case UTF8PROC_BOUNDCLASS_V:
    return DECANT_BREAK_V;
  case UTF8PROC_BOUNDCLASS_T:
    return DECANT_BREAK_T;
  case UTF8PROC_BOUNDCLASS_LV:
    return DECANT_BREAK_LV;
  case UTF8PROC_BOUNDCLASS_LVT:
    return DECANT_BREAK_LVT;
  default:
    return DECANT_BREAK_OTHER;
  }
}

} // namespace

std::vector<decant_class> decant::characterClasses(bool breaks) {
  std::vector<decant_class> result;
  for (utf8proc_int32_t character = 0; character < kCharacters; ++character) {
    uint32_t bits = classOf(character) | (breaks ? breakOf(character) << DECANT_CLASS_BREAK_SHIFT : 0);
    if (result.empty() || result.back().bits != bits)
      result.push_back({static_cast<uint32_t>(character), bits});
  }
  return result;
}

/// The characters composed, if that gives one character; else 0.
static uint32_t composed(llvm::ArrayRef<utf8proc_int32_t> characters) {
  utf8proc_uint8_t text[4 * 8 + 1] = {};
  utf8proc_ssize_t bytes = 0;
  for (utf8proc_int32_t character : characters)
    bytes += utf8proc_encode_char(character, text + bytes);
  utf8proc_uint8_t *result = nullptr;
  utf8proc_ssize_t length =
      utf8proc_map(text, bytes, &result, static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  utf8proc_int32_t first = 0;
  bool single = length > 0 && utf8proc_iterate(result, length, &first) == length;
  std::free(result);
  return single ? static_cast<uint32_t>(first) : 0;
}

CanonicalForms decant::canonicalForms() {
  CanonicalForms forms;
  for (utf8proc_int32_t character = 0; character < kCharacters; ++character) {
    auto value = static_cast<uint32_t>(character);
    if (auto its_class = utf8proc_get_property(character)->combining_class)
      forms.combining.push_back({value, static_cast<uint32_t>(its_class)});
    if ((value >= kFirstHangul && value <= kLastHangul) || (value >= 0xd800 && value < 0xe000))
      continue;
    utf8proc_int32_t full[8];
    int boundary = 0;
    utf8proc_ssize_t length = utf8proc_decompose_char(character, full, 8, UTF8PROC_DECOMPOSE, &boundary);
    if (length < 1 || length > 8 || (length == 1 && full[0] == character))
      continue;
    forms.decompositions.push_back(
        {value, static_cast<uint32_t>(forms.decomposed.size()), static_cast<uint32_t>(length)});
    forms.decomposed.insert(forms.decomposed.end(), full, full + length);
    // The last step of its composition; excluded characters do not come back.
    llvm::ArrayRef<utf8proc_int32_t> all(full, static_cast<size_t>(length));
    if (length < 2 || composed(all) != value)
      continue;
    uint32_t first = length == 2 ? static_cast<uint32_t>(full[0]) : composed(all.drop_back());
    if (first)
      forms.compositions.push_back({first, static_cast<uint32_t>(all.back()), value});
  }
  std::sort(forms.compositions.begin(), forms.compositions.end(),
            [](const auto &x, const auto &y) { return std::pair(x.a, x.b) < std::pair(y.a, y.b); });
  return forms;
}
