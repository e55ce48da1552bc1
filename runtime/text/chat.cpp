// Conversations -> text, by the rules that the compiler took from the model's chat template (decant_chat).
#include "runtime/text/tokenizer.h"
#include "runtime/text/utf8.h"

#include <algorithm>

namespace decant::rt {

decant_status checkUtf8(const char *text, const char *what, const Message &message) {
  int bytes = 0;
  for (const char *at = text; *at; at += bytes)
    if (nextCodepoint(at, &bytes) < 0)
      return message.fail(DECANT_INVALID_ARGUMENT, "%s is not UTF-8 at byte %zu (0x%02x)", what,
                          static_cast<size_t>(at - text), static_cast<unsigned>(static_cast<uint8_t>(*at)));
  return DECANT_OK;
}

namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpaces = " \t\n\v\f\r";
  const size_t from = text.find_first_not_of(kSpaces);
  return from == text.npos ? std::string_view() : partOf(text, from, text.find_last_not_of(kSpaces) - from + 1);
}

struct Conversation {
  const Tokenizer &tokenizer;
  const Message &message;
  Array<char> &text;

  const decant_chat &rules() const { return tokenizer.header().chat; }
  bool put(std::string_view part) { return text.append(part.data(), part.size()); }

  bool turn(uint32_t role, std::string_view words) {
    return put(tokenizer.text(rules().before[role])) && put(rules().trims ? trimmed(words) : words) &&
           put(tokenizer.text(rules().after[role]));
  }

  /// Llama 2: the system's text is the beginning of the first user's.
  bool userTurn(std::string_view system, bool has_system, std::string_view words) {
    Array<char> whole;
    const std::string_view before = tokenizer.text(rules().before[0]), after = tokenizer.text(rules().after[0]);
    const bool ok =
        !has_system || (whole.append(before.data(), before.size()) && whole.append(system.data(), system.size()) &&
                        whole.append(after.data(), after.size()));
    return ok && whole.append(words.data(), words.size()) && turn(1, viewOf(whole));
  }

  decant_status roleOf(const decant_chat_message *messages, size_t i, uint32_t *role) const {
    constexpr std::string_view kRoles[] = {"system", "user", "assistant"};
    const auto *known = std::find(std::begin(kRoles), std::end(kRoles), messages[i].role ? messages[i].role : "");
    if (known == std::end(kRoles) || !messages[i].text)
      return message.fail(DECANT_INVALID_ARGUMENT,
                          "message %zu: the role must be system, user or assistant, and there must be a text", i);
    *role = static_cast<uint32_t>(known - kRoles);
    return checkUtf8(messages[i].text, "a message", message);
  }

  decant_status renderLlama2(const decant_chat_message *messages, size_t count) {
    const char *system = nullptr;
    bool ok = true;
    for (size_t i = 0, turns = 0; i < count; ++i) {
      uint32_t role = 0;
      if (decant_status status = roleOf(messages, i, &role); status != DECANT_OK)
        return status;
      if (role == 0 && i == 0) {
        system = messages[i].text;
        continue;
      }
      if (role != 1 + turns % 2)
        return message.fail(DECANT_INVALID_ARGUMENT,
                            "message %zu: this model's turns alternate, user, assistant, user ..., behind at most one "
                            "of the system",
                            i);
      ok = ok && (role == 2 ? turn(2, messages[i].text)
                            : userTurn(system ? system : "", system && turns == 0, messages[i].text));
      ++turns;
    }
    return ok ? DECANT_OK : message.fail(DECANT_RESOURCE_EXHAUSTED, "out of memory");
  }

  decant_status render(const decant_chat_message *messages, size_t count) {
    if (rules().kind == DECANT_CHAT_LLAMA2)
      return renderLlama2(messages, count);
    bool ok = put(tokenizer.text(rules().bos));
    for (size_t i = 0; i < count; ++i) {
      uint32_t role = 0;
      if (decant_status status = roleOf(messages, i, &role); status != DECANT_OK)
        return status;
      if (i == 0 && role != 0 && rules().default_system.count)
        ok = ok && turn(0, tokenizer.text(rules().default_system));
      ok = ok && turn(role, messages[i].text);
    }
    ok = ok && put(tokenizer.text(rules().generation));
    return ok ? DECANT_OK : message.fail(DECANT_RESOURCE_EXHAUSTED, "out of memory");
  }
};

} // namespace

decant_status renderChat(const Tokenizer &tokenizer, const decant_chat_message *messages, size_t count,
                         Array<char> &out, const Message &message) {
  return Conversation{tokenizer, message, out}.render(messages, count);
}

} // namespace decant::rt
