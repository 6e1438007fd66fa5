"""The loader of the tenant `weather`, in Python: days and hours of a station, METAR, SYNOP and GHCN-Daily.

    weather.py DEFINITIONS FILE...

Each file goes in whole, as an object (batch); each row or report in it goes in by itself, as a record (stream), on a pool
of threads, whose commits share their syncs. Prints one JSON object for each file.
"""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import obs

THREADS = 16

# What a parser gives: (line, record) or (line, raw input, reason).
Parsed = tuple[int, dict[str, Any]] | tuple[int, str, str]


def rows(text: str) -> Iterator[tuple[int, dict[str, str]]]:
    reader = csv.DictReader(io.StringIO(text))
    for row in reader:
        yield reader.line_num, row


def daily(text: str, issued: date) -> Iterator[Parsed]:
    for line, row in rows(text):
        numbers = {name: float(row[name]) for name in ("precipitation", "temp_max", "temp_min", "wind")}
        yield line, {"date": row["date"].replace("/", "-"), "station": "seattle", **numbers, "weather": row["weather"]}


def hourly(text: str, issued: date) -> Iterator[Parsed]:
    for line, row in rows(text):
        day, hour = row["date"].split()
        time = f"{day.replace('/', '-')}T{hour}:00Z"
        yield line, {"time": time, "station": "seattle", "temp": float(row["temp"])}


def ghcnd(text: str, issued: date) -> Iterator[Parsed]:
    for line, row in rows(text):
        if "ID" not in row:  # the wide form: one row a month, with a value for each day
            yield from ghcnd_month(line, row)
            continue
        day = row["YEAR/MONTH/DAY"]
        flag = row["M-FLAG"] + row["Q-FLAG"] + row["S-FLAG"]
        record = {"station": row["ID"], "date": f"{day[:4]}-{day[4:6]}-{day[6:8]}", "element": row["ELEMENT"],
                  "value": int(row["DATA VALUE"])}
        yield line, record | ({"flag": flag} if flag else {})


def ghcnd_month(line: int, row: dict[str, str]) -> Iterator[Parsed]:
    for day in range(1, 32):
        if row[f"VALUE{day}"] == "NA":
            continue
        flag = "".join(row[f"{kind}FLAG{day}"].strip() for kind in "MQS")
        record = {"station": row["id"], "date": f"{row['year']}-{int(row['month']):02}-{day:02}", "element": row["element"],
                  "value": int(row[f"VALUE{day}"])}
        yield line, record | ({"flag": flag} if flag else {})


def day_before(issued: date, day: int) -> str:
    """A report gives the day of the month only: the last such day up to the one after that on which its file was issued."""
    latest = issued + timedelta(days=1)
    return next((str(d) for d in (latest - timedelta(days=n) for n in range(62)) if d.day == day), f"{issued:%Y-%m}-{day:02}")


# The first line of a bulletin, also without its number; names that American and European networks put under it; its end.
HEADING = re.compile(r"[A-Z]{4}(?:\d{2})? [A-Z]{4} \d{6}(?: [A-Z]{3})?|MTR[A-Z0-9]{2,3}|TX_OPMET|(?:METAR|SPECI)(?: \d{6}Z?)?|NNNN")
REPORT = re.compile(r"(METAR |SPECI )?(?:COR )?([A-Z][A-Z0-9]{3}) (?:COR )?(\d{2})(\d{2})(\d{2})Z ")
NO_REPORT = re.compile(r"(?:METAR |SPECI )?[A-Z][A-Z0-9]{3} (?:\d{6}Z )?NIL")


def metar(text: str, issued: date) -> Iterator[Parsed]:
    """Bulletins between SOH and ETX: a heading, then reports over one or more lines, each ended by '=' or by the next one."""
    kind, first, report = "METAR", 0, ""
    for number, raw in enumerate(text.splitlines(), 1):
        words = " ".join(raw.replace("\x01", " ").split())
        ends = words.endswith(("=", "\x03")) or HEADING.fullmatch(words.strip("\x03 "))
        words = words.strip("\x03= ")
        if HEADING.fullmatch(words) or re.fullmatch(r"\d{1,5}", words):
            kind = "SPECI" if words.startswith("SP") else "METAR" if words[:1].isalpha() else kind
            words = ""
        begins = REPORT.match(words + " ") or NO_REPORT.match(words)
        if report and (begins or (ends and not words)):
            yield parse_metar(first, report, kind, issued)
            report = ""
        if words:
            first = first if report else number
            report = f"{report} {words}" if report else words
        if report and ends:
            yield parse_metar(first, report, kind, issued)
            report = ""
    if report:
        yield parse_metar(first, report, kind, issued)


