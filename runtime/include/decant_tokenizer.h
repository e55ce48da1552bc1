/* decant_tokenizer.h: the layout of a tokenizer's tables, one block that compiler/text writes and runtime/text reads.
 *
 * Little-endian, 8-byte aligned, no pointers: a decant_range is bytes from the block's start and a count of elements.
 * Nothing depends on files or on a regular-expression engine: patterns are parameters of a splitter, classes of
 * characters are ranges. Everything is checked once, when a model is opened (runtime/text/tokenizer.cpp). */
#ifndef DECANT_TOKENIZER_H
#define DECANT_TOKENIZER_H

#include "decant_module.h"

#define DECANT_TOKENIZER_MAGIC "DECTOK1" /* 8 bytes with the NUL */

enum decant_tokenizer_model { DECANT_TOKENIZER_BPE = 0, DECANT_TOKENIZER_UNIGRAM = 1 };

enum decant_tokenizer_flag {
  DECANT_TOKENIZER_BYTES = 1,         /* BPE starts from bytes, keys are bytes; else from characters */
  DECANT_TOKENIZER_BYTE_FALLBACK = 2, /* an unknown character becomes the ids of its bytes */
  DECANT_TOKENIZER_FUSE_UNKNOWN = 4,  /* neighbouring unknown characters are one id */
  DECANT_TOKENIZER_WHOLE_WORDS = 8,   /* a word that is a key is its id, whatever the merges say */
  DECANT_TOKENIZER_STRIP = 16,        /* decoding drops one leading space of the text */
  DECANT_TOKENIZER_STRIP_FIRST = 32,  /* decoding drops the leading space of the first piece */
  DECANT_TOKENIZER_STRIP_ENDS = 64,   /* decoding drops the white space at both ends */
  DECANT_TOKENIZER_FLOAT_SUMS = 128,  /* unigram: sums of scores are rounded to f32, as SentencePiece has them */
  DECANT_TOKENIZER_LANGUAGE = 256     /* a text that begins with ">>" begins with a language token, through "<<" */
};

/* Bits of an id. */
enum decant_piece_bits {
  DECANT_PIECE_SPECIAL = 1, /* left out of the text */
  DECANT_PIECE_BYTE = 2     /* one byte of a character */
};

typedef struct decant_merge {
  int32_t right, id; /* left + right = id */
  uint32_t rank;     /* smaller ones first */
} decant_merge;      /* sorted by right within a left */

enum decant_added_bits {
  DECANT_ADDED_NORMALIZED = 1, /* looked for behind the normalizer, else before it */
  DECANT_ADDED_LSTRIP = 2,     /* takes white space on its left, right */
  DECANT_ADDED_RSTRIP = 4,
  DECANT_ADDED_SINGLE_WORD = 8 /* not within a word */
};
typedef struct decant_added {
  decant_range text;
  int32_t id;
  uint32_t bits;
} decant_added; /* longest first */

enum decant_text_op {
  /* normalizers: text -> text */
  DECANT_TEXT_NFC = 0,
  DECANT_TEXT_PREPEND = 1,  /* a before text that is not empty */
  DECANT_TEXT_REPLACE = 2,  /* every a by b */
  DECANT_TEXT_STRIP = 3,    /* each a, or where that is empty all white space, goes at: value bit 0 the left, bit 1 the
                               right end */
  DECANT_TEXT_COLLAPSE = 4, /* runs of two spaces or more become b */
  DECANT_TEXT_CHARSMAP = 5, /* a: SentencePiece's precompiled map (below); value 1: by clusters, 0: the longest key at
                               each place */
  /* pre-tokenizers: text -> words */
  DECANT_TEXT_PATTERN = 32,    /* value: decant_pattern_bits */
  DECANT_TEXT_DIGITS = 33,     /* value 1: each digit, 0: each run of digits is a word */
  DECANT_TEXT_BYTE_SPACE = 34, /* a space before text that does not begin with one */
  DECANT_TEXT_METASPACE = 35,  /* spaces become a; value bits 0-1: a before the text never, always, first text only; bit
                                  2:  words begin at each a */
  DECANT_TEXT_SPACES = 36,     /* words end behind each a */
  DECANT_TEXT_WHITESPACE = 37  /* words are what stands between white space */
};

/* The patterns of GPT-2 and its heirs: contractions | letters | digits | other characters | white space. */
enum decant_pattern_bits {
  DECANT_PATTERN_ANY_CASE = 1, /* contractions: in any case; else lower case */
  DECANT_PATTERN_LEAD =
      2, /* letters take one character that is no letter, digit or line end before them; else a space */
  DECANT_PATTERN_DIGITS_SHIFT = 2, /* bits 2-3: digits a word at most; 0 = any number, behind a space */
  DECANT_PATTERN_LINES = 16 /* other characters take the line ends behind them; white space ends with its last line */
};

