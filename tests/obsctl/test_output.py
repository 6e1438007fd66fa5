"""What goes out: closed and full output, narrow and dumb terminals, text of strangers, no home, a read-only workspace."""
import fcntl
import json
import os
import pty
import shutil
import signal
import struct
import subprocess
import termios

from support import Case, OBSCTL, main, skip

EVIL = "a\x1b[31mred\u202egpj\u0007\u200b"
SLY = "a\u202egpj\u200b"  # without control characters, which CloudEvents forbid


class Output(Case):
    def on_terminal(self, *words, columns=80, environment=None, appeared=lambda seen: None):
        """What appears on a terminal when stdout and stderr are one; appeared is told after each piece."""
        here, there = pty.openpty()
        fcntl.ioctl(there, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        process = self.start(*words, stdin=subprocess.DEVNULL, stdout=there, stderr=there,
                             env={**self.environment, "TERM": "xterm", **(environment or {})})
        os.close(there)
        seen = b""
        while True:
            try:
                piece = os.read(here, 65536)
            except OSError:
                break
            if not piece:
                break
            seen += piece
            appeared(seen)
        os.close(here)
        process.wait(300)
        return seen.decode("utf-8", "surrogateescape").replace("\r\n", "\n")

    def assert_harmless(self, text):
        for character in "\x1b\u202e\x07\u200b\x9b":
            self.assertNotIn(character, text)

    def evil_workspace(self):
        self.put(EVIL, b"x", "--label", f"l={EVIL}", "--value", f"v={EVIL}")
        self.ok("publish", "org.example.x", "--subject", SLY, "--id", SLY)

    def test_text_of_strangers(self):
        self.evil_workspace()
        for words in (["ls"], ["ls", "-l"], ["stat", EVIL], ["search"], ["search", "-k"], ["labels", EVIL], ["audit", "query"],
                      ["ingest", "log"], ["get", "no" + EVIL], ["rm", "no" + EVIL], ["put", "no" + EVIL, "k"],
                      ["subscribe", "w", "--wait", "0"], ["ls", "--" + EVIL], [EVIL], ["ls", "-w", EVIL], ["search", EVIL + "<"]):
            with self.subTest(words=words):
                run = self.obsctl(*words)
                self.assert_harmless(run.out + run.err)
                self.assert_harmless(self.on_terminal(*words, environment={"NO_COLOR": "1"}))

    def test_text_of_strangers_json(self):
        self.evil_workspace()
        for words in (["ls"], ["stat", EVIL], ["search"], ["audit", "query"], ["subscribe", "w", "--wait", "0"],
                      ["get", "no" + EVIL, "f"], ["ls", "--" + EVIL]):
            with self.subTest(words=words):
                run = self.obsctl(*words, "--json")
                self.assert_harmless(run.out)
                run.rows()
        self.assertEqual(self.ok("stat", EVIL, "--json").rows()[0]["key"], EVIL)
        self.assertEqual(self.ok("subscribe", "x", "--wait", "0").rows()[0]["subject"], SLY)
        self.assertEqual(self.ok("labels", EVIL, "--json").rows()[0]["labels"], {"l": EVIL})

    def test_bytes_that_are_no_text(self):
        bad = b"bad\xff\xfe"
        run = self.obsctl("rm", bad, "--json")
        self.assertEqual((run.code, run.error()["object"]), (2, "bad\\xff\\xfe"))
        self.assertNotEqual(self.obsctl(bad, "--json").error()["message"], "")
        self.assertNotEqual(self.obsctl("put", bad, "k", "--json").error()["message"], "")
        self.fails(2, "put", "-", "k", "-v", b"x=\xff", says="UTF-8")

    def test_closed_output(self):
        self.put("a/b")
        for words in (["ls"], ["ls", "--json"], ["stat", "a/b"], ["help"], ["get", "a/b"], ["search"], ["audit", "query"], ["version"]):
            with self.subTest(words=words):
                run = self.run_at(self.workspace, words, preexec_fn=lambda: os.close(1), stdout=None)
                self.assertEqual(run.code, 1, run.err)
        self.assertEqual(self.ok("workspace", "check", "--json").rows()[-1]["problems"], 0)

    def test_all_closed(self):
        self.put("a/b")
        for words, code in ((["ls"], 1), (["put", "-", "k"], 1), (["rm", "a/b"], 0)):
            done = self.run_at(self.workspace, words, preexec_fn=lambda: os.closerange(0, 3), stdout=None)
            self.assertEqual(done.code, code, words)
        self.assertEqual(self.ok("workspace", "check", "--json").rows()[-1]["problems"], 0)
        self.assertEqual(self.ok("ls").out, "")

    def test_no_file_takes_the_place_of_closed_output(self):
        process = self.start("subscribe", "w", "--wait", "600", preexec_fn=lambda: os.closerange(0, 3))
        self.wait_for("opens the database", lambda: any("tenant.db" in path for path in self.open_files(process).values()))
        self.assertEqual([self.open_files(process)[fd] for fd in range(3)], ["/dev/null"] * 3)

    def test_full_output(self):
        self.put("a/b")
        self.ok("publish", "org.example.x")
        for words in (["ls"], ["ls", "--json"], ["stat", "a/b"], ["help"], ["get", "a/b"], ["search"], ["audit", "query"], ["version"],
                      ["subscribe", "w", "--wait", "0"], ["man"]):
            with self.subTest(words=words), open("/dev/full", "wb") as full:
                run = self.run_at(self.workspace, words, stdout=full)
                self.assertIn(run.code, (1, 5), run.err)
                self.assertIn("output", run.err)
        again = self.ok("subscribe", "w", "--wait", "0").rows()
        self.assertEqual(len(again), 1, "what could not be printed is not acknowledged")

    def test_reader_goes_away(self):
        for i in range(30):
            self.ok("publish", "org.example.x", "--data", json.dumps("x" * 20000))
        process = self.start("subscribe", "w", "--wait", "0", stdout=subprocess.PIPE)
        process.stdout.read(100)
        process.stdout.close()
        self.assertEqual(process.wait(300), -signal.SIGPIPE)
        self.assertEqual(process.stderr.read(), b"")

    def test_colors(self):
        self.assertIn("\x1b[32m", self.on_terminal("doctor"))
        for environment in ({"NO_COLOR": "1"}, {"TERM": "dumb"}, {"TERM": ""}):
            self.assertNotIn("\x1b", self.on_terminal("doctor", environment=environment))
        self.assertNotIn("\x1b", self.ok("doctor").out)

    def test_narrow(self):
        self.evil_workspace()
        for width in (20, 40, 63):
            text = self.on_terminal("help", columns=width) + self.on_terminal("help", "subscribe", columns=width)
            for line in text.splitlines():
                self.assertTrue(len(line) <= max(width, 40) or " " not in line.strip() or line.startswith(("usage:", "  obsctl", "obsctl")),
                                line)
        self.assertIn("a\\x1b[31mred", self.on_terminal("ls", columns=40))
        for line in self.ok("help").out.splitlines():
            self.assertLessEqual(len(line), 80)

    def test_progress(self):
        big = self.path("big")
        with open(big, "r+b") as file:
            file.truncate(1 << 30)
        shown = self.on_terminal("put", big, "big", columns=40)
        self.assertIn("%", shown, "a gigabyte takes longer than a fifth of a second")
        self.assertLessEqual(max(len(part) for part in shown.replace("\x1b[K", "").split("\r")), 40)
        self.assertEqual(self.ok("get", "big", "/dev/null").err, "")

    def test_progress_of_a_slow_pipe(self):
        self.assertIn(" B", self.from_slow_pipe(until=b" B"))
        self.assertEqual(self.from_slow_pipe("-q"), "")
        self.assertEqual(self.from_slow_pipe(environment={"TERM": "dumb"}), "")

    def from_slow_pipe(self, *words, environment=None, until=None):
        """The pipe goes on for half a second, or until something appeared: how fast obsctl begins does not matter."""
        pipe, stop = self.folder / "pipe", self.folder / "stop"
        for old in (pipe, stop):
            old.unlink(missing_ok=True)
        os.mkfifo(pipe)
        turns = 600 if until else 10
        script = f"i=0; while [ $i -lt {turns} ] && [ ! -e stop ]; do echo a; sleep 0.05; i=$((i+1)); done >pipe"
        with subprocess.Popen(["sh", "-c", script], cwd=self.folder):
            return self.on_terminal("put", pipe, "slow", *words, environment=environment,
                                    appeared=lambda seen: until and until in seen and stop.touch())

    def test_no_home(self):
        self.put("a")
        for name in ("HOME", "XDG_STATE_HOME"):
            self.environment.pop(name)
        self.assertEqual(self.ok("get", "a").out, "bytes\n")
        self.assertEqual(self.ok("help").err, "")
        self.assertEqual(self.run_at("/", ["ls"]).code, 3)

    def test_read_only_workspace(self):
        if os.geteuid() != 0 or not shutil.which("unshare"):
            skip("obsctl on a read-only file system", "it is mounted by root")
        self.put("a")
        script = 'mount --bind . . && mount -o remount,ro,bind . && cd "$PWD" && exec "$0" "$@"'

        def read_only(*words):
            done = subprocess.run(["unshare", "-m", "sh", "-c", script, OBSCTL, *words], cwd=self.workspace, env=self.environment,
                                  capture_output=True, stdin=subprocess.DEVNULL)
            if b"mount" in done.stderr or b"unshare" in done.stderr:
                skip("obsctl on a read-only file system", "mounting is not allowed here")
            return done
        self.assertEqual(read_only("get", "a").stdout, b"bytes\n")
        self.assertEqual(read_only("ls", "--json").returncode, 0)
        changed = read_only("put", "/dev/null", "b", "--json")
        self.assertIn(changed.returncode, (4, 6))
        self.assertIn("read-only", json.loads(changed.stdout)["error"]["message"].lower())

    def test_password_in_url(self):
        config = self.workspace / "obs.yaml"
        config.write_text(config.read_text().replace("store: file:store ", "store: s3://ada:hunter2@host/bucket "))
        run = self.fails(2, "ls")
        self.assertIn("${secret:", run.err)
        self.assertNotIn("hunter2", run.err)
        error = self.fails_json(2, "INVALID_ARGUMENT", "ls").error()
        self.assertNotIn("hunter2", json.dumps(error))
        self.assertEqual(error["line"], 2)


if __name__ == "__main__":
    main()
