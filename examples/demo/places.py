"""What places.sh counts and compares.

    places.py mail FOLDER                      the last mail to the administrator, harmless for a terminal
    places.py webhook FOLDER RESULT            what the web server got, beside what the tenant earth has
    places.py edge ROOF NIGHT COUNTS KILLS RESULT
                                               two workspaces, one of which was carried over to the other
    places.py setting FRAME RESULT             a function that works, while its setting changes
    places.py ill [--json]                     the text that means ill
    places.py hostile FOLDER RESULT            what obsctl said of it, file by file

Each writes what it found to RESULT, as JSON, prints a line of it, and ends with 1 when something is lost, twice, or harmful.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import unicodedata
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

import obs
from hook import rows_of

ILL = (
    "<script>alert(1)</script>\"'><img src=x onerror=alert(2)> </title></style><svg onload=alert(3)> javascript:alert(4) "
    "\x1b[31mred\x1b[0m \x1b]0;owned\x07 \u202etxt.exe\u2066 &amp;{{7*7}} ${7*7} %00 \u200bend"
)
PROGRAM = "places.py/1.0"
PATIENCE = 300  # seconds, for a product of a function
LATEST = 100  # frames that may be measured with the setting of before
WITNESS = "sites/roof/audit."  # the checkpoint of the site's audit log and its key, which the relay keeps at the observatory


def obsctl(*words: str) -> str:
    return subprocess.run(["obsctl", *words], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True).stdout


def finish(path: str, found: dict[str, Any], wrong: list[str]) -> int:
    Path(path).write_text(json.dumps({**found, "wrong": wrong}, indent=1) + "\n")
    for line in wrong[:20]:
        print(f"not as it should be: {line}", file=sys.stderr)
    return 1 if wrong else 0


def shown(text: str) -> str:
    """Text of others for a terminal: without what it would obey."""
    return "".join(c if c == "\n" or unicodedata.category(c)[0] != "C" else f"\\u{{{ord(c):x}}}" for c in text)


def events_of(workspace: str | None, tenant: str, **filters: Any) -> Iterator[Any]:
    """All events of a tenant; nobody's position is changed for good."""
    with obs.open(workspace, tenant=tenant, program=PROGRAM) as client:
        with client.bus.subscribe("places", **filters) as subscription:
            while (delivery := subscription.next(timeout=0)) is not None:
                yield delivery.event
                subscription.acknowledge(delivery)
        client.bus.remove("places")


# --- the web server --------------------------------------------------------------------------------------------------


def mail(folder: str) -> int:
    last = rows_of(Path(folder) / "mails.ndjson")[-1]
    print(shown(f"To: {', '.join(last['to'])}\nSubject: {last['subject']}\n\n{last['text']}".rstrip()))
    return 0


def webhook(folder: str, result: str) -> int:
    deliveries, mails = rows_of(Path(folder) / "deliveries.ndjson"), rows_of(Path(folder) / "mails.ndjson")
    wanted = Counter((event.id, event.source) for event in events_of(None, "earth", type="org.libobs.object.accepted"))
    told = [{"type": event.type.rpartition(".")[2], **json.loads(event.data)}
            for event in events_of(None, "earth", type="org.libobs.destination.*")]
    got = Counter((row["id"], row["source"]) for row in deliveries if not row["again"])
    times = [row["at"] for row in deliveries]
    found = {
        "events": len(wanted), "deliveries": len(deliveries), "again": sum(row["again"] for row in deliveries),
        "lost": len(wanted - got), "twice": sum(1 for number in got.values() if number > 1), "strange": len(got - wanted),
        "unsigned": len(rows_of(Path(folder) / "unsigned.ndjson")), "told": told,
        "mails": [{key: one[key] for key in ("at", "to", "subject", "text")} for one in mails],
        "silence_s": max((b - a for a, b in zip(times, times[1:])), default=0), "begin": times[0], "times": [at - times[0] for at in times],
    }
    wrong = [f"{found[name]} events {name}" for name in ("lost", "twice", "strange", "unsigned") if found[name]]
    if Counter(row["type"] for row in told) != {"suspended": 1, "recovered": 1}:
        wrong.append(f"told of {[row['type'] for row in told]}, not once of each")
    if len(mails) != 2:
        wrong.append(f"{len(mails)} mails, not one for each")
    print(f"{found['events']} events, {found['deliveries']} signed deliveries, {found['again']} of them again and known by its id: "
          f"{found['lost']} lost, {found['twice']} twice; {found['silence_s']:.1f} s of silence, "
          f"{len(mails)} mails to the administrator")
    return finish(result, found, wrong)


