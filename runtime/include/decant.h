/* decant.h: run a model that `decant compile` made. C99 to C++20; needs libc and libm only.
 *
 *   decant_model    what a file holds. Immutable: may be shared by threads. Outlives its sessions.
 *   decant_session  sequences, KV cache, scratch memory, threads. One thread at a time.
 *   slot            one sequence in a session. A step takes any set of (slot, new tokens).
 *
 * Every call returns a decant_status; out-parameters come last and are untouched on failure; the text of the last
 * failure is decant_session_message(). release(NULL) is a no-op. Nothing here prints, aborts, exits or throws. Option
 * structs begin with struct_size = sizeof(the struct): a newer library takes an older caller's struct; NULL = defaults.
 * A sequence's results are the same bits alone or in any batch, with any thread count, its tokens fed at once or one by
 * one. */
#ifndef DECANT_H
#define DECANT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define DECANT_MUST_USE __attribute__((warn_unused_result))
#define DECANT_API __attribute__((visibility("default")))
#else
#define DECANT_MUST_USE
#define DECANT_API
#endif

typedef enum decant_status {
  DECANT_OK = 0,
  DECANT_INVALID_ARGUMENT = 1,    /* the caller's arguments are wrong */
  DECANT_DATA_LOSS = 2,           /* the file is damaged, truncated, or no module at all */
  DECANT_NOT_FOUND = 3,           /* no such file */
  DECANT_UNIMPLEMENTED = 4,       /* this model has no such operation */
  DECANT_FAILED_PRECONDITION = 5, /* missing CPU feature, other architecture, other ABI */
  DECANT_OUT_OF_RANGE = 6,        /* context full, or no free slot: retryable, state intact */
  DECANT_RESOURCE_EXHAUSTED = 7,  /* out of memory */
  DECANT_CANCELLED = 8,           /* a callback asked to stop */
  DECANT_INTERNAL = 9             /* a bug in decant */
} decant_status;

typedef struct decant_model decant_model;
typedef struct decant_session decant_session;

/* Version of this header's functions: major * 1000 + minor. */
DECANT_API uint32_t decant_api_version(void);
/* "ok", "invalid argument", ... Static storage. */
DECANT_API const char *decant_status_name(decant_status status);

/* ---- model ---- */

typedef struct decant_model_options {
  size_t struct_size;
  int verify_weights; /* nonzero: check the weights' checksum as well (reads all of them) */
} decant_model_options;

/* Opens the module at `path` (a library that decant compile wrote), or with path NULL the one linked into this program.
 * On failure writes one sentence, NUL-terminated, into message (message_bytes long; may be NULL with 0).
 * The environment variable DECANT_CPU_FEATURES, a comma-separated list, replaces what CPUID says (for tests);
 * DECANT_TARGET names the one target to run. */
DECANT_API DECANT_MUST_USE decant_status decant_model_open(const char *path, const decant_model_options *options,
                                                           char *message, size_t message_bytes,
                                                           decant_model **out_model);
DECANT_API void decant_model_release(decant_model *model);

typedef struct decant_model_info {
  size_t struct_size;
  const char *name, *target, *dtype, *compiler_version; /* live as long as the model */
  int32_t kind;                                         /* 0 encoder-decoder, 1 decoder-only, 2 torch decoder */
  int32_t vocab;                                        /* columns of the logits, 0 = none */
  int32_t width;                                        /* columns of embeddings and hidden states */
  int32_t max_batch, max_context, max_source;
  int32_t bos_token_id, pad_token_id, decoder_start_token_id; /* -1 = none */
  uint64_t weight_bytes;
  int32_t source_width; /* columns of the features that decant_encode takes; 0 = it takes ids, or there is none */
} decant_model_info;
/* Fills as much of *out_info as its struct_size covers. */
DECANT_API DECANT_MUST_USE decant_status decant_model_get_info(const decant_model *model, decant_model_info *out_info);

/* ---- text ---- */

/* Text (UTF-8) to ids. Writes at most capacity ids, always sets *out_count to the number needed.
 * INVALID_ARGUMENT: not UTF-8, or a character that the model does not know (message names it). UNIMPLEMENTED: no text
 * tables. */
DECANT_API DECANT_MUST_USE decant_status decant_text_encode(const decant_model *model, const char *text, int32_t *ids,
                                                            size_t capacity, char *message, size_t message_bytes,
                                                            size_t *out_count);
