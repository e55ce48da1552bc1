/* decant_module.h: the layout of a compiled module's tables. All that compiler/ and runtime/ share.
 *
 * A module (executable or shared library) holds, in section ".decant.tables", one read-only block: a
 * decant_tables_header followed by arrays of the structs below, little-endian, 8-byte aligned, free of pointers (arrays
 * are named by byte offset from the block's start), so that it can be checked and read from the file alone.
 * Symbol `decant_module` (a decant_module) points at the block and at the kernels of each target.
 * Behind the ELF image, page-aligned, lie the packed weights, then a decant_trailer as the file's last 64 bytes.
 * Every offset, count and index is validated once at open (runtime/core/module.cpp); nothing else trusts them. */
#ifndef DECANT_MODULE_H
#define DECANT_MODULE_H

#include <stdint.h>

#define DECANT_MODULE_MAGIC "DECANTM"  /* 8 bytes with the NUL */
#define DECANT_TRAILER_MAGIC "DECANTW" /* 8 bytes with the NUL */
#define DECANT_MODULE_ABI 4u
#define DECANT_TABLES_SECTION ".decant.tables"
#define DECANT_FRAMES_PER_ROW 2u /* frames of a signal side by side in a row of features of source_width columns */

/* Run-time sizes that extents and arena regions scale with. */
enum decant_size {
  DECANT_SIZE_ONE = 0,
  DECANT_SIZE_ROWS = 1,     /* R: packed new tokens of the step */
  DECANT_SIZE_OUT_ROWS = 2, /* rows whose logits / output are wanted */
  DECANT_SIZE_SEQS = 3,     /* B: sequences of the step */
  DECANT_SIZE_TILES = 4,    /* query tiles of the step */
  DECANT_SIZE_COUNT = 5
};

enum decant_storage {
  DECANT_STORE_ARENA = 0,  /* region = ROWS or OUT_ROWS; address = region base + offset * region capacity */
  DECANT_STORE_WEIGHT = 1, /* index = weight */
  DECANT_STORE_INPUT = 2,  /* index = decant_input */
  DECANT_STORE_KPOOL = 3,  /* index = cache */
  DECANT_STORE_VPOOL = 4,
  DECANT_STORE_PARAM = 5 /* index = mask parameter; extents and strides come from the run time */
};

/* What the runtime computes before each step (bookkeeping, no model arithmetic). i32 unless said. */
enum decant_input {
  DECANT_INPUT_IDS = 0,         /* (R) token ids */
  DECANT_INPUT_POSITIONS = 1,   /* (R) absolute positions */
  DECANT_INPUT_FEATURES = 2,    /* (columns, R) f32: given by the caller instead of ids; columns = source_width in
                                   @encode, else width */
  DECANT_INPUT_OUT_ROWS = 3,    /* (OUT_ROWS) rows whose result is wanted; padded with 8 zeros */
  DECANT_INPUT_TILES = 4,       /* (4, TILES): sequence, first row, rows, position; for the chosen row class */
  DECANT_INPUT_SELF_TABLE = 5,  /* (max_blocks, B) block table, self cache; max_blocks = ceil(max_context /
                                   block_tokens),  of the cross and local caches ceil(max_source / block_tokens) */
  DECANT_INPUT_SELF_LEN = 6,    /* (B) keys in the cache, this step's included */
  DECANT_INPUT_SELF_BLOCK = 7,  /* (R) block each new row goes to */
  DECANT_INPUT_SELF_TOKEN = 8,  /* (R) token in that block */
  DECANT_INPUT_CROSS_TABLE = 9, /* the same four for the cross cache */
  DECANT_INPUT_CROSS_LEN = 10,
  DECANT_INPUT_CROSS_BLOCK = 11,
  DECANT_INPUT_CROSS_TOKEN = 12,
  DECANT_INPUT_LOCAL_TABLE = 13, /* the same four for keys that live for one call (encoder self-attention) */
  DECANT_INPUT_LOCAL_LEN = 14,
  DECANT_INPUT_LOCAL_BLOCK = 15,
  DECANT_INPUT_LOCAL_TOKEN = 16,
  DECANT_INPUT_WINDOW_TABLE = 17, /* as the self cache's four, for caches that keep the newest positions alone: entries
                                     of blocks that were given back are 0 */
  DECANT_INPUT_WINDOW_LEN = 18,   /* the sequence's length, older keys included */
  DECANT_INPUT_WINDOW_BLOCK = 19,
  DECANT_INPUT_WINDOW_TOKEN = 20,
  DECANT_INPUT_COUNT = 21
};

