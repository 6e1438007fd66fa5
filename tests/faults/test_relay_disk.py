"""The relay to a target whose disk is full: it says so, nothing is half there, and it goes on where it was when there is room."""
import os
import random

from test_reserve import MIB, Disk, main

COUNT = 24


class Relay(Disk):
    def setUp(self):
        super().setUp()
        self.roof = self.folder / "roof"
        self.ok("init", self.roof)
        with (self.roof / "obs.yaml").open("a") as lines:
            lines.write("site: roof\n")
        rng = random.Random(20261121)
        self.sent = {f"raw/{number}": rng.randbytes(MIB) for number in range(COUNT)}
        for number, (key, content) in enumerate(self.sent.items()):
            self.at(self.roof, "put", self.path("content", content), key)
            self.at(self.roof, "publish", "org.example.stored", "--subject", key, "--id", str(number), "--key", "k")

    def at(self, folder, *words):
        run = self.run_at(folder, words)
        self.assertEqual(run.code, 0, run.out + run.err)
        return run

    def relay(self):
        return self.run_at(self.folder, ["relay", self.roof, self.workspace, "--json"])

    def there(self):
        return {row["key"]: row["sha256"] for row in self.ok("search", "site=roof", "--json").rows()}

    def assert_no_room(self, run):
        self.assertEqual((run.code, run.error()["status"]), (5, "NO_SPACE"), run.out + run.err)

    def assert_whole(self):
        self.assertEqual(self.ok("workspace", "check", "--json").rows()[-1]["problems"], 0)

    def assert_all(self):
        run = self.relay()
        self.assertEqual(run.code, 0, run.out + run.err)
        again = self.relay().rows()[-1]
        self.assertEqual([again[name] for name in ("events", "objects", "bytes", "conflicts", "dead")], [0] * 5)
        self.assert_whole()
        for key, content in self.sent.items():
            self.assertEqual(self.ok("get", key).raw, content, key)
        events = self.ok("subscribe", "reader", "--wait", "0").rows()
        self.assertEqual([event["id"] for event in events], [str(number) for number in range(COUNT)])
        log = [row["key"] for row in self.ok("ingest", "log", "--site", "roof", "--json").rows()]
        self.assertEqual(sorted(log), sorted(self.sent), "an item has one line")
        self.assertEqual(self.at(self.roof, "journal", "dead", "--json").rows(), [], "an outage is no event's fault")

    def test_full_from_the_beginning(self):
        self.fill()
        for _ in range(3):
            self.assert_no_room(self.relay())
        os.unlink(self.disk / "filler")
        self.assertEqual(self.there(), {})
        self.assert_all()

    def test_full_on_the_way(self):
        """Room for some of it, a little more each time: what came stays, the rest comes."""
        self.fill()
        filler = self.disk / "filler"
        known = {}
        for free in (3, 6, 9, 14):
            os.truncate(filler, filler.stat().st_size - max(0, free * MIB - self.left()))
            self.assert_no_room(self.relay())
            self.assertLessEqual(known.items(), self.there().items(), "what was there stays")
            known = self.there()
            self.assertLess(len(known), COUNT)
        self.assertGreater(len(known), 0)
        os.unlink(filler)
        self.assert_all()


if __name__ == "__main__":
    main()