# --- the edge site ---------------------------------------------------------------------------------------------------


def entries_of(workspace: str) -> Counter[tuple[str, str]]:
    with obs.open(workspace, tenant="roof", program=PROGRAM, read_only=True) as client:
        return Counter((row["key"], row["sha256"]) for row in client.catalog.search() if not row["key"].startswith(WITNESS))


def ids_of(workspace: str) -> Counter[tuple[str, str]]:
    return Counter((event.id, event.source) for event in events_of(workspace, "roof"))


def log_of(workspace: str) -> Counter[tuple[str, ...]]:
    with obs.open(workspace, tenant="roof", program=PROGRAM, read_only=True) as client:
        return Counter((row["table"], row["reason"], str(row["bytes"])) for row in client.ingest.log(result="refused"))


def edge(roof: str, night: str, counts: str, kills: str, result: str) -> int:
    relayed, again = (json.loads(line) for line in Path(counts).read_text().splitlines())
    compared: dict[str, tuple[Counter[Any], Counter[Any]]] = {
        "entries": (entries_of(roof), entries_of(night)),
        "events": (ids_of(roof), ids_of(night)),
        "refused lines": (log_of(roof), log_of(night)),
    }
    found: dict[str, Any] = {"kills": int(kills), "relayed": relayed, "again": again, "compared": {}}
    wrong = []
    for name, (there, here) in compared.items():
        row = {"site": sum(there.values()), "observatory": sum(here.values()), "lost": sum((there - here).values()),
               "twice": sum((here - there).values())}
        found["compared"][name] = row
        print(f"{name:14} {row['site']:6} at the site, {row['observatory']:6} here: {row['lost']} lost, {row['twice']} twice or strange")
        wrong += [f"{row[what]} {name} {what}" for what in ("lost", "twice") if row[what]]
    moved = {name: number for name, number in again.items() if isinstance(number, int) and number}
    found["moved_again"] = moved
    return finish(result, found, wrong)


# --- a setting, while a function runs ---------------------------------------------------------------------------------


def row_when_there(client: obs.Client, key: str, runner: subprocess.Popen[bytes]) -> dict[str, Any]:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and runner.poll() is None:
        for row in client.catalog.search(f"key={key}"):
            return row
        time.sleep(0.01)
    raise SystemExit(f"places.py: no product {key}" + (f": the runner ended with {runner.returncode}" if runner.returncode else ""))


def frames(client: obs.Client, frame: str, runner: subprocess.Popen[bytes]) -> Iterator[dict[str, Any]]:
    """One frame after the other comes in; each time its product, as soon as it is there."""
    for turn in count(1):
        obsctl("ingest", "-t", "roof", "--quiet", "--prefix", f"raw/fits/watch-{turn}/", frame)
        yield row_when_there(client, f"products/photometry/watch-{turn}/{Path(frame).name}.json", runner)