enum decant_cache_kind {
  DECANT_CACHE_SELF = 0,
  DECANT_CACHE_CROSS = 1,
  DECANT_CACHE_LOCAL = 2,
  DECANT_CACHE_WINDOW = 3, /* a self cache of which no query reads more than the newest positions */
  DECANT_CACHE_KINDS = 4
};
enum decant_type { DECANT_F32 = 0, DECANT_I32 = 1, DECANT_U8 = 2 };
enum decant_row_class { DECANT_ROWS_ONE = 0, DECANT_ROWS_FEW = 1, DECANT_ROWS_MANY = 2, DECANT_ROW_CLASSES = 3 };
/* Rows of a tile at most, by the row class of steps over TILES. */
enum decant_tile_rows { DECANT_TILE_ROWS_ONE = 1, DECANT_TILE_ROWS_FEW = 8, DECANT_TILE_ROWS_MANY = 32 };

/* `count` elements at `offset` bytes from the start of the tables. */
typedef struct decant_range {
  uint32_t offset;
  uint32_t count;
} decant_range;

typedef struct decant_dim {
  int32_t extent; /* extent = extent + factor * sizes[size] */
  int32_t factor;
  uint32_t size;  /* decant_size */
  int32_t stride; /* elements */
} decant_dim;

typedef struct decant_buffer {
  uint8_t storage; /* decant_storage */
  uint8_t type;    /* decant_type */
  uint8_t rank;    /* 1..4 */
  uint8_t region;  /* arena: decant_size */
  uint32_t index;
  uint64_t offset;      /* arena: bytes per unit of capacity */
  uint64_t view_offset; /* bytes added to the address */
  decant_dim dims[4];   /* innermost first */
} decant_buffer;

typedef struct decant_step {
  uint32_t kernel[DECANT_ROW_CLASSES]; /* index into the kernels of a target */
  uint32_t rows;                       /* decant_size that picks the row class: ROWS, OUT_ROWS or TILES */
  decant_range args;                   /* uint32_t buffer indices, in the kernel's argument order */
  decant_range name;                   /* UTF-8, e.g. "decoder.layers.0.self_attn: attention" */
} decant_step;

enum decant_entry_kind { DECANT_ENTRY_ENCODE = 0, DECANT_ENTRY_DECODE = 1, DECANT_ENTRY_KINDS = 2 };
typedef struct decant_entry {
  uint32_t present;
  uint32_t output; /* buffer index of the result (logits, or hidden states); UINT32_MAX = none */
  uint32_t hidden; /* buffer index of the last hidden state for eval (encode); UINT32_MAX = none */
  uint32_t reserved;
  uint64_t row_bytes;     /* arena bytes per row of capacity */
  uint64_t out_row_bytes; /* arena bytes per output row of capacity */
  decant_range steps;
} decant_entry;

typedef struct decant_weight {
  decant_range name;
  uint64_t offset; /* from the start of the weights in the file; 64-byte aligned */
  uint64_t bytes;
} decant_weight;

typedef struct decant_cache {
  uint32_t kind; /* decant_cache_kind */
  uint32_t kv_heads;
  uint32_t head_dim;
  uint32_t window; /* kind WINDOW: a query at position p reads no key at or before p - window; others: 0 */
} decant_cache;

/* A mask parameter that a caller may give; absent = the neutral element, broadcast (strides 0). Indices, outermost
 * first: rank 1 is [b], rank 4 is [b][h][q][k]. Names of a torch decoder: self_causal (i32, rank 1), self_keep,
 * cross_keep (u8, rank 4), self_bias, cross_bias (f32, rank 4); a name that begins with "cross" indexes keys of the
 * cross cache. */
typedef struct decant_param {
  decant_range name; /* e.g. "tgt_mask" */
  uint32_t type;     /* decant_type */
  uint32_t rank;
  float neutral;  /* value that stands for an absent parameter */
  uint32_t flags; /* DECANT_PARAM_SORTED: every row (last dimension) ascends */
} decant_param;
#define DECANT_PARAM_SORTED 1u

typedef struct decant_target {
  decant_range name;     /* "x86-64-v3" */
  decant_range features; /* comma-separated CPU features that its kernels need, as in /proc/cpuinfo: "avx2,fma,f16c" */
} decant_target;

typedef struct decant_kernel_info {
  decant_range symbol;
  decant_range spec;
} decant_kernel_info;

/* Defaults of generation_config.json; HF names and meanings. */
typedef struct decant_generation {
  int32_t bos_token_id, pad_token_id, decoder_start_token_id;     /* -1 = none */
  int32_t forced_bos_token_id, forced_eos_token_id;               /* -1 = none */
  int32_t max_length, min_length, max_new_tokens, min_new_tokens; /* -1 = none */
  int32_t num_beams, early_stopping;                              /* 0 false, 1 true, 2 never */
  int32_t do_sample;                                              /* 0 or 1 */
  int32_t top_k, no_repeat_ngram_size;                            /* 0 = off */
  float length_penalty;
  float temperature, top_p, min_p, repetition_penalty; /* neutral: 1, 1, 0, 1 */
  decant_range eos_token_ids;                          /* int32_t */
  decant_range suppress_tokens;                        /* int32_t */
  decant_range begin_suppress_tokens;                  /* int32_t */
  decant_range bad_words_ids;                          /* int32_t: sequences that must not appear, each ended by -1 */
  decant_range decoder_prompt; /* int32_t: what the decoder starts with; empty = the start token alone */
} decant_generation;

