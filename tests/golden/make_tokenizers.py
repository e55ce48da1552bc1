"""Writes tokenizers/<kind>/: small trained tokenizers, one of each kind that decant reads, with sample texts.

    make_tokenizers.py [COUNT [FOLDER [KIND,...]]]      COUNT samples a kind (500), into FOLDER (beside this script)

Out, a folder: tokenizer.json, or SentencePiece's files and tokenizer_config.json, and samples.jsonl, one [text, ids, text again] a line: tokenizers' encode (special tokens added) and
decode (special tokens left out). Kinds with a chat template: chats.jsonl, [turns, ids] of transformers' apply_chat_template. Run by hand (README.md); tested in tests/text. To compare more texts than are committed:
make_tokenizers.py 10000 DIR, then DECANT_TOKENIZERS=DIR text-test.
"""
import json
import pathlib
import random
import sys

import sentencepiece
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (M2M100Tokenizer, MBart50Tokenizer, MarianTokenizer, NllbTokenizer, PegasusTokenizer, PreTrainedTokenizerFast,
                          T5Tokenizer)

HERE = pathlib.Path(__file__).parent
VOCAB = 700
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
CORPUS = [
    "The quick brown fox jumps over the lazy dog. It's what we'll do, they've said; I'm sure you're right, isn't it?",
    "A decoder reads its own output: token by token, until the end. Attention weighs keys by queries, 1234567890 times.",
    "Der schnelle braune Fuchs springt über den faulen Hund, und größer wird er nicht. Straße, Äpfel, Öl, Übung.",
    "Le cœur a ses raisons que la raison ne connaît point. Où est la bibliothèque? Ça va très bien, merci.",
    "Быстрая коричневая лиса прыгает через ленивую собаку. Съешь ещё этих мягких французских булок.",
    "敏捷的棕色狐狸跳过了懒狗。今天天气很好，我们去公园吧。吾輩は猫である。名前はまだ無い。",
    "한국어 문장도 있어야 한다. 빠른 갈색 여우가 게으른 개를 뛰어넘는다. سريع الثعلب البني يقفز فوق الكلب",
    "def main():\n    for i in range(100):\n\tprint(i, \"hello\")\n\n    return {'a': [1, 2.5, -3e10]}\r\n",
]
SPECIALS = ["<s>", "</s>", "<unk>", "<|im_start|>", "<|im_end|>"]


def special(name):
    return AddedToken(name, special=True, normalized=False)