/* Ids to text, special ids left out. Writes at most capacity bytes, NUL included; *out_bytes = bytes needed without
 * NUL. */
DECANT_API DECANT_MUST_USE decant_status decant_text_decode(const decant_model *model, const int32_t *ids, size_t count,
                                                            char *text, size_t capacity, size_t *out_bytes);

/* A translator's languages, by its tokenizer's codes: "fr" (M2M-100), "fra_Latn" (NLLB), "fr_XX" (mBART).
 * decant_text_language: the id of a language; the target's is forced_bos_token_id. decant_text_set_source: ids that
 * decant_text_encode gave are in the language with this id, not in the default one. INVALID_ARGUMENT: the model does
 * not know the code, or says its source's language by no id. */
DECANT_API DECANT_MUST_USE decant_status decant_text_language(const decant_model *model, const char *code,
                                                              char *message, size_t message_bytes, int32_t *out_id);
DECANT_API DECANT_MUST_USE decant_status decant_text_set_source(const decant_model *model, int32_t language,
                                                                int32_t *ids, size_t count);

/* One turn of a conversation; role: "system", "user" or "assistant". */
typedef struct decant_chat_message {
  const char *role, *text;
} decant_chat_message;
/* A conversation, by the model's chat template, to the ids that its next answer continues. As decant_text_encode.
 * UNIMPLEMENTED: the model has no template, or one that decant does not know (message says so). */
DECANT_API DECANT_MUST_USE decant_status decant_text_chat(const decant_model *model,
                                                          const decant_chat_message *messages, size_t count,
                                                          int32_t *ids, size_t capacity, char *message,
                                                          size_t message_bytes, size_t *out_count);

/* ---- audio ---- */

/* A WAV file of 16-bit PCM samples (any rate, channels are averaged) as the features that a speech model's encoder
 * takes: windows of max_source rows of source_width, one after another (Whisper: 30 s each). Release *out_features with
 * decant_audio_release. INVALID_ARGUMENT: another kind of file (message says what was found). */
DECANT_API DECANT_MUST_USE decant_status decant_audio_read(const decant_model *model, const char *path, char *message,
                                                           size_t message_bytes, float **out_features,
                                                           size_t *out_windows);
DECANT_API void decant_audio_release(float *features);

/* ---- session ---- */

typedef struct decant_session_options {
  size_t struct_size;
  int32_t threads;   /* 0 = all cores that this process may use; 1 = no pool */
  int32_t max_slots; /* 0 = max_batch of the model; each beam takes one */
} decant_session_options;

DECANT_API DECANT_MUST_USE decant_status decant_session_create(decant_model *model,
                                                               const decant_session_options *options,
                                                               decant_session **out_session);
DECANT_API void decant_session_release(decant_session *session);
/* Text of the last failure; "" if none. Valid until the next call on the session. With NULL: why this thread's last
 * decant_session_create failed, "" if it did not; valid until the thread's next one. */
DECANT_API const char *decant_session_message(const decant_session *session);

/* Slots open empty. fork copies a sequence by sharing its cache blocks (copy of the last, partial one only). */
DECANT_API DECANT_MUST_USE decant_status decant_slot_open(decant_session *session, int32_t *out_slot);
DECANT_API DECANT_MUST_USE decant_status decant_slot_fork(decant_session *session, int32_t slot, int32_t *out_slot);
DECANT_API DECANT_MUST_USE decant_status decant_slot_close(decant_session *session, int32_t slot);
/* Tokens in the slot's self-attention cache. */
DECANT_API DECANT_MUST_USE decant_status decant_slot_length(const decant_session *session, int32_t slot,
                                                            int32_t *out_tokens);

/* New rows of one sequence: ids, or embeddings for a model that takes those (torch decoder). */
typedef struct decant_rows {
  int32_t slot;
  int32_t count;         /* new tokens, >= 1 */
  const int32_t *ids;    /* (count), or NULL */
  const float *features; /* (count, width) row-major, or NULL */
} decant_rows;

/* A mask parameter by name (see `decant inspect`): strides in elements, 0 = broadcast; dims outermost first. */
typedef struct decant_mask {
  const char *name;
  const void *data; /* i32, u8 (0 / 1) or f32, as the model declares */
  int64_t extents[4];
  int64_t strides[4];
  int32_t rank;
} decant_mask;