def reproduced(key: str) -> tuple[int, str]:
    done = subprocess.run(["obsctl", "reproduce", "-t", "roof", key], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def setting(frame: str, result: str) -> int:
    name, before, after = "photometry.threshold", 5.0, 12.5
    obsctl("config", "set", name, str(before))
    runner = subprocess.Popen(["obsctl", "function", "run", "-t", "roof", "--quiet", "photometry"])
    try:
        with obs.open(tenant="roof", program=PROGRAM, read_only=True) as client:
            products = frames(client, frame, runner)
            old = [next(products) for _ in range(3)]
            begin = time.time()
            obsctl("config", "set", name, str(after))
            for late, new in enumerate(products):
                if new["values"]["threshold"] == after:
                    break
                if late == LATEST:
                    raise SystemExit(f"places.py: {late} frames later the function still has {name} = {new['values']['threshold']}")
    finally:
        runner.terminate()
        runner.wait()
    lag = datetime.fromisoformat(new["time"].replace("Z", "+00:00")).timestamp() - begin
    wrong = []
    if "configuration" not in new["labels"] or new["labels"]["configuration"] == old[0]["labels"].get("configuration"):
        wrong.append("the product does not say with which configuration it was made, or says that of before")
    lineage = obsctl("lineage", "-t", "roof", new["key"])
    again = {"new": reproduced(new["key"]), "old": reproduced(old[0]["key"])}
    if again["new"][0] != 0 or again["old"][0] != 1 or name not in again["old"][1]:
        wrong.append(f"made again: {again}")
    print(f"{lag * 1000:.0f} ms from the command to the first product made with it, {late} frames were still measured as before")
    print(lineage + again["new"][1] + again["old"][1], end="")
    found = {"setting": name, "from": before, "to": after, "function": "photometry", "lag_ms": lag * 1000, "before": len(old) + late,
             "after": 1, "stars": [old[-1]["values"]["stars"], new["values"]["stars"]], "lineage": lineage,
             "again": {which: text for which, (_, text) in again.items()}}
    return finish(result, found, wrong)


# --- the text that means ill -----------------------------------------------------------------------------------------


def ill(*words: str) -> int:
    as_json = json.dumps({"file": ILL, "sequence": 1, "quality": "D", "station": ILL, "channel": "EHZ", "start": "2026-11-20T21:15:00Z",
                          "samples": 1, "rate": 1, "bytes": 512})
    sys.stdout.write(as_json + "\n" if "--json" in words else ILL)
    return 0


def harmful(path: Path) -> list[str]:
    """What a terminal would obey, and in SVG what a browser would."""
    text = path.read_bytes().decode()
    found = {f"U+{ord(c):04X}" for c in text if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp")}
    if path.suffix == ".json":
        for line in text.splitlines():
            json.loads(line)
    if path.suffix == ".svg":
        found = {name for name in found if name != "U+0009"}  # gnuplot indents with it
        for element in ElementTree.fromstring(text).iter():
            name = element.tag.rpartition("}")[2].lower()
            if name in ("script", "foreignobject", "iframe", "image", "style", "animate", "set"):
                found.add(f"<{name}>")
            found |= {f"{name} {key}" for key, value in element.attrib.items()
                      if key.lower().startswith("on") or re.match(r"(?!#)\S*:", value) and "href" in key}
    return sorted(found)


def hostile(folder: str, result: str) -> int:
    files = {path.name: harmful(path) for path in sorted(Path(folder).iterdir())}
    with obs.open(tenant="roof", program=PROGRAM, read_only=True) as client:
        kept = [row["labels"]["object"] == ILL for row in client.catalog.search("key=raw/roof/ill-*")]
    wrong = [f"{name} holds {', '.join(found)}" for name, found in files.items() if found]
    wrong += [f"{name} does not show it" for name in files if "alert(" not in (Path(folder) / name).read_text()]
    if kept != [True] * 5:
        wrong.append(f"the label is not kept as it came: {kept}")
    print(f"{len(files)} outputs of obsctl with it, {sum(map(bool, files.values()))} with anything that a terminal or browser obeys; "
          "the label itself is kept byte for byte")
    return finish(result, {"text": ILL, "files": files}, wrong)


COMMANDS: dict[str, Callable[..., int]] = {"mail": mail, "webhook": webhook, "edge": edge, "setting": setting, "ill": ill, "hostile": hostile}

if __name__ == "__main__":
    sys.exit(COMMANDS[sys.argv[1]](*sys.argv[2:]))
