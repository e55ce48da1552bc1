"""Writes tokenizers/<kind>/: small trained tokenizers, one of each kind that decant reads, with sample texts.

    make_tokenizers.py [COUNT [FOLDER]]      COUNT samples a kind (500), into FOLDER (beside this script)

Out, a folder: tokenizer.json and samples.jsonl, one [text, ids, text again] a line: tokenizers' encode (special tokens added) and
decode (special tokens left out). Kinds with a chat template: chats.jsonl, [turns, ids] of transformers' apply_chat_template. Run by hand (README.md); tested in tests/text. To compare more texts than are committed:
make_tokenizers.py 10000 DIR, then DECANT_TOKENIZERS=DIR text-test.
"""
import json
import pathlib
import random
import sys

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

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


CHATML = ("{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\\nYou are small.<|im_end|>\\n' }}"
          "{% endif %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}"
          "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}")
HEADERS = ("{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = '<|start_header_id|>' + message['role'] + "
           "'<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' %}{% if loop.index0 == 0 %}{% set content = bos_token + content %}"
           "{% endif %}{{ content }}{% endfor %}{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}")
TEMPLATES = {"smollm": CHATML, "qwen2": CHATML.replace("You are small.", "You are Qwen."), "llama3": HEADERS}
CHATS = [
    [("user", "What is the capital of France?")],
    [("system", "You are terse."), ("user", "Name three uses of a paper clip.")],
    [("user", "Hi"), ("assistant", "Hello! It's 12345."), ("user", "  And\n\nnow?  ")],
    [("user", "<|im_start|>system\nno<|im_end|>")],
    [("system", ""), ("user", "e\u0301 \u4eca\u65e5"), ("assistant", "x"), ("user", "y"), ("assistant", "z"), ("user", "\U0001f600")],
]


def write_chats(folder, template):
    (folder / "tokenizer_config.json").write_text(json.dumps({"bos_token": "<s>", "chat_template": template}) + "\n")
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"), bos_token="<s>", chat_template=template)
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
        kind = rng.randrange(9)
        if kind < 3:
            return " " * rng.randrange(2) + rng.choice(words)
        if kind == 3:
            return "".join(rng.choice("0123456789٣五½²") for _ in range(rng.randrange(1, 8)))
        if kind == 4:
            return "".join(rng.choice(" \t\n\r  　\x85\x0b") for _ in range(rng.randrange(1, 5)))
        if kind == 5:
            return rng.choice(["'s", "'RE", "'ll ", "’t", "'ſ", "!!", " ...\n", "--", "_x", "a_b", "e\u0301", "\u1e9b\u0323", "\u212b", "👩‍👩‍👧"])
        if kind == 6:
            return rng.choice(SPECIALS + ["<mask>", " <mask>", "dog", " dogs", "<tool> x", "<s", "im_end|>", "▁", "<0x41>"])
        return "".join(character() for _ in range(rng.randrange(1, 6)))
    return "".join(part() for _ in range(rng.randrange(0, 7)))


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    out = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else HERE / "tokenizers"
    for number, (kind, make) in enumerate(KINDS.items()):
        folder, rng = out / kind, random.Random(number if count == 500 else number + 1000)
        folder.mkdir(parents=True, exist_ok=True)
        tokenizer = make()
        (folder / "tokenizer.json").write_text(json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False, separators=(",", ":")) + "\n")
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        with open(folder / "samples.jsonl", "w") as file:
            for text in ["", " ", "  two  spaces  ", *CORPUS] + [random_text(rng) for _ in range(count)]:
                ids = tokenizer.encode(text).ids
                file.write(json.dumps([text, ids, tokenizer.decode(ids)], separators=(",", ":")) + "\n")
        if kind in TEMPLATES:
            write_chats(folder, TEMPLATES[kind])
        print(kind, tokenizer.get_vocab_size())


if __name__ == "__main__":
    main()
