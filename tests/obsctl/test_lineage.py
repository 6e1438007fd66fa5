"""What something was made from, and why it is different: as a tree, as JSON, as a graph."""
import hashlib
import json
import re

from support import Case, main


class Lineage(Case):
    def setUp(self):
        super().setUp()
        self.put("raw/a", b"a\n")
        self.put("raw/b", b"b\n")
        self.put("mid", b"m\n", "--from", "raw/a", "--from", "raw/b")
        self.put("top", b"t\n", "--from", "mid", "--from", "raw/a", "--label", "function=f@1", "--type", "text/plain")

    @staticmethod
    def shape(text):
        """The tree without checksums."""
        return re.sub(r"  [0-9a-f]{12}\b", "", text)

    def test_tree(self):
        self.assertEqual(self.shape(self.ok("lineage", "top").out),
                         "top  text/plain\n"
                         "|-- mid\n"
                         "|   |-- raw/a\n"
                         "|   `-- raw/b\n"
                         "`-- raw/a\n")
        self.assertEqual(self.shape(self.ok("lineage", "raw/a", "--down").out),
                         "raw/a\n"
                         "|-- mid\n"
                         "|   `-- top  text/plain\n"
                         "`-- top  text/plain\n")
        self.assertEqual(self.shape(self.ok("lineage", "top", "--depth", "1").out).split("\n")[1], "|-- mid  ...")

    def test_seen_twice(self):
        self.put("last", b"l\n", "--from", "mid", "--from", "top")
        out = self.shape(self.ok("lineage", "last").out)
        self.assertIn("    |-- mid  (see above)\n", out)
        self.assertEqual(out.count("raw/b"), 1)

    def test_changed_since(self):
        self.put("mid", b"m2\n", "--from", "raw/a")
        self.assertIn("|-- mid  (has changed since)\n", self.shape(self.ok("lineage", "top").out))
        self.assertIn("top  text/plain  (made from another version)\n", self.shape(self.ok("lineage", "mid", "--down").out))
        self.ok("rm", "mid")
        self.assertIn("|-- mid  (not in the catalog)  (has changed since)\n", self.shape(self.ok("lineage", "top").out))

    def test_json(self):
        rows = self.ok("lineage", "top", "--json").rows()
        self.assertEqual([(row["key"], row["depth"]) for row in rows], [("top", 0), ("mid", 1), ("raw/a", 1), ("raw/b", 2)])
        by_key = {row["key"]: row for row in rows}
        self.assertEqual(by_key["top"]["inputs"], {key: by_key[key]["sha256"] for key in ("mid", "raw/a")})

    def test_dot(self):
        self.put('e"v\\il', b"", "--from", "top")
        self.assertEqual(self.ok("lineage", 'e"v\\il', "--dot", "--depth", "2").out,
                         'digraph lineage {\n    rankdir=LR;\n    node [shape=box];\n    "e\\"v\\\\il";\n    "top";\n    "mid";\n    "raw/a";\n'
                         '    "top" -> "e\\"v\\\\il";\n    "mid" -> "top";\n    "raw/a" -> "top";\n    "raw/a" -> "mid";\n}\n')

    def test_why(self):
        self.assertIn("it was made once", self.ok("why", "top").out)
        self.put("raw/c", b"c\n")
        self.put("mid", b"m2\n", "--from", "raw/c")
        self.assertRegex(self.ok("why", "top").out, r"changed since it was made:\n  input mid: [0-9a-f]{64} -> [0-9a-f]{64}\n")
        self.put("top", b"t\n", "--from", "mid", "--from", "raw/a", "--label", "function=f@2")
        out = self.ok("why", "top").out
        self.assertIn("the bytes are the same\ndifferent from the time before:\n  input mid: ", out)
        self.assertIn("\n  label function: f@1 -> f@2\nwhat it was made from is still the same\n", out)
        self.assertEqual([row["name"] for row in self.ok("why", "top", "--json").rows()[0]["differs"]], ["mid", "function"])
        self.fails(6, "why", "raw/a", says="--from")

    def configuration(self, document):
        """A configuration as the runner keeps it; its name."""
        text = json.dumps(document, separators=(",", ":"), sort_keys=True).encode()
        name = hashlib.sha256(text).hexdigest()
        folder = self.workspace / "functions" / ".configurations"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.json").write_bytes(text)
        return name

    def make(self, digest, configuration, version):
        self.put("product", configuration.encode(), "--from", "raw/a", "--label", "function=maker", "--label", f"digest={digest * 64}",
                 "--label", f"configuration={configuration}", "--label", f"configuration_version={version}")

    def test_a_function_and_its_configuration(self):
        one = self.configuration({"quality": {"limit": 3, "na.me": "x"}, "same": [1], "version": 1})
        two = self.configuration({"quality": {"limit": 4, "na.me": "x", "new": [1, 2]}, "same": [1], "version": 2})
        self.make("a", one, 1)
        self.assertIn(f"  by maker@aaaaaaaaaaaaaaaa  configuration {one[:12]} version 1\n", self.ok("lineage", "product").out)
        self.make("b", two, 2)
        out = self.ok("why", "product").out
        self.assertIn(f"\n  configuration: {one} -> {two}\n    quality.limit: 3 -> 4\n    quality.new: nothing -> [1,2]\n"
                      "    version: 1 -> 2\n", out)
        self.assertIn(f"\n  code: {'a' * 64} -> {'b' * 64}\n", out)
        settings = {row["name"]: row for row in self.ok("why", "product", "--json").rows()[0]["differs"]}["configuration"]["settings"]
        self.assertEqual(settings[0], {"name": "quality.limit", "before": 3, "now": 4})
        self.put("alone", b"1", "--label", "function=maker", "--label", f"configuration={one}")  # of nothing but its event
        self.put("alone", b"2", "--label", "function=maker", "--label", f"configuration={two}")
        self.assertIn("    quality.limit: 3 -> 4\n", self.ok("why", "alone").out)
        self.ok("rm", "alone")
        self.put("alone", b"3", "--label", "function=maker")
        self.assertIn("it was made once", self.ok("why", "alone").out)
        self.put("alone", b"4")
        self.fails(6, "why", "alone", says="--from")
        self.make("b", "c" * 64, 3)
        self.assertIn("    (which settings differ is not known any more)\n", self.ok("why", "product").out)

    def test_a_label_is_hostile(self):
        evil = "a\x1b[31mred\u202egpj"
        self.put("evil", b"1", "--from", "top", "--label", f"function={evil}")
        self.put("evil", b"2", "--from", evil, "--label", "function=x")
        for words in (["why", "evil"], ["lineage", "evil"], ["lineage", "evil", "--dot"]):
            out = self.ok(*words).out
            self.assertNotIn("\x1b", out)
            self.assertNotIn("\u202e", out)


main()
