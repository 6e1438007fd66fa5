"""obsctl relay: two workspaces, one of them an edge site."""
import contextlib
import json
import os
import pathlib
import random
import shutil
import signal
import sqlite3
import time
import unittest

from support import Case

CHANGED = ("events", "objects", "records", "entries", "bytes", "lines", "conflicts", "dead")


class Relay(Case):
    def setUp(self):
        super().setUp()
        self.roof = self.site("roof")

    def site(self, name, line=None):
        folder = self.folder / name
        self.ok("init", folder)
        with (folder / "obs.yaml").open("a") as config:
            config.write(line or f"site: {name}\n")
        return folder

    def put_at(self, folder, key, content=b"x\n", *options):
        name = self.path("content", content)
        return self.run_ok(folder, "put", name, key, *options)

    def run_ok(self, folder, *words, **options):
        run = self.run_at(folder, list(words), **options)
        self.assertEqual(run.code, 0, run.out + run.err)
        return run

    def relay(self, *options, source=None, target=None):
        run = self.run_ok(self.folder, "relay", source or self.roof, target or self.workspace, "--json", *options)
        return run.rows()[-1]

    def nothing(self, **options):
        counts = self.relay(**options)
        self.assertEqual({name: counts[name] for name in CHANGED}, dict.fromkeys(CHANGED, 0))

    def events(self, folder=None, consumer="reader"):
        return self.run_ok(folder or self.workspace, "subscribe", consumer, "--wait", "0").rows()

    def entries(self, *query, folder=None):
        return self.run_ok(folder or self.workspace, "search", "--json", *query).rows()

    def whole(self, folder=None):
        rows = self.run_ok(folder or self.workspace, "workspace", "check", "--json").rows()
        self.assertEqual(rows[-1]["problems"], 0, rows)


