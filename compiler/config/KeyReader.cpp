#include "compiler/config/KeyReader.h"

#include <fmt/format.h>

#include <cmath>

using namespace decant;
using json::Kind;
using json::Value;

KeyReader::KeyReader(const Value &object, std::string where) : object(object), file(std::move(where)) {
  if (object.is(Kind::Object))
    return;
  failed = true;
  message = fmt::format("{}: expected an object {{...}}, found {}", file, json::excerpt(object));
}

const Value *KeyReader::take(llvm::StringRef key) {
  taken.insert(key.str());
  return failed ? nullptr : object.find(key);
}

void KeyReader::refuse(ExitCode why, llvm::StringRef key, const std::string &text) {
  if (failed)
    return;
  failed = true;
  code = why;
  message = fmt::format("{}: key {}: {}", file, json::quote(key), text);
}

void KeyReader::wrongType(llvm::StringRef key, llvm::StringRef expected, const Value &found) {
  refuse(ExitCode::BadInput, key, fmt::format("expected {}, found {}", expected.str(), json::excerpt(found)));
}

int64_t KeyReader::checkInteger(llvm::StringRef key, const Value &value, int64_t low, int64_t high) {
  if (value.is(Kind::Integer) && value.integer() >= low && value.integer() <= high)
    return value.integer();
  wrongType(key, fmt::format("an integer from {} to {}", low, high), value);
  return low;
}

int64_t KeyReader::integer(llvm::StringRef key, std::optional<int64_t> defaultValue, int64_t low, int64_t high) {
  if (const Value *value = take(key))
    return checkInteger(key, *value, low, high);
  if (!defaultValue)
    refuse(ExitCode::BadInput, key, fmt::format("missing; expected an integer from {} to {}", low, high));
  return defaultValue.value_or(low);
}

int64_t KeyReader::integerOrNull(llvm::StringRef key, int64_t defaultValue, int64_t low, int64_t high) {
  const Value *value = take(key);
  return value && !value->is(Kind::Null) ? checkInteger(key, *value, low, high) : defaultValue;
}

double KeyReader::real(llvm::StringRef key, double defaultValue, double low, double high) {
  const Value *value = take(key);
  if (!value || value->is(Kind::Null))
    return defaultValue;
  if (value->isNumber() && value->real() >= low && value->real() <= high)
    return value->real();
  wrongType(key, fmt::format("a number from {} to {}", low, high), *value);
  return defaultValue;
}

bool KeyReader::boolean(llvm::StringRef key, std::optional<bool> defaultValue) {
  const Value *value = take(key);
  if (value && value->is(Kind::Bool))
    return value->boolean();
  if (value)
    wrongType(key, "true or false", *value);
  else if (!defaultValue)
    refuse(ExitCode::BadInput, key, "missing; expected true or false");
  return defaultValue.value_or(false);
}

std::string KeyReader::text(llvm::StringRef key, std::optional<std::string> defaultValue) {
  const Value *value = take(key);
  if (value && value->is(Kind::String))
    return value->text();
  if (value)
    wrongType(key, "a string", *value);
  else if (!defaultValue)
    refuse(ExitCode::BadInput, key, "missing; expected a string");
  return defaultValue.value_or("");
}

std::vector<int32_t> KeyReader::tokenIds(llvm::StringRef key, std::vector<int32_t> defaultIds, int64_t vocab) {
  const Value *value = take(key);
  if (!value)
    return defaultIds;
  std::vector<int32_t> ids;
  auto add = [&](const Value &id) {
    if (id.is(Kind::Integer) && id.integer() >= 0 && id.integer() < vocab)
      ids.push_back(static_cast<int32_t>(id.integer()));
    else
      wrongType(key, fmt::format("a token id from 0 to {} (the vocabulary has {})", vocab - 1, vocab), id);
  };
  if (value->is(Kind::Array)) {
    for (const Value &id : value->items())
      add(id);
  } else if (!value->is(Kind::Null)) {
    add(*value);
  }
  return ids;
}

int32_t KeyReader::tokenId(llvm::StringRef key, int32_t defaultId, int64_t vocab) {
  std::vector<int32_t> fallback;
  if (defaultId >= 0)
    fallback.push_back(defaultId);
  std::vector<int32_t> ids = tokenIds(key, fallback, vocab);
  if (ids.size() > 1)
    refuse(ExitCode::Unsupported, key, fmt::format("a list of {} token ids; only one is supported here", ids.size()));
  return ids.empty() ? -1 : ids.front();
}

void KeyReader::neutral(llvm::StringRef key, Neutral expected) {
  const Value *value = take(key);
  if (!value || value->is(Kind::Null))
    return;
  bool empty = (value->is(Kind::Array) || value->is(Kind::Object)) && value->items().empty();
  if (empty)
    return;
  std::string only = "null";
  bool equal = false;
  if (const bool *flag = std::get_if<bool>(&expected)) {
    only = *flag ? "true" : "false";
    equal = value->is(Kind::Bool) && value->boolean() == *flag;
  } else if (const double *number = std::get_if<double>(&expected)) {
    only = fmt::format("{}", *number);
    equal = value->isNumber() && value->real() == *number;
  } else if (const char *const *word = std::get_if<const char *>(&expected)) {
    only = json::quote(*word);
    equal = value->is(Kind::String) && value->text() == *word;
  }
  if (!equal)
    refuse(ExitCode::Unsupported, key,
           fmt::format("the value {} is not supported, only {}", json::excerpt(*value), only));
}

void KeyReader::agrees(llvm::StringRef key, int64_t expected, llvm::StringRef withKey) {
  const Value *value = take(key);
  if (!value || (value->is(Kind::Integer) && value->integer() == expected))
    return;
  refuse(ExitCode::BadInput, key,
         fmt::format("found {}, but {} is {}; they must agree", json::excerpt(*value), json::quote(withKey), expected));
}

void KeyReader::harmless(std::initializer_list<llvm::StringRef> names) {
  if (failed)
    return;
  for (const std::string &key : object.keys())
    for (llvm::StringRef name : names) {
      llvm::StringRef core = name;
      bool anyHead = core.consume_front("*"), anyTail = core.consume_back("*"), match;
      if (anyHead && anyTail)
        match = llvm::StringRef(key).contains(core);
      else
        match = anyHead   ? llvm::StringRef(key).ends_with(core)
                : anyTail ? llvm::StringRef(key).starts_with(core)
                          : core == key;
      if (match)
        taken.insert(key);
    }
}

void KeyReader::adopt(KeyReader &nested) {
  llvm::handleAllErrors(nested.finish(), [&](const UserError &error) {
    if (!failed)
      failed = true, code = error.code, message = error.message;
  });
}

llvm::Error KeyReader::finish() {
  if (failed)
    return userError(code, message);
  for (size_t i = 0; i < object.keys().size(); ++i) {
    const std::string &key = object.keys()[i];
    if (!taken.count(key))
      return unsupported(fmt::format("{}: unknown key {} with the value {}: decant cannot tell whether it changes the "
                                     "model; remove it if it does not",
                                     file, json::quote(key), json::excerpt(object.items()[i])));
  }
  return llvm::Error::success();
}
