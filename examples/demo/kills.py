"""Runs the functions while 20 of their workers and runners are killed with -9; then each event must have one product.

    kills.py WORKSPACE RESULT TENANT=FUNCTION,... ...

The points are seeded. At half of them and more the runner is frozen as soon as a worker wrote a file of its product, and when
the product is indeed not in the store yet, one of the two is killed: between the product and its acknowledgement. At the others
one is killed some time after the worker was started. A point whose function has nothing to do any more goes to the next one.

Afterwards the runners go on until nothing waits, and for each function and event there must be exactly one product in the
catalog, one put of it in the audit trail, one event that says so, and no dead letter. Exit code 1 otherwise.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote

import obs

SEED, KILLS = 20261121, 20
FEW = 6  # where Python has no packages for the functions that have many events
LEAST_BETWEEN = 5
PATIENCE = 600  # runs without progress until we give up
MANY = ("photometry", "catalogue", "seismogram")  # these have so many events that some are left after any delay


@dataclass
class Function:
    name: str
    tenant: str
    digest: str
    type: str
    subject: str | None
    filter: str | None

    @property
    def product(self) -> str:
        """The label `product` of what it makes, the folder below products/ and a part of the type of its event."""
        return self.name.removesuffix("-product")


@dataclass
class Point:
    function: str
    victim: str  # worker or runner
    moment: str  # between or working
    delay: float  # seconds after the worker is there


def points(names: list[str]) -> list[Point]:
    """All points of a function in a row; most of them are between product and acknowledgement."""
    dice = random.Random(SEED)
    kills = KILLS if set(names) >= set(MANY) else FEW
    shares = Counter(names[number % len(names)] for number in range(kills))
    return [
        Point(name, dice.choice(("worker", "runner")), *(("working", round(dice.uniform(0, 0.02), 4))
                                                         if name in MANY and number % 2 else ("between", 0)))
        for name in names
        for number in range(shares[name])
    ]


class Night:
    """The workspace, with what is known of its functions."""

    def __init__(self, workspace: Path, words: list[str]) -> None:
        self.workspace = workspace
        tenants = {name: tenant for tenant, _, names in (word.partition("=") for word in words) for name in names.split(",")}
        rows = map(json.loads, self.obsctl("function", "list", "--json").splitlines())
        listed = {row["function"]: row for row in rows if "function" in row}
        self.functions = {
            name: Function(name, tenant, *(listed[name].get(key) for key in ("digest", "type", "subject", "filter")))
            for name, tenant in tenants.items()
        }
        self.clients = {tenant: obs.open(workspace, tenant=tenant, program="kills.py/1.0") for tenant in set(tenants.values())}
        self.wanted = {function.name: len(self.events(function)) for function in self.functions.values()}

    def obsctl(self, *words: str) -> str:
        return subprocess.run(["obsctl", *words, "-w", self.workspace], check=True, text=True, stdout=subprocess.PIPE).stdout

    def events(self, function: Function) -> dict[str, str]:
        """The ids of the events that the function wants, with their subjects."""
        return dict(self.read(function.tenant, function.type, function.subject, function.filter))

    def read(self, tenant: str, type: str, subject: str | None, filter: str | None) -> Iterator[tuple[str, str]]:
        bus = self.clients[tenant].bus
        with bus.subscribe("kills", type=type, subject=subject, filter=filter) as subscription:
            for number in count(1):
                if (delivery := subscription.next(timeout=0)) is None:
                    break
                yield str(delivery.event.id), delivery.event.subject or ""
                if number % 256 == 0:
                    subscription.acknowledge_all(delivery)
        bus.remove("kills")

    def products(self, function: Function) -> list[dict[str, Any]]:
        found = self.clients[function.tenant].catalog.search(f"function={function.name} product={function.product}")
        return [row for row in found if row["labels"]["digest"] == function.digest]

    def waits_for(self, function: Function) -> int:
        """How many products are missing. Only reads, which also works while a runner stands still in its commit."""
        if function.name == "catalogue":  # its events tell of the products of another one
            return len(self.products(self.functions["photometry"])) - len(self.products(function))
        return self.wanted[function.name] - len(self.products(function))

    def is_done(self, function: Function) -> bool:
        return self.waits_for(function) <= 0

    def is_there(self, tenant: str, key: str) -> bool:
        try:
            self.clients[tenant].store.head(key, call=obs.Call(timeout=5))
        except obs.NotFoundError:
            return False
        return True


def entries(folder: Path) -> list[Path]:
    """What is in a folder that comes and goes."""
    try:
        return [folder / name for name in os.listdir(folder)]
    except FileNotFoundError:
        return []


class Runner:
    """`obsctl function run` for one function, until nothing waits."""

    all: ClassVar[list[subprocess.Popen[bytes]]] = []  # so that none stays behind frozen when something goes wrong

    def __init__(self, night: Night, function: Function) -> None:
        self.night = night
        self.function = function
        self.folder = night.workspace / "functions" / function.name
        self.seen: set[tuple[str, int]] = set()
        command = ["obsctl", "function", "run", "-w", str(night.workspace), "-t", function.tenant, "--once", function.name]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.all.append(self.process)

    def has_ended(self) -> bool:
        return self.process.poll() is not None

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def freeze(self) -> bool:
        """Returns when it stands still; False: it has ended."""
        self.signal(signal.SIGSTOP)
        try:
            os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        except ChildProcessError:
            pass
        return not self.has_ended()

    def worker(self) -> int | None:
        """The process id of the worker; nobody else is a child of the runner."""
        for thread in entries(Path(f"/proc/{self.process.pid}/task")):
            try:
                children = (thread / "children").read_text().split()
            except OSError:
                continue  # the thread has ended since
            if children:
                return int(children[0])
        return None

    def written(self) -> str | None:
        """The key of a product that a worker has just written to the folder of its call."""
        for call in entries(self.folder / "work" / self.function.tenant):
            for file in entries(call) if call.name.startswith(f"{self.process.pid}-") else []:
                try:
                    mark = (str(file), file.stat().st_mtime_ns)
                except OSError:
                    continue
                if mark not in self.seen:
                    self.seen.add(mark)
                    return f"products/{self.function.product}/{unquote(file.name)}"
        return None

    def kill(self, victim: str) -> str:
        """Kills the frozen runner, or its worker and lets the runner go on. Returns who it was."""
        worker = self.worker() if victim == "worker" else None
        os.kill(worker or self.process.pid, signal.SIGKILL)
        if worker:
            self.signal(signal.SIGCONT)
            return "worker"
        self.process.wait()
        return "runner"

    def await_point(self, point: Point) -> bool:
        """Frozen where it is to be killed; False: it has ended before.

        It runs for short times only, between which nothing can become durable: however slow this machine is, little escapes us.
        """
        while not self.has_ended():
            self.signal(signal.SIGCONT)
            time.sleep(0.002)
            if point.moment == "working":
                if self.worker() is None:
                    continue
                time.sleep(point.delay)
            if not self.freeze():
                break
            key = self.written() if point.moment == "between" else None
            if (key is not None or point.moment == "working") and self.has_work(key):
                return True
        return False

    def has_work(self, key: str | None) -> bool:
        """In the frozen state: the product is not in the store, or there is an event without product."""
        try:
            if key is not None:
                return not self.night.is_there(self.function.tenant, key)
            return not self.night.is_done(self.function)
        except obs.DeadlineExceededError:
            return False  # frozen in the middle of a commit, whose locks we would need: the next point


def strike(night: Night, point: Point, runner: Runner | None) -> tuple[Runner | None, str | None]:
    """Kills at a point. Returns the runner if it lives, and who was killed: None, when the function has no work any more."""
    function = night.functions[point.function]
    for _ in range(PATIENCE):
        if runner is None or runner.has_ended():
            if night.is_done(function):
                return None, None
            runner = Runner(night, function)
        if runner.await_point(point):
            victim = runner.kill(point.victim)
            return (runner if victim == "worker" else None), victim
    return runner, None


def strike_all(night: Night) -> list[dict[str, Any]]:
    done: list[dict[str, Any]] = []
    left: list[Point] = []  # whose function had no work any more: for the next one
    for name, function in night.functions.items():
        runner = None
        mine = [*left, *(point for point in points(list(night.functions)) if point.function == name)]
        left = []
        for point in mine:
            point.function = name
            runner, victim = strike(night, point, runner)
            if victim is None:
                left.append(point)
            else:
                done.append(asdict(point) | {"victim": victim})
        if runner:
            runner.process.wait()
        if name == "photometry":
            finish(night, [function])  # so that the next step of the workflow has work
    return done


def finish(night: Night, functions: list[Function]) -> None:
    """Until each event has its product."""
    for _ in range(PATIENCE):
        waiting = [function for function in functions if not night.is_done(function)]
        if not waiting:
            return
        for tenant in {function.tenant for function in waiting}:
            night.obsctl("function", "run", "-t", tenant, "--once",
                         *(function.name for function in functions if function.tenant == tenant))
        time.sleep(0.1)  # what failed waits before it comes again
    print(f"kills.py: {', '.join(function.name for function in waiting)}: events without product after {PATIENCE} runs",
          file=sys.stderr)


def differing(night: Night, function: Function) -> list[str]:
    """What is not exactly once."""
    client = night.clients[function.tenant]
    events = night.events(function)
    entries = Counter(row["labels"]["event"] for row in night.products(function))
    keys = {row["labels"]["event"]: row["key"] for row in night.products(function)}
    who = f"function:{function.name}@{function.digest[:16]}"
    puts = Counter(row["object"] for row in client.audit.query(subject=who, action="store.put"))
    told = Counter(subject for _, subject in night.read(function.tenant, f"org.example.{function.product}.made", None, None))
    wrong = [f"{function.name}: {subject} ({event}): {entries[event]} products, {puts[keys.get(event, '')]} puts, "
             f"{told[keys.get(event, '')]} events that say so"
             for event, subject in events.items()
             if not entries[event] == puts[keys[event]] == told[keys[event]] == 1]
    wrong += [f"{function.name}: a product of the event {event}, which it did not want" for event in entries.keys() - events]
    wrong += [f"{function.name}: a dead letter: {row['reason']}"
              for row in client.bus.dead_letters(f"function.{function.name}")]
    print(f"{function.name:16} {function.digest[:12]}  {len(events):6} {len(keys):8} {sum(told.values()):6} {len(wrong):6}")
    return wrong


def main() -> int:
    night = Night(Path(sys.argv[1]).absolute(), sys.argv[3:])
    try:
        kills = strike_all(night)
    finally:
        for process in Runner.all:
            process.kill()
            process.wait()
    finish(night, list(night.functions.values()))
    between = sum(kill["moment"] == "between" for kill in kills)
    who = Counter(kill["victim"] for kill in kills)
    print(f"{len(kills)} times kill -9 (seed {SEED}): {who['worker']} workers, {who['runner']} runners; {between} of them "
          "between a product and its acknowledgement")
    print(f"{'FUNCTION':16} {'DIGEST':12}  {'EVENTS':>6} {'PRODUCTS':>8} {'TOLD':>6} {'WRONG':>6}")
    wrong = [line for function in night.functions.values() for line in differing(night, function)]
    wanted = len(points(list(night.functions)))
    if len(kills) < wanted or between < LEAST_BETWEEN:
        wrong.append(f"only {len(kills)} of {wanted} kills, {between} of at least {LEAST_BETWEEN} before the acknowledgement")
    for line in wrong[:20]:
        print(f"not once: {line}", file=sys.stderr)
    Path(sys.argv[2]).write_text(json.dumps({"seed": SEED, "kills": kills, "wrong": wrong}, indent=1) + "\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
