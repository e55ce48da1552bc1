"""decant explain: pages, drawings in the terminal and data, counted again here."""
import html.parser
import json
import os
import pty
import re
import subprocess
import unittest

from harness import DECANT, G2P, GOLDEN, TESTS, Case, run

QUERY_ROWS = 32  # of a tile, kQueryRows in tools/decant/ExplainMask.h

HALF = """dec.mask @decoder_self(%b: index, %h: index, %q: index, %k: index) params(%len: tensor<?xindex>)
  attributes {visit = "((0 (floordiv (load p0 b) 2)))", full = "((0 (floordiv (load p0 b) 2)))"} {
  %n = dec.param %len[%b] : tensor<?xindex>
  %two = arith.constant 2 : index
  %half = arith.floordivsi %n, %two : index
  %keep = arith.cmpi slt, %k, %half : index
  dec.yield %keep : i1
}"""
CAUSAL = """dec.mask @decoder_self(%b: index, %h: index, %q: index, %k: index) params(%len: tensor<?xindex>)
  attributes {visit = "((0 q1))", full = "((0 (add q0 1)))"} {
  %keep = arith.cmpi sle, %k, %q : index
  dec.yield %keep : i1
}"""


class Page(html.parser.HTMLParser):
    """Tags that open and close in pairs; what a page would load; its texts."""
    VOID = {"meta", "input", "link", "img", "br", "th"}  # th: closed by the next one

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.texts = [], [], []
        self.feed(text)
        assert not self.open, self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        for name, value in attributes:
            assert name not in ("src", "href", "onload", "onerror", "onclick"), (tag, name, value)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag

    def handle_data(self, data):
        self.texts.append(data)


def census(size, block, visible):
    """(empty, partial, full, pairs of visited tiles, keys of visited tiles, visible pairs), element by element."""
    empty = partial = full = pairs = keys = seen = 0
    for q0 in range(0, size, QUERY_ROWS):
        queries = range(q0, min(q0 + QUERY_ROWS, size))
        for k0 in range(0, size, block):
            columns = range(k0, min(k0 + block, size))
            count = sum(visible(q, k) for q in queries for k in columns)
            empty, full = empty + (count == 0), full + (count == len(queries) * len(columns))
            partial += 0 < count < len(queries) * len(columns)
            pairs, keys = pairs + (count > 0) * len(queries) * len(columns), keys + (count > 0) * len(columns)
            seen += count
    return empty, partial, full, pairs, keys, seen


