"""Power cuts and kills while functions run and events leave: nothing that was acknowledged is lost, nothing is made twice.

    runner_cut.py FOLDER_OF_PROGRAMS [CUTS [KILLS]]

Two processes publish events about a hundred keys, a runner has a function make a product of each, a courier delivers all of them
to two servers; everything they do to the disk is written down by disk_shim. At each of so many random moments a disk is made up
that holds what was synced until then, plus a random, torn part of the rest, and runner and courier go on with it to the end.
Then the same with a shim whose syncs do nothing: that must be noticed. Then all three are killed with -9 again and again.
"""

from __future__ import annotations

import fcntl
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Callable

from judge import read_state
from powercut import ACKNOWLEDGE, HEADER, Disk, Entry, read_log

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "obsctl"))
from hook import Hook  # noqa: E402

KEYS, EVENTS = 100, 60  # of each of the two who publish: together they use every key, and some of them both
BLIND = 4  # cuts without syncs
BOUND = 300  # seconds; what is waited for comes long before, or not at all
DESTINATIONS = ("north", "south")
MANIFEST = """name: once
command: [{program}]
on: {{type: org.example.raw}}
reads: [data/]
writes: [products/]
publishes: [org.example.product]
retry: 1ms
attempts: 1000
workers: 2
environment: {environment}
{more}"""


class Servers:
    """The two destinations. What they took is known by them alone, or also written into the log of the disk before they say so."""

    def __init__(self, stack: ExitStack) -> None:
        self.hooks = {name: Hook() for name in DESTINATIONS}
        self.lock = threading.Lock()
        self.log: int | None = None
        for name, hook in self.hooks.items():
            stack.callback(hook.close)
            hook.say = lambda handler, name=name: self.take(name, handler)

    def take(self, name: str, handler: Any) -> int:
        word = f"delivered {name} {handler.headers['ce-type']} {handler.headers['ce-id']} {handler.headers['webhook-id']}\n".encode()
        with self.lock:
            if self.log is not None:
                fcntl.flock(self.log, fcntl.LOCK_EX)
                os.write(self.log, HEADER.pack(ACKNOWLEDGE, len(word), 0, 0, 0) + word)
                fcntl.flock(self.log, fcntl.LOCK_UN)
        return 204

    def taken(self) -> list[list[str]]:
        rows = []
        for name, hook in self.hooks.items():
            with hook.lock:
                rows += [[name, headers["ce-type"], headers["ce-id"], headers["webhook-id"]] for headers, _ in hook.taken]
        return rows

    def forget(self) -> None:
        for hook in self.hooks.values():
            with hook.lock:
                hook.taken.clear()


