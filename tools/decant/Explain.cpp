// decant explain: a model -> a page (ExplainPage.h), a mask in the terminal, or all of it as JSON (ExplainData.h).
#include "compiler/config/Errors.h"
#include "compiler/weights/AtomicFile.h"
#include "tools/decant/Commands.h"
#include "tools/decant/ExplainData.h"
#include "tools/decant/ExplainPage.h"
#include "tools/decant/Interrupt.h"
#include "tools/decant/LoadModel.h"

#include "llvm/Support/raw_ostream.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <sys/ioctl.h>
#include <unistd.h>

namespace decant::cli {
namespace {

llvm::Error writePage(const ExplainOptions &options, const ExplainedModel &model) {
  removeOnInterrupt(fmt::format("{}.tmp-{}-", options.output, getpid()));
  const std::string page = explainPage(model);
  auto file = AtomicFile::create(options.output);
  if (!file)
    return file.takeError();
  if (llvm::Error error = file->write(page.data(), page.size()))
    return error;
  return file->commit();
}

TerminalLook terminalLook() {
  TerminalLook look;
  winsize window{};
  if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0)
    look.columns = window.ws_col;
  const char *noColor = std::getenv("NO_COLOR");
  look.color = isatty(STDOUT_FILENO) && !(noColor && *noColor);
  return look;
}

llvm::Expected<const ExplainedFunction *> findMask(const ExplainedModel &model, const std::string &name) {
  std::vector<std::string> names;
  for (const ExplainedFunction &function : model.functions) {
    if (!function.isMask)
      continue;
    if (function.name == name)
      return &function;
    names.push_back(printable(function.name));
  }
  return userError(ExitCode::Usage, fmt::format("--mask {}: no such mask; {} has {}", printable(name),
                                                printable(model.name), fmt::join(names, ", ")));
}

llvm::Error print(const std::string &text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0)
    return llvm::Error::success();
  if (errno == EPIPE)
    return llvm::Error::success(); // the reader has seen enough
  return userError(ExitCode::Resource, fmt::format("cannot write to standard output: {}", std::strerror(errno)));
}

std::string asJson(const Outline &outline) {
  std::string text;
  llvm::raw_string_ostream out(text);
  printJson(out, outline);
  return text;
}

} // namespace

llvm::Error runExplain(const ExplainOptions &options) {
  catchInterrupts();
  if (!options.output.empty())
    if (llvm::Error error = checkOutput(options.output, options.model, options.weights))
      return error;
  auto model = explainModel(options);
  if (!model)
    return model.takeError();
  if (!options.output.empty())
    if (llvm::Error error = writePage(options, *model))
      return error;
  if (!options.mask.empty()) {
    auto mask = findMask(*model, options.mask);
    if (!mask)
      return mask.takeError();
    return print(options.json ? asJson(describeMask(*model, **mask, options.size))
                              : maskAsText(*model, **mask, options.size, terminalLook()));
  }
  return options.json ? print(asJson(describeExplained(*model))) : llvm::Error::success();
}

} // namespace decant::cli
