// Texts or id lists -> decant_generate -> lines on stdout. Results come as they finish and leave in input order.
//
// Stdin is taken as it arrives: all complete lines of one read form a batch of inputs, so that a pipe which waits for
// an answer gets it.
#include "runtime/exe/runner.h"

#include "runtime/core/info.h"
#include "runtime/core/model.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cmath>
#include <unistd.h>

namespace decant::rt {
namespace {

/// A finished input: where its ids lie in Runner::result_ids.
struct Finished {
  bool done;
  size_t offset, count;
  float score;
  int finish; ///< decant_finish
};

struct Runner {
  Runner(const CommandLine &line, decant_model *model) : line(line), model(model) {}
  ~Runner() { decant_session_release(session); }

  const CommandLine &line;
  decant_model *model;
  decant_session *session = nullptr;
  Array<const char *> texts; ///< of this round
  Array<int32_t> ids, result_ids;
  Array<size_t> ends; ///< where each input ends in ids
  Array<decant_source> inputs;
  Array<Finished> results;
  Array<char> text;
  size_t printed = 0, streaming = SIZE_MAX, stream_bytes = 0; ///< of the streamed text, what is printed
  Array<int32_t> streamed;
  bool context_full = false;
  decant_generate_options asked{}; ///< the line's, with the target's language
  int32_t source_language = -1;
  int failure = kExitOk;
  const char *what = "input"; ///< or "line", of stdin
  size_t before = 0;          ///< inputs of earlier rounds
  int pending = kExitOk;      ///< an input that cannot be taken ends the work after those before it; problem says why
  char problem[512] = "";

  int fail(int code, const char *message) {
    std::fprintf(stderr, "%s\n", message);
    return failure = code;
  }
  /// Input `index` of this round, counted from 1 over all rounds.
  template <class... A> int refuse(int code, size_t index, const char *format, A... values) {
    int used = std::snprintf(problem, sizeof problem, "%s %zu: ", what, before + index + 1);
    (void)Message{problem + used, sizeof problem - static_cast<size_t>(used)}.fail(DECANT_OK, format, values...);
    return pending = code;
  }
  int outOfMemory() { return fail(kExitResource, "out of memory"); }

  /// Languages by their codes: the target's is the first new id.
  int findLanguages() {
    char message[256];
    int32_t *const targets[] = {&source_language, &asked.forced_bos_token_id};
    const char *const codes[] = {line.source_lang, line.target_lang};
    for (int i = 0; i < 2; ++i)
      if (codes[i])
        if (decant_status status = decant_text_language(model, codes[i], message, sizeof message, targets[i]);
            status != DECANT_OK)
          return fail(exitCode(status), message);
    return kExitOk;
  }

  int open() {
    asked = line.generate;
    if (int code = findLanguages())
      return code;
    decant_model_info info{};
    info.struct_size = sizeof info;
    if (decant_model_get_info(model, &info) != DECANT_OK)
      return fail(kExitInternal, "the model has no information about itself");
    int32_t batch = line.stream ? 1 : line.batch ? line.batch : info.max_batch;
    if (!line.texts.empty() && !(line.ids && line.texts.size() == 1))
      batch = static_cast<int32_t>(std::min<size_t>(static_cast<size_t>(batch), line.texts.size()));
    int32_t beams =
        line.generate.num_beams ? line.generate.num_beams : std::max(model->header().generation.num_beams, 1);
    if (int64_t(batch) * beams > 1 << 16)
      return fail(kExitResource, "--batch times --num-beams is more than 65536");
    decant_session_options options{sizeof options, line.threads, batch * beams};
    if (decant_status status = decant_session_create(model, &options, &session); status != DECANT_OK) {
      std::fprintf(stderr, "no session for %d sequences with %d threads: %s\n", batch * beams, line.threads,
                   decant_session_message(nullptr));
      return failure = exitCode(status);
    }
    return kExitOk;
  }

  /// "1 10 13" -> ids, appended.
  int parseIds(const char *list, size_t index) {
    for (const char *at = list; *at;) {
      if (*at == ' ' || *at == '\t' || *at == ',') {
        ++at;
        continue;
      }
      char *end = nullptr;
      errno = 0;
      long id = std::strtol(at, &end, 10);
      if (end == at || errno || id < 0 || id > INT_MAX || !std::strchr(" \t,", *end)) // finds the NUL as well
        return refuse(kExitInput, index, "expected token ids apart by spaces or commas, found \"%.60s\"", at);
      if (!ids.push(static_cast<int32_t>(id)))
        return outOfMemory();
      at = end;
    }
    return kExitOk;
  }

