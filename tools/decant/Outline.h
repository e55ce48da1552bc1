// What `decant inspect` says, as a tree with keys in order: printed as lines for people or as one JSON object.
#pragma once

#include "llvm/Support/raw_ostream.h"

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace decant::cli {

struct Outline {
  using Members = std::vector<std::pair<std::string, Outline>>;
  using List = std::vector<Outline>;

  Outline() : value(Members()) {}
  Outline(std::string text) : value(std::move(text)) {}
  Outline(const char *text) : value(std::string(text)) {}
  Outline(std::string_view text) : value(std::string(text)) {}
  Outline(int64_t number) : value(number) {}
  Outline(uint64_t number) : value(static_cast<int64_t>(number)) {}
  Outline(uint32_t number) : value(static_cast<int64_t>(number)) {}
  Outline(int32_t number) : value(static_cast<int64_t>(number)) {}
  Outline(bool flag) : value(flag) {}
  Outline(double number) : value(number) {}
  Outline(Members members) : value(std::move(members)) {}
  Outline(List list) : value(std::move(list)) {}

  /// Appends to an object.
  Outline &add(std::string key, Outline member);

  std::variant<std::string, int64_t, bool, double, Members, List> value;
};

void printJson(llvm::raw_ostream &out, const Outline &outline);
/// One line a key; the entries of a list one line each.
void printText(llvm::raw_ostream &out, const Outline &outline);

} // namespace decant::cli
