"""Text in, text out: a tiny random Llama with a tokenizer of tests/golden, which knows the ids; chat, streaming, sampling, the context's end."""
import array
import json
import random
import shutil
import unittest

from harness import DECANT, GOLDEN, Case, read_jsonl, read_safetensors, run, write_safetensors

TOKENIZER = GOLDEN / "tokenizers" / "smollm"
VOCAB, WIDTH, HIDDEN, CONTEXT = 700, 16, 24, 1000


def weights(rng):
    def tensor(*shape, scale=0.5, offset=0.0):
        count = shape[0] * (shape[1] if len(shape) > 1 else 1)
        return "F32", list(shape), array.array("f", (offset + rng.gauss(0, scale) for _ in range(count)))
    layer = "model.layers.0."
    sizes = {"self_attn.q_proj": (WIDTH, WIDTH), "self_attn.k_proj": (WIDTH // 2, WIDTH), "self_attn.v_proj": (WIDTH // 2, WIDTH),
             "self_attn.o_proj": (WIDTH, WIDTH), "mlp.gate_proj": (HIDDEN, WIDTH), "mlp.up_proj": (HIDDEN, WIDTH),
             "mlp.down_proj": (WIDTH, HIDDEN)}
    return {"model.embed_tokens.weight": tensor(VOCAB, WIDTH, scale=1), "lm_head.weight": tensor(VOCAB, WIDTH, scale=1),
            "model.norm.weight": tensor(WIDTH, scale=0.1, offset=1), **{layer + n + ".weight": tensor(*s) for n, s in sizes.items()},
            **{layer + n + ".weight": tensor(WIDTH, scale=0.1, offset=1) for n in ("input_layernorm", "post_attention_layernorm")}}


def decoder():
    """ids -> text, of a byte-level vocabulary: what the bytes of the pieces say, specials left out."""
    tokenizer = json.loads((TOKENIZER / "tokenizer.json").read_text(encoding="utf-8"))
    printable = [*range(0x21, 0x7f), *range(0xa1, 0xad), *range(0xae, 0x100)]
    rest = [b for b in range(256) if b not in printable]
    byte_of = {chr(b): b for b in printable} | {chr(0x100 + i): b for i, b in enumerate(rest)}
    special = {token["id"] for token in tokenizer["added_tokens"]}
    pieces = {i: bytes(byte_of[c] for c in piece) for piece, i in tokenizer["model"]["vocab"].items() if i not in special}
    return lambda ids: b"".join(pieces.get(i, b"") for i in ids).decode("utf-8", "replace")


class Text(Case):
    @classmethod
    def setUpClass(cls):
        cls.decode = staticmethod(decoder())

    def setUp(self):
        super().setUp()
        self.model = self.dir / "llama"
        self.model.mkdir()
        for name in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copyfile(TOKENIZER / name, self.model / name)
        (self.model / "config.json").write_text(json.dumps({
            "model_type": "llama", "vocab_size": VOCAB, "hidden_size": WIDTH, "intermediate_size": HIDDEN, "num_hidden_layers": 1,
            "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": CONTEXT, "bos_token_id": 0, "eos_token_id": 1}))
        write_safetensors(self.model / "model.safetensors", weights(random.Random(5)))
        self.program = self.compile()

    def compile(self):
        self.succeeds(DECANT, "compile", self.model, "-o", self.dir / "program")
        return self.dir / "program"

    def lines(self, *arguments, **options):
        return self.succeeds(self.program, "--max-new-tokens", "12", *arguments, **options).stdout.split("\n")[:-1]

    def told(self, *arguments):
        return [json.loads(line) for line in self.lines("--json", *arguments)]

    def test_text_is_that_of_the_ids(self):
        samples = [s for s in read_jsonl(TOKENIZER / "samples.jsonl") if s[1] and "\0" not in s[0] and "\n" not in s[0] and "\r" not in s[0]][:40]
        wanted = self.lines("--ids", "-", stdin="".join(" ".join(map(str, ids)) + "\n" for _, ids, _ in samples))
        wanted = [list(map(int, line.split())) for line in wanted]
        self.assertGreater(len({tuple(ids) for ids in wanted}), 20)
        told = self.told("--", *(text for text, _, _ in samples))
        self.assertEqual([t["ids"] for t in told], wanted)
        self.assertEqual([t["input"] for t in told], [text for text, _, _ in samples])
        for answer in told:
            self.assertEqual(answer["text"], self.decode(answer["ids"]))
            self.assertEqual(answer["finish"], "stop" if answer["ids"][-1] == 1 else "length")

    def test_twenty_new_tokens_without_a_length(self):
        answer = self.succeeds(self.program, "--json", "--ignore-eos", "--ids", " ".join(["7"] * 30)).stdout
        self.assertEqual(len(json.loads(answer)["ids"]), 20)

    def test_info(self):
        info = json.loads(self.succeeds(self.program, "--info", "--json").stdout)
        self.assertEqual((info["text"], info["vocab"], info["max_context"]), ("tokenizer", VOCAB, CONTEXT))

    def test_lines_streams_batches_and_run(self):
        texts = ["The quick brown fox", "x", "Der schnelle braune Fuchs springt über den faulen Hund", "今天天气很好"]
        whole = self.succeeds(self.program, "--max-new-tokens", "12", *texts).stdout
        self.assertEqual(whole, "".join(self.succeeds(self.program, "--max-new-tokens", "12", t).stdout for t in texts))
        for options in (["--stream"], ["--batch", "1"], ["--batch", "3"], ["--threads", "2"]):
            self.assertEqual(self.succeeds(self.program, "--max-new-tokens", "12", *options, *texts).stdout, whole, options)
        self.assertEqual(self.succeeds(self.program, "--max-new-tokens", "12", stdin="\n".join(texts)).stdout, whole)
        self.assertEqual(self.succeeds(DECANT, "run", self.program, "--max-new-tokens", "12", *texts).stdout, whole)
        self.succeeds(DECANT, "compile", self.model, "-o", self.dir / "library.so")
        self.assertEqual(self.succeeds(DECANT, "run", self.dir / "library.so", "--max-new-tokens", "12", *texts).stdout, whole)

    def test_chat(self):
        chats = [(turns, ids) for turns, ids in read_jsonl(TOKENIZER / "chats.jsonl") if turns[-1][0] == "user" and len(turns) <= 2]
        self.assertGreaterEqual(len(chats), 2)
        for turns, ids in chats:
            system = ["--system", turns[0][1]] if len(turns) == 2 else []
            (answer,) = self.told("--chat", *system, "--", turns[-1][1])
            self.assertEqual(answer["ids"], list(map(int, self.lines("--ids", " ".join(map(str, ids)))[0].split())))
        self.edit_json(self.model / "tokenizer_config.json", lambda c: c.update(chat_template="{{ messages[0].content }}"))
        self.compile()
        self.refuses(4, ["chat"], self.program, "--chat", "Hi")
        self.edit_json(self.model / "tokenizer_config.json", lambda c: c.pop("chat_template"))
        self.compile()
        self.refuses(4, ["chat"], self.program, "--chat", "Hi")

    def test_seeds(self):
        sample = lambda seed, *more: self.lines("--do-sample", "--temperature", "3.0", "--top-k", "0", "--seed", seed, *more, "The fox", "The dog")
        first = sample("7")
        self.assertEqual(first, sample("7"))
        self.assertEqual(first, sample("7", "--batch", "1"))
        self.assertNotEqual(first, sample("8"))
        self.assertEqual(self.lines("--do-sample", "--top-k", "1", "The fox"), self.lines("The fox"))

    def test_long_prompts_and_the_end_of_the_context(self):
        rng = random.Random(9)
        prompt = [rng.randrange(5, VOCAB) for _ in range(700)]  # more than one part
        tensors = {"input_ids": ("I64", [1, 700], array.array("q", prompt)), "attention_mask": ("I64", [1, 700], array.array("q", [1] * 700))}
        write_safetensors(self.dir / "in.safetensors", tensors)
        self.succeeds(DECANT, "eval", self.model, "--reference", "f32", "--inputs", self.dir / "in.safetensors", "--outputs", self.dir / "out.safetensors")
        logits = read_safetensors(self.dir / "out.safetensors")["logits"][2][-VOCAB:]
        text = " ".join(map(str, prompt))
        self.assertEqual(self.lines("--max-new-tokens", "1", "--ids", text), [str(max(range(VOCAB), key=logits.__getitem__))])
        cut = run(self.program, "--chat", "--ignore-eos", "--json", "Hi")  # a chat has no other end
        self.assertEqual(cut.returncode, 6, cut.stderr)
        self.assertIn("the context of 1000 tokens is full", cut.stderr)
        answer = json.loads(cut.stdout)
        self.assertEqual(answer["finish"], "context")
        self.assertGreater(len(answer["ids"]), 900)
        self.refuses(6, ["2700 tokens (700 + 2000 new)"], self.program, "--max-new-tokens", "2000", "--ids", text)
        self.refuses(6, ["1000"], self.program, "--ids", " ".join(["5"] * 1001))


if __name__ == "__main__":
    unittest.main()
