"""Compares what the functions made with what others make of the original files.

    oracles.py [--all] DATA RESULT

The products come from the workspace (OBS_WORKSPACE), the files from DATA and, with --all, from ../shared/data; nothing of
ours reads them here. Weather is computed by pandas, METARs by python-metar, photometry by photutils, seismograms by obspy,
positions, times and magnitudes of asteroids by pandas and astropy from the columns. Each prints one line, and RESULT gets all
of it as JSON. Exit code 1 when a number differs by more than its tolerance, or something is there on one side only.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import obspy
import pandas as pd
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.stats import sigma_clipped_stats
from astropy.time import Time
from metar import Metar
from photutils.aperture import ApertureStats, CircularAperture
from photutils.detection import DAOStarFinder

import obs


@dataclass
class Comparison:
    name: str
    oracle: str
    tolerance: float  # relative to numbers above 1
    products: int = 0
    compared: int = 0
    largest: float = 0.0
    skipped: dict[str, int] = field(default_factory=dict)  # what the oracle does not read, and how often
    wrong: list[str] = field(default_factory=list)

    def same(self, what: str, ours: Any, theirs: Any) -> None:
        """Texts, counts and whether something is there."""
        self.compared += 1
        if ours != theirs:
            self.wrong.append(f"{what}: {ours!r} here, {theirs!r} there")

    def near(self, what: str, ours: float | None, theirs: float | None) -> None:
        if ours is None or theirs is None:
            return self.same(what, ours, theirs)
        self.compared += 1
        difference = abs(ours - theirs) / max(1.0, abs(theirs))
        if math.isfinite(difference):
            self.largest = max(self.largest, difference)
        if not difference <= self.tolerance:
            self.wrong.append(f"{what}: {ours} here, {theirs} there")
        return None

    def skip(self, why: str) -> None:
        self.skipped[why] = self.skipped.get(why, 0) + 1

    def line(self) -> str:
        skipped = "".join(f"; {number} not compared: {why}" for why, number in self.skipped.items())
        return (f"{self.name:12} {self.products:4} products, {self.compared:6} values, largest difference {self.largest:.1e} "
                f"of at most {self.tolerance:.0e}, {len(self.wrong)} wrong  ({self.oracle}{skipped})")


class Files:
    """The original files by the last part of a product's key."""

    def __init__(self, folders: list[Path]) -> None:
        self.known = [{path.name: path for path in sorted(folder.rglob("*")) if path.is_file()} for folder in folders]

    def of(self, name: str) -> Path:
        """`shared/NAME` is of the second folder; others are of the first one that has them."""
        known = self.known[1:] if name.startswith("shared/") else self.known
        return next(files[Path(name).name] for files in known if Path(name).name in files)


def products(tenant: str, kind: str, ending: str = ".json") -> Iterator[tuple[str, bytes]]:
    """The name of the file that a product was made of, and the product."""
    with obs.open(tenant=tenant, program="oracles.py/1.0", read_only=True) as client:
        for row in client.catalog.search(f"product={kind}"):
            yield row["key"].removeprefix(f"products/{kind}/").removesuffix(ending), bytes(client.store.get(row["key"]))


def compare_periods(to: Comparison, what: str, ours: list[dict[str, Any]], theirs: pd.DataFrame) -> None:
    to.same(f"{what}: names", [period["name"] for period in ours], list(theirs.index))
    for period, (name, row) in zip(ours, theirs.iterrows()):
        for column in theirs.columns:
            to.near(f"{what} {name} {column}", period.get(column), float(row[column]))


def weather(files: Files) -> Comparison:
    to = Comparison("weather", "pandas on the source tables", 1e-9)
    for name, content in products("weather", "weather"):
        product, path = json.loads(content), files.of(name)
        if name not in ("seattle-temps.csv", "seattle-weather.csv"):
            continue
        to.products += 1
        table = pd.read_csv(path, parse_dates=["date"])
        month, day = table["date"].dt.strftime("%Y-%m"), table["date"].dt.strftime("%Y-%m-%d")
        if name == "seattle-temps.csv":
            for ours, period in (("days", day), ("months", month)):
                compare_periods(to, ours, product[ours], table.groupby(period)["temp"].agg(["count", "min", "max", "mean"]))
            continue
        groups = table.groupby(month)
        theirs = groups.agg(count=("date", "count"), min=("temp_min", "min"), max=("temp_max", "max"),
                            precipitation=("precipitation", "sum"))
        theirs["mean"] = (groups["temp_min"].mean() + groups["temp_max"].mean()) / 2
        compare_periods(to, "months", product["months"], theirs)
    return to


def has_pressure(raw: str, value: float) -> bool:
    """Whether the report has a group of pressure, and the value can be one: python-metar also takes times of trends for it."""
    return 850 <= value <= 1100 and re.search(r" [QA]\d{3,4}\b", raw) is not None