  /// What decant_generate would refuse, with all inputs of the round.
  int checkIds(size_t index, size_t from) {
    const decant_tables_header &h = model->header();
    const size_t count = ids.size() - from;
    if (count == 0)
      return refuse(kExitInput, index, "no token ids");
    for (size_t i = from; i < ids.size(); ++i)
      if (static_cast<uint32_t>(ids[i]) >= h.vocab)
        return refuse(kExitInput, index, "token id %d is outside the vocabulary of %u", ids[i], h.vocab);
    if (h.model_kind == DECANT_MODEL_ENCODER_DECODER && count > h.max_source)
      return refuse(kExitResource, index, "%zu tokens are more than the maximum of %u", count, h.max_source);
    return kExitOk;
  }

  /// Reads the texts up to the first that cannot be taken, which ends the list.
  int readTexts() {
    for (size_t i = 0; i < texts.size(); ++i) {
      const size_t from = ids.size();
      int code = line.ids ? parseIds(texts[i], i) : encodeText(texts[i], i);
      if (!code && model->header().vocab)
        code = checkIds(i, from);
      if (failure)
        return failure;
      if (code)
        return ids.resize(from) && texts.resize(i) ? kExitOk : outOfMemory();
      if (!ends.push(ids.size()))
        return outOfMemory();
    }
    return kExitOk;
  }

  int encodeText(const char *input, size_t index) {
    char message[256];
    size_t before = ids.size(), count = 0;
    for (int pass = 0; pass < 2; ++pass) { // the first counts
      int32_t *to = pass ? ids.data() + before : nullptr;
      const decant_chat_message turns[] = {{"system", line.system}, {"user", input}};
      const size_t first = line.system ? 0 : 1;
      decant_status status =
          line.chat ? decant_text_chat(model, turns + first, 2 - first, to, count, message, sizeof message, &count)
                    : decant_text_encode(model, input, to, count, message, sizeof message, &count);
      if (status != DECANT_OK)
        return refuse(exitCode(status), index, "%s", message);
      if (pass == 0 && !ids.resize(before + count))
        return outOfMemory();
    }
    if (source_language >= 0 && decant_text_set_source(model, source_language, ids.data() + before, count) != DECANT_OK)
      return refuse(kExitInput, index, "--source-lang: this model's text begins or ends with no language's token");
    return kExitOk;
  }

  /// Text of ids into this->text, NUL-terminated.
  bool decodeText(const int32_t *from, size_t count) {
    size_t bytes = 0;
    if (decant_text_decode(model, from, count, nullptr, 0, &bytes) != DECANT_OK || !text.resize(bytes + 1))
      return false;
    return decant_text_decode(model, from, count, text.data(), bytes + 1, &bytes) == DECANT_OK;
  }

  void printIds(const int32_t *from, size_t count, const char *separator) {
    for (size_t i = 0; i < count; ++i)
      std::printf("%s%d", i ? separator : "", from[i]);
  }

  void printJson(size_t index) {
    static constexpr const char *kFinish[] = {"stop", "length", "context"};
    const Finished &result = results[index];
    std::fputs("{\"input\": ", stdout);
    writeJsonString(stdout, texts[index]);
    if (!line.ids) {
      std::fputs(", \"text\": ", stdout);
      writeJsonString(stdout, said());
    }
    std::fputs(", \"ids\": [", stdout);
    printIds(result_ids.data() + result.offset, result.count, ", ");
    if (std::isfinite(result.score))
      std::printf("], \"score\": %.6f", static_cast<double>(result.score));
    else
      std::fputs("], \"score\": null", stdout);
    std::printf(", \"finish\": \"%s\"}\n", kFinish[result.finish]);
  }

  /// `text` without its NUL; bytes of it may be 0 too. What is spoken begins with a space.
  std::string_view said() const {
    const size_t skip = model->header().source_width && text[0] == ' ';
    return {text.data() + skip, text.size() - 1 - skip};
  }

