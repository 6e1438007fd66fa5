"""The page at the end of the demonstration: what came in, what was made of it, what went wrong and how it ended.

    night.py FOLDER WORKSPACE      writes WORKSPACE/report.html

All of it is asked of obsctl as JSON and as SVG, or was counted before by the parts of the demonstration, which left JSON in
FOLDER. The page is one file for a browser without a network; page.py says why nothing in it can run.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from page import Html, element, joined, number, page, picture, table, tiles, timeline, verdict

TENANTS = ("planets", "weather", "earth", "roof")
MOST_REASONS = 25  # the most frequent ones; reasons name what was wrong, so there may be many
Parts = Sequence[Any]


@dataclass
class Night:
    """What the page is made of: the workspace, by obsctl, and what the parts of the demonstration counted."""

    work: Path
    workspace: Path

    def run(self, *words: str) -> bytes:
        done = subprocess.run(["obsctl", *words, "--workspace", str(self.workspace)], stdin=subprocess.DEVNULL,
                              capture_output=True, check=False)
        if done.returncode:
            raise RuntimeError(f"obsctl {' '.join(words)}: {done.stderr.decode(errors='replace')}{done.stdout[:200]!r}")
        return done.stdout

    def rows(self, *words: str) -> list[dict[str, Any]]:
        rows = [json.loads(line) for line in self.run(*words, "--json").splitlines()]
        return [row for row in rows if row.keys() != {"next"}]

    def counted(self, name: str) -> Any:
        """What a part of the demonstration left; None, if that part was left out."""
        path = self.work / f"{name}.json"
        return json.loads(path.read_text()) if path.exists() else None

    def graph(self, alt: str, caption: Any, *words: str, wide: bool = False) -> Html | None:
        """None without gnuplot, which makes the SVG of all but a lineage."""
        if words[0] != "lineage" and not shutil.which("gnuplot"):
            return None
        return picture(self.run("graph", *words, "--output", "-"), alt, caption, wide)

    def product(self, tenant: str, key: str, alt: str, caption: Any, wide: bool = False) -> Html | None:
        if not self.rows("search", "-t", tenant, f"key={key}", "type=image/svg+xml"):
            return None
        return picture(self.run("get", "-t", tenant, key, "-"), alt, caption, wide)


def paragraph(*parts: Any) -> Html:
    return element("p", *parts)


def code(text: str) -> Html:
    return element("code", text)


def left_out(what: str, why: str) -> Parts:
    return [element("p", f"{what} was left out here: {why}.", class_="none")]


def clock(text: str) -> str:
    """An RFC 3339 time, to seconds."""
    return text.replace("T", " ")[:19]


# --- what came in ----------------------------------------------------------------------------------------------------


def came_in(night: Night) -> Parts:
    rows = [row for row in night.rows("ingest", "stats", "--by", "tenant,table") if row["tenant"] in TENANTS]
    rates = night.counted("parts") or []
    reasons = [row for row in night.rows("ingest", "stats", "--by", "tenant,reason") if row["refused"] and row["tenant"] in TENANTS]
    reasons.sort(key=lambda row: -row["refused"])
    more = sum(row["refused"] for row in reasons[MOST_REASONS:])
    tenants = night.rows("tenant", "show")
    return [
        paragraph("Real files came in by four ways: a loader in C, one in Python, one in Go, and ", code("obsctl ingest"),
                  ". Each item is there once, with checksum, catalog entry, event and audit record; what is refused is kept with its reason."),
        table("Items by tenant and data definition", ("tenant", "definition", "accepted", "refused", "bytes"),
              [(row["tenant"], row["table"], number(row["accepted"]), number(row["refused"]), number(row["bytes"])) for row in rows],
              right=(2, 3, 4)),
        table("How fast each part came in, durable item by item", ("part", "files", "items", "seconds", "items per second"),
              [(row["part"], number(row["files"]), number(row["items"]), number(row["seconds"], 2), number(row["rate"])) for row in rates],
              right=(1, 2, 3, 4)) if rates else None,
        table("Why records were refused", ("tenant", "refused", "reason"),
              [(row["tenant"], number(row["refused"]), element("span", row["reason"], class_="ill")) for row in reasons[:MOST_REASONS]],
              right=(1,)),
        paragraph(f"{number(more)} more were refused for {number(len(reasons) - MOST_REASONS)} other reasons.") if more else None,
        table("What the tenants have now", ("tenant", "objects", "records", "bytes", "events"),
              [(row["name"], *(number(row[name]) for name in ("objects", "records", "bytes", "events"))) for row in tenants],
              right=(1, 2, 3, 4)),
    ]


def pictures(night: Night) -> Parts:
    drawn: list[Html | None] = [
        night.graph("Light curve of asteroid 12893: magnitude over time, a colour for each band",
                    ("Asteroid 12893, magnitudes by band, from 1992 to 2020. ", code("obsctl graph light-curve")),
                    "light-curve", "object=12893", "-t", "planets", wide=True),
        night.graph("Positions of asteroid 12893 on the sky", ("Where it stood. ", code("obsctl graph sky")),
                    "sky", "object=12893", "-t", "planets", "--width", "560", "--height", "420"),
        night.graph("Temperature in Seattle, hour by hour in 2010", ("Hourly temperature in Seattle, °F. ", code("obsctl graph series")),
                    "series", "type=weather.hourly", "-t", "weather", "--x", "time", "--y", "temp", "--width", "560", "--height", "420"),
        seismogram(night),
        night.product("planets", "products/light-curve/mpc_obs.dat.sky.svg", "Sky plot, a product of the function light-curve",
                      "The function light-curve (C): a sky plot of all observations."),
        night.product("weather", "products/weather/seattle-temps.csv.svg", "Months of the temperature in Seattle, a product of a function",
                      "The function weather-product (Go): months of that series, least, mean and greatest."),
        night.product("earth", "products/photometry/m13.fits.svg", "Chart of the stars that the function photometry found in m13.fits",
                      "The function photometry (Python, photutils): the stars of the frame m13.fits."),
        night.graph("Accepted and refused items of the tenant earth by hour", ("Accepted and refused by hour. ", code("obsctl graph ingest")),
                    "ingest", "-t", "earth", "--width", "560", "--height", "420"),
    ]
    figures = [figure for figure in drawn if figure is not None]
    without = None if shutil.which("gnuplot") else element("p", "Without gnuplot there are the pictures of functions only.", class_="none")
    return [without, element("div", *figures, class_="figures")]


def seismogram(night: Night) -> Html | None:
    name = "CH.BALST..LHE.D.2025.314"
    alt = f"Seismogram of {name}"
    drawn = night.graph(alt, (f"{name}, amplitudes. ", code("obsctl graph seismogram")),
                        "seismogram", f"raw/mseed.record/{name}", "-t", "earth", wide=True)
    return drawn or night.product("earth", f"products/seismogram/{name}.svg", alt, f"The function seismogram (Python, obspy): {name}.", True)


# --- functions -------------------------------------------------------------------------------------------------------


def functions(night: Night) -> Parts:
    kills = night.counted("kills") or {"kills": []}
    struck = Counter(kill["function"] for kill in kills["kills"])
    rows = []
    for function in night.rows("function", "list"):
        name, objects, events = function["function"], 0, Counter[str]()
        for tenant in TENANTS:
            made = night.rows("search", "-t", tenant, f"function={name}", f"digest={function['digest']}")
            objects += len(made)
            events.update(f"{tenant} {row['labels'].get('event')}" for row in made if not row["labels"].get("product", "").endswith(".picture"))
        most = max(events.values(), default=0)
        rows.append((name, code(function["digest"][:12]), function["type"], number(len(events)), number(objects), number(struck[name]),
                     verdict(most <= 1, "one each" if most <= 1 else f"up to {most}")))
    victims = Counter((kill["victim"], kill["moment"]) for kill in kills["kills"])
    return [
        paragraph("Programs in C, Python and Go react to events. What one makes becomes durable in one commit with the acknowledgement of "
                  "the event: there is one product for each event and digest of the code, even where a worker or the runner was killed "
                  "with -9 between the two."),
        table("Functions, and what they made", ("function", "digest", "reacts to", "events", "objects", "killed", "product of an event"),
              rows, right=(3, 4, 5)),
        table("Kills by signal 9", ("who", "when", "times"),
              [(who, {"between": "after the product, before its acknowledgement"}.get(when, when), number(n))
               for (who, when), n in sorted(victims.items())], right=(2,)) if victims else None,
    ]


def lineage(night: Night) -> Parts:
    for tenant, key in (("earth", "products/catalogue/m13.fits.csv"), ("planets", "products/light-curve/mpc_obs.dat.json")):
        if night.rows("search", "-t", tenant, f"key={key}"):
            break
    else:
        return left_out("The lineage", "no function made a product")
    text = night.run("lineage", "-t", tenant, key).decode()
    parts: list[Any] = [paragraph("What ", code(key), " was made from, by which code and with which configuration. Each step names the "
                                  "checksum of what was read.")]
    parts.append(element("div", night.graph(f"Lineage of {key}, from the raw frame to the product", code("obsctl graph lineage"), "lineage", key,
                                            "-t", tenant, wide=True), class_="figures"))
    again = night.run("reproduce", "-t", tenant, key).decode()
    return [*parts, element("pre", text), paragraph("Made again, without any effect, and compared byte by byte (", code("obsctl reproduce"), "):"),
            element("pre", again)]


def oracles(night: Night) -> Parts:
    found = night.counted("oracles")
    if not found:
        return left_out("The comparison", "astropy, obspy, photutils, pandas and metar are needed")
    rows = [(row["name"], row["oracle"], number(row["products"]), number(row["compared"]), f"{row['largest']:.1e}", f"{row['tolerance']:.0e}",
             verdict(not row["wrong"], "equal" if not row["wrong"] else f"{len(row['wrong'])} differ")) for row in found]
    return [paragraph("The numbers in the products, beside what other people's software makes of the same original files."),
            table("Our products and others'", ("product", "compared with", "products", "values", "largest difference", "allowed", "verdict"),
                  rows, right=(2, 3, 4, 5))]


# --- other places ----------------------------------------------------------------------------------------------------


def setting(night: Night) -> Parts:
    found = night.counted("setting")
    if not found:
        return left_out("The changed setting", "the function photometry needs astropy and photutils")
    return [paragraph(code(f"obsctl config set {found['setting']} {found['to']}"), " while the function ", code(found["function"]),
                      " worked on frames; nobody restarted anything."),
            tiles([(f"{number(found['lag_ms'])} ms", "from the change to the first product made with it"),
                   (number(found["before"]), f"products with {found['from']}, before"),
                   (f"{number(found['stars'][0])} → {number(found['stars'][1])}", "stars found in the same frame")]),
            paragraph("The product's lineage names the configuration it was made with:"), element("pre", found["lineage"]),
            paragraph("Made again now, it comes out the same; one of before does not, and ", code("obsctl reproduce"), " says why:"),
            element("pre", found["again"]["new"] + found["again"]["old"])]


def webhook(night: Night) -> Parts:
    found = night.counted("webhook")
    if not found:
        return left_out("The web server", "it was not run")
    begin = found["begin"]
    marks = [(mail["at"] - begin, f"mail to {mail['to'][0]}: {row['type']}") for mail, row in zip(found["mails"], found["told"])]
    incident: dict[str, Any] = next((row for row in found["told"] if row["type"] == "suspended"), {})
    return [
        paragraph(f"Events about {number(found['events'])} files went to a web server, signed. It died after it had noted the 40th and before "
                  "it answered, stayed away until the administrator had his mail, and came back at the same address."),
        tiles([(number(found["events"]), "events"), (number(found["deliveries"]), "deliveries, all signatures good"),
               (number(found["again"]), "came again, and was known by its id"), (number(found["lost"]), "lost"),
               (number(found["twice"]), "twice for the receiver"), (f"{found['silence_s']:.1f} s", "of silence")]),
        timeline(found["times"], marks, f"{found['deliveries']} deliveries over {found['times'][-1]:.1f} seconds, with one silence of "
                 f"{found['silence_s']:.1f} seconds, and when the administrator was told"),
        table("Told to the administrator, as events and as mails", ("event", "since", "failures", "message", "to run"),
              [(row["type"], clock(row["since"]), number(row["failures"]), row["message"], code(row["command"])) for row in found["told"]],
              right=(2,)),
        paragraph("The reason, in the words of the sender: ", code(incident.get("last_error") or "none")),
    ]


def edge(night: Night) -> Parts:
    found = night.counted("edge")
    if not found:
        return left_out("The edge site", "it was not run")
    rows = [(name, number(row["site"]), number(row["observatory"]), number(row["lost"]), number(row["twice"]))
            for name, row in found["compared"].items()]
    sample = night.rows("search", "-t", "roof", "--site", "roof", "camera=all-sky", "--limit", "5")
    return [
        paragraph("The site ", code("roof"), f" worked alone, in a workspace of its own. Then ", code("obsctl relay"),
                  f" carried it over; it was killed with -9 on the way, {found['kills']} times, and simply started again. "
                  "Once all was there it found nothing left to do."),
        table("At the site, and here", ("what", "at the site", "here", "lost", "twice"), rows, right=(1, 2, 3, 4)),
        table("Found by where it came from: obsctl search --site roof", ("key", "site", "bytes", "SHA-256"),
              [(row["key"], row["labels"]["site"], number(row["size"]), code(row["sha256"][:16] + "…")) for row in sample], right=(2,)),
    ]


def hostile(night: Night) -> Parts:
    found = night.counted("hostile")
    if not found:
        return left_out("The label that means ill", "it was not run")
    bad = {name: what for name, what in found["files"].items() if what}
    drawn = night.graph("A light curve whose colours and title are named by the text that means ill", "As a picture: its title and its key are that text.",
                        "light-curve", "trap=yes", "-t", "roof", "--by", "object", "--title", found["text"], wide=True)
    return [
        paragraph("One tenant has this in labels, values, metadata, a key, an event and a refused record:"),
        element("pre", found["text"], class_="ill"),
        paragraph(verdict(not bad, f"{len(found['files'])} outputs of obsctl with it, {len(bad)} with anything that a terminal or a browser obeys"),
                  ". It is kept byte for byte; only how it is shown is harmless."),
        element("div", drawn, class_="figures"),
    ]


def audit(night: Night) -> Parts:
    state = night.rows("audit", "verify")[0]
    verdicts = (night.work / "verdict").read_text().splitlines() if (night.work / "verdict").exists() else []
    checkpoint = night.rows("audit", "checkpoint")[0]["checkpoint"]
    return [
        paragraph("Every operation left a record in the commit that it belongs to; the records are a Merkle tree with signed checkpoints, "
                  "and the newest checkpoint is kept outside of the workspace, too."),
        paragraph(verdict(not state["problems"], "The audit log is verified" if not state["problems"] else
                          f"The audit log has {len(state['problems'])} problems"), ", record by record, hash by hash, signature by signature."),
        tiles([(number(state["records"]), "records"), (number(state["anchored"]), "under an anchor outside"),
               (number(state["unsequenced"]), "wait for the next checkpoint"), (number(state["sealed"]), "sealed"),
               (number(state["gaps"]), "gaps")]),
        element("h3", "The signed checkpoint"), element("pre", checkpoint),
        element("h3", "The same log in a copy, with one bit changed"), element("pre", "\n".join(verdicts[:3])) if verdicts else None,
    ]


# --- the page --------------------------------------------------------------------------------------------------------

SECTIONS: tuple[tuple[str, str, Callable[[Night], Parts]], ...] = (
    ("ingestion", "What came in", came_in), ("pictures", "What it looks like", pictures), ("functions", "What functions made of it", functions),
    ("lineage", "Where a product comes from", lineage), ("oracles", "Compared with others", oracles), ("setting", "A setting changes", setting),
    ("webhook", "A web server that was down", webhook), ("edge", "An edge site, cut off", edge), ("hostile", "A label that means ill", hostile),
    ("audit", "Who did what, and whether it can be believed", audit),
)


def lead(night: Night) -> Html:
    stats = night.rows("ingest", "stats", "--by", "tenant")
    counted = {name: night.counted(name) for name in ("kills", "webhook", "edge", "oracles")}
    products = sum(len(night.rows("search", "-t", tenant, "key=products/*")) for tenant in TENANTS)
    values = sum(row["compared"] for row in counted["oracles"] or [])
    lost = sum(row["lost"] for row in (counted["edge"] or {"compared": {}})["compared"].values()) + (counted["webhook"] or {"lost": 0})["lost"]
    facts = [(number(sum(row["accepted"] for row in stats)), "items accepted"), (number(sum(row["refused"] for row in stats)), "refused, with reasons"),
             (number(products), "products of functions"), (number(values), "values compared with others' software") if values else None,
             (number(len((counted["kills"] or {"kills": []})["kills"])), "kills of functions survived") if counted["kills"] else None,
             (number(lost), "lost")]
    return joined([element("p", "The demonstration of libobs, as its workspace tells it: data arrived, functions reacted, places failed and came back."),
                   tiles(fact for fact in facts if fact)])


def made(night: Night) -> str:
    sections = [(name, heading, parts(night)) for name, heading, parts in SECTIONS]
    version, me = night.rows("version")[0]["version"], night.rows("whoami")[0]
    foot = (f"Made by libobs {version} from the answers of obsctl, for {me['subject']}, on {datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC. "
            "One file: no script, no address outside of it.")
    return page("The observatory night", lead(night), sections, foot)


def main() -> int:
    work, workspace = map(Path, sys.argv[1:])
    target = workspace / "report.html"
    target.with_suffix(".new").write_text(made(Night(work, workspace)), encoding="utf-8")
    target.with_suffix(".new").replace(target)
    return 0


if __name__ == "__main__":
    sys.exit(main())
