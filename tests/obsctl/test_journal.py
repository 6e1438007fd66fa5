"""The bus seen from the command line: consumers, dead letters, pauses, sharing."""
import unittest

import json

from support import Case


class Journal(Case):
    def consumer(self, name):
        rows = [row for row in self.ok("journal", "ls", "--json").rows() if row["consumer"] == name]
        self.assertEqual(len(rows), 1)
        return rows[0]

    def test_what_waits_is_seen(self):
        self.ok("subscribe", "w", "--wait", "0")
        for number in range(3):
            self.ok("publish", "org.example.x", "--id", str(number))
        row = self.consumer("w")
        self.assertEqual((row["state"], row["members"], row["behind"], row["dead"]), ("idle", 0, 3, 0))
        self.assertIn("w ", self.ok("journal", "ls").out)
        self.ok("subscribe", "w", "--wait", "0")
        self.assertEqual(self.consumer("w")["behind"], 0)

    def test_dead_letters(self):
        self.bury("w", 3)
        rows = self.ok("journal", "dead", "--json").rows()
        self.assertEqual([row["event"]["id"] for row in rows], ["dead-0", "dead-1", "dead-2"])
        self.assertEqual(rows[0]["reason"], "no link")
        self.assertIn("no link", self.ok("journal", "dead", "w").out)
        self.assertEqual(self.ok("journal", "dead", "other").out, "")
        self.assertEqual(self.ok("journal", "replay", "w", rows[1]["sequence"], "--json").rows(), [{"count": 1}])
        again = self.ok("subscribe", "w", "--wait", "0").rows()
        self.assertEqual([event["id"] for event in again], ["dead-1"])
        self.assertEqual(self.ok("journal", "discard", "w", "--all").out, "2 given up\n")
        self.fails(3, "journal", "replay", "w", "--all", says="journal dead")
        self.assertEqual(self.ok("subscribe", "w", "--wait", "0").rows(), [])

    def test_a_pause(self):
        self.ok("subscribe", "w", "--wait", "0")
        self.ok("publish", "org.example.x")
        self.ok("journal", "pause", "w", "--reason", "disk is exchanged")
        self.assertEqual(self.ok("subscribe", "w", "--wait", "0").rows(), [])
        row = self.consumer("w")
        self.assertEqual((row["state"], row["reason"], row["until"]), ("paused", "disk is exchanged", None))
        self.ok("journal", "resume", "w")
        self.assertEqual(len(self.ok("subscribe", "w", "--wait", "0").rows()), 1)

    def test_a_removed_consumer_begins_again(self):
        self.ok("publish", "org.example.x")
        self.assertEqual(len(self.ok("subscribe", "w", "--wait", "0").rows()), 1)
        self.ok("journal", "rm", "w")
        self.assertEqual(len(self.ok("subscribe", "w", "--wait", "0").rows()), 1)

    def test_sharing_and_exclusive(self):
        process = self.start("subscribe", "w", "--wait", "60")
        self.wait_for("subscribes", lambda: [row for row in self.ok("journal", "ls", "--json").rows() if row["members"] == 1])
        self.fails(6, "subscribe", "w", "--wait", "0", "--exclusive", says="held already")
        self.ok("subscribe", "w", "--wait", "0")
        process.terminate()
        process.wait(60)

    def test_priority(self):
        for priority in (-1, 0, 1):
            self.ok("publish", "org.example.x", "--id", f"p{priority}", "--priority", str(priority))
        events = self.ok("subscribe", "w", "--wait", "0").rows()
        self.assertEqual([event["id"] for event in events], ["p1", "p0", "p-1"])
        self.fails(2, "publish", "org.example.x", "--priority", "2")

    def test_looking_buries_nothing(self):
        self.ok("publish", "org.example.x")
        for _ in range(12):
            self.assertEqual(len(self.ok("subscribe", "w", "--wait", "0", "--peek").rows()), 1)
        self.assertEqual(len(self.ok("subscribe", "w", "--wait", "0").rows()), 1)


class WholeEvents(Case):
    """Events as others wrote them: obsctl publish --event."""

    EVENT = {"specversion": "1.0", "id": "e 1", "source": "/other", "type": "org.example.x", "subject": "a", "site": "roof",
             "time": "2026-11-20T22:00:00.5Z", "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
             "datacontenttype": "image/fits", "data_base64": "AP8="}

    def events(self):
        return self.ok("subscribe", "reader", "--wait", "0").rows()

    def test_one_is_published_as_it_is(self):
        path = self.path("event.json", json.dumps(self.EVENT))
        self.assertEqual(self.ok("publish", "--event", path).out, "e 1\n")
        self.assertEqual(self.ok("publish", "--event", path, "--json").rows(), [{"id": "e 1"}], "again: it is there")
        self.assertEqual(self.events(), [self.EVENT])

    def test_a_batch_is_published_whole(self):
        batch = [{**self.EVENT, "id": str(number)} for number in range(3)]
        run = self.obsctl("publish", "--event", "-", input=json.dumps(batch).encode())
        self.assertEqual((run.code, run.out), (0, "0\n1\n2\n"), run.err)
        self.assertEqual([event["id"] for event in self.events()], ["0", "1", "2"])
        self.assertEqual(self.ok("publish", "--event", self.path("empty", " []")).out, "")

    def test_a_bad_one_publishes_nothing(self):
        batch = [self.EVENT, {**self.EVENT, "id": ""}]
        self.fails(2, "publish", "--event", self.path("batch.json", json.dumps(batch)), says="event 2 of the batch: id")
        for bad in ("", "[", "{}", '"x"', json.dumps(self.EVENT) * 2, json.dumps(self.EVENT) + "," + json.dumps(self.EVENT)):
            self.fails(2, "publish", "--event", self.path("bad.json", bad))
        self.assertEqual(self.events(), [])

    def test_what_does_not_go_with_it(self):
        path = self.path("event.json", json.dumps(self.EVENT))
        self.fails(2, "publish", "org.example.y", "--event", path, says="leave 'org.example.y' out")
        self.fails(2, "publish", "--event", path, "--id", "2", says="leave --id out")
        self.fails(2, "publish", says="TYPE")
        self.assertEqual(self.events(), [])


if __name__ == "__main__":
    unittest.main()