class Carrying(Relay):
    def test_all_of_it_and_nothing_twice(self):
        large = random.Random(1).randbytes(5 << 20)
        self.put_at(self.roof, "raw/a", b"hello\n", "--label", "night=n1", "--value", "mag=17.3", "--meta", "camera=c1",
                    "--type", "text/plain")
        self.put_at(self.roof, "raw/b", large, "--from", "raw/a")
        self.run_ok(self.roof, "publish", "org.example.stored", "--subject", "raw/a", "--id", "one", "--data", '{"x":1}')
        self.run_ok(self.roof, "publish", "org.example.bare", "--id", "two")
        schema = self.path("s.json", '{"type":"object","required":["v"],"properties":{"v":{"type":"number"}}}')
        self.run_ok(self.roof, "ingest", "define", "weather", schema)
        lines = self.path("r.ndjson", '{"v":1}\n{"v":2}\n{"w":3}\n')
        self.run_ok(self.roof, "ingest", "--definition", "weather", lines)
        counts = self.relay()
        self.assertEqual([counts[name] for name in CHANGED], [4, 2, 2, 0, len(large) + 6 + 14, 1, 0, 0])
        self.nothing()
        self.whole()
        there, here = self.entries("key=raw/a")[0], self.entries("key=raw/a", folder=self.roof)[0]
        self.assertEqual(there["labels"], {"night": "n1", "site": "roof"})
        for member in ("values", "made_from", "sha256", "size", "type"):
            self.assertEqual(there[member], here[member])
        self.assertEqual(self.entries("key=raw/b")[0]["made_from"], ["raw/a"])
        stat = self.run_ok(self.workspace, "stat", "raw/a", "--json").rows()[0]
        self.assertEqual((stat["metadata"], stat["type"]), ({"camera": "c1"}, "text/plain"))
        self.assertEqual(self.run_ok(self.workspace, "get", "raw/b").raw, large)
        sent, got = self.events(self.roof), self.events()
        self.assertEqual([{**event, "site": "roof"} for event in sent], got)
        records = lambda folder: {row["key"]: row["sha256"] for row in self.entries("kind=record", folder=folder)}
        self.assertEqual((len(records(self.roof)), records(self.roof)), (2, records(self.workspace)))

    def test_selected_by_site(self):
        dome = self.site("dome")
        self.put_at(self.roof, "raw/roof")
        self.put_at(dome, "raw/dome")
        self.put_at(self.workspace, "raw/own")
        self.run_ok(dome, "ingest", "define", "weather", self.path("s.json", '{"type":"object","required":["v"]}'))
        self.run_ok(dome, "ingest", "--definition", "weather", self.path("r.ndjson", '{"w":3}\n'))
        self.relay()
        self.relay(source=dome)
        self.assertEqual([row["key"] for row in self.entries("--site", "roof")], ["raw/roof"])
        self.assertEqual(self.run_ok(self.workspace, "ls", "--site", "dome").out, "raw/dome\n")
        log = self.run_ok(self.workspace, "ingest", "log", "--site", "dome", "--json").rows()
        self.assertEqual([(row["result"], row["key"], row["origin"]) for row in log],
                         [("accepted", "raw/dome", "site:dome"), ("refused", "", "site:dome r.ndjson:1")])
        self.assertEqual(log[1]["reason"], '/: required member "v" is missing')
        self.assertEqual(self.run_ok(self.workspace, "ingest", "log", "--site", "do", "--json").rows(), [])

    def test_labels_that_change_follow_and_own_ones_stay(self):
        self.put_at(self.roof, "raw/a", b"x", "--label", "night=n1")
        self.relay()
        self.run_ok(self.workspace, "labels", "raw/a", "seen=yes")
        self.run_ok(self.roof, "labels", "raw/a", "night=n2", "checked=yes")
        self.assertEqual(self.relay()["entries"], 1)
        self.assertEqual(self.entries("key=raw/a")[0]["labels"], {"night": "n2", "checked": "yes", "seen": "yes", "site": "roof"})
        self.nothing()

    def test_deletions_are_not_carried(self):
        """A site makes room; what arrived stays. What the target deletes does not come back by itself."""
        for key in ("products/a", "products/b", "products/c"):
            self.put_at(self.roof, key)
        self.relay()
        self.run_ok(self.roof, "rm", "products/a")
        self.run_ok(self.workspace, "rm", "products/b")
        self.nothing()
        self.assertEqual([row["key"] for row in self.entries("site=roof")], ["products/a", "products/c"])
        self.run_ok(self.roof, "labels", "products/b", "wanted=yes")
        self.assertEqual(self.relay()["objects"], 1)
        self.put_at(self.roof, "products/d")
        self.run_ok(self.roof, "publish", "org.example.stored", "--subject", "products/d", "--id", "one")
        self.run_ok(self.roof, "rm", "products/d")
        counts = self.relay()
        self.assertEqual((counts["objects"], counts["events"], counts["dead"]), (0, 1, 0))
        self.assertEqual([event["id"] for event in self.events()], ["one"])
        self.whole()

    def test_order_of_each_key_stays(self):
        for number in range(9):
            self.run_ok(self.roof, "publish", "org.example.x", "--key", f"k{number % 3}", "--id", str(number))
        self.relay()
        self.assertEqual([event["id"] for event in self.events()], [str(number) for number in range(9)])
        with contextlib.closing(sqlite3.connect(self.workspace / "tenants/default/tenant.db")) as database:
            keys = [row[0] for row in database.execute("SELECT partition_key FROM event ORDER BY sequence")]
        self.assertEqual(keys, [f"k{number % 3}" for number in range(9)])

    def test_there_and_back_ends(self):
        """Two workspaces that are relayed to each other send nothing around."""
        with (self.workspace / "obs.yaml").open("a") as config:
            config.write("site: centre\n")
        self.put_at(self.roof, "from-roof")
        self.put_at(self.workspace, "from-centre")
        self.run_ok(self.roof, "publish", "org.example.x", "--id", "r")
        self.run_ok(self.workspace, "publish", "org.example.x", "--id", "c")
        self.relay()
        self.relay(source=self.workspace, target=self.roof)
        self.nothing()
        self.relay(source=self.workspace, target=self.roof)
        for folder in (self.roof, self.workspace):
            self.assertEqual(sorted(event["id"] for event in self.events(folder)), ["c", "r"])
        self.assertEqual(self.entries("key=from-roof", folder=self.roof)[0]["labels"], {})

    def test_no_site(self):
        bare = self.folder / "bare"
        self.ok("init", bare)
        self.fails_json(6, "FAILED_PRECONDITION", "relay", bare, self.workspace)
        self.fails(6, "relay", bare, self.workspace, says="site: roof")
        self.relay("--site", "bare", source=bare)
        self.fails(2, "relay", self.roof, self.roof)
        self.fails(2, "relay", self.roof, self.workspace, "--limit", "fast", says="1MiB/s")
        self.site("wrong", "site: Not A Name\n")
        self.fails(2, "ls", "-w", self.folder / "wrong", says="site")


