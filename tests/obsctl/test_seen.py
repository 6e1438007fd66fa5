"""What a workspace shows to those who watch over it: metrics, and what went wrong lately."""
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

from support import Case, main


class Metrics(Case):
    def test_text(self):
        self.put("a", b"12345")
        text = self.ok("metrics").out
        self.assertTrue(text.endswith("\n# EOF\n"))
        self.assertIn('\nobs_tenant_stored_bytes{tenant="default"} 5\n', text)
        families, seen = [], set()
        for line in text.splitlines()[:-1]:
            kind, name = re.match(r"(?:# (TYPE|UNIT|HELP) )?([a-z_]+)", line).groups()
            if kind == "TYPE":
                self.assertNotIn(name, seen)
                families.append((name, line.split()[-1]))
                seen.add(name)
            elif kind is None:
                self.assertEqual(name, families[-1][0] + ("_total" if families[-1][1] == "counter" else ""), line)
                self.assertRegex(line, r'^[a-z_]+(\{([a-z]+="[^"\\\n]*",?)+\})? -?\d+(\.\d{3})?$')
            else:
                self.assertEqual(name, families[-1][0])

    def test_only_own_tenant(self):
        """Who does not administrate sees the numbers of the own tenant, and a token without the scope none."""
        self.ok("tenant", "create", "weather")
        self.assertIn('{tenant="default"}', self.ok("metrics", "-t", "weather").out)
        for scope, code in (("tenant.read", 0), ("storage.read:/", 4)):
            token = self.ok("token", "issue", "-t", "weather", "--subject", "function:f", "--scope", scope).out.strip()
            run = self.obsctl("metrics", environment={"BEARER_TOKEN": token})
            self.assertEqual(run.code, code, run.err)
            self.assertNotIn('{tenant="default"}', run.out)
            self.assertEqual('{tenant="weather"}' in run.out, code == 0)


class Top(Case):
    def on_terminal(self, *words, columns=80, lines=24, until, **environment):
        """What `top` draws until something appears; then Ctrl-C."""
        here, there = pty.openpty()
        fcntl.ioctl(there, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        process = self.start(*words, stdin=subprocess.DEVNULL, stdout=there, env={**self.environment, "TERM": "xterm", **environment})
        os.close(there)
        seen, interrupted, end = b"", False, time.monotonic() + 300
        while True:
            left = end - time.monotonic()
            if left <= 0 or not select.select([here], [], [], left)[0]:
                self.fail(f"no {'end' if interrupted else until} within 300 s, but {len(seen)} bytes: {seen[-3000:]!r}")
            try:
                piece = os.read(here, 65536)
            except OSError:
                break
            seen += piece
            if until in seen and not interrupted:
                process.send_signal(signal.SIGINT)
                interrupted = True
            if not piece:
                break
        os.close(here)
        self.assertEqual(process.wait(60), 0)
        self.assertEqual(process.stderr.read(), b"")
        return seen.decode()

    def busy(self):
        self.put("a")
        self.fails(3, "get", "absent")
        self.ok("subscribe", "slow", "--wait", "0")
        self.ok("publish", "org.example.x")
        self.ok("publish", "org.example.x", "-t", "weather")

    def setUp(self):
        super().setUp()
        self.ok("tenant", "create", "weather")

    def test_once(self):
        self.busy()
        self.wait_for("records of the calls", lambda: "store.get" in self.ok("top", "--window", "60").out)
        row = self.ok("top", "--once", "--json", "--window", "60").rows()[0]
        rates = {(one["tenant"], one["action"]): one for one in row["rates"]}
        self.assertAlmostEqual(rates["default", "store.get"]["calls_per_second"], 1 / 60)
        self.assertAlmostEqual(rates["default", "store.get"]["failed_per_second"], 1 / 60)
        self.assertEqual(rates["weather", "event.publish"]["failed_per_second"], 0)
        self.assertGreater(rates["default", "store.put"]["bytes_per_second"], 0)
        self.assertEqual([(one["tenant"], one["consumer"], one["behind"]) for one in row["consumers"]], [("default", "slow", 1)])
        only = self.ok("top", "--once", "--json", "--window", "60", "-t", "weather").rows()[0]
        self.assertEqual({one["tenant"] for one in only["rates"]}, {"weather"})

    def test_json_goes_on(self):
        process = self.start("top", "--json", stdout=subprocess.PIPE)
        for _ in range(2):
            self.assertIn("rates", json.loads(process.stdout.readline()))
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(60), 0)

    def test_terminal(self):
        self.busy()
        seen = self.on_terminal("top", "--window", "60", until=b"slow")
        self.assertTrue(seen.startswith("\x1b[?1049h\x1b[?25l"))
        self.assertTrue(seen.endswith("\x1b[?25h\x1b[?1049l"), seen[-40:])
        self.assertIn("\x1b[1m", seen)

    def test_narrow_and_plain(self):
        self.busy()
        seen = self.on_terminal("top", "--window", "60", columns=30, lines=4, until=b"BYTES", NO_COLOR="1")
        self.assertFalse(re.search(r"\x1b\[\d*m", seen))
        drawn = re.sub(r"\x1b\[[?0-9]*[a-zA-Z]", "", seen)
        self.assertTrue(all(len(line) <= 30 for line in drawn.split("\r\n")), drawn)
        self.assertNotIn("slow", drawn)

    def test_ended_output(self):
        """`obsctl top --json | head -1` ends."""
        process = self.start("top", "--json", stdout=subprocess.PIPE)
        process.stdout.readline()
        process.stdout.close()
        self.assertIn(process.wait(60), (0, 1, -signal.SIGPIPE))