class Explain(Case):
    def page(self, *arguments):
        out = self.dir / "page.html"
        self.succeeds(DECANT, "explain", *arguments, "-o", out)
        return out.read_text(encoding="utf-8")

    def data(self, *arguments):
        return json.loads(self.succeeds(DECANT, "explain", *arguments, "--json").stdout)

    def with_mask(self, mask):
        """G2P at phase masks with this mask of @decoder_self; the words that name it."""
        text = self.succeeds(DECANT, "compile", G2P, "--emit-ir=masks").stdout
        begin = text.index("dec.mask @decoder_self")
        end = text.index("\n", text.index("}", text.index("dec.yield", begin)))
        path = self.dir / "model.mlir"
        path.write_text(text[:begin] + mask + text[end:])
        return [path, "--weights", G2P / "model.safetensors"]

    def test_every_model(self):
        folders = [path.parent for base in (GOLDEN, TESTS / "models") for path in sorted(base.glob("**/config.json"))]
        self.assertGreaterEqual(len(folders), 20)
        for folder in folders:
            with self.subTest(folder.name):
                text = self.page(folder)
                page, words = Page(text), text.lower()
                self.assertNotIn("http", words)
                self.assertNotIn("<script", words)
                self.assertNotIn("url(", words)
                self.assertIn("svg", page.tags)
                self.assertIn(self.data(folder)["masks"][0]["formula"], page.texts)
                self.assertLess(len(text), 1 << 20)

    def test_the_same_bytes_twice(self):
        self.assertEqual(self.page(G2P), self.page(G2P))
        self.assertEqual([path.name for path in self.dir.iterdir()], ["page.html"])

    def check_mask(self, mask, visible):
        model = self.with_mask(mask)
        for size in (15, 64, 129):
            told = self.data(*model, "--mask", "decoder_self", "--size", str(size))
            empty, partial, full, pairs, _, seen = census(size, told["tiles"][0]["block_tokens"], lambda q, k: visible(q, k, size))
            tiles = told["tiles"][0]
            self.assertEqual([tiles[key] for key in ("empty", "partial", "full", "visited_pairs")], [empty, partial, full, pairs])
            self.assertEqual(tiles["tiles"], empty + partial + full)
            self.assertAlmostEqual(tiles["skipped_percent"], 100 * empty / tiles["tiles"], places=9)
            self.assertAlmostEqual(tiles["visible_percent"], 100 * seen / size**2, places=9)
            self.assertEqual(told["rows"], ["".join(".#"[visible(q, k, size)] for k in range(size)) for q in range(size)])
            self.assertEqual(told["tiles"][1]["size"], 4096)
        return model

    def check_work(self, model, visible):
        """Attention at 4096, by counting a pattern that repeats: tiles of one row of tiles at a time."""
        told = self.data(*model)
        self_attention = [work for work in told["attention"] if work["mask"] == "decoder_self"]
        self.assertEqual(len(self_attention), 1)
        work, size, block = self_attention[0], 4096, told["caches"][0]["block_tokens"]
        visited = [(q0, sum(visible(q0 + QUERY_ROWS - 1, k0) for k0 in range(0, size, block))) for q0 in range(0, size, QUERY_ROWS)]
        columns = work["heads"] * work["head_dim"]
        keys = sum(blocks * block for _, blocks in visited)
        self.assertEqual(columns, 128)
        self.assertEqual(work["flops"], 4 * columns * keys * QUERY_ROWS)
        self.assertEqual(work["dense_flops"], 4 * columns * size * size)
        self.assertEqual(work["bytes"], 8 * columns * keys)
        self.assertEqual(work["dense_bytes"], 8 * columns * size * size // QUERY_ROWS)

    def test_causal(self):
        model = self.check_mask(CAUSAL, lambda q, k, size: k <= q)
        self.check_work(model, lambda q, k: k <= q)

    def test_padding(self):
        model = self.check_mask(HALF, lambda q, k, size: k < size // 2)
        self.check_work(model, lambda q, k: k < 2048)

    def test_work_of_a_token(self):
        encode, decode = self.data(G2P)["token"]
        width, ffn, vocab, context = 128, 1024, 63, 64
        self.assertEqual(encode["linear_flops"], 2 * (6 * width * width + 2 * width * ffn))  # cross keys and values too
        self.assertEqual(decode["linear_flops"], 2 * (6 * width * width + 2 * width * ffn + width * vocab))
        self.assertEqual(decode["dense_attention_flops"], 2 * 4 * width * context)
        self.assertEqual(decode["dense_cache_bytes"], 2 * 8 * width * context)
        norms, tables = 4 * 2 * width, 2 * width
        linears = 6 * (width * width + width) + 2 * width * ffn + ffn + width + vocab * width + vocab
        self.assertEqual(decode["weight_bytes"], 4 * (norms + tables + linears))

    def test_kernels(self):
        text = self.succeeds(DECANT, "compile", G2P, "--emit-ir=emit").stdout
        encode = text[text.index("plan.entry @encode"):text.index("plan.entry @decode")].count("plan.call ")
        kernels = self.data(G2P)["kernels"]
        self.assertEqual(sum(kernel["encode_steps"] for kernel in kernels), encode)
        self.assertEqual(sum(kernel["encode_steps"] + kernel["decode_steps"] for kernel in kernels), text.count("plan.call "))
        self.assertEqual(len({kernel["spec"] for kernel in kernels}), len(kernels))

    def test_hostile_names(self):
        names = {"decoder_self": '<img src=x onerror=alert(1)>&\'"\x1b[2J\xff', "padding": "</code><script>alert(1)</script>"}
        text = self.succeeds(DECANT, "compile", G2P, "--emit-ir=masks").stdout
        for old, new in names.items():
            quoted = "".join(c if c.isalnum() and ord(c) < 128 else f"\\{ord(c):02X}" for c in new)
            text = re.sub(f"@{old}\\b", lambda _: f'@"{quoted}"', text)
        path = self.dir / "model.mlir"
        path.write_text(text)
        words = [path, "--weights", G2P / "model.safetensors"]
        page = Page(self.page(*words))
        self.assertFalse({"img", "script"} & set(page.tags))
        self.assertIn(names["padding"], page.texts)
        self.assertIn(names["padding"], [mask["name"] for mask in self.data(*words)["masks"]])
        told = self.refuses(2, ["no such mask"], DECANT, "explain", *words, "--mask", "\x1b[2J")
        self.assertNotIn("\x1b", told.stderr)

    def test_equal_layers_are_drawn_once(self):
        page = Page(self.page(GOLDEN / "torch_decoder" / "post_gelu_long"))
        self.assertEqual(page.texts.count("2 layers: layers.0 to 1"), 2)  # cross keys and values in @encode; @decode
        self.assertEqual(page.texts.count("linear1"), 1)

    def test_window(self):
        text = self.succeeds(DECANT, "compile", G2P, "--emit-ir=cache").stdout
        path = self.dir / "model.mlir"
        path.write_text(re.sub("(dec.cache @decode.self.0 .* block 16)", r"\1 window 48", text))
        words = [path, "--weights", G2P / "model.safetensors"]
        self.assertIn("blocks older than 48 positions are given back", self.page(*words))
        told = self.data(*words)
        self.assertEqual([cache.get("window") for cache in told["caches"]], [None, 48, None])
        self.assertEqual({mask["name"]: mask.get("window") for mask in told["masks"]}, {"padding": None, "decoder_self": 48})
        self.assertIn("newest 48 positions", self.succeeds(DECANT, "explain", *words, "--mask", "decoder_self").stdout)

    def test_scores(self):
        """Drawn if they differ: a bias by distance instead of the caller's, which is 0 where it is absent."""
        folder = GOLDEN / "torch_decoder" / "post_relu_no_mask"
        self.assertNotIn('class="heat"', self.page(folder))
        text = self.succeeds(DECANT, "compile", folder, "--emit-ir=masks").stdout
        begin = text.index("dec.score @explicit_bias")
        end = text.index("\n", text.index("}", text.index("dec.yield", begin)))
        distance = """dec.score @explicit_bias(%b: index, %h: index, %q: index, %k: index) params(%bias: tensor<?x?x?x?xf32>) {
          %d = arith.subi %k, %q : index
          %i = arith.index_cast %d : index to i32
          %f = arith.sitofp %i : i32 to f32
          %slope = arith.constant 0.5 : f32
          %value = arith.mulf %f, %slope : f32
          dec.yield %value : f32
        }"""
        path = self.dir / "model.mlir"
        path.write_text(text[:begin] + distance + text[end:])
        words = [path, "--weights", folder / "model.safetensors"]
        page = self.page(*words)
        self.assertEqual(page.count('class="heat"'), 16 * 16)
        self.assertIn("-7.5 to 7.5", page)
        self.assertEqual(self.data(*words)["scores"][0]["formula"], "float(k - q) * 0.5")

    def test_terminal(self):
        told = self.succeeds(DECANT, "explain", *self.with_mask(CAUSAL), "--mask", "decoder_self", "--size", "4").stdout
        self.assertTrue(told.startswith("decoder_self: k <= q\nvisit [0, q1)\nfull  [0, q0 + 1)\n"), told)
        self.assertTrue(told.endswith("\n\n██· · · \n████· · \n██████· \n████████\n"), told)
        self.assertIn("4096 x 4096: tiles of 32 queries x 16 keys: 49.6 % skipped, 49.6 % run without the mask, 0.8 % with it; "
                      "50.0 % of the elements visible\n", told)
        half = self.succeeds(DECANT, "explain", *self.with_mask(CAUSAL), "--mask", "decoder_self", "--size", "41").stdout
        self.assertEqual(half.splitlines()[-21], "█▄" + "·" * 39)
        coarse = self.succeeds(DECANT, "explain", *self.with_mask(CAUSAL), "--mask", "decoder_self", "--size", "160").stdout
        self.assertEqual(coarse.splitlines()[-2], "█" * 78 + "▒▒")

    def test_color_and_no_color(self):
        for env, colored in (({"NO_COLOR": ""}, True), ({"NO_COLOR": "1"}, False)):
            ours, theirs = pty.openpty()
            process = subprocess.Popen([DECANT, "explain", G2P, "--mask", "padding", "--size", "2"], stdout=theirs, env={**os.environ, **env})
            self.assertEqual(process.wait(timeout=60), 0)
            os.close(theirs)
            self.assertEqual(b"\x1b" in os.read(ours, 1 << 16), colored)
            os.close(ours)

    def test_refusals(self):
        page = self.dir / "page.html"
        self.refuses(2, ["-o page.html, --mask NAME or --json"], DECANT, "explain", G2P)
        self.refuses(2, ["--size goes with --mask"], DECANT, "explain", G2P, "-o", page, "--size", "4")
        self.refuses(2, ["--size"], DECANT, "explain", G2P, "--mask", "padding", "--size", "4097")
        self.refuses(2, ["--mask nonsense: no such mask", "padding, decoder_self"], DECANT, "explain", G2P, "--mask", "nonsense")
        self.refuses(2, ["this is a folder"], DECANT, "explain", G2P, "-o", self.dir)
        self.refuses(2, ["there is no folder"], DECANT, "explain", G2P, "-o", self.dir / "absent" / "page.html")
        self.refuses(3, ["/absent"], DECANT, "explain", self.dir / "absent", "-o", page)
        model = self.copy_model()
        before = (model / "config.json").read_bytes()
        self.refuses(2, ["this is an input"], DECANT, "explain", model, "-o", model / "config.json")
        self.assertEqual((model / "config.json").read_bytes(), before)
        path = self.dir / "emit.mlir"
        path.write_text(self.succeeds(DECANT, "compile", G2P, "--emit-ir=emit").stdout)
        self.refuses(2, ["past phase cache"], DECANT, "explain", path, "--weights", G2P / "model.safetensors", "-o", page)
        self.refuses(2, ["add --weights"], DECANT, "explain", path, "-o", page)
        self.assertFalse(page.exists())
        full = run("sh", "-c", f"'{DECANT}' explain '{G2P}' --json > /dev/full")
        self.assertEqual(full.returncode, 6)


if __name__ == "__main__":
    unittest.main()