def parse_metar(line: int, raw: str, kind: str, issued: date) -> Parsed:
    match = REPORT.match(raw + " ")
    if NO_REPORT.match(raw) or " NIL" in raw or raw == "NIL":
        return line, raw, "the station sent no report (NIL)"
    if " AUTO8 " in raw and not match:
        return line, raw, "a report of a Canadian automatic station in its own form (SA AUTO8), not a METAR"
    if not match:
        return line, raw, "not a report: no station and time at its beginning"
    record: dict[str, Any] = {"station": match[2], "raw": raw, "kind": (match[1] or kind).strip(),
                              "automatic": " AUTO " in raw}
    record["time"] = f"{day_before(issued, int(match[3]))}T{match[4]}:{match[5]}:00Z"
    temperature = re.search(r" (M?\d{2})/(M?\d{2}) ", raw + " ")
    if temperature:
        record["temperature"], record["dewpoint"] = (float(t.replace("M", "-")) for t in temperature.groups())
    pressure = re.search(r" (?:Q(\d{4})|A(\d{4})) ", raw + " ")
    if pressure:
        record["pressure"] = float(pressure[1]) if pressure[1] else round(int(pressure[2]) * 0.3386389, 1)
    wind = re.search(r" (\d{3}|VRB)(\d{2,3})(?:G\d{2,3})?(KT|MPS) ", raw + " ")
    if wind:
        record["wind_speed"] = float(wind[2]) * (1 if wind[3] == "KT" else 1.943844)
        if wind[1] != "VRB":
            record["wind_direction"] = float(wind[1])
    return line, record


def synop(text: str, issued: date) -> Iterator[Parsed]:
    """Sections 0 and 1 of FM 12: `AAXX YYGGiw`, then one report a station, ended by '='."""
    time = ""
    for number, report in enumerate(re.split(r"=", text), 1):
        words = report.split()
        if "AAXX" in words:
            at = words.index("AAXX") + 1
            group = words[at] if at < len(words) else ""
            if not re.fullmatch(r"\d{5}", group):
                yield number, report.strip(), "no day and hour after AAXX"
                continue
            time = f"{day_before(issued, int(group[:2]))}T{group[2:4]}:00:00Z"
            words = words[at + 1:]
        if not words:
            continue
        if not time or not re.fullmatch(r"\d{5}", words[0]):
            yield number, report.strip(), "no station number"
        elif words[1:] in (["NIL"], []):
            yield number, report.strip(), "the station sent no report (NIL)"
        else:
            yield number, {"station": words[0], "time": time, "groups": words[1:]}


def parser_of(name: str) -> tuple[str, Any] | None:
    """The data definition and the parser of a file."""
    if name == "seattle-weather.csv":
        return "weather.daily", daily
    if name == "seattle-temps.csv":
        return "weather.hourly", hourly
    if name.startswith("metar_") and name.endswith(".txt"):
        return "weather.metar", metar
    if name.startswith("A_SM"):
        return "weather.synop", synop
    if re.fullmatch(r"\d{4}\.csv|.*_early\.csv", name):
        return "weather.ghcnd", ghcnd
    return None


def issued_on(name: str) -> date:
    """The day in the name of a file; for those that hold whole dates it does not matter."""
    found = re.search(r"(?:_|EDZW_)(20\d{2})(\d{2})(\d{2})", name)
    return date(*map(int, found.groups())) if found else date(1970, 1, 1)


def load(client: obs.Client, path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    found = parser_of(path.name)
    labels = {"family": found[0] if found else "objects"}
    client.ingest.file(f"raw/weather/{path.name}", content, labels=labels, origin=path.name)
    if found is None:
        return {"tenant": "weather", "file": path.name, "table": "objects", "accepted": 1, "refused": 0}
    table, parse = found

    def send(parsed: Parsed) -> bool:
        origin = f"{path.name}:{parsed[0]}"
        if len(parsed) == 3:
            client.ingest.refuse(table, parsed[1], parsed[2], origin=origin)
            return False
        try:
            client.ingest.record(table, parsed[1], labels=labels, origin=origin)
        except obs.RefusedError:
            return False
        return True

    accepted = refused = 0
    with ThreadPoolExecutor(THREADS) as pool:
        for done in pool.map(send, parse(content.decode("utf-8", "replace"), issued_on(path.name))):
            accepted += done
            refused += not done
            if sys.stderr.isatty() and (accepted + refused) % 100 == 0:
                print(f"\r\033[K{path.name}  {accepted + refused}", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    return {"tenant": "weather", "file": path.name, "table": table, "accepted": accepted, "refused": refused}


def main() -> int:
    if len(sys.argv) < 3:
        print(__doc__, file=sys.stderr)
        return 2
    definitions = Path(sys.argv[1])
    try:
        with obs.open(tenant="weather", program="weather.py/1.0") as client:
            for definition in sorted(definitions.glob("weather.*.json")):
                client.ingest.define(definition.stem, definition.read_text())
            for path in sys.argv[2:]:
                print(json.dumps(load(client, Path(path)), separators=(",", ":")), flush=True)
    except obs.Error as error:
        print(f"weather.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
