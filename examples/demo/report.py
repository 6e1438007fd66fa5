"""The end of the demonstration: the table, its comparison with what is expected, and a look at every accepted item.

    report.py [--all] [--write] FOLDER

Each accepted item must have a checksum and a label, and be there once each as catalog entry, line of the ingestion log,
event and audit record. expected.json holds, for each file, how many items are accepted and refused and why; --write makes it
anew. Exit code 1 when something differs.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import obs

TENANTS = ("planets", "weather", "earth")
# What a reason says beyond its kind (numbers, quoted values) would make a group of each record.
DETAIL = re.compile(r"\"[^\"]*\"|-?\d+(\.\d+)?(e[-+]?\d+)?")


def group_of(reason: str) -> str:
    return DETAIL.sub("…", reason)


def read_logs() -> dict[str, dict[str, Any]]:
    """For each tenant and file: table, accepted, refused, bytes, reasons."""
    files: dict[str, dict[str, Any]] = defaultdict(
        lambda: {"accepted": 0, "refused": 0, "objects": 0, "bytes": 0, "reasons": Counter()}
    )
    for tenant in TENANTS:
        with obs.open(tenant=tenant, program="report.py/1.0", read_only=True) as client:
            for line in client.ingest.log():
                name = re.split(r"[:@]\d+$", line["origin"] or "?")[0]
                file = files[f"{tenant}/{name}"]
                file["bytes"] += line["bytes"]
                if line["table"] == "objects":
                    file["objects"] += line["result"] == "accepted"
                    continue
                file["table"] = line["table"]
                file[line["result"]] += 1
                if line["result"] == "refused":
                    file["reasons"][group_of(line["reason"])] += 1
    return {name: {**file, "reasons": dict(sorted(file["reasons"].items()))} for name, file in sorted(files.items())}


def seconds_of(folder: Path) -> dict[str, float]:
    """By part; `earth-shared` is the second half of `earth`."""
    seconds: dict[str, float] = defaultdict(float)
    for name, start, to in (line.split() for line in (folder / "times").read_text().splitlines()):
        seconds[name.partition("-")[0]] += float(to) - float(start)
    return seconds


def part_of(name: str, file: dict[str, Any]) -> str:
    return "earthquakes" if file.get("table") == "usgs.earthquake" else name.split("/")[0]


def print_table(files: dict[str, dict[str, Any]], seconds: dict[str, float]) -> list[dict[str, Any]]:
    """Returns how fast the parts were, for the page."""
    rates = []
    parts: dict[str, Counter[str]] = defaultdict(Counter)
    reasons: Counter[tuple[str, str]] = Counter()
    for name, file in files.items():
        part = part_of(name, file)
        parts[part].update({key: file[key] for key in ("accepted", "refused", "objects", "bytes")}, files=1)
        for reason, count in file["reasons"].items():
            reasons[part, reason] += count
    print(f"\n{'PART':12} {'FILES':>6} {'OBJECTS':>8} {'RECORDS':>8} {'REFUSED':>8} {'BYTES':>11} {'ITEMS/S':>8}")
    for part, count in parts.items():
        items = count["accepted"] + count["refused"] + count["objects"]
        rate = items / max(seconds.get(part, 0), 1e-9)
        rates.append({"part": part, "files": count["files"], "items": items, "seconds": seconds.get(part, 0), "rate": rate})
        print(f"{part:12} {count['files']:6} {count['objects']:8} {count['accepted']:8} {count['refused']:8} "
              f"{count['bytes']:11} {rate:8.0f}")
    total = sum((count for count in parts.values()), Counter())
    print(f"{'all':12} {total['files']:6} {total['objects']:8} {total['accepted']:8} {total['refused']:8} {total['bytes']:11}")
    if reasons:
        print(f"\n{'PART':12} {'REFUSED':>8}  REASON")
        for (part, reason), number in reasons.most_common():
            print(f"{part:12} {number:8}  {reason}")
    return rates


def compare(files: dict[str, dict[str, Any]], path: Path) -> int:
    expected = json.loads(path.read_text())
    wanted = ("accepted", "refused", "objects", "reasons")
    seen = {name: {key: file[key] for key in wanted} for name, file in files.items()}
    differences = [name for name in sorted({*expected, *seen}) if expected.get(name) != seen.get(name)]
    for name in differences:
        print(f"differs: {name}: expected {expected.get(name)}, seen {seen.get(name)}", file=sys.stderr)
    print(f"\n{len(seen)} files compared with {path}: {len(differences)} differ")
    return 1 if differences else 0


def differing(tenant: str) -> list[str]:
    """The keys that are not exactly once in each of catalog, ingestion log, events and audit trail."""
    with obs.open(tenant=tenant, program="report.py/1.0") as client:
        seen = {
            "catalog": Counter(row["key"] for row in client.catalog.search() if "function" not in row["labels"]),
            "ingestion log": Counter(row["key"] for row in client.ingest.log(result="accepted")),
            "events": Counter(subjects(client)),
            "audit trail": Counter(row["object"] for row in client.audit.query(action="ingest.*") if is_item(row)),
        }
    keys = set().union(*seen.values())
    return [f"{tenant}/{key}: {', '.join(f'{n} {c[key]}' for n, c in seen.items())}" for key in sorted(keys)
            if any(count[key] != 1 for count in seen.values())]


def incomplete(tenant: str) -> list[str]:
    """The entries without checksum or label."""
    with obs.open(tenant=tenant, program="report.py/1.0", read_only=True) as client:
        return [f"{tenant}/{row['key']}: no checksum or no label" for row in client.catalog.search()
                if len(row["sha256"] or "") != 64 or not row["labels"]]


def is_item(row: dict[str, Any]) -> bool:
    return row["class"] == "change" and row["action"] in ("ingest.record", "ingest.file")


def subjects(client: obs.Client) -> Iterator[str]:
    accepted = "type LIKE 'org.libobs.%.accepted'"  # others are of functions and destinations, and of no ingested item
    with client.bus.subscribe("report", filter=accepted) as subscription:
        for number in count(1):
            if (delivery := subscription.next(timeout=0)) is None:
                break
            yield delivery.event.subject or ""
            if number % 256 == 0:
                subscription.acknowledge_all(delivery)
    client.bus.remove("report")


def check_items() -> int:
    wrong = [line for tenant in TENANTS for line in (*differing(tenant), *incomplete(tenant))]
    for line in wrong[:20]:
        print(f"not whole: {line}", file=sys.stderr)
    print(f"each accepted item has checksum, label and one entry in catalog, log, events and audit trail: {'no' if wrong else 'yes'}")
    return 1 if wrong else 0


def main() -> int:
    words = sys.argv[1:]
    folder = Path(words[-1])
    path = Path(__file__).with_name("expected-all.json" if "--all" in words else "expected.json")
    files = read_logs()
    (folder / "parts.json").write_text(json.dumps(print_table(files, seconds_of(folder))) + "\n")
    if "--write" in words:
        wanted = ("accepted", "refused", "objects", "reasons")
        path.write_text(json.dumps({n: {k: f[k] for k in wanted} for n, f in files.items()}, indent=1) + "\n")
        return 0
    return compare(files, path) | check_items()


if __name__ == "__main__":
    sys.exit(main())