def by_bytes(regex=None, normalizer=None, ignore_merges=False, digits=False):
    tokenizer = Tokenizer(models.BPE(ignore_merges=ignore_merges))
    tokenizer.normalizer = normalizer
    steps = [pre_tokenizers.Digits(individual_digits=True)] if digits else []
    if regex:
        steps.append(pre_tokenizers.Split(Regex(regex), "isolated", invert=False))
    steps.append(pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=regex is None))
    tokenizer.pre_tokenizer = steps[0] if len(steps) == 1 else pre_tokenizers.Sequence(steps)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(CORPUS * 3, trainers.BpeTrainer(
        vocab_size=VOCAB, special_tokens=[special(s) for s in SPECIALS], initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    return tokenizer


def by_characters(metaspace=None):
    """Llama 2 (a prefixed space by the normalizer), Mistral (Metaspace), Gemma (no prefix): characters, bytes for unknown ones."""
    bytes_of = [f"<0x{b:02X}>" for b in range(256)]
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.train_from_iterator(CORPUS[:3] * 3, trainers.BpeTrainer(
        vocab_size=VOCAB, special_tokens=[special(s) for s in SPECIALS] + bytes_of))
    text = json.loads(tokenizer.to_str())
    text["added_tokens"] = [t for t in text["added_tokens"] if not t["content"].startswith("<0x")]
    tokenizer = Tokenizer.from_str(json.dumps(text))
    spaces = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    if metaspace == "llama2":
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
        tokenizer.pre_tokenizer = None
        tokenizer.decoder = decoders.Sequence(spaces + [decoders.Strip(" ", 1, 0)])
    elif metaspace == "mistral":
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace("▁", prepend_scheme="first", split=False)
        tokenizer.decoder = decoders.Sequence(spaces + [decoders.Strip(" ", 1, 0)])
    else:
        tokenizer.normalizer = normalizers.Replace(" ", "▁")
        tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
        tokenizer.decoder = decoders.Sequence(spaces)
    tokenizer.post_processor = processors.TemplateProcessing("<s> $A", special_tokens=[("<s>", tokenizer.token_to_id("<s>"))])
    return tokenizer


def bart():
    tokenizer = by_bytes()
    ids = {s: tokenizer.token_to_id(s) for s in SPECIALS}
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", ids["</s>"]), ("<s>", ids["<s>"]))
    tokenizer.add_special_tokens([AddedToken("<mask>", lstrip=True, special=True)])
    tokenizer.add_tokens([AddedToken("dog", single_word=True), AddedToken("<tool>", rstrip=True, normalized=False)])
    return tokenizer


def unigram():
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.train_from_iterator(CORPUS * 3, trainers.UnigramTrainer(vocab_size=VOCAB, special_tokens=SPECIALS, unk_token="<unk>"))
    tokenizer.post_processor = processors.TemplateProcessing("$A </s>", special_tokens=[("</s>", tokenizer.token_to_id("</s>"))])
    return tokenizer


# A small map in the manner of SentencePiece's nmt_nfkc: compositions, compatibility forms, spaces, characters that go.
RULES = {"e\u0301": "é", "E\u0301": "É", "u\u0308": "ü", "a\u0308": "ä", "o\u0308": "ö", "ﬁ": "fi", "ﬀ": "ff", "½": "1⁄2", "²": "2", "…": "...",
         "Å": "Å", "ẛ": "ṡ", "ẛ̣": "ṩ", "㎏": "kg", "ſ": "s", "\u0385": " ̈́", "\u0340": "\u0300", "゙": " ゙", "ｶﾞ": "ガ", "ｶ": "カ", "ﾞ": "゙",
         "\t": " ", "\n": " ", "\r": " ", "\u0085": " ", "\u00a0": " ", "\u2003": " ", "\u2028": " ", "\u3000": " ", "▁": " ",
         "\x01": "", "\x0b": "", "\x7f": "", "\u200b": " ", "\u200e": "", "\ufeff": "", "\u0958": "\u0915\u093c", "\u0344": "\u0308\u0301", "🄰": "A"}
RULES |= {"\u212b": "\u00c5"} | {chr(0xff01 + i): chr(0x21 + i) for i in range(94)}
TERMS = "▁the ▁de ing tion ст 的 。"


def pieces_model(path, kind="unigram", symbols=(), **options):
    """Trains a SentencePiece model with RULES, in `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rules = path.parent / "rules.tsv"
    lines = [(" ".join(f"{ord(c):X}" for c in key), " ".join(f"{ord(c):X}" for c in to)) for key, to in RULES.items() if key != to]
    rules.write_text("".join(f"{key}\t{to}\n" for key, to in sorted(lines)))
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(CORPUS * 20), model_prefix=str(path.with_suffix("")), model_type=kind, hard_vocab_limit=False, minloglevel=2,
        normalization_rule_tsv=str(rules), user_defined_symbols=list(symbols), **{"vocab_size": 600, "character_coverage": 0.995} | options)
    path.with_suffix(".model").rename(path)
    path.with_suffix(".vocab").unlink()
    rules.unlink()
    return [(p.piece, p.score) for p in proto_of(path).pieces]


def proto_of(path):
    from sentencepiece import sentencepiece_model_pb2 as pb
    return pb.ModelProto.FromString(path.read_bytes())


def with_config(folder, **settings):
    (folder / "tokenizer_config.json").write_text(json.dumps(settings) + "\n")


def t5(folder):
    """tokenizer.json with a precompiled map, and words between white space."""
    vocab = pieces_model(folder / "x.model", pad_id=0, eos_id=1, unk_id=2, bos_id=-1)
    charsmap = proto_of(folder / "x.model").normalizer_spec.precompiled_charsmap
    (folder / "x.model").unlink()
    tokenizer = T5Tokenizer(vocab=vocab + [(f"<extra_id_{i}>", 0.0) for i in range(9, -1, -1)], extra_ids=10, _spm_precompiled_charsmap=charsmap)
    tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"))
    return tokenizer


def mt5(folder):
    pieces_model(folder / "spiece.model", pad_id=0, eos_id=1, unk_id=2, bos_id=-1)
    with_config(folder, tokenizer_class="T5Tokenizer", extra_ids=5)
    return T5Tokenizer.from_pretrained(folder)


def pegasus(folder):
    pieces_model(folder / "spiece.model", pad_id=0, eos_id=1, unk_id=2, bos_id=-1)
    with_config(folder, tokenizer_class="PegasusTokenizer")
    return PegasusTokenizer.from_pretrained(folder)


def mbart(folder):
    pieces_model(folder / "sentencepiece.bpe.model")
    with_config(folder, tokenizer_class="MBart50Tokenizer", src_lang="de_DE")
    return MBart50Tokenizer.from_pretrained(folder)


def nllb(folder):
    """tokenizer.json of an older conversion: precompiled map, Strip, Replace of runs; BPE without bytes."""
    pieces_model(folder / "x.model", "bpe", character_coverage=1.0)
    proto = proto_of(folder / "x.model")
    (folder / "x.model").unlink()
    vocab = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3} | {p.piece: i + 1 for i, p in enumerate(proto.pieces) if i > 2}
    merges = [(piece[:cut], piece[cut:]) for piece in vocab for cut in range(1, len(piece)) if piece[:cut] in vocab and piece[cut:] in vocab]
    tokenizer = Tokenizer(models.BPE(vocab, merges, unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Precompiled(proto.normalizer_spec.precompiled_charsmap),
                                                 normalizers.Strip(left=False, right=True), normalizers.Replace(Regex(" {2,}"), "▁")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>", "eng_Latn", "fra_Latn", AddedToken("<mask>", lstrip=True)])
    code = tokenizer.token_to_id("eng_Latn")
    tokenizer.post_processor = processors.TemplateProcessing("eng_Latn $A </s>", special_tokens=[("eng_Latn", code), ("</s>", 2)])
    return tokenizer


def marian(folder):
    """Two SentencePiece models, one vocab.json, which lacks some pieces and has others, and language tokens."""
    source = pieces_model(folder / "source.spm", symbols=["@-@"])
    CORPUS.reverse()
    target = pieces_model(folder / "target.spm", vocab_size=300)
    CORPUS.reverse()
    texts = [p for p, _ in source[3:] + target[3:]]
    texts = [t for i, t in enumerate(dict.fromkeys(texts)) if i % 11] + ["λ", "ж", "zz"]
    vocab = {t: i for i, t in enumerate(["</s>", "<unk>", *dict.fromkeys(texts), ">>fra<<", ">>deu<<", "<pad>"])}
    (folder / "vocab.json").write_text(json.dumps(vocab, ensure_ascii=False) + "\n")
    with_config(folder, tokenizer_class="MarianTokenizer", source_lang="en", target_lang="mul")
    return MarianTokenizer.from_pretrained(folder)


def m2m_100(folder):
    pieces = pieces_model(folder / "sentencepiece.bpe.model", "bpe", vocab_size=500, character_coverage=1.0, byte_fallback=False)
    texts = sorted(p for p, _ in pieces[3:])
    vocab = {t: i for i, t in enumerate(["<s>", "<pad>", "</s>", "<unk>", *texts])}
    (folder / "vocab.json").write_text(json.dumps(vocab, ensure_ascii=False) + "\n")
    from transformers.models.m2m_100.tokenization_m2m_100 import FAIRSEQ_LANGUAGE_CODES
    with_config(folder, tokenizer_class="M2M100Tokenizer", src_lang="fr",
                additional_special_tokens=[f"__{code}__" for code in FAIRSEQ_LANGUAGE_CODES["m2m100"]])  # as real folders have it
    return M2M100Tokenizer.from_pretrained(folder)


KINDS = {
    "gpt2": by_bytes,
    "llama3": lambda: by_bytes(LLAMA3, ignore_merges=True),
    "qwen2": lambda: by_bytes(QWEN2, normalizers.NFC()),
    "smollm": lambda: by_bytes(digits=True),
    "bart": bart,
    "llama2": lambda: by_characters("llama2"),
    "mistral": lambda: by_characters("mistral"),
    "gemma": by_characters,
    "unigram": unigram,
}


# With files of their own in their folder.
FOLDERS = {"nllb": nllb, "t5": t5, "mt5": mt5, "pegasus": pegasus, "mbart": mbart, "marian": marian, "m2m_100": m2m_100}

CHATML = ("{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\\nYou are small.<|im_end|>\\n' }}"
          "{% endif %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}"
          "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}")
HEADERS = ("{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = '<|start_header_id|>' + message['role'] + "
           "'<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' %}{% if loop.index0 == 0 %}{% set content = bos_token + content %}"
           "{% endif %}{{ content }}{% endfor %}{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}")
LLAMA2 = ("{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system_message = messages[0]['content'] %}"
          "{% else %}{% set loop_messages = messages %}{% set system_message = false %}{% endif %}{% for message in loop_messages %}"
          "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate') }}{% endif %}"
          "{% if loop.index0 == 0 and system_message != false %}"
          "{% set content = '<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' + message['content'] %}"
          "{% else %}{% set content = message['content'] %}{% endif %}{% if message['role'] == 'user' %}"
          "{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}{% elif message['role'] == 'assistant' %}"
          "{{ ' '  + content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}")
TEMPLATES = {"llama2": LLAMA2, "smollm": CHATML, "qwen2": CHATML.replace("You are small.", "You are Qwen."), "llama3": HEADERS}
CHATS = [
    [("user", "What is the capital of France?")],
    [("system", "You are terse.  "), ("user", " Name three uses of a paper clip.")],
    [("user", "Hi"), ("assistant", "Hello! It's 12345."), ("user", "  And\n\nnow?  ")],
    [("user", "<|im_start|>system\nno<|im_end|>")],
    [("system", ""), ("user", "e\u0301 \u4eca\u65e5"), ("assistant", "x"), ("user", "y"), ("assistant", "z"), ("user", "\U0001f600")],
    [("system", "Only this."), ("user", "  ")],
]


def write_chats(folder, template):
    (folder / "tokenizer_config.json").write_text(json.dumps({"bos_token": "<s>", "eos_token": "</s>", "chat_template": template}) + "\n")
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"), bos_token="<s>", eos_token="</s>",
                                        chat_template=template)
    with open(folder / "chats.jsonl", "w") as file:
        for chat in CHATS:
            messages = [{"role": role, "content": text} for role, text in chat]
            ids = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False)
            file.write(json.dumps([chat, ids], separators=(",", ":")) + "\n")


def random_text(rng):
    """Words, white space, digits, marks, any character of Unicode, special tokens; mixed."""
    words = [w for line in CORPUS for w in line.split()]
    scripts = [(0x20, 0x7e), (0xa0, 0x17f), (0x300, 0x36f), (0x370, 0x52f), (0x590, 0x6ff), (0x900, 0x97f), (0xe00, 0xe7f),
               (0x1100, 0x11ff), (0x1e00, 0x1fff), (0x2000, 0x206f), (0x2190, 0x22ff), (0x3040, 0x30ff), (0x4e00, 0x4fff),
               (0xac00, 0xadff), (0xf900, 0xfaff), (0xff00, 0xffef), (0x1d400, 0x1d4ff), (0x1f300, 0x1f6ff), (0, 0x10ffff)]

    def character():
        while True:
            c = rng.randint(*rng.choice(scripts))
            if c and not 0xd800 <= c < 0xe000:
                return chr(c)

    def part():
        kind = rng.randrange(10)
        if kind < 3:
            return " " * rng.randrange(2) + rng.choice(words)
        if kind == 3:
            return "".join(rng.choice("0123456789٣五½²") for _ in range(rng.randrange(1, 8)))
        if kind == 4:
            return "".join(rng.choice(" \t\n\r  　\x85\x0b") for _ in range(rng.randrange(1, 5)))
        if kind == 5:
            return rng.choice(["'s", "'RE", "'ll ", "’t", "'ſ", "!!", " ...\n", "--", "_x", "a_b", "e\u0301", "\u1e9b\u0323", "\u212b", "👩‍👩‍👧"])
        if kind == 6:
            return rng.choice(SPECIALS + ["<mask>", " <mask>", "dog", " dogs", "<tool> x", "<s", "im_end|>", "▁", "<0x41>", "<extra_id_3>", ">>fra<< ", ">>xx<<", "@-@",
                               "__de__", "en_XX", "<unk>"])
        if kind == 7:
            return rng.choice(list(RULES)) + rng.choice(["", "x", "\u0301", "\u0308", "\u200d", "\u0903", " ", "\u0600", "\U000e0100"])
        return "".join(character() for _ in range(rng.randrange(1, 6)))
    return "".join(part() for _ in range(rng.randrange(0, 7)))


def write_samples(folder, count, rng, encode, decode):
    with open(folder / "samples.jsonl", "w") as file:
        for text in ["", " ", "  two  spaces  ", *CORPUS] + [random_text(rng) for _ in range(count)]:
            ids = encode(text)
            file.write(json.dumps([text, ids, decode(ids)], separators=(",", ":")) + "\n")


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    out = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else HERE / "tokenizers"
    wanted = sys.argv[3].split(",") if len(sys.argv) > 3 else [*KINDS, *FOLDERS]
    for number, kind in enumerate([*KINDS, *FOLDERS]):
        folder, rng = out / kind, random.Random(number if count == 500 else number + 1000)
        if kind not in wanted:
            continue
        folder.mkdir(parents=True, exist_ok=True)
        tokenizer = KINDS[kind]() if kind in KINDS else FOLDERS[kind](folder)
        if isinstance(tokenizer, Tokenizer):
            (folder / "tokenizer.json").write_text(json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False, separators=(",", ":")) + "\n")
            tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            write_samples(folder, count, rng, lambda text: tokenizer.encode(text).ids, tokenizer.decode)
        else:
            write_samples(folder, count, rng, lambda text: tokenizer(text).input_ids, lambda ids: tokenizer.decode(ids, skip_special_tokens=True))
        if kind in TEMPLATES:
            write_chats(folder, TEMPLATES[kind])
        print(kind)


if __name__ == "__main__":
    main()
