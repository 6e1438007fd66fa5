"""Events that leave: destinations, from the command line, against real servers."""
import base64
import collections
import hashlib
import hmac
import json
import os
import random
import signal
import subprocess
import time

from destinations import OPEN, QUICK, Destinations, certificates
from hook import drip, free_port, hang, megabytes, raw
from support import main

SHIM = os.environ.get("OBS_RESOLVER_SHIM")


class Delivered(Destinations):
    def test_binary(self):
        hook = self.hook()
        self.to(hook)
        self.publish("e 1", subject="a b/ü", data='{"m":1}')
        self.assertEqual(self.once(), 1)
        self.assertEqual(self.once(), 0)
        headers, body = hook.taken[0]
        self.assertEqual((headers["ce-id"], headers["ce-subject"], headers["content-type"], body),
                         ("e%201", "a%20b/%C3%BC", "application/json", b'{"m":1}'))
        self.assertEqual(headers["traceparent"], headers["ce-traceparent"])
        self.assertRegex(headers["webhook-id"], "^msg_[0-9a-f]{32}$")
        self.assertNotIn("authorization", headers)
        self.assertEqual(self.row()["state"], "ok")

    def test_structured_and_batch(self):
        hook = self.hook()
        self.to(hook, mode="structured")
        self.publish("1")
        self.assertEqual(self.once(), 1)
        self.assertEqual(json.loads(hook.taken[0][1])["id"], "1")
        self.assertEqual(hook.taken[0][0]["content-type"], "application/cloudevents+json; charset=UTF-8")
        self.to(hook, mode="batch", batch=3)
        self.publish("2", "3", "4", "5")
        self.assertEqual(self.once(), 4)
        self.assertEqual([[event["id"] for event in json.loads(body)] for _, body in hook.taken[1:]], [["2", "3", "4"], ["5"]])
        self.assertEqual(hook.taken[1][0]["content-type"], "application/cloudevents-batch+json; charset=UTF-8")

    def test_one_bad_event_of_a_batch(self):
        hook = self.hook()
        hook.say = lambda handler: 400 if b'"bad"' in hook.taken[-1][1] else 204
        self.to(hook, mode="batch")
        self.publish("1", "2", "bad", "4", "5", subject="same")
        self.assertEqual(self.once(), 4)
        self.assertEqual([row["event"]["id"] for row in self.dead()], ["bad"])
        alone = [json.loads(body) for _, body in hook.taken[1:]]
        self.assertEqual([[event["id"] for event in events] for events in alone], [["1"], ["2"], ["bad"], ["4"], ["5"]])

    def test_filters(self):
        hook = self.hook()
        self.to(hook, filter="EXISTS wanted")
        self.ok("publish", "org.example.x", "--id", "1")
        self.ok("publish", "org.example.x", "--id", "2", "--extension", "wanted=1")
        self.once()
        self.assertEqual(hook.ids(), ["2"])

    def test_signed(self):
        """Against the algorithm as the specification writes it, with the new secret and the old one."""
        keys = [os.urandom(32), os.urandom(24)]
        paths = [self.path(f"key{number}", "whsec_" + base64.b64encode(key).decode() + "\n") for number, key in enumerate(keys)]
        for path in paths:
            path.chmod(0o600)
        hook = self.hook()
        self.to(hook, sign=["${secret:file:%s}" % path for path in paths], token="${secret:env:HOOK_TOKEN}")
        self.publish("1")
        self.assertEqual(self.once(environment={"HOOK_TOKEN": "t0ken"}), 1)
        headers, body = hook.taken[0]
        self.assertEqual(headers["content-type"], "application/cloudevents+json; charset=UTF-8")  # all that matters is signed
        self.assertEqual(headers["authorization"], "Bearer t0ken")
        self.assertLess(abs(int(headers["webhook-timestamp"]) - time.time()), 60)
        content = b".".join([headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body])
        expected = ["v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode() for key in keys]
        self.assertEqual(headers["webhook-signature"].split(" "), expected)

    def test_a_secret_that_is_none(self):
        hook = self.hook()
        for text, says in (("short", "no key for signatures"), ("whsec_!!!!" * 10, "no key for signatures")):
            path = self.path("key", text)
            path.chmod(0o600)
            self.to(hook, sign="${secret:file:%s}" % path)
            self.publish(text)
            self.once()
            self.assertIn(says, self.row()["last_error"])
            self.assertNotIn(text, self.row()["last_error"])
        self.assertEqual(hook.taken, [])

    # --- whether it wants them ---------------------------------------------------------------------------------------

    def test_permission(self):
        answers = [({}, 0), ({"WebHook-Allowed-Origin": "night.example.org.evil.example"}, 0), ({"WebHook-Allowed-Origin": "example.org"}, 0),
                   ({"WebHook-Allowed-Origin": "night.example"}, 0), (405, 0), (500, 0), ({"WebHook-Allowed-Origin": "NIGHT.example.org"}, 1)]
        for number, (answer, taken) in enumerate(answers):
            with self.subTest(answer=answer):
                hook = self.hook()
                hook.allow = lambda _, answer=answer: answer
                self.to(hook, name=f"n{number}", origin="night.example.org", **{"from": "now"})
                self.once()
                self.publish(f"{number}")
                self.assertEqual((self.once(), len(hook.taken), set(hook.asked)), (taken, taken, {"night.example.org"}))

    def test_permission_for_all_and_remembered(self):
        hook = self.hook()
        hook.allow = lambda _: {"WebHook-Allowed-Origin": "*"}
        self.to(hook)
        self.publish("1")
        self.assertEqual(self.once(), 1)
        self.publish("2")
        self.assertEqual((self.once(), len(hook.asked)), (1, 1))

    def test_without_asking(self):
        hook = self.hook()
        hook.allow = lambda _: 405
        self.to(hook, handshake="off")
        self.publish("1")
        self.assertEqual((self.once(), hook.asked), (1, []))

    def test_its_rate_is_kept(self):
        hook = self.hook()
        hook.allow = lambda origin: {"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": "120"}
        self.to(hook)
        self.publish("1", "2", "3")
        begin = time.monotonic()
        self.assertEqual(self.once(), 3)
        self.assertGreaterEqual(time.monotonic() - begin, 1)

    # --- faults ------------------------------------------------------------------------------------------------------

    def test_down_for_a_while(self):
        port = free_port()
        self.to(f"http://127.0.0.1:{port}/hook")
        self.publish("1", "2", "3", subject="key")
        for _ in range(6):
            self.assertEqual(self.once(), 0)
            time.sleep(0.04)
        row = self.row()
        self.assertEqual((row["state"], row["waiting"] >= 3, row["dead"]), ("suspended", True, 0))
        self.assertGreaterEqual(row["tries"], 2)
        self.assertIn("nobody answers", row["last_error"])
        hook = self.hook()
        self.to(hook)
        self.until_quiet(hook, 3)
        self.assertEqual(hook.ids(), ["1", "2", "3"])
        told = self.told()
        self.assertEqual([(kind, name) for kind, name, _ in told], [("suspended", "alerts"), ("recovered", "alerts")])
        data = told[0][2]
        self.assertEqual((data["destination"], data["command"], data["waiting"] >= 3), ("alerts", "obsctl journal resume to.alerts", True))
        self.assertIn("nobody answers", data["last_error"])
        self.assertGreaterEqual(data["oldest_age_s"], 0)
        self.assertEqual((self.row()["state"], self.row()["last_error"]), ("ok", None))

    def test_suspended_is_left_alone(self):
        hook = self.hook()
        hook.say = 500
        self.to(hook, suspend={"after": 2, "for": "1h"})
        self.publish("1", "2", "3")
        for _ in range(5):
            self.once()
            time.sleep(0.04)
        self.assertEqual(len(hook.taken), 2)
        row = self.row()
        self.assertEqual(row["state"], "suspended")
        self.assertIsNotNone(row["next"])
        hook.say = 204
        self.ok("journal", "resume", "to.alerts")
        self.until_quiet(hook, 3)
        self.assertEqual([kind for kind, _, _ in self.told()], ["suspended", "recovered"])

    def test_paused_by_somebody(self):
        hook = self.hook()
        self.to(hook)
        self.publish("1")
        self.once()
        self.ok("journal", "pause", "to.alerts", "--reason", "they move")
        self.publish("2")
        self.assertEqual((self.once(), self.row()["state"]), (0, "paused"))
        self.ok("journal", "resume", "to.alerts")
        self.assertEqual(self.once(), 1)
        self.assertEqual(self.told(), [])

    def test_gone(self):
        hook = self.hook()
        hook.say = 410
        self.to(hook)
        self.publish("1", "2")
        for _ in range(3):
            self.once()
            time.sleep(0.04)
        row = self.row()
        self.assertEqual((len(hook.taken), row["state"], row["next"], row["dead"]), (1, "suspended", None, 0))
        hook.say = 204
        self.ok("journal", "resume", "to.alerts")
        self.until_quiet(hook, 2)
        self.assertEqual([kind for kind, _, _ in self.told()], ["suspended", "recovered"])

    def test_refused_events_are_dead_letters_at_once(self):
        for status in (400, 413, 415, 422):
            hook = self.hook()
            hook.say = status
            self.to(hook)
            self.publish(f"{status}a", f"{status}b", subject="key")
            self.once()
            self.assertEqual(len(hook.taken), 2)
            rows = self.dead()
            self.assertEqual([row["event"]["id"] for row in rows], [f"{status}a", f"{status}b"])
            self.assertIn(f"HTTP {status}", rows[0]["reason"])
            self.ok("journal", "discard", "to.alerts", "--all")
        self.assertEqual([kind for kind, _, _ in self.told()], ["gave_up"] * 4)  # once for both, until somebody looked after them

    def test_given_up_after_its_tries(self):
        """One event is refused as long as it is tried, others of other keys pass: the destination works."""
        hook = self.hook()
        hook.say = lambda handler: 500 if handler.headers["ce-id"] == "bad" else 204
        self.to(hook, tries=3, suspend={"after": 100})  # however many failures come in a row when all is slow
        self.publish("bad")
        for number in range(6):
            self.publish(f"{number}", subject=f"other{number}")
            self.once()
            time.sleep(0.04)
        self.assertEqual(hook.ids().count("bad"), 3)
        self.assertEqual([(row["event"]["id"], row["attempts"]) for row in self.dead()], [("bad", 3)])
        self.assertEqual([kind for kind, _, _ in self.told()], ["gave_up"])

    def test_nothing_is_given_up_while_it_is_down(self):
        hook = self.hook()
        hook.say = 500
        self.to(hook, tries=2)
        self.publish("1")
        for _ in range(8):
            self.once()
            time.sleep(0.04)
        self.assertEqual((self.row()["dead"], self.row()["state"]), (0, "suspended"))
        self.to(hook, tries=2, suspend={"after": 2, "for": "30ms", "most": "0s"})  # down for too long
        time.sleep(0.04)
        self.once()
        self.assertEqual(self.row()["dead"], 1)
        self.assertEqual([kind for kind, _, _ in self.told()], ["suspended", "gave_up"])

    def test_retry_after(self):
        for number, status in enumerate((429, 503)):
            hook = self.hook()
            hook.say = [lambda handler, status=status: handler.answer(status, Retry_After="1"), 204]
            self.to(hook, name=f"n{number}", **{"from": "now"})
            self.once()
            self.publish(f"{number}a", f"{number}b")
            begin = time.monotonic()
            self.assertEqual(self.once(), 0)
            time.sleep(0.04)
            self.assertEqual(self.once(), 0)  # nor is the other one sent
            self.assertEqual((len(hook.taken), self.row(f"n{number}")["state"]), (1, "retrying"))
            self.wait_for("comes again", lambda hook=hook: self.once() or len(hook.taken) > 1)
            self.assertGreaterEqual(time.monotonic() - begin, 1)

    def test_retry_after_has_a_bound(self):
        hook = self.hook()
        hook.say = lambda handler: handler.answer(503, Retry_After="86400000")
        self.to(hook)
        self.publish("1")
        self.once()
        wait = subprocess.run(["date", "-d", self.row()["next"], "+%s"], capture_output=True, check=True, text=True).stdout
        self.assertLess(int(wait) - time.time(), 3605)

    def test_redirects_lead_nowhere(self):
        other = self.hook()
        hook = self.hook()
        for status in (301, 302, 303, 307, 308):
            for where in ("http://169.254.169.254/latest/meta-data/", other.url):
                hook.say = lambda handler, status=status, where=where: handler.answer(status, Location=where)
                self.to(hook)
                self.publish(f"{status} {where}", subject=f"{status} {where}")
                self.assertEqual(self.once(), 0)
                time.sleep(0.04)
        self.assertEqual((other.taken, other.asked, other.paths), ([], [], []))
        self.assertIn("leads elsewhere", self.row()["last_error"])

    def test_megabytes(self):
        hook = self.hook()
        hook.say = megabytes(200)
        self.to(hook)
        self.publish("1")
        self.assertEqual(self.once(), 1)  # it was taken, whatever else is told
        hook.say = megabytes(500)
        self.publish("2")
        self.assertEqual(self.once(), 0)
        self.assertLess(len(self.row()["last_error"]), 512)

    def test_slow_and_hanging(self):
        for number, say in enumerate((hang, drip)):
            hook = self.hook()
            hook.say = say
            self.to(hook, name=f"n{number}", timeout="300ms", **{"from": "now"})
            self.once()
            self.publish(f"{number}")
            begin = time.monotonic()
            self.assertEqual(self.once(), 0)
            self.assertLess(time.monotonic() - begin, 10)
            self.assertIn("did not answer within 300ms", self.row(f"n{number}")["last_error"])
            hook.say = 204
            self.wait_for("comes again", lambda: self.once())

    def test_one_that_hangs_holds_up_no_other(self):
        slow, quick = self.hook(), self.hook()
        slow.say = hang
        self.lines(destinations=[{"name": "slow", "url": slow.url, **OPEN, **QUICK, "timeout": "60s"},
                                 {"name": "quick", "url": quick.url, **OPEN, **QUICK}])
        self.start("journal", "run")
        self.publish("1", "2")
        self.wait_for("quick", lambda: quick.ids() == ["1", "2"])

    def test_nonsense(self):
        hook = self.hook()
        for data in (b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 999 \r\n\r\n", b"HTTP/1.1 500 X\r\nContent-Length: 5\r\n\r\n\x1b[2J\x07"):
            hook.say = raw(data)
            self.to(hook)
            self.publish(repr(data), subject=repr(data))
            self.assertEqual(self.once(), 0, data)
            self.assertNotIn("\x1b", self.row()["last_error"])
            time.sleep(0.04)
        hook.say = 204
        self.until_quiet(hook, 4)

    def test_flapping(self):
        """Half of all deliveries fail: nothing is lost, and each key stays in its order."""
        seed = int(os.environ.get("OBS_SEED", random.randrange(10**6)))
        chance = random.Random(seed)
        hook = self.hook()
        done = []
        def say(handler):
            fate = chance.choice([204, 500, 503, raw(b""), "late"])
            if fate in (204, "late"):
                done.append(handler.headers["ce-id"])
            return raw(b"")(handler) if fate == "late" else fate(handler) if callable(fate) else fate
        hook.say = say
        self.to(hook, suspend={"after": 3, "for": "30ms"}, tries=1000)
        for number in range(40):
            self.publish(f"{number}", subject=f"key{number % 4}")
        end = time.monotonic() + 120
        while self.row()["waiting"] and self.ok("journal", "ls", "--json").rows()[0]["retrying"] or len(set(done)) < 40:
            self.assertLess(time.monotonic(), end, f"seed {seed}")
            self.once()
        self.assertEqual((len(set(done)), self.row()["dead"]), (40, 0), f"seed {seed}")
        for key in range(4):
            first = list(collections.OrderedDict.fromkeys(int(one) for one in done if int(one) % 4 == key))
            self.assertEqual(first, sorted(first), f"seed {seed}")
        self.once()
        kinds = [kind for kind, _, _ in self.told()]
        self.assertEqual(kinds, (["suspended", "recovered"] * len(kinds))[:len(kinds)], f"seed {seed}")

    # --- where it may lead -------------------------------------------------------------------------------------------

    def test_only_public_addresses(self):
        hook = self.hook()
        for number, host in enumerate(("127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "[::1]", "169.254.169.254",
                                       "10.0.0.1", "192.168.1.1", "[fe80::1]", "[fd00::1]", "100.64.0.1", "0.0.0.0", "[64:ff9b::7f00:1]")):
            with self.subTest(host):
                self.to(f"http://{host}:{hook.port}/hook", name=f"n{number}", allow=["plain"], handshake="off", timeout="5s",
                        **{"from": "now"})
                self.once()
                self.publish(host)
                self.assertEqual(self.once(), 0)
                self.assertIn("no public address", self.row(f"n{number}")["last_error"])
        self.assertEqual((hook.taken, hook.asked), ([], []))

    def test_a_name_that_changes_its_mind(self):
        """DNS rebinding: the first answer is public, the second is this machine."""
        if not SHIM:
            self.skipTest("no resolver")
        hook = self.hook()
        hook.say = lambda handler: handler.answer(204, Connection="close")
        self.to(f"http://rebind.example:{hook.port}/hook", allow=["plain"], handshake="off")
        self.publish("1")
        self.assertEqual(self.once(environment={"LD_PRELOAD": SHIM, "OBS_REBIND": "9.9.9.9"}), 1)
        self.publish("2")
        self.assertEqual(self.once(environment={"LD_PRELOAD": SHIM, "OBS_REBIND": "127.0.0.1"}), 0)
        self.assertEqual(hook.ids(), ["1"])
        self.assertIn("127.0.0.1, which is no public address", self.row()["last_error"])

    def test_certificates(self):
        certificates(self.folder)
        key = self.folder / "key.pem"
        right, wrong = self.hook((self.folder / "cert.pem", key)), self.hook((self.folder / "wrong.pem", key))
        self.publish("1")
        for hook, ca in ((right, None), (wrong, self.folder / "ca.pem")):
            self.to(hook, ca=ca and str(ca), allow=["private"])
            self.assertEqual(self.once(), 0)
            self.assertIn("certificate", self.row()["last_error"])
            time.sleep(0.04)
        self.to(right, ca=str(self.folder / "ca.pem"), allow=["private"])
        self.until_quiet(right, 1)
        self.assertEqual(wrong.taken, [])

    # --- killed ------------------------------------------------------------------------------------------------------

    def test_killed_before_it_acknowledged(self):
        hook = self.hook()
        processes = []

        def kill(handler):
            processes[-1].kill()
            processes[-1].wait()
            handler.answer(204)

        hook.say = [kill, kill, 204]
        self.to(hook)
        self.publish("1", "2", subject="key")
        for _ in range(2):
            processes.append(self.start("journal", "run", "--once"))
            self.assertEqual(processes[-1].wait(60), -signal.SIGKILL)
        self.assertEqual(self.once(), 2)
        self.assertEqual(hook.ids(), ["1", "1", "1", "2"])
        self.assertEqual(len({headers["webhook-id"] for headers, _ in hook.taken}), 2)
        self.assertEqual(len({headers["webhook-id"] for headers, _ in hook.taken[:3]}), 1)

    def test_one_at_a_time_and_the_next_takes_over(self):
        hook = self.hook()
        self.to(hook)
        first = self.start("journal", "run")
        self.publish("1")
        self.wait_for("first", lambda: hook.ids() == ["1"])
        second = self.start("journal", "run")
        self.assertEqual(self.once(), 0)
        self.publish("2")
        self.wait_for("second", lambda: hook.ids() == ["1", "2"])
        first.kill()
        first.wait()
        self.publish("3")
        self.wait_for("third", lambda: set(hook.ids()) == {"1", "2", "3"})  # the second may come twice: it was not acknowledged
        second.terminate()
        second.wait(60)

    def test_ended_in_the_middle(self):
        hook = self.hook()
        hook.say = [hang, 204]
        self.to(hook)
        self.publish("1")
        process = self.start("journal", "run")
        self.wait_for("asked", lambda: hook.taken)
        process.terminate()
        self.assertEqual(process.wait(60), -signal.SIGTERM)
        row = self.row()
        self.assertEqual((row["tries"], row["dead"]), (0, 0))  # nothing is known of it: no failure of the server
        self.assertEqual(self.once(), 1)

    def test_wrong_lines(self):
        good = {"name": "alerts", "url": "https://example.org/hook"}
        for change, says in (({"name": "a/b"}, "name"), ({"name": None}, "name"), ({"url": None}, "url"), ({"url": "ftp://x.example"}, "https://"),
                             ({"url": "http://example.org"}, "allow: [plain]"), ({"url": "https://u:p@example.org"}, ""),
                             ({"sign": "whsec_abc"}, "${secret:"), ({"token": "abc"}, "${secret:"), ({"tries": 0}, "at least 1"),
                             ({"mode": "xml"}, "binary structured batch"), ({"trys": 3}, "did you mean 'tries'"),
                             ({"suspend": {"aftr": 3}}, "did you mean 'suspend.after'"), ({"suspend": 3}, "mapping"), ({"allow": ["all"]}, "private"),
                             ({"url": "mailto:a@b@c"}, "mail address"), ({"url": "mailto:a@example.org"}, "smtp")):
            with self.subTest(change):
                self.lines(destinations=[{name: value for name, value in {**good, **change}.items() if value is not None}])
                run = self.fails(2, "journal", "ls", says=says)
                self.assertRegex(run.err, r"obs\.yaml:\d+:\d+: ")
                self.assertNotIn("whsec_abc", run.err)
        self.lines(destinations=[good, good])
        self.fails(2, "journal", "ls", says="two of this name")

    def test_a_filter_that_is_wrong(self):
        self.to(self.hook(), filter="type LIKE")
        self.fails(2, "journal", "run", "--once")

    def test_nothing_named(self):
        self.fails(3, "journal", "run", "--once", says="destinations:")
        self.to(self.hook())
        self.fails(3, "journal", "run", "other", "--once", says="other")


if __name__ == "__main__":
    main()
