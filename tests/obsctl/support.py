"""What the tests of obsctl share: a workspace for each test case, runs of the command, and what holds for every run."""
import contextlib
import faulthandler
import json
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

OBSCTL = os.environ["OBSCTL"]
SANITIZED = bool(os.environ.get("OBS_SANITIZE"))
ACCEPTED_ANYWHERE = ("PATH", "LD_LIBRARY_PATH", "LD_PRELOAD", "ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS")
SCHEMA = {"type": "object", "required": ["id", "mag"],
          "properties": {"id": {"type": "string"}, "mag": {"type": "number"}, "note": {"type": "string"}}}


class Run:
    """What one run of obsctl left."""

    def __init__(self, done):
        self.code = done.returncode
        self.raw = done.stdout
        self.out = done.stdout.decode("utf-8", "surrogateescape")
        self.err = done.stderr.decode("utf-8", "surrogateescape")

    def rows(self):
        """stdout as one JSON object a line, and nothing else."""
        assert self.out == "" or self.out.endswith("\n"), f"the last line has no end: {self.out!r}"
        rows = [json.loads(line) for line in self.out.splitlines()]
        assert all(isinstance(row, dict) for row in rows), f"not all are objects: {self.out!r}"
        return rows

    def error(self):
        errors = [row["error"] for row in self.rows() if "error" in row]
        assert len(errors) == 1, f"{len(errors)} errors in {self.out!r} {self.err!r}"
        return errors[0]


class Case(unittest.TestCase):
    """A folder, a workspace in it, and a home, all of its own."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="obsctl-"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.environment = {name: os.environ[name] for name in ACCEPTED_ANYWHERE if name in os.environ}
        self.environment.update(HOME=str(self.folder / "home"), XDG_STATE_HOME=str(self.folder / "state"))
        (self.folder / "home").mkdir()
        self.workspace = self.folder / "night"
        self.ok("init", self.workspace)

    def bury(self, consumer, count):
        """Dead letters of a consumer: no command makes them, only programs that reject events."""
        for number in range(count):
            self.ok("publish", "org.example.x", "--id", f"dead-{number}")
        self.ok("subscribe", consumer, "--wait", "0")
        with contextlib.closing(sqlite3.connect(self.workspace / "tenants/default/tenant.db")) as database, database:
            database.execute("INSERT INTO dead SELECT ?, sequence, 10, 0, 'no link' FROM event WHERE id LIKE 'dead-%'", [consumer])

    def write_function(self, name, product=None):
        """A function in the language of the shell: it is ready, and makes nothing of each event, or this text as products/NAME."""
        folder = self.workspace / "functions" / name
        folder.mkdir(parents=True, exist_ok=True)
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.obs.outputs\r\n"
        body = b""
        if product is not None:
            line = {"do": "put", "key": f"products/{name}", "size": len(product.encode()), "type": "application/json"}
            body = f"{json.dumps(line)}\n{product}\n".encode()
        (folder / "answer").write_bytes(head + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        (folder / "handler.sh").write_text("while read -r line <&3; do case $line in GET*|POST*) cat answer >&3;; esac; done\n")
        (folder / "function.yaml").write_text(
            f"name: {name}\ncommand: [/bin/sh, handler.sh]\non: {{type: org.example.{name}}}\nwrites: [products/]\n")
        for path in (folder.parent, folder, *folder.iterdir()):
            path.chmod(0o700)

    def path(self, name, content=b""):
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def run_at(self, folder, words, environment=None, **options):
        options.setdefault("stdin", subprocess.DEVNULL)
        if "input" in options:
            del options["stdin"]
        options.setdefault("timeout", 300)
        options.setdefault("stdout", subprocess.PIPE)
        words = [OBSCTL] + [word if isinstance(word, bytes) else str(word) for word in words]
        done = subprocess.run(words, cwd=folder, env={**self.environment, **(environment or {})}, stderr=subprocess.PIPE, **options)
        done.stdout = done.stdout or b""
        return Run(done)

    def start(self, *words, **options):
        """obsctl beside the test; killed if the test ends before it does."""
        options = {"cwd": self.workspace, "env": self.environment, "stderr": subprocess.PIPE, **options}
        process = subprocess.Popen([OBSCTL, *map(str, words)], **options)
        self.addCleanup(self.end, process)
        return process

    @staticmethod
    def end(process):
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream and not stream.closed:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()

    @staticmethod
    def open_files(process):
        """Path by descriptor; what it closes or opens meanwhile may be missing."""
        found = {}
        with contextlib.suppress(FileNotFoundError):  # it has ended
            for name in os.listdir(f"/proc/{process.pid}/fd"):
                with contextlib.suppress(FileNotFoundError):
                    found[int(name)] = os.readlink(f"/proc/{process.pid}/fd/{name}")
        return found

    def wait_for(self, what, condition):
        end = time.monotonic() + 300
        while not condition():
            self.assertLess(time.monotonic(), end, what)
            time.sleep(0.005)

    def obsctl(self, *words, **options):
        folder = self.workspace if self.workspace.exists() else self.folder
        return self.run_at(folder, words, **options)

    def ok(self, *words, **options):
        run = self.obsctl(*words, **options)
        self.assertEqual(run.code, 0, f"{words}: {run.out}{run.err}")
        return run

    def fails(self, code, *words, says=None, **options):
        """Fails with this exit code and one sentence on stderr; stdout stays empty."""
        run = self.obsctl(*words, **options)
        self.assertEqual(run.code, code, f"{words}: {run.out}{run.err}")
        self.assertRegex(run.err, r"(^|\n)obsctl: [^\n]{10,}\n")
        if says:
            self.assertIn(says, run.err)
        return run

    def fails_json(self, code, status, *words, **options):
        """The same as JSON: one error object on stdout, nothing on stderr."""
        run = self.obsctl(*words, "--json", **options)
        self.assertEqual(run.code, code, f"{words}: {run.out}{run.err}")
        error = run.error()
        self.assertEqual((error["status"], error["exit_code"]), (status, code))
        self.assertTrue(error["message"])
        return run

    def put(self, key, content=b"bytes\n", *words):
        self.ok("put", "-", key, *words, input=content)

    def define(self, name="test.magnitude", *words):
        self.ok("ingest", "define", name, self.path(f"{name}.schema.json", json.dumps(SCHEMA)), *words)


def skip(what, why):
    print(f"SKIPPED {what}: {why}")
    raise unittest.SkipTest(why)


def main():
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs, and what they start, ignore it
    faulthandler.dump_traceback_later(540)  # who waits without end says where before ctest kills it
    unittest.main(argv=sys.argv, verbosity=1)