class Conflicts(Relay):
    def setUp(self):
        super().setUp()
        self.put_at(self.roof, "products/a", b"of the roof\n")
        self.run_ok(self.roof, "publish", "org.example.x", "--subject", "products/a", "--id", "one")
        self.run_ok(self.roof, "publish", "org.example.x", "--subject", "products/a", "--id", "two")
        self.run_ok(self.roof, "publish", "org.example.x", "--subject", "products/b", "--id", "three")
        self.put_at(self.workspace, "products/a", b"of the centre\n")

    def test_refused_and_told_once(self):
        run = self.run_at(self.folder, ["relay", self.roof, self.workspace, "--json"])
        self.assertEqual((run.code, run.error()["status"]), (6, "ALREADY_EXISTS"), run.out + run.err)
        self.assertEqual([run.rows()[0][name] for name in ("events", "objects", "conflicts", "dead")], [1, 0, 1, 2])
        self.assertEqual(self.run_ok(self.workspace, "get", "products/a").out, "of the centre\n")
        refused = self.run_ok(self.workspace, "ingest", "log", "--result", "refused", "--json").rows()
        self.assertEqual([(row["key"], row["origin"]) for row in refused], [("products/a", "site:roof")])
        self.assertIn("other bytes", refused[0]["reason"])
        self.assertEqual([event["id"] for event in self.events()], ["three"])
        dead = self.run_ok(self.roof, "journal", "dead", "--json").rows()
        self.assertEqual([row["event"]["id"] for row in dead], ["one", "two"])
        self.nothing()
        # Once the target has given way, what waited comes.
        self.run_ok(self.workspace, "rm", "products/a")
        self.run_ok(self.roof, "journal", "replay", dead[0]["consumer"], "--all")
        self.assertEqual((self.relay()["events"], self.run_ok(self.workspace, "get", "products/a").out), (2, "of the roof\n"))
        self.assertEqual([event["id"] for event in self.events()], ["one", "two"])

    def test_both_are_kept(self):
        counts = self.relay("--conflict", "keep")
        self.assertEqual((counts["objects"], counts["events"], counts["conflicts"]), (1, 3, 0))
        self.assertEqual(self.run_ok(self.workspace, "get", "products/a").out, "of the centre\n")
        self.assertEqual(self.run_ok(self.workspace, "get", "sites/roof/products/a").out, "of the roof\n")
        events = self.events()
        self.assertEqual([event.get("relayedas") for event in events], ["sites/roof/products/a"] * 2 + [None])
        self.assertEqual({event["subject"] for event in events}, {"products/a", "products/b"})
        self.nothing()

    def test_bytes_without_an_entry_are_a_conflict_too(self):
        """Another tool put a file there: nobody told the catalog."""
        self.put_at(self.roof, "raw/new", b"of the roof\n")
        (self.workspace / "store" / "raw").mkdir(exist_ok=True)
        (self.workspace / "store" / "raw" / "new").write_bytes(b"of a tool\n")
        run = self.run_at(self.folder, ["relay", self.roof, self.workspace, "--json"])
        self.assertEqual((run.code, run.rows()[0]["conflicts"]), (6, 2), run.out + run.err)
        self.assertEqual((self.workspace / "store" / "raw" / "new").read_bytes(), b"of a tool\n")


class Anchored(Relay):
    def copy(self, name):
        shutil.copytree(self.roof, self.folder / name, symlinks=True)

    def setUp(self):
        super().setUp()
        for number in range(3):
            self.put_at(self.roof, f"raw/{number}")
        self.state = self.folder / "state"

    def back(self, name):
        shutil.rmtree(self.roof)
        shutil.copytree(self.folder / name, self.roof, symlinks=True)
        shutil.rmtree(self.state)
        shutil.copytree(self.folder / f"{name}-state", self.state)

    def keep(self, name):
        self.run_ok(self.roof, "audit", "checkpoint")
        shutil.copytree(self.roof, self.folder / name, symlinks=True)
        shutil.copytree(self.state, self.folder / f"{name}-state")

    def refused(self, says):
        before = self.events(consumer="before")
        run = self.run_at(self.folder, ["relay", self.roof, self.workspace, "--json"])
        self.assertEqual((run.code, run.error()["status"]), (7, "DATA_LOSS"), run.out + run.err)
        self.assertIn(says, run.error()["message"])
        self.assertEqual(self.events(consumer="after"), before)

    def test_the_checkpoint_verifies_the_source(self):
        self.assertGreater(self.relay()["audit"], 3)
        note = self.path("note", self.run_ok(self.workspace, "get", "sites/roof/audit.checkpoint").raw)
        self.run_ok(self.roof, "audit", "verify", "--checkpoint", note)
        self.assertEqual(self.run_ok(self.workspace, "get", "sites/roof/audit.key").out.strip(),
                         self.run_ok(self.roof, "audit", "key").out.strip())

    def test_a_log_that_was_rolled_back_is_found(self):
        """The whole site was set back, key, anchor and all: only the target knows."""
        self.keep("early")
        self.put_at(self.roof, "raw/late")
        self.relay()
        self.back("early")
        self.run_ok(self.roof, "audit", "verify")
        self.refused("rolled back")

    def test_a_log_that_was_rewritten_is_found(self):
        self.keep("early")
        self.put_at(self.roof, "raw/late")
        self.relay()
        self.back("early")
        for number in range(40):
            self.put_at(self.roof, f"raw/other-{number}")
        self.run_ok(self.roof, "audit", "verify")
        self.refused("rewritten")