  bool printResult(size_t index) {
    const Finished &result = results[index];
    const int32_t *out = result_ids.data() + result.offset;
    if (!line.ids && !decodeText(out, result.count))
      return false;
    if (line.json) {
      printJson(index);
      return true;
    }
    if (!line.ids) {
      const size_t shown = streaming == index ? std::min(stream_bytes, said().size()) : 0;
      std::fwrite(said().data() + shown, 1, said().size() - shown, stdout);
    } else if (streaming != index) {
      printIds(out, result.count, " ");
    }
    if (line.scores)
      std::printf("\t%.6f", static_cast<double>(result.score));
    std::fputc('\n', stdout);
    return true;
  }

  int finished(const decant_generated &result) {
    Finished &entry = results[result.input_index];
    entry = {true, result_ids.size(), result.count, result.score, result.finish};
    context_full = context_full || result.finish == DECANT_FINISH_CONTEXT;
    if (!result_ids.append(result.ids, result.count))
      return outOfMemory();
    for (; printed < results.size() && results[printed].done; ++printed)
      if (!printResult(printed))
        return fail(kExitInternal, "the generated ids have no text");
    return std::ferror(stdout) ? (failure = errno == EPIPE ? kExitOk : kExitResource, 1) : 0;
  }

  int token(size_t index, int32_t id) {
    if (!line.stream || line.json)
      return 0;
    bool first = streaming != index;
    streaming = index;
    if (first) {
      streamed.clear();
      stream_bytes = 0;
    }
    if (!streamed.push(id))
      return 1;
    if (line.ids)
      std::printf("%s%d", first ? "" : " ", id);
    else if (decodeText(streamed.data(), streamed.size()))
      printStable();
    std::fflush(stdout);
    return std::ferror(stdout);
  }

  /// Prints what `text` has grown by. The bytes of a character may come from several tokens: until they are all there,
  /// the text ends in U+FFFD, which is held back.
  void printStable() {
    constexpr std::string_view kReplacement = "\xef\xbf\xbd";
    std::string_view stable(text.data(), text.size() - 1);
    while (stable.ends_with(kReplacement))
      stable.remove_suffix(kReplacement.size());
    if (stable.size() <= stream_bytes)
      return;
    std::fwrite(stable.data() + stream_bytes, 1, stable.size() - stream_bytes, stdout);
    stream_bytes = stable.size();
  }

  /// A speech model: each text is the path of a WAV file, whose windows become inputs; one line of output a file.
  int transcribe() {
    for (size_t i = 0; i < texts.size(); ++i) {
      char message[512];
      float *features = nullptr;
      size_t windows = 0;
      decant_status status = decant_audio_read(model, texts[i], message, sizeof message, &features, &windows);
      if (status != DECANT_OK)
        return fail(exitCode(status), message);
      int code = transcribeWindows(i, features, windows);
      decant_audio_release(features);
      if (code)
        return code;
    }
    return kExitOk;
  }

  int transcribeWindows(size_t index, const float *features, size_t windows) {
    const decant_tables_header &h = model->header();
    inputs.clear();
    result_ids.clear();
    results.clear();
    for (size_t w = 0; w < windows; ++w)
      if (!inputs.push({nullptr, h.max_source, features + w * h.max_source * h.source_width}))
        return outOfMemory();
    if (!results.resize(windows))
      return outOfMemory();
    auto on_result = [](void *self, const decant_generated *result) {
      auto &runner = *static_cast<Runner *>(self);
      runner.results[result->input_index] = {true, runner.result_ids.size(), result->count, result->score,
                                             result->finish};
      return runner.result_ids.append(result->ids, result->count) ? 0 : runner.outOfMemory();
    };
    decant_status status = decant_generate(session, inputs.data(), inputs.size(), &asked, nullptr, on_result, this);
    if (status != DECANT_OK)
      return failure ? failure : fail(exitCode(status), decant_session_message(session));
    ids.clear(); // of all windows, in their order
    for (const Finished &window : results)
      if (!ids.append(result_ids.data() + window.offset, window.count))
        return outOfMemory();
    result_ids.clear();
    if (!result_ids.append(ids.data(), ids.size()))
      return outOfMemory();
    const float score = windows == 1 ? results[0].score : NAN;
    if (!results.resize(index + 1))
      return outOfMemory();
    results[index] = {true, 0, result_ids.size(), score, DECANT_FINISH_STOP};
    streaming = SIZE_MAX;
    return printResult(index) ? kExitOk : fail(kExitInternal, "the generated ids have no text");
  }

  /// One round: everything in `texts`, then the input that could not be taken, if any.
  int round() {
    int code = model->header().source_width && !line.ids ? transcribe() : generate();
    before += texts.size();
    return !code && pending ? fail(pending, problem) : code;
  }

