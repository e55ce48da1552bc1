#include "tools/decant/Outline.h"

#include "llvm/Support/JSON.h"

#include <fmt/format.h>

namespace decant::cli {

Outline &Outline::add(std::string key, Outline member) {
  return std::get<Members>(value).emplace_back(std::move(key), std::move(member)).second;
}

namespace {

struct JsonWriter {
  llvm::json::OStream &out;
  void operator()(const std::string &text) const { out.value(llvm::json::fixUTF8(text)); }
  void operator()(int64_t number) const { out.value(number); }
  void operator()(bool flag) const { out.value(flag); }
  void operator()(double number) const { out.value(number); }
  void operator()(const Outline::Members &members) const {
    out.object([&] {
      for (const auto &[key, member] : members)
        out.attributeBegin(key), std::visit(*this, member.value), out.attributeEnd();
    });
  }
  void operator()(const Outline::List &list) const {
    out.array([&] {
      for (const Outline &entry : list)
        std::visit(*this, entry.value);
    });
  }
};

/// A value on one line: members as "key value", apart by two spaces.
struct InlineText {
  std::string operator()(const std::string &text) const { return text; }
  std::string operator()(int64_t number) const { return std::to_string(number); }
  std::string operator()(bool flag) const { return flag ? "yes" : "no"; }
  std::string operator()(double number) const { return fmt::format("{}", number); }
  std::string operator()(const Outline::Members &members) const {
    std::string line;
    for (const auto &[key, member] : members)
      line += (line.empty() ? "" : "  ") + key + " " + std::visit(*this, member.value);
    return line;
  }
  std::string operator()(const Outline::List &list) const {
    std::string line;
    for (const Outline &entry : list)
      line += (line.empty() ? "" : ", ") + std::visit(*this, entry.value);
    return "[" + line + "]";
  }
};

bool isShort(const Outline::List &list) {
  return llvm::none_of(list,
                       [](const Outline &entry) { return std::holds_alternative<Outline::Members>(entry.value); }) &&
         InlineText()(list).size() < 80;
}

/// Texts of several lines (a mask's IR) keep them, indented.
std::string indented(const std::string &text, unsigned depth) {
  std::string result, indent = "\n" + std::string(depth, ' ');
  for (char c : text)
    result += c == '\n' ? indent : std::string(1, c);
  return result;
}

void printMember(llvm::raw_ostream &out, const std::string &key, const Outline &member, unsigned depth) {
  out.indent(depth) << key << ":";
  if (const auto *members = std::get_if<Outline::Members>(&member.value)) {
    out << "\n";
    for (const auto &[innerKey, inner] : *members)
      printMember(out, innerKey, inner, depth + 2);
  } else if (const auto *list = std::get_if<Outline::List>(&member.value); list && !isShort(*list)) {
    out << " " << list->size() << "\n";
    for (const Outline &entry : *list)
      out.indent(depth + 2) << indented(std::visit(InlineText(), entry.value), depth + 2) << "\n";
  } else {
    out << " " << std::visit(InlineText(), member.value) << "\n";
  }
}

} // namespace

void printJson(llvm::raw_ostream &out, const Outline &outline) {
  llvm::json::OStream json(out);
  std::visit(JsonWriter{json}, outline.value);
  json.flush();
  out << "\n";
}

void printText(llvm::raw_ostream &out, const Outline &outline) {
  for (const auto &[key, member] : std::get<Outline::Members>(outline.value))
    printMember(out, key, member, 0);
}

} // namespace decant::cli