class Faults(Relay):
    def fill(self, count, size=2000):
        rng = random.Random(7)
        for number in range(count):
            self.put_at(self.roof, f"raw/{number}", rng.randbytes(size))
            self.run_ok(self.roof, "publish", "org.example.x", "--subject", f"raw/{number}", "--id", str(number), "--key", "k")

    def assert_all(self, count):
        self.whole()
        self.assertEqual([event["id"] for event in self.events()], [str(number) for number in range(count)])
        sums = lambda folder: {row["key"]: row["sha256"] for row in self.entries("key=raw/*", folder=folder)}
        self.assertEqual((len(sums(self.roof)), sums(self.roof)), (count, sums(self.workspace)))
        log = [row["key"] for row in self.run_ok(self.workspace, "ingest", "log", "--site", "roof", "--json").rows()]
        self.assertEqual(len(log), len(set(log)), "an item has one line")

    def test_killed_at_any_moment(self):
        count, rng = 24, random.Random(20261121)
        self.fill(count)
        killed = 0
        for _ in range(40):
            process = self.start("relay", self.roof, self.workspace, "--limit", "100kB/s", "--quiet", stdout=-3)
            time.sleep(rng.uniform(0.01, 0.35))
            killed += process.poll() is None
            process.send_signal(signal.SIGKILL)
            process.wait()
        self.assertGreater(killed, 10)
        self.relay()
        self.assert_all(count)
        self.nothing()

    def test_the_source_grows_meanwhile(self):
        self.fill(3)
        process = self.start("relay", self.roof, self.workspace, "--follow", "--quiet", stdout=-3)
        rng = random.Random(7)
        for number in range(3, 12):
            self.put_at(self.roof, f"raw/{number}", rng.randbytes(100))
            self.run_ok(self.roof, "publish", "org.example.x", "--subject", f"raw/{number}", "--id", str(number), "--key", "k")
        self.put_at(self.roof, "silent", b"without an event")
        self.wait_for("what has no event", lambda: self.entries("key=silent"))
        self.wait_for("all events", lambda: len(self.events(consumer="counter")) == 0 and len(self.entries("key=raw/*")) == 12)
        process.send_signal(signal.SIGTERM)
        self.assertIn(process.wait(60), (0, 1, 5, -signal.SIGTERM))
        self.assert_all(12)

    def test_one_at_a_time(self):
        self.put_at(self.roof, "raw/large", bytes(300000))
        process = self.start("relay", self.roof, self.workspace, "--limit", "30kB/s", "--quiet", stdout=-3)
        self.wait_for("it runs", lambda: self.run_ok(self.roof, "journal", "ls", "--json").rows()[:1] and
                      self.run_ok(self.roof, "journal", "ls", "--json").rows()[0]["members"])
        self.fails_json(6, "ABORTED", "relay", self.roof, self.workspace)
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        self.relay()
        self.assert_all_bytes("raw/large", bytes(300000))

    def assert_all_bytes(self, key, content):
        self.assertEqual(self.run_ok(self.workspace, "get", key).raw, content)

    def test_no_faster_than_it_may(self):
        self.put_at(self.roof, "raw/large", random.Random(3).randbytes(150000))
        started = time.monotonic()
        self.relay("--limit", "100kB/s")
        self.assertGreater(time.monotonic() - started, 1.4)

    def test_damage_at_the_source_does_not_spread(self):
        self.fill(3)
        body = self.roof / "store" / "raw" / "1"
        before = body.stat()
        body.chmod(0o600)
        with body.open("r+b") as file:
            file.write(b"!!")
        os.utime(body, ns=(before.st_atime_ns, before.st_mtime_ns))
        run = self.run_at(self.folder, ["relay", self.roof, self.workspace, "--json"])
        self.assertEqual(run.code, 6, run.out + run.err)
        self.fails(3, "stat", "raw/1", "-w", self.workspace)
        self.assertEqual(len(self.entries("key=raw/*")), 2)
        retrying = self.run_ok(self.roof, "journal", "ls", "--json").rows()[0]["retrying"]
        self.assertEqual(retrying, 1, "the event waits until the object is mended")


if __name__ == "__main__":
    unittest.main()
