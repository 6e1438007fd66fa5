"""Compares what a workspace holds with what its writer was told; shared by the power-cut and the kill test."""

from __future__ import annotations

import os
import subprocess
from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Told:
    """What the writer said it would do and was told is done."""

    begun: dict[int, list[str]] = field(default_factory=dict)
    done: set[int] = field(default_factory=set)
    sequenced: int = 0

    def read(self, text: str) -> Told:
        for line in text.split("\n")[:-1]:
            words = line.split()
            if words[0] == "begin":
                self.begun[int(words[1])] = words[2:]
            elif words[0] == "done":
                self.done.add(int(words[1]))
            elif words[0] == "sequenced":
                self.sequenced = max(self.sequenced, int(words[1]))
        return self


def read_state(program: str, workspace: str, home: str | None = None) -> dict[str, list[list[str]]]:
    """`home`: where the workspace's own state is kept outside of it; else where the caller's is."""
    environment = {**os.environ, **({"XDG_STATE_HOME": home} if home else {})}
    result = subprocess.run([program, workspace], capture_output=True, text=True, timeout=600, env=environment)
    if result.returncode != 0:
        raise AssertionError(f"the workspace cannot be read: {result.stderr.strip()}")
    state: dict[str, list[list[str]]] = {name: [] for name in ("object", "entry", "log", "event", "audit", "problem", "verify")}
    for line in result.stdout.splitlines():
        kind, *rest = line.split(" ", 2) if line.startswith("audit ") else line.split(" ")
        state[kind].append(rest)
    return state


def overwritten(told: Told) -> dict[str, tuple[str | None, set[str | None]]]:
    """For each overwritten key what was last acknowledged, and what may be there: that, or what was on its way after it."""
    keys: dict[str, tuple[str | None, set[str | None]]] = {}
    for number in sorted(told.begun):
        what, *rest = told.begun[number]
        if what not in ("over", "delete"):
            continue
        value = rest[1] if what == "over" else None
        sure, possible = keys.get(rest[0], (None, {None}))
        keys[rest[0]] = (value, {value}) if number in told.done else (sure, {*possible, value})
    return keys


def judge_log(told: Told, found: list[list[str]]) -> list[str]:
    """Altered it never is; before the first round there may be none, or none that is anchored."""
    wrong: list[str] = []
    for when, status, records, anchored in found:
        unsaid = when == "found" and told.sequenced == 0 and status in ("NOT_FOUND", "FAILED_PRECONDITION")
        if status != "OK" and not unsaid:
            wrong.append(f"the audit log, {when}, is {status}")
        elif int(records) < told.sequenced or int(anchored) < told.sequenced:
            wrong.append(f"the audit log, {when}, has {records} records, {anchored} anchored: {told.sequenced} were told")
    return wrong


def judge(told: Told, state: dict[str, list[list[str]]]) -> list[str]:
    """What is wrong; nothing when acknowledged and found are equal, up to the changes that were under way."""
    wrong = [" ".join(problem) for problem in state["problem"]] + judge_log(told, state["verify"])
    objects = dict((key, sha) for key, sha in state["object"])
    records = {int(n): key for kind, key, n in state["entry"] if kind == "record"}
    record_keys = set(records.values())

    for number, (what, *rest) in told.begun.items():
        is_done = number in told.done
        if what == "record" and is_done and number not in records:
            wrong.append(f"record {number} was acknowledged and is not in the catalog")
        if what == "object" and (is_done or rest[0] in objects) and objects.get(rest[0]) != rest[1]:
            wrong.append(f"object {rest[0]} has other bytes or is gone")
    wrong += [f"record {n} was never sent" for n in records if told.begun.get(n, [""])[0] != "record"]
    for key, (_, possible) in overwritten(told).items():
        if objects.get(key) not in possible:
            wrong.append(f"object {key} is {objects.get(key)}, which is not what was written last")

    ingested = {rest[0] for what, *rest in told.begun.values() if what == "object"} & objects.keys()
    wrong += compare("catalog and store", {key for kind, key, _ in state["entry"] if kind == "object"}, set(objects))
    items = record_keys | ingested
    wrong += compare("ingestion log and catalog", {key for result, key in state["log"] if result == "accepted"}, items)
    wrong += compare("events and catalog", {subject for kind, subject in state["event"] if kind.endswith(".accepted")}, items)
    audited = {name for action, name in state["audit"] if action in ("ingest.record", "ingest.file")}
    wrong += compare("audit and catalog", audited, items)
    for name, rows in (("entry", 1), ("log", 1), ("event", 1)):
        twice = [key for key, count in Counter(row[rows] for row in state[name]).items() if count > 1]
        wrong += [f"{name} {key} is there twice" for key in twice]
    return wrong


def compare(what: str, left: set[str], right: set[str]) -> list[str]:
    return [f"{what} differ: {sorted(left ^ right)[:5]}"] if left != right else []
