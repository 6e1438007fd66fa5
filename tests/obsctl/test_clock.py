"""Destinations and functions by other clocks: days offline, a machine that begins in 1970, jumps while they run."""
import json
import os
import struct
import time

from hook import Hook, free_port
from support import Case, main, skip

SHIM = os.environ.get("OBS_CLOCK_SHIM")
OPEN = {"allow": ["private", "plain"]}
HOUR, DAY = 3600, 86400


class Clock(Case):
    def setUp(self):
        if not SHIM:
            skip("tests with another clock", "a sanitizer's runtime comes first")
        super().setUp()
        self.clock = self.path("clock", struct.pack("=q", 0))
        self.environment.update(LD_PRELOAD=SHIM, OBS_CLOCK=str(self.clock))

    def off(self, seconds):
        """In place: those who run see it at once."""
        with self.clock.open("r+b") as out:
            out.write(struct.pack("=q", int(seconds)))

    def hook(self):
        hook = Hook()
        self.addCleanup(hook.close)
        return hook

    def lines(self, **lines):
        path = self.workspace / "obs.yaml"
        if not hasattr(self, "before"):
            self.before = path.read_text()
        path.write_text(self.before + "".join(f"{name}: {json.dumps(value)}\n" for name, value in lines.items()))

    def to(self, url, **more):
        self.lines(destinations=[{"name": "alerts", "url": url, "filter": "type LIKE 'org.example.%'", **OPEN}], **more)

    def publish(self, number, subject="key"):
        self.ok("publish", "org.example.maker", "--id", number, "--subject", subject)

    def once(self):
        return self.ok("journal", "run", "--once", "--json").rows()[0]["delivered"]

    def row(self):
        return next(row for row in self.ok("journal", "ls", "-d", "--json").rows() if row["destination"] == "alerts")

    def made_of(self):
        """The event of which the product was made."""
        run = self.obsctl("search", "--json")
        return next((row["labels"].get("event") for row in run.rows() if row.get("key") == "products/maker"), None)

    def expect_well(self):
        self.ok("audit", "verify")
        self.ok("workspace", "check")
        self.assertEqual(self.ok("journal", "dead", "--json").rows(), [])

    def test_offline_for_three_days(self):
        """With the settings that one has who sets none: suspended, tried now and then, caught up with, each once and in order."""
        told = self.hook()
        administrators = [{"url": told.url, **OPEN}]
        self.to(f"http://127.0.0.1:{free_port()}/hook", administrators=administrators)
        sent = []
        for hours in range(0, 73, 6):
            self.off(hours * HOUR)
            for _ in range(2):
                sent.append(str(len(sent)))
                self.publish(sent[-1], f"key{len(sent) % 3}")
            self.once()
        row = self.row()
        self.assertEqual((row["state"], row["dead"]), ("suspended", 0))
        self.assertGreaterEqual(row["waiting"], len(sent))
        self.assertIn("nobody answers", row["last_error"])
        hook = self.hook()
        self.to(hook.url, administrators=administrators)
        now = 72 * HOUR
        end = time.monotonic() + 120
        while len(hook.taken) < len(sent) or len(told.taken) < 2:
            self.assertLess(time.monotonic(), end, (hook.ids(), len(told.taken)))
            now += 15 * 60
            self.off(now)
            self.once()
        self.assertEqual(sorted(hook.ids(), key=int), sent)  # nothing lost, nothing twice
        for key in range(3):
            mine = [number for number in map(int, hook.ids()) if (number + 1) % 3 == key]
            self.assertEqual(mine, sorted(mine))
        self.assertEqual((self.row()["state"], self.row()["dead"]), ("ok", 0))
        kinds = [headers["ce-type"] for headers, _ in told.taken]
        self.assertEqual(kinds, ["org.libobs.destination.suspended", "org.libobs.destination.recovered"])
        self.assertGreater(json.loads(told.taken[0][1])["oldest_age_s"], HOUR)
        self.expect_well()

    def test_a_machine_that_begins_in_1970(self):
        """Until somebody tells it the time: what failed then comes again now."""
        self.off(100 - time.time())
        self.workspace = self.folder / "early"
        self.ok("init", self.workspace)
        hook = self.hook()
        hook.say = [500, 204]
        self.to(hook.url)
        self.write_function("maker", "{}")
        self.publish("1")
        self.ok("function", "run", "--once")
        self.assertEqual(self.made_of(), "1")
        self.assertEqual((self.once(), hook.ids()), (0, ["1"]))
        self.assertTrue(hook.taken[0][0]["ce-time"].startswith("1970-01-01"))
        self.off(0)
        self.assertEqual((self.once(), hook.ids()), (1, ["1", "1"]))
        self.publish("2")
        self.ok("function", "run", "--once")
        self.assertEqual(self.made_of(), "2")
        self.assertEqual((self.once(), hook.ids()), (1, ["1", "1", "2"]))
        self.expect_well()

    def test_a_clock_that_is_set_back(self):
        """What was to come again in the year after the next comes again now."""
        hook = self.hook()
        hook.say = [500, 204]
        self.to(hook.url)
        self.off(400 * DAY)
        self.publish("1")
        self.assertEqual((self.once(), hook.ids()), (0, ["1"]))
        self.off(0)
        self.assertEqual((self.once(), hook.ids()), (1, ["1", "1"]))

    def test_a_suspension_of_another_year(self):
        """It ends; a pause that somebody asked for does not."""
        hook = self.hook()
        hook.say = 500
        self.to(hook.url)
        self.publish("1")
        for hours in range(7):
            self.off(400 * DAY + hours * HOUR)
            self.once()
        self.assertEqual(self.row()["state"], "suspended")
        self.off(0)
        hook.say = 204
        self.assertEqual((self.once(), self.row()["state"]), (1, "ok"))
        self.off(400 * DAY)
        self.ok("journal", "pause", "to.alerts")
        self.off(0)
        self.publish("2")
        self.assertEqual((self.once(), self.row()["state"]), (0, "paused"))

    def test_jumps_while_they_run(self):
        hook = self.hook()
        self.to(hook.url)
        self.write_function("maker", "{}")
        for words in (("journal", "run"), ("function", "run")):
            self.start(*words)
        for number, off in enumerate((0, 400 * DAY, 0, -400 * DAY, 100 - time.time(), 0)):
            self.off(off)
            self.publish(number)
            self.wait_for("delivered", lambda number=number: str(number) in hook.ids())
            self.wait_for("made", lambda number=number: self.made_of() == str(number))
        self.assertEqual(hook.ids(), [str(number) for number in range(6)])
        self.expect_well()


if __name__ == "__main__":
    main()