class Errors(Case):
    def test_grouped(self):
        for _ in range(3):
            self.fails(3, "get", "absent")
        self.put("raw/a")
        self.fails(6, "put", self.path("x", "1"), "raw/a")
        self.define()
        self.ok("ingest", "--definition", "test.magnitude", self.path("r.ndjson", '{"id":"a"}\n{"id":"b"}\n{"id":3,"mag":1}\n'))
        rows = self.ok("errors", "--json").rows()
        kinds = {(row["action"], row["status"]): row for row in rows}
        self.assertEqual(kinds["store.get", "NOT_FOUND"]["count"], 3)
        self.assertIn("immutable", kinds["store.put", "ALREADY_EXISTS"]["next"])
        refused = [row for row in rows if row["action"] == "ingest test.magnitude"]
        self.assertEqual(sorted(row["count"] for row in refused), [1, 2])
        self.assertIn("mag", max(refused, key=lambda row: row["count"])["reason"])
        self.assertEqual([row["count"] for row in rows], sorted((row["count"] for row in rows), reverse=True))
        for row in rows:
            self.assertRegex(row["trace"], "^[0-9a-f]{32}$")
            self.assertTrue(row["next"])
        trace = kinds["store.put", "ALREADY_EXISTS"]["trace"]
        self.assertEqual(self.ok("audit", "query", "--trace", trace, "--json").rows()[0]["object"], "raw/a")
        text = self.ok("errors").out
        self.assertIn("       3  store.get  NOT_FOUND\n", text)

    def test_nothing(self):
        self.assertRegex(self.ok("errors").out, r"^nothing was refused or failed since 20\S+Z\n$")
        self.assertEqual(self.ok("errors", "--json").out, "")

    def test_since(self):
        self.fails(3, "get", "absent")
        self.assertEqual(len(self.ok("errors", "--json", "--since", "2h").rows()), 1)
        self.assertEqual(len(self.ok("errors", "--json", "--since", "2020-01-01").rows()), 1)
        self.assertEqual(len(self.ok("errors", "--json", "--since", "2200-01-01").rows()), 0)
        for wrong in ("lately", "0h", "1w", "1000001s", ""):
            self.fails(2, "errors", "--since", wrong)

    def test_strangers(self):
        self.define()
        self.ok("ingest", "--definition", "test.magnitude", self.path("r.ndjson", '{"id":"a","mag":"\\u001b[31m\\u202e"}\n'))
        for words in (["errors"], ["errors", "--json"]):
            out = self.ok(*words).out
            self.assertNotIn("\x1b", out)
            self.assertNotIn("\u202e", out)


main()