enum decant_text_kind { DECANT_TEXT_NONE = 0, DECANT_TEXT_CHARS = 1, DECANT_TEXT_TOKENIZER = 2 };
/* Character map: a text is prefix ids + one id a Unicode character + suffix ids. */
typedef struct decant_char {
  uint32_t codepoint;
  int32_t id;
} decant_char; /* sorted by codepoint */
typedef struct decant_text {
  uint32_t kind;
  int32_t unknown_id;    /* -1: an unknown character is an error */
  decant_range chars;    /* decant_char */
  decant_range prefix;   /* int32_t */
  decant_range suffix;   /* int32_t */
  decant_range pieces;   /* decant_range, one an id: UTF-8 text of the id; count = vocabulary */
  decant_range specials; /* int32_t ids left out of the text */
  decant_range blob;     /* bytes, kind TOKENIZER: layout in decant_tokenizer.h; the fields above are empty then */
} decant_text;

enum decant_model_kind {
  DECANT_MODEL_ENCODER_DECODER = 0,
  DECANT_MODEL_DECODER_ONLY = 1,
  DECANT_MODEL_TORCH_DECODER = 2
};

typedef struct decant_tables_header {
  char magic[8];
  uint32_t abi;
  uint32_t machine;      /* ELF e_machine */
  uint64_t tables_bytes; /* this header included */
  uint64_t tables_hash;  /* XXH3-64 of all bytes from `weights_bytes` on to the end of the tables */
  uint64_t weights_bytes;
  uint64_t weights_hash; /* XXH3-64 of the weights */
  uint32_t model_kind;   /* decant_model_kind */
  uint32_t vocab;        /* columns of the logits; 0 = none */
  uint32_t width;        /* E */
  uint32_t max_batch;
  uint32_t max_context; /* tokens of the decoder's cache */
  uint32_t max_source;  /* tokens of the encoder's input / memory */
  uint32_t block_tokens;
  uint32_t batch_first;  /* torch decoder: 1 = tensors of eval are (batch, tokens, width), 0 = (tokens, batch, width) */
  uint32_t window;       /* the largest window of a cache: they share blocks; 0 = no cache of kind WINDOW */
  uint32_t source_width; /* columns of the features that @encode takes; 0 = it takes ids, or there is none */
  uint32_t heads;        /* the most query heads of an attention; 0 = none */
  uint32_t reserved;
  decant_range compiler_version; /* UTF-8 */
  decant_range model_name;       /* UTF-8 */
  decant_range dtype;            /* UTF-8 */
  decant_range targets;          /* decant_target, best last */
  decant_range kernels;          /* decant_kernel_info, targets x kernels: count = targets.count * kernels a target */
  decant_range buffers;          /* decant_buffer */
  decant_range weights;          /* decant_weight */
  decant_range caches;           /* decant_cache */
  decant_range params;           /* decant_param */
  decant_entry entries[DECANT_ENTRY_KINDS];
  decant_generation generation;
  decant_text text;
} decant_tables_header;

typedef int (*decant_kernel)(void **args); /* Halide's _argv convention; args[0] = &user_context */

typedef struct decant_module {
  const decant_tables_header *tables;
  const decant_kernel *kernels; /* targets x kernels, in the order of tables->kernels */
} decant_module;

/* The file's last 64 bytes. */
typedef struct decant_trailer {
  char magic[8];
  uint32_t abi;
  uint32_t reserved;
  uint64_t weights_offset; /* from the start of the file, page-aligned */
  uint64_t weights_bytes;
  uint64_t file_bytes;   /* the whole file, this trailer included */
  uint64_t tables_hash;  /* equals the header's */
  uint64_t trailer_hash; /* XXH3-64 of the fields before it */
  uint64_t padding;
} decant_trailer;

/* What a kernel's user context starts with: kernels of a library reach the runtime through it alone.
 * The hooks have the meaning of Halide's halide_do_par_for, halide_malloc, halide_free and halide_error. */
typedef int (*decant_task)(void *user_context, int index, uint8_t *closure);
typedef struct decant_kernel_context {
  int (*par_for)(struct decant_kernel_context *, decant_task, int min, int size, uint8_t *closure);
  void *(*allocate)(struct decant_kernel_context *, uint64_t bytes); /* 64-byte aligned; NULL = out of memory */
  void (*release)(struct decant_kernel_context *, void *);
  void (*error)(struct decant_kernel_context *, const char *message);
} decant_kernel_context;

#endif
