"""ingest: JSON lines, JSON documents, CSV, whole files; what is refused and why; nothing lost on the way."""
import json
import subprocess
import time

from support import Case, OBSCTL, main

NAME = "test.magnitude"


class Ingest(Case):
    def setUp(self):
        super().setUp()
        self.define()

    def ingest(self, content, name="in.ndjson", *words, counts=(1, 0), code=0):
        path = self.path(name, content)
        run = self.obsctl("ingest", "-d", NAME, path, "--json", *words)
        self.assertEqual(run.code, code, run.out + run.err)
        found = [(row["accepted"], row["refused"]) for row in run.rows() if "accepted" in row]
        self.assertEqual(found, [counts], run.out + str(self.log()))
        return run

    def log(self, *words):
        return self.ok("ingest", "log", "--json", *words).rows()

    def refusals(self):
        return [(row["origin"], row["reason"]) for row in self.log("--result", "refused")]

    def records(self):
        return {row["values"]["id"]: row["values"] for row in self.ok("search", "kind=record", "--json").rows()}

    def test_lines(self):
        self.ingest('\ufeff{"id":"a","mag":17.3}\r\n\n  {"id":"b","mag":1e1}  \n{"id":"c","mag":0}', counts=(3, 0))
        self.assertEqual(sorted(self.records()), ["a", "b", "c"])
        self.assertEqual([row["origin"] for row in self.log("--table", NAME)], ["in.ndjson:1", "in.ndjson:3", "in.ndjson:4"])

    def test_refused_lines(self):
        self.ingest('{"id":"a","mag":1}\n{"id":"b"}\n{"id":\n[]\n{"id":"c","mag":"dim"}\n{"id":"d","mag":2}\n', counts=(2, 4))
        self.assertEqual([origin for origin, _ in self.refusals()], [f"in.ndjson:{line}" for line in (2, 3, 4, 5)])
        self.assertIn("mag", self.refusals()[0][1])
        self.ingest('{"id":"b"}\n', "more.ndjson", "--strict", counts=(0, 1), code=1)

    def test_line_numbers_over_batches(self):
        lines = [json.dumps({"id": str(i), "mag": i}) for i in range(1, 1301)]
        lines[700] = "{"
        lines[900] = ""
        lines[1299] = "null"
        self.ingest("\n".join(lines), counts=(1297, 2))
        self.assertEqual([origin for origin, _ in self.refusals()], ["in.ndjson:701", "in.ndjson:1300"])
        self.assertEqual({row["origin"] for row in self.log("--table", NAME)}, {f"in.ndjson:{i}" for i in range(1, 1301) if i != 901})

    def test_long_lines(self):
        long = json.dumps({"id": "x" * (3 << 20), "mag": 1})
        self.ingest(f'{{"id":"a","mag":1}}\n{long}\n{{"id":"b","mag":1}}\n', counts=(2, 1))
        self.assertEqual(self.refusals(), [("in.ndjson:2", "the record is larger than 1 MiB")])
        self.ingest(f'[{long},{{"id":"c","mag":1}}]', "long.json", counts=(1, 1))

    def test_a_pipe_that_stays_open(self):
        process = self.start("ingest", "-d", NAME, "-", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        process.stdin.write(b'{"id":"a","mag":1}\n{"id":"b"')
        process.stdin.flush()
        self.wait_for("takes the first record at once", self.records)
        process.stdin.write(b',"mag":2}')
        out, _ = process.communicate(timeout=300)
        self.assertIn(b"2 accepted, 0 refused", out)
        self.assertEqual(sorted(self.records()), ["a", "b"])

    def test_document(self):
        self.ingest('[{"id":"a","mag":17.3},\n {"id":"b",\n  "mag":1.50}, 7, {"id":"c]}\\",","mag":3}]', "in.json", counts=(3, 1))
        self.assertEqual([origin for origin, _ in self.refusals()], ["in.json:3"])
        self.assertEqual(self.records()["a"]["mag"], 17.3)
        self.assertIn('"mag":17.3,', self.ok("search", "id=a", "--json").out.replace("}", ","))
        self.ingest("[]", "empty.json", counts=(0, 0))

    def test_member(self):
        self.ingest('{"type":"x","no":{"features":[1]},"features":[{"id":"a","mag":1}],"bbox":[1,2]}', "in.geojson", "--member", "features")
        for member in ("type", "absent", "no"):
            self.ingest('{"type":"x","no":{},"features":[]}', "in.json", "--member", member, counts=(0, 0), code=2)
        self.ingest('{"a":1}', "in.json", counts=(0, 0), code=2)
        self.ingest('{"id":"z","mag":1}', "in.ndjson", "--member", "x", counts=(0, 0), code=2)

    def test_broken_document(self):
        run = self.ingest('[{"id":"a","mag":1},\n {"id":]', "in.json", counts=(0, 0), code=2)
        error = run.error()
        self.assertEqual((error["line"], error["object"].endswith("in.json")), (2, True))
        self.assertIn("in.json:2:", error["message"])
        self.assertEqual(self.records(), {})

    def test_csv(self):
        self.ingest('\ufeffid,mag,note\r\na,17.30,"says ""hi"", twice"\r\n"b",2,\n\nc,3,"two\nlines"\nd,4\n"e,5,x\n', "in.csv", counts=(3, 2))
        records = self.records()
        self.assertEqual(records["a"], {"id": "a", "mag": 17.3, "note": 'says "hi", twice'})
        self.assertEqual(records["b"], {"id": "b", "mag": 2})
        self.assertEqual(records["c"]["note"], "two\nlines")
        self.assertEqual(self.refusals(), [("in.csv:7", "the row has 2 cells, the header 3"), ("in.csv:8", "a quote is not closed")])

    def test_csv_line_ends(self):
        self.ingest("id,mag\ra,1\rb,2\r", "mac.csv", counts=(2, 0))
        self.ingest("id,mag,note\nc,1,\nd,2,", "end.csv", counts=(2, 0))
        self.assertEqual(sorted(self.records()), ["a", "b", "c", "d"])

    def test_csv_that_cannot_be_read(self):
        for content, says in (("", "header"), ("id,,mag\n", "column 2"), ("id,id\n", "two columns"), ('"id\n', "header")):
            run = self.ingest(content, "in.csv", counts=(0, 0), code=2)
            self.assertIn(says, run.error()["message"])
        self.ingest(b"id,mag\na,1\nb\xff,2\n", "in.csv", counts=(1, 1))
        self.assertEqual(self.refusals()[-1], ("in.csv:3", "cell 1 is not valid UTF-8"))
        self.ingest("id,mag\n" + ",".join(["x"] * 3000) + "\nb,1\n", "wide.csv", counts=(1, 1))

    def test_formats(self):
        self.ingest('[{"id":"a","mag":1}]', "in.txt", "--format", "json")
        self.ingest('{"id":"b","mag":1}', "in.json", "--format", "ndjson")
        self.ingest("", "in.txt", "--format", "xml", counts=(0, 0), code=2)
        self.fails(3, "ingest", "-d", "absent", self.path("x", "{}"), says="absent")

    def test_files(self):
        names = [self.path(f"f{i}", f"content {i}") for i in range(3)]
        run = self.ok("ingest", *names, "-l", "night=x", "--json")
        self.assertEqual(run.rows()[-1]["accepted"], 3)
        self.assertEqual(self.ok("get", "raw/f1").out, "content 1")
        self.assertEqual(len(self.ok("search", "night=x", "--json").rows()), 3)
        run = self.obsctl("ingest", names[0], self.folder / "absent", self.path("f4", "4"), "--json")
        self.assertEqual((run.code, [row["error"]["status"] for row in run.rows()[:2]]), (1, ["REFUSED", "NOT_FOUND"]))
        self.assertEqual((run.rows()[-1]["accepted"], run.rows()[-1]["refused"]), (1, 1))
        self.fails(2, "ingest", "-", says="obsctl put - KEY")
        self.fails(2, "ingest", names[0], "--format", "csv", says="--definition")

    def test_several_files_one_broken(self):
        good = self.path("a.ndjson", '{"id":"a","mag":1}\n')
        bad = self.path("b.json", "[")
        last = self.path("c.csv", "id,mag\nc,1\n")
        run = self.obsctl("ingest", "-d", NAME, good, bad, self.folder / "absent", last, "--json")
        self.assertEqual((run.code, run.rows()[-1]["accepted"]), (2, 2))
        self.assertEqual(sorted(self.records()), ["a", "c"])

    def test_definitions(self):
        self.assertEqual(self.ok("ingest", "definitions", "--json").rows()[0]["name"], NAME)
        bad = self.path("bad.json", '{"type": 7}')
        self.fails(2, "ingest", "define", "test.bad", bad)
        broken = self.path("broken.json", '{\n "type": }')
        error = self.fails_json(2, "INVALID_ARGUMENT", "ingest", "define", "test.bad", broken).error()
        self.assertEqual(error["line"], 2)
        narrower = self.path("narrower.json", '{"type":"object","required":["id","mag","note"]}')
        self.fails(6, "ingest", "define", NAME, narrower)

    def test_pages_of_rows(self):
        self.ingest("\n".join(json.dumps({"id": str(i), "mag": i}) for i in range(25)), counts=(25, 0))
        for words in (["search", "kind=record"], ["ingest", "log"], ["audit", "query", "--action", "ingest.*"]):
            seen, after = [], []
            while True:
                rows = self.ok(*words, "--limit", "10", "--json", *after).rows()
                seen += [json.dumps(row) for row in rows if "next" not in row]
                if not rows or "next" not in rows[-1]:
                    break
                after = ["--after", rows[-1]["next"]]
                self.assertTrue(len(rows) > 1 and len(seen) < 100, "each page goes on")
            self.assertEqual(len(set(seen)), len(seen))
            self.assertGreaterEqual(len(seen), 25)
        self.assertIn("there is more: --after", self.ok("search", "--limit", "3").err)


if __name__ == "__main__":
    main()