class Night:
    """A workspace with the function and the destinations, and beside it the state with its keys: all of what a disk holds."""

    def __init__(self, programs: Path, root: Path) -> None:
        self.programs, self.root, self.folder = programs, root, root / "night"
        self.environment = {**os.environ, "XDG_STATE_HOME": str(root / "state"), "OBS_WORKSPACE": str(self.folder)}
        # The function is linked with the library that lies beside it, and sees that of its runner: they must be the same.
        self.environment.pop("LD_LIBRARY_PATH", None)

    def make(self, servers: Servers, shim: dict[str, str]) -> Night:
        """The workers of the function have no environment but that of its manifest, and isolated they could not write the log."""
        (self.root / "state").mkdir(parents=True)
        self.run("init", str(self.folder))
        # Each cut is an image of all files: the reserve of a disk is only as large as it must be to be one.
        (self.folder / "audit/policy.json").write_text('{"reserve_bytes":262144}')
        folder = self.folder / "functions/once"
        folder.mkdir(parents=True)
        more = "isolation: none\n" if shim else ""
        text = MANIFEST.format(program=self.programs / "once", environment=json.dumps(shim), more=more)
        (folder / "function.yaml").write_text(text)
        for path in (folder.parent, folder, folder / "function.yaml"):
            path.chmod(0o700)
        lines = [{"name": name, "url": hook.url, "allow": ["private", "plain"], "filter": "type LIKE 'org.example.%'",
                  "retry": "10ms", "retry_most": "10ms", "tries": 1000} for name, hook in servers.hooks.items()]
        with (self.folder / "obs.yaml").open("a") as out:
            out.write(f"destinations: {json.dumps(lines)}\n")
        return self

    def run(self, *words: str) -> str:
        done = subprocess.run([self.programs / "obsctl", *words], capture_output=True, text=True, env=self.environment, timeout=BOUND)
        if done.returncode:
            printed = "".join(file.read_text(errors="replace")[-2000:] for file in (self.folder / "functions/once/logs").glob("*"))
            raise AssertionError(f"obsctl {' '.join(words)}: {done.returncode}: {done.stderr.strip()} {done.stdout.strip()}\n{printed}")
        return done.stdout

    def rows(self, *words: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.run(*words, "--json").splitlines()]

    def start(self, program: str, *words: str, **shim: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen([self.programs / program, *words], env={**self.environment, **shim}, stdout=subprocess.DEVNULL)

    def publish(self, saying: Path, name: str, count: int, first: int, **shim: str) -> subprocess.Popen[bytes]:
        return self.start("publisher", str(self.folder), str(saying), name, str(count), str(first), str(KEYS), **shim)

    def finish(self) -> None:
        """Runner and courier go on until nothing is left for either: what comes again later counts as left."""
        end = time.monotonic() + BOUND
        before = -1
        while True:
            self.run("function", "run", "--once")
            delivered = self.rows("journal", "run", "--once")[0]["delivered"]
            made = len(self.rows("ls", "-r", "products/"))
            if not delivered and made == before and not any(row["retrying"] for row in self.rows("journal", "ls")):
                return
            before = made
            if time.monotonic() > end:
                raise AssertionError(f"they do not come to an end: {self.run('journal', 'ls')}")


def twice(what: str, names: Counter[str]) -> list[str]:
    return [f"{what} {name}: {count} times" for name, count in names.items() if count > 1]


def missing(what: str, wanted: set[str], found: set[str]) -> list[str]:
    return [f"{what}: without {sorted(wanted - found)[:5]}"] if wanted - found else []


def judge_products(night: Night, on_bus: dict[str, set[str]]) -> list[str]:
    made = Counter(row["key"].split("/")[1] for row in night.rows("ls", "-r", "products/"))
    raw = on_bus["org.example.raw"]
    wrong = twice("products of event", made) + missing("products", raw, set(made)) + missing("events of products", set(made), raw)
    if len(on_bus["org.example.product"]) != len(raw):
        wrong.append(f"{len(on_bus['org.example.product'])} events tell of {len(raw)} products")
    return wrong


def judge_deliveries(taken: list[list[str]], acknowledged: set[str], on_bus: dict[str, set[str]]) -> list[str]:
    """Each at least once, under the id that it had the first time; nothing that is not there."""
    wrong = []
    ids: dict[str, set[str]] = {}
    for _, _, event, message in taken:
        ids.setdefault(event, set()).add(message)
    wrong += [f"{event} came under the ids {sorted(messages)}" for event, messages in ids.items() if len(messages) > 1]
    if len(set().union(*ids.values())) != sum(len(messages) for messages in ids.values()):
        wrong.append("two events came under one id")
    for name in DESTINATIONS:
        came = {event for where, _, event, _ in taken if where == name}
        wrong += missing(f"acknowledged, and never delivered to {name}", acknowledged, came)
        for kind, events in on_bus.items():
            of_kind = {event for where, what, event, _ in taken if where == name and what == kind}
            wrong += missing(f"{kind} at {name}", events, of_kind) + missing(f"{kind} that {name} has, on the bus", of_kind, events)
    return wrong


def judge(night: Night, acknowledged: set[str], taken: list[list[str]]) -> list[str]:
    """What is wrong after everything came to its end."""
    state = read_state(str(night.programs / "state"), str(night.folder), str(night.root / "state"))
    wrong = [" ".join(problem) for problem in state["problem"]]
    wrong += [f"audit log, {when}: {status}" for when, status, *_ in state["verify"] if status != "OK" and when == "gone-on"]
    rows = night.rows("subscribe", "judge", "--type", "org.example.*", "--wait", "0")
    on_bus = {kind: {row["id"] for row in rows if row["type"] == kind} for kind in ("org.example.raw", "org.example.product")}
    wrong += twice("event", Counter(row["id"] for row in rows))
    wrong += missing("acknowledged events", acknowledged, on_bus["org.example.raw"])
    wrong += judge_products(night, on_bus) + judge_deliveries(taken, acknowledged, on_bus)
    wrong += [f"dead letter: {row['reason']}" for row in night.rows("journal", "dead")]
    night.run("audit", "verify")
    checked = night.rows("workspace", "check")
    return wrong + [f"check: {row}" for row in checked if row.get("problems", 0)]


def wait_for(what: str, condition: Callable[[], bool]) -> None:
    end = time.monotonic() + BOUND
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited in vain: {what}")
        time.sleep(0.002)


def record(programs: Path, work: Path, servers: Servers, *, nosync: bool) -> tuple[Disk, list[Entry]]:
    """All of them run under the shim until everything is delivered."""
    root, image, log, saying = work / "disk", work / "image", work / "disk.log", work / "saying"
    shim = {"LD_PRELOAD": str(programs / "libdisk_shim.so"), "OBS_DISK_ROOT": str(root), "OBS_DISK_LOG": str(log),
            "OBS_DISK_ACK": str(saying), "ASAN_OPTIONS": "verify_asan_link_order=0", **({"OBS_DISK_NOSYNC": "1"} if nosync else {})}
    night = Night(programs, root).make(servers, shim)
    subprocess.run(["cp", "-a", root, image], check=True)
    inodes = {str(path.relative_to(root)): path.stat().st_ino for path in root.rglob("*")}
    saying.touch()
    log.touch()
    servers.forget()
    servers.log = os.open(log, os.O_WRONLY | os.O_APPEND)
    runners = [night.start("obsctl", "function", "run", **shim), night.start("obsctl", "journal", "run", **shim)]
    publishers = [night.publish(saying, f"p{first}", EVENTS, first, **shim) for first in (0, KEYS // 2)]
    try:
        for publisher in publishers:
            assert publisher.wait(BOUND) == 0, "one who publishes failed"
        wanted = len(DESTINATIONS) * len(publishers) * EVENTS * 2  # and what tells of the product
        wait_for("deliveries", lambda: len(set(map(tuple, servers.taken()))) >= wanted)
    finally:
        for process in (*runners, *publishers):
            process.send_signal(signal.SIGTERM)
            process.wait(BOUND)
        os.close(servers.log)
        servers.log = None
    return Disk(image, inodes), read_log(log)


def look(programs: Path, work: Path, disk: Disk, told: list[list[str]], servers: Servers, chance: random.Random) -> list[str]:
    """What is wrong with a disk as it could be now, after all that was to be done is done."""
    root = Path(tempfile.mkdtemp(dir=work, prefix="cut-"))
    servers.forget()
    try:
        disk.build(root, chance)
        for path in [root, *root.rglob("*")]:
            path.chmod(0o700 if path.is_dir() else 0o600)
        night = Night(programs, root)
        night.finish()
        delivered = [words[1:] for words in told if words[0] == "delivered"]
        return judge(night, {words[1] for words in told if words[0] == "done"}, delivered + servers.taken())
    except AssertionError as error:
        return [str(error)]
    finally:
        shutil.rmtree(root)


def cut_some(programs: Path, cuts: int, *, nosync: bool) -> int:
    """How many of the cuts lost something."""
    bad = done = 0
    told: list[list[str]] = []
    with ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        servers = Servers(stack)
        disk, entries = record(programs, work, servers, nosync=nosync)
        ready = next(i for i, e in enumerate(entries) if e[0] == ACKNOWLEDGE and e[3] == b"ready\n")
        print(f"{len(entries)} operations on the disk, {sum(e[0] == ACKNOWLEDGE for e in entries)} acknowledgements", flush=True)
        chance = random.Random(cuts)
        # One of each piece of the way, whatever the machine did first.
        width = (len(entries) - ready) / cuts
        for at in [ready + int(width * (number + chance.random())) for number in range(cuts)]:
            for entry in entries[done:at]:
                if entry[0] == ACKNOWLEDGE:
                    told += [line.split(" ") for line in entry[3].decode().splitlines()]
                else:
                    disk.do(entry)
            done = at
            wrong = look(programs, work, disk, told, servers, random.Random(at))
            if wrong and not nosync:
                print(f"cut after operation {at}: {wrong[0]} (and {len(wrong) - 1} more)", flush=True)
            bad += bool(wrong)
    return bad


def acknowledged_in(saying: Path) -> set[str]:
    return {line[5:] for line in saying.read_text().split("\n")[:-1] if line.startswith("done ")}


def kill_some(programs: Path, kills: int, chance: random.Random) -> list[str]:
    """Each time one of them or all, when so many events were acknowledged or delivered."""
    with ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        servers, saying = Servers(stack), work / "saying"
        night = Night(programs, work / "disk").make(servers, {})
        saying.touch()
        running: dict[str, subprocess.Popen[bytes]] = {}
        stack.callback(lambda: [process.kill() or process.wait() for process in running.values()])
        for number in range(kills):
            if "runner" not in running:
                running["runner"] = night.start("obsctl", "function", "run")
            if "courier" not in running:
                running["courier"] = night.start("obsctl", "journal", "run")
            if "publisher" not in running or running["publisher"].poll() is not None:
                running["publisher"] = night.publish(saying, f"k{number}", EVENTS, chance.randrange(KEYS))
            count = acknowledged_in if chance.random() < 0.5 else lambda _: servers.taken()
            wanted = len(count(saying)) + chance.randint(1, 12)
            wait_for("events", lambda: len(count(saying)) >= wanted or running["publisher"].poll() is not None)
            for name in [*running] if chance.random() < 0.3 else [chance.choice([*running])]:
                process = running.pop(name)
                process.kill()
                process.wait()
        for process in running.values():
            process.kill()
            process.wait()
        running.clear()
        night.finish()
        return judge(night, acknowledged_in(saying), servers.taken())


def main() -> int:
    programs = Path(sys.argv[1]).resolve()
    cuts = int(sys.argv[2]) if len(sys.argv) > 2 else 30
    kills = int(sys.argv[3]) if len(sys.argv) > 3 else 20
    bad = cut_some(programs, cuts, nosync=False)
    print(f"{cuts} power cuts: {bad} lost something", flush=True)
    blind = cut_some(programs, BLIND, nosync=True)
    print(f"{BLIND} power cuts without syncs: {blind} noticed", flush=True)
    wrong = kill_some(programs, kills, random.Random(kills))
    print(f"{kills} kills: {wrong[0] if wrong else 'nothing was lost'}")
    return 0 if bad == 0 and blind > 0 and not wrong else 1


if __name__ == "__main__":
    sys.exit(main())