typedef struct decant_text_step {
  uint32_t op; /* decant_text_op */
  uint32_t value;
  decant_range a, b; /* bytes */
} decant_text_step;

/* A precompiled map of SentencePiece: uint32_t bytes of the trie; the trie, a double array of uint32_t units
 * (Darts-clone); texts that end in NUL each. What a key becomes is the text at its value. */

/* Classes of the characters from `first` to the next entry's. */
enum decant_class_bits {
  DECANT_CLASS_LETTER = 1,
  DECANT_CLASS_NUMBER = 2,
  DECANT_CLASS_SPACE = 4,
  DECANT_CLASS_WORD = 8,       /* \w of Unicode, UTS #18 */
  DECANT_CLASS_BREAK_SHIFT = 8 /* from this bit on: decant_break, where a charsmap goes by clusters */
};
/* Grapheme_Cluster_Break of a character (UAX #29). */
enum decant_break {
  DECANT_BREAK_OTHER = 0,
  DECANT_BREAK_CR = 1,
  DECANT_BREAK_LF = 2,
  DECANT_BREAK_CONTROL = 3,
  DECANT_BREAK_EXTEND = 4,
  DECANT_BREAK_JOINER = 5, /* ZWJ */
  DECANT_BREAK_SPACING = 6,
  DECANT_BREAK_PREPEND = 7,
  DECANT_BREAK_REGIONAL = 8,
  DECANT_BREAK_PICTOGRAPH = 9,
  DECANT_BREAK_L = 10, /* Hangul, as the next */
  DECANT_BREAK_V = 11,
  DECANT_BREAK_T = 12,
  DECANT_BREAK_LV = 13,
  DECANT_BREAK_LVT = 14
};
typedef struct decant_class {
  uint32_t first, bits;
} decant_class;

/* Canonical forms (UAX #15): the full decomposition of a character, the pairs that compose, canonical combining
 * classes. */
typedef struct decant_decomposition {
  uint32_t character, first, count; /* of `decomposed`; sorted by character */
} decant_decomposition;
typedef struct decant_composition {
  uint32_t a, b, character; /* sorted by a, b */
} decant_composition;
typedef struct decant_combining {
  uint32_t character, combining_class; /* sorted; 0 is left out */
} decant_combining;

/* A conversation. TURNS: bos, then for each message before[role] text after[role]; at the end `generation`. LLAMA2: the
 * same without bos and `generation`, and the system's part stands at the beginning of the first user's text. */
enum decant_chat_kind { DECANT_CHAT_NONE = 0, DECANT_CHAT_TURNS = 1, DECANT_CHAT_UNKNOWN = 2, DECANT_CHAT_LLAMA2 = 3 };
typedef struct decant_chat {
  uint32_t kind;          /* decant_chat_kind; UNKNOWN: the folder has a template that decant does not know */
  uint32_t trims;         /* 1: white space at the ends of a text goes */
  decant_range bos;       /* bytes, as all of these */
  decant_range before[3]; /* system, user, assistant */
  decant_range after[3];
  decant_range generation;
  decant_range default_system; /* of conversations that bring none; empty: none */
} decant_chat;

typedef struct decant_language {
  decant_range code; /* bytes */
  int32_t id;
  uint32_t reserved;
} decant_language;

typedef struct decant_tokenizer {
  char magic[8];
  uint32_t model;           /* decant_tokenizer_model */
  uint32_t flags;           /* decant_tokenizer_flag */
  int32_t unknown_id;       /* -1: an unknown character is an error */
  uint32_t source_language; /* 1 + the place among prefix and suffix of the source's language; 0: none */
  double unknown_score;     /* unigram: of a character that is in no piece */
  decant_range pieces;      /* decant_range an id: the bytes that decoding gives */
  decant_range keys;        /* decant_range an id: the bytes that the model matches; those behind the vocabulary's are
                               pieces that the vocabulary lacks: they become unknown_id */
  decant_range bits;        /* uint8_t an id: decant_piece_bits */
  decant_range order;       /* uint32_t: ids that the model gives, sorted by their keys */
  decant_range names;  /* uint32_t: ids of texts that are not the model's, sorted by their keys: an unknown text that is
                          one becomes its id */
  decant_range bytes;  /* int32_t, 256: id of a byte, -1: none; or empty */
  decant_range starts; /* uint32_t, ids + 1: where the merges of a left id begin; or empty */
  decant_range merges; /* decant_merge */
  decant_range scores; /* double an id: unigram */
  decant_range added;  /* decant_added */
  decant_range steps;  /* decant_text_step: normalizers, then pre-tokenizers */
  decant_range prefix; /* int32_t: ids around every text */
  decant_range suffix;
  decant_range languages; /* decant_language */
  decant_range classes;   /* decant_class, from character 0 on */
  decant_range decompositions, compositions, combining;
  decant_range decomposed; /* uint32_t */
  decant_chat chat;
} decant_tokenizer;

#endif