  int generate() {
    ids.clear();
    ends.clear();
    inputs.clear();
    result_ids.clear();
    results.clear();
    printed = 0;
    streaming = SIZE_MAX;
    if (int code = readTexts(); code || texts.empty())
      return code;
    size_t start = 0;
    for (size_t end : ends) {
      if (!inputs.push({ids.data() + start, end - start, nullptr}))
        return outOfMemory();
      start = end;
    }
    if (!results.resize(texts.size()))
      return outOfMemory();
    auto on_token = [](void *self, size_t index, int32_t id) { return static_cast<Runner *>(self)->token(index, id); };
    auto on_result = [](void *self, const decant_generated *result) {
      return static_cast<Runner *>(self)->finished(*result);
    };
    decant_status status = decant_generate(session, inputs.data(), inputs.size(), &asked, on_token, on_result, this);
    if (std::fflush(stdout) != 0 || std::ferror(stdout)) {
      if (errno == EPIPE)
        return failure = kExitOk;
      return fail(kExitResource, "cannot write to standard output");
    }
    if (status == DECANT_OK && context_full && !failure) {
      std::fprintf(stderr, "the context of %u tokens is full: the answer is cut; compile with a larger --max-context\n",
                   model->header().max_context);
      return failure = kExitResource;
    }
    if (status == DECANT_OK || status == DECANT_CANCELLED)
      return failure;
    return fail(exitCode(status), decant_session_message(session));
  }

  /// Turns the complete lines in `buffer`, whose first `scanned` bytes hold no line end, into texts; returns the bytes
  /// they take. A line that cannot be a text ends the work.
  size_t splitLines(Array<char> &buffer, size_t scanned, bool at_end) {
    constexpr size_t kLongest = 1 << 20;
    texts.clear();
    if (at_end && !buffer.empty() && buffer[buffer.size() - 1] != '\n' && !buffer.push('\n'))
      return outOfMemory(), 0;
    for (size_t start = 0;;) {
      const size_t from = std::max(start, scanned);
      char *at = buffer.data() + start;
      auto *end = from < buffer.size()
                      ? static_cast<char *>(std::memchr(buffer.data() + from, '\n', buffer.size() - from))
                      : nullptr;
      if ((end ? end : buffer.end()) - at > static_cast<ptrdiff_t>(kLongest))
        return refuse(kExitInput, texts.size(), "longer than the maximum of %zu bytes", kLongest), start;
      if (!end)
        return start;
      if (std::memchr(at, 0, static_cast<size_t>(end - at)))
        return refuse(kExitInput, texts.size(), "a NUL byte, expected UTF-8 text"), start;
      *end = 0;
      if (end > at && end[-1] == '\r')
        end[-1] = 0;
      if (!texts.push(at))
        return outOfMemory(), 0;
      start = static_cast<size_t>(end - buffer.data()) + 1;
    }
  }

  int runStdin() {
    constexpr size_t kChunk = 65536;
    Array<char> buffer;
    for (;;) {
      size_t held = buffer.size();
      if (!buffer.resize(held + kChunk + 1))
        return outOfMemory();
      ssize_t got = read(STDIN_FILENO, buffer.data() + held, kChunk);
      if (got < 0 && errno != EINTR)
        return fail(kExitInput, "cannot read standard input");
      (void)buffer.resize(held + static_cast<size_t>(std::max<ssize_t>(got, 0)));
      size_t taken = splitLines(buffer, held, got == 0);
      if (failure)
        return failure;
      if (!texts.empty() || pending)
        if (int code = round(); code || std::ferror(stdout))
          return code;
      std::copy(buffer.begin() + taken, buffer.end(), buffer.begin());
      (void)buffer.resize(buffer.size() - taken);
      if (got == 0)
        return kExitOk;
    }
  }

  int run() {
    if (int code = open())
      return code;
    bool from_stdin =
        line.texts.empty() || (line.ids && line.texts.size() == 1 && std::string_view(line.texts[0]) == "-");
    if (from_stdin) {
      what = "line";
      return runStdin();
    }
    return texts.append(line.texts.data(), line.texts.size()) ? round() : outOfMemory();
  }
};

} // namespace

int runInputs(const CommandLine &line, decant_model *model) { return Runner(line, model).run(); }

} // namespace decant::rt
