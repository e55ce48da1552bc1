// chat_template of tokenizer_config.json, or chat_template.jinja -> the texts around each turn.
//
// There is no template engine in the runtime: the kinds that most models use are recognised by what their templates
// say, ChatML (<|im_start|>role, text, <|im_end|>), Llama 3's headers and Llama 2's [INST]. Others are kept as unknown:
// a model with one compiles, --chat is refused. Tested in tests/text/ChatTemplateTest.cpp.
#include "compiler/text/Tokenizer.h"

#include "compiler/config/Errors.h"
#include "compiler/config/Json.h"
#include "compiler/config/RegularFile.h"
#include "compiler/text/TokenizerSteps.h"

#include "llvm/ADT/StringRef.h"

#include <cctype>

using namespace decant;
using json::Kind;

namespace {

/// The template without white space outside of quotes, double quotes as single ones, message.role as message['role'].
std::string squeezed(llvm::StringRef text) {
  std::string result;
  char quote = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (quote == 0 && (c == '\'' || c == '"')) {
      quote = c;
      result += '\'';
    } else if (quote != 0 && c == quote) {
      quote = 0;
      result += '\'';
    } else if (quote != 0 && c == '\\' && i + 1 < text.size() && text[i + 1] == 'n') {
      result += '\n'; // an escape in a quoted text
      ++i;
    } else if (quote != 0 || !std::isspace(static_cast<unsigned char>(c))) {
      result += c;
    }
  }
  for (const char *name : {"role", "content"}) {
    std::string from = std::string("message.") + name, to = std::string("message['") + name + "']";
    replaceAll(result, from, to);
  }
  return result;
}

bool contains(const std::string &text, llvm::StringRef part) { return llvm::StringRef(text).contains(part); }

/// The system text that a ChatML template gives to conversations without one.
std::string defaultSystem(const std::string &text) {
  const std::string begin = "'<|im_start|>system\n", end = "<|im_end|>";
  for (size_t at = text.find(begin); at != std::string::npos; at = text.find(begin, at + 1)) {
    size_t from = at + begin.size(), to = text.find(end, from), quote = text.find('\'', from);
    if (to != std::string::npos && to > from && to < quote)
      return text.substr(from, to - from);
  }
  return "";
}

ChatTemplate turns(const std::string &open, const std::string &close, const std::string &end) {
  ChatTemplate chat;
  chat.kind = DECANT_CHAT_TURNS;
  static constexpr const char *kRoles[] = {"system", "user", "assistant"};
  for (int role = 0; role < 3; ++role) {
    chat.before[role] = open + kRoles[role] + close;
    chat.after[role] = end;
  }
  chat.generation = chat.before[2];
  return chat;
}

/// Llama 2: [INST] around the user's texts, of which the first has the system's in it.
bool isLlama2(const std::string &text) {
  return contains(text, "'<<SYS>>\n'+system_message+'\n<</SYS>>\n\n'+message['content']") &&
         !contains(text, "'<<SYS>>'in") && // a system text of the template's own
         (contains(text, "bos_token+'[INST] '+content.strip()+' [/INST]'") ||
          contains(text, "bos_token+'[INST] '+content|trim+' [/INST]'")) &&
         (contains(text, "' '+content.strip()+' '+eos_token") || contains(text, "' '+content|trim+' '+eos_token"));
}

ChatTemplate recognise(const std::string &source, const std::string &bos, const std::string &eos) {
  ChatTemplate unknown;
  unknown.kind = DECANT_CHAT_UNKNOWN;
  std::string text = squeezed(source);
  // What the known kinds do not do: tools, thoughts and dates change what a turn looks like.
  for (const char *foreign : {"<think>", "Cutting Knowledge", "date_string"})
    if (contains(text, foreign))
      return unknown;
  bool plain = contains(text, "'<|im_start|>'+message['role']+'\n'+message['content']+'<|im_end|>'");
  if (plain && contains(text, "<|im_start|>assistant\n")) {
    ChatTemplate chat = turns("<|im_start|>", "\n", "<|im_end|>\n");
    chat.defaultSystem = defaultSystem(text);
    return chat;
  }
  bool headers = contains(
      text, "'<|start_header_id|>'+message['role']+'<|end_header_id|>\n\n'+message['content']|trim+'<|eot_id|>'");
  if (headers && contains(text, "bos_token")) {
    ChatTemplate chat = turns("<|start_header_id|>", "<|end_header_id|>\n\n", "<|eot_id|>");
    chat.trims = true;
    chat.bos = bos;
    return chat;
  }
  if (isLlama2(text)) {
    ChatTemplate chat;
    chat.kind = DECANT_CHAT_LLAMA2;
    chat.trims = true;
    chat.before[0] = "<<SYS>>\n", chat.after[0] = "\n<</SYS>>\n\n";
    chat.before[1] = bos + "[INST] ", chat.after[1] = " [/INST]";
    chat.before[2] = " ", chat.after[2] = " " + eos;
    return chat;
  }
  return unknown;
}

} // namespace

llvm::Expected<ChatTemplate> decant::readChatTemplate(const std::string &folder) {
  std::string config = folder + "/tokenizer_config.json", file = folder + "/chat_template.jinja", text, bos, eos;
  if (pathExists(config)) {
    auto root = json::parseFile(config);
    if (!root)
      return root.takeError();
    if (!root->is(Kind::Object))
      return badInput(config + ": expected an object {...}");
    bos = tokenText(root->find("bos_token")).value_or("");
    eos = tokenText(root->find("eos_token")).value_or("");
    if (const json::Value *value = root->find("chat_template"))
      text = value->is(Kind::String) ? value->text() : value->is(Kind::Null) ? "" : "a list of templates";
  }
  if (pathExists(file)) { // newer folders have a file of its own
    auto opened = RegularFile::open(file);
    if (!opened)
      return opened.takeError();
    auto content = opened->readAll(limits::stringBytes);
    if (!content)
      return content.takeError();
    text = *content;
  }
  return text.empty() ? ChatTemplate() : recognise(text, bos, eos);
}