typedef struct decant_step_options {
  size_t struct_size;
  int all_rows; /* decode: nonzero = results for every new row; 0 = for the last row of each item */
  const decant_mask *masks;
  size_t mask_count;
} decant_step_options;

/* Results of a step: `rows` rows of `columns` f32, `stride` elements apart; valid until the next step of the session.
 */
typedef struct decant_result {
  const float *data;
  size_t rows, columns, stride;
} decant_result;

/* Encoder input (ids) or memory (features) of fresh slots: fills their cross-attention cache.
 * out_hidden (may be NULL): the encoder's last hidden state, rows of all items in order (0 rows for a torch decoder).
 */
DECANT_API DECANT_MUST_USE decant_status decant_encode(decant_session *session, const decant_rows *items, size_t count,
                                                       const decant_step_options *options, decant_result *out_hidden);
/* Appends the rows to their sequences; result = logits (or hidden states of a torch decoder), items in order.
 * OUT_OF_RANGE: an item does not fit max_context, or has more than 4096 tokens for a model whose caches keep the newest
 * positions alone (the message says so): nothing was changed. */
DECANT_API DECANT_MUST_USE decant_status decant_decode(decant_session *session, const decant_rows *items, size_t count,
                                                       const decant_step_options *options, decant_result *out_result);

/* ---- generation: names, defaults and results of Hugging Face's generate() ---- */

typedef struct decant_generate_options {
  size_t struct_size;
  int32_t max_new_tokens; /* -1 = the model's default */
  int32_t min_new_tokens; /* -1 = the model's default */
  int32_t num_beams;      /* 0 = the model's default; 1 = greedy */
  int32_t early_stopping; /* -1 = the model's default; 0 false, 1 true, 2 "never" */
  float length_penalty;   /* NaN = the model's default, as for the floats below */
  int ignore_eos;
  int until_context;            /* nonzero: without max_new_tokens, up to the end of the context */
  int without_scores;           /* nonzero: results have no score (NaN), which saves a pass over the vocabulary */
  int32_t do_sample;            /* -1 = the model's default; 0, 1. Not with num_beams > 1 */
  int32_t top_k;                /* -1 = the model's default; 0 = off */
  int32_t no_repeat_ngram_size; /* -1 = the model's default; 0 = off */
  float temperature, top_p, min_p, repetition_penalty;
  uint64_t seed; /* of the samples; an input's draws depend on the seed, its index and the position alone */
  int32_t forced_bos_token_id; /* the first new id, such as a translator's target language; -1 = the model's default */
} decant_generate_options;
/* Sets struct_size and "the model's default" everywhere. */
DECANT_API void decant_generate_options_init(decant_generate_options *options);

enum decant_finish {
  DECANT_FINISH_STOP = 0,   /* an end token */
  DECANT_FINISH_LENGTH = 1, /* max_new_tokens or max_length */
  DECANT_FINISH_CONTEXT = 2 /* the context is full: a model compiled for a longer one could go on */
};
/* One finished input: ids (end token included, start token not); score = sum of log-probabilities /
 * count^length_penalty (greedy: the plain sum / count^length_penalty as well). Called in the order in which inputs
 * finish. Return nonzero to stop. */
typedef struct decant_generated {
  size_t input_index;
  const int32_t *ids;
  size_t count;
  float score;
  int finish; /* decant_finish */
} decant_generated;
typedef int (*decant_generated_fn)(void *user, const decant_generated *result);
/* Called for every token as it is made, not with beams; may be NULL. Return nonzero to stop. */
typedef int (*decant_token_fn)(void *user, size_t input_index, int32_t id);

/* A prompt, or what an encoder reads: token ids, or features (count, source_width) for a model that takes those. */
typedef struct decant_source {
  const int32_t *ids;
  size_t count;
  const float *features;
} decant_source;

/* Runs inputs in batches that fit the session's slots (continuous: a finished one makes room for the next). */
DECANT_API DECANT_MUST_USE decant_status decant_generate(decant_session *session, const decant_source *inputs,
                                                         size_t count, const decant_generate_options *options,
                                                         decant_token_fn on_token, decant_generated_fn on_result,
                                                         void *user);

#ifdef __cplusplus
}
#endif
#endif