def metars(files: Files) -> Comparison:
    to = Comparison("METAR", "python-metar on the reports", 1e-4)
    values: dict[str, Callable[[Any], float | None]] = {
        "temperature": lambda report: report.temp and report.temp.value("C"),
        "dew_point": lambda report: report.dewpt and report.dewpt.value("C"),
        "wind_speed": lambda report: report.wind_speed and report.wind_speed.value("MPS"),
        "pressure": lambda report: report.press and report.press.value("HPA"),
    }
    for name, content in products("weather", "weather"):
        product = json.loads(content)
        if "reports" not in product:
            continue
        to.products += 1
        for ours in product["reports"]:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # groups that it does not know
                    theirs = Metar.Metar(ours["raw"], strict=False)
            except Metar.ParserError:
                to.skip("python-metar refuses the report")
                continue
            for key, value in values.items():
                there = value(theirs)
                if key == "pressure" and there is not None and not has_pressure(ours["raw"], there):
                    to.skip("python-metar takes other numbers for a pressure")
                    continue
                to.near(f"{ours['raw']}: {key}", ours.get(key), there)
    return to


def stars_of(path: Path, product: dict[str, Any]) -> tuple[Any, Any] | None:
    """Places and fluxes by photutils, the brightest first; None: it finds no picture."""
    with warnings.catch_warnings(), fits.open(path) as units_of_file:
        warnings.simplefilter("ignore")
        pictures = [unit.data for unit in units_of_file if unit.is_image and unit.header.get("NAXIS") == 2]
    pictures = [picture for picture in pictures if picture is not None and min(picture.shape) >= 32]
    if not pictures:
        return None
    image = np.asarray(pictures[0], dtype=float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _, median, deviation = sigma_clipped_stats(image, sigma=3.0)
    nothing = np.empty((0, 2)), np.empty(0)
    if not deviation > 0:
        return nothing
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = DAOStarFinder(threshold=product["threshold"] * deviation, fwhm=product["width"]).find_stars(image - median)
    if found is None:
        return nothing
    places = np.column_stack((found["x_centroid"], found["y_centroid"]))
    fluxes = np.atleast_1d(ApertureStats(image - median, CircularAperture(places, product["radius"]), sum_method="exact").sum)
    places, fluxes = places[np.isfinite(fluxes)], fluxes[np.isfinite(fluxes)]
    order = np.lexsort((places[:, 1], places[:, 0], -fluxes))
    return places[order], fluxes[order]


def photometry(files: Files) -> Comparison:
    to = Comparison("photometry", "photutils on the original frames", 1e-9)
    for name, content in products("earth", "photometry"):
        product = json.loads(content)
        to.products += 1
        try:
            theirs = stars_of(files.of(name), product)
        except Exception as error:  # a damaged frame: both must say so
            to.same(f"{name}: readable", product.get("why"), f"astropy cannot read it: {type(error).__name__}")
            continue
        to.same(f"{name}: has a picture", "shape" in product, theirs is not None)
        if theirs is None:
            continue
        to.same(f"{name}: stars", len(product["stars"]), len(theirs[1]))
        for star, place, flux in zip(product["stars"], *theirs):
            to.near(f"{name}: x", star["x"], place[0])
            to.near(f"{name}: y", star["y"], place[1])
            to.near(f"{name}: flux", star["flux"], flux)
    return to


def catalogue(files: Files) -> Comparison:
    to = Comparison("catalogue", "photutils on the original frames", 1e-5)
    measured = {name: json.loads(content) for name, content in products("earth", "photometry")}
    for name, content in products("earth", "catalogue", ".csv"):
        to.products += 1
        rows = list(csv.DictReader(io.StringIO(content.decode())))
        try:
            theirs = stars_of(files.of(name), measured[name])
        except Exception:
            theirs = None
        fluxes = [flux for flux in (theirs[1] if theirs is not None else []) if flux > 0]
        to.same(f"{name}: stars", len(rows), len(fluxes))
        for row, flux in zip(rows, fluxes):
            magnitude = 25 + (flux * units.dimensionless_unscaled).to_value(units.mag())
            to.near(f"{name}: magnitude", float(row["magnitude"]), magnitude)
    return to


def compare_trace(to: Comparison, name: str, ours: dict[str, Any], trace: Any) -> None:
    to.same(f"{name}: id", ours["id"], trace.id)
    to.same(f"{name}: samples", ours["samples"], len(trace))
    to.same(f"{name}: start", ours["start"], str(trace.stats.starttime))
    to.same(f"{name}: end", ours["end"], str(trace.stats.endtime))
    if trace.data.dtype.kind not in "iuf" or not np.isfinite(trace.data).any():
        to.same(f"{name}: numbers", "why" in ours, True)
        return
    if not np.isfinite(trace.data).all():
        trace = trace.copy()
        trace.data = trace.data[np.isfinite(trace.data)]
    trace.data = trace.data.astype(np.float64)
    to.near(f"{name}: greatest amplitude", max(ours["max"], -ours["min"]), abs(trace.max()))
    to.near(f"{name}: range", ours["max"] - ours["min"], float(np.ptp(trace.data)))
    mean = math.fsum(trace.data) / len(trace)
    to.near(f"{name}: mean", ours["mean"], mean)
    to.near(f"{name}: rms", ours["rms"], math.hypot(trace.std(), mean))


def seismogram(files: Files) -> Comparison:
    to = Comparison("seismogram", "obspy on the original files", 1e-9)
    for name, content in products("earth", "seismogram"):
        product = json.loads(content)
        to.products += 1
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                theirs = obspy.read(str(files.of(name)), format="MSEED")
        except Exception:
            theirs = obspy.Stream()
        to.same(f"{name}: traces", len(product["traces"]), len(theirs))
        for ours, trace in zip(product["traces"], theirs):
            compare_trace(to, name, ours, trace)
    return to


COLUMNS = {"number": (0, 5), "designation": (5, 12), "kind": (14, 15), "year": (15, 19), "month": (20, 22), "day": (23, 32),
           "ra": (32, 44), "dec": (44, 56), "mag": (65, 70), "band": (70, 71), "site": (77, 80)}


def observations_of(path: Path, wanted: str) -> pd.DataFrame:
    """The columns of the lines of one object, as the format describes them, in the order of time."""
    text = path.read_text(errors="replace")
    if text.startswith("["):
        lines: Iterable[str] = (entry["original_record"] for entry in json.loads(text))
    else:
        lines = (line for line in text.splitlines() if len(line.rstrip()) == 80 and line[14] not in "sRrvxX")
    table = pd.read_fwf(io.StringIO("\n".join(lines)), colspecs=list(COLUMNS.values()), names=list(COLUMNS), dtype=str,
                        keep_default_na=False, delimiter=" ")
    table["object"] = table["number"].where(table["number"] != "", table["designation"])
    table = table[table["object"] == wanted].reset_index(drop=True)
    start = Time([f"{row.year}-{row.month}-01" for row in table.itertuples()], scale="utc")
    table["mjd"] = start.mjd + table["day"].astype(float) - 1
    places = SkyCoord(list(table["ra"]), list(table["dec"]), unit=(units.hourangle, units.deg))
    table["ra"], table["dec"] = places.ra.deg, places.dec.deg
    table["mag"] = pd.to_numeric(table["mag"], errors="coerce")
    return table.sort_values(["mjd", "ra"], kind="stable").reset_index(drop=True)


def light_curve(files: Files) -> Comparison:
    to = Comparison("light curve", "the columns by pandas, places and times by astropy", 1e-6)
    for name, content in products("planets", "light-curve"):
        product = json.loads(content)
        if product["object"] is None:
            to.skip("a file without observations")
            continue
        to.products += 1
        ours = product["observations"]
        theirs = observations_of(files.of(name), product["object"])
        to.same(f"{name}: observations", len(ours), len(theirs))
        times = Time([one["date"].rstrip("Z") for one in ours], scale="utc").mjd
        for number, (one, row) in enumerate(zip(ours, theirs.itertuples())):
            what = f"{name}, observation {number}"
            to.near(f"{what}: seconds", (times[number] - row.mjd) * 86400, 0.0)
            to.near(f"{what}: ra", one["ra"] - row.ra, 0.0)  # degrees, not relative to them
            to.near(f"{what}: dec", one["dec"] - row.dec, 0.0)
            to.near(f"{what}: magnitude", one.get("mag"), None if math.isnan(row.mag) else row.mag)
            to.same(f"{what}: band and observatory", (one.get("band", ""), one["observatory"]), (row.band, row.site))
    return to


def main() -> int:
    with_shared = sys.argv[1] == "--all"
    data, result = map(Path, sys.argv[-2:])
    files = Files([data, *([Path("../shared/data")] if with_shared else [])])
    oracles = [light_curve, photometry, catalogue, seismogram, weather, *([metars] if with_shared else [])]
    comparisons = [compare(files) for compare in oracles]
    for comparison in comparisons:
        if not comparison.compared:
            comparison.wrong.append("nothing was compared")
        print(comparison.line())
        for line in comparison.wrong[:5]:
            print(f"differs: {comparison.name}: {line}", file=sys.stderr)
    result.write_text(json.dumps([asdict(comparison) for comparison in comparisons], indent=1) + "\n")
    return 1 if any(comparison.wrong for comparison in comparisons) else 0


if __name__ == "__main__":
    sys.exit(main())
