"""The functions of the demonstration on small files of our own making, run by the runner."""

from __future__ import annotations

import io
import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import obs
from test_loaders import obs80_line

DEMO = Path(__file__).parent
GO = ("weather-product", "catalogue")


def build(name: str, folder: Path) -> None:
    flags = shlex.split(subprocess.run(["pkg-config", "--cflags", "--libs", "obs", "jansson"], check=True, text=True,
                                       capture_output=True).stdout)
    if name in GO:
        if not shutil.which("go"):
            pytest.skip("Go is not here")
        subprocess.run(["go", "build", "-o", folder / name, f"./{name}"], cwd=DEMO / "functions", check=True)
    elif not (folder / "handler.py").exists():
        subprocess.run(["cc", "-std=c17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", f"-I{DEMO}", "-o", folder / name,
                        *(DEMO / "functions" / name).glob("*.c"), DEMO / "obs80.c", *flags, "-lm"], check=True)


class Place:
    """A workspace with one tenant, in which functions are installed and run."""

    def __init__(self, folder: Path, *names: str) -> None:
        self.folder = folder
        obs.init(folder)
        self.client = obs.open(folder)
        for name in names:
            into = folder / "functions" / name
            into.mkdir(parents=True)
            manifest = (DEMO / "functions" / name / "function.yaml").read_text().replace("@PYTHON@", sys.executable)
            (into / "function.yaml").write_text(manifest.replace("@LIBRARY@", os.environ.get("LD_LIBRARY_PATH", "/usr/lib")))
            if (DEMO / "functions" / name / "handler.py").exists():
                shutil.copy(DEMO / "functions" / name / "handler.py", into)
            build(name, into)
            for path in (into.parent, into, *into.iterdir()):
                path.chmod(0o700)

    def run(self, key: str, content: bytes) -> list[str]:
        """Returns why events could not be done."""
        self.client.ingest.file(key, content)
        subprocess.run(["obsctl", "function", "run", "--once", "-w", self.folder], check=True, timeout=300)
        return [row["reason"] for row in self.client.bus.dead_letters()]

    def product(self, key: str) -> dict[str, Any]:
        made: dict[str, Any] = json.loads(bytes(self.client.store.get(f"products/{key}")))
        return made

    def picture(self, key: str) -> str:
        """An SVG that a parser of XML reads, as one text."""
        return "".join(ElementTree.fromstring(bytes(self.client.store.get(f"products/{key}"))).itertext())


@pytest.fixture(autouse=True)
def _modules_beside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(DEMO))


def test_a_light_curve(tmp_path: Path) -> None:
    here = Place(tmp_path / "night", "light-curve")
    lines = [obs80_line(date="2026 11 21.50000 ", mag="17.5 V"), obs80_line(), obs80_line(mag=""), "no observation",
             obs80_line(object="88888")]
    here.run("raw/obs80/<b>&.obs", "\n".join(lines).encode())
    made = here.product("light-curve/<b>&.obs.json")
    assert (made["object"], made["lines"]) == ("99999", 5)
    assert [one.get("mag") for one in made["observations"]] == [17.3, None, 17.5]
    assert made["observations"][2]["date"] == "2026-11-21T12:00:00.000000Z"
    assert "99999: 2 magnitudes" in here.picture("light-curve/<b>&.obs.light-curve.svg")
    assert "99999: 3 positions" in here.picture("light-curve/<b>&.obs.sky.svg")
    entry = here.client.catalog.get("products/light-curve/<b>&.obs.json")
    assert entry["made_from"] == ["raw/obs80/<b>&.obs"] and entry["labels"]["object"] == "99999"


def test_a_light_curve_of_nothing(tmp_path: Path) -> None:
    here = Place(tmp_path / "night", "light-curve")
    here.run("raw/obs80/empty.obs", b"no\x00thing\n\xff\n")
    assert here.product("light-curve/empty.obs.json") == {"object": None, "lines": 2, "observations": []}
    assert "<b" not in here.picture("light-curve/empty.obs.sky.svg")


def test_months_of_days(tmp_path: Path) -> None:
    here = Place(tmp_path / "night", "weather-product")
    here.run("raw/weather/seattle-weather.csv", b"date,precipitation,temp_max,temp_min,wind,weather\n"
             b"2026/10/31,1.5,12,4,3,rain\n2026/11/01,2,10,2,3,rain\n2026/11/02,0.5,6,-4,3,snow\n")
    assert here.product("weather/seattle-weather.csv.json")["months"] == [
        {"name": "2026-10", "count": 1, "min": 4, "max": 12, "mean": 8, "precipitation": 1.5},
        {"name": "2026-11", "count": 2, "min": -4, "max": 10, "mean": 3.5, "precipitation": 2.5}]
    assert "rain up to 2 mm" in here.picture("weather/seattle-weather.csv.svg")


def test_reports_of_stations(tmp_path: Path) -> None:
    here = Place(tmp_path / "night", "weather-product")
    here.run("raw/weather/metar_20261101_0000.txt", (
        b"\x01\n123\nSAXX31 XXHI 010000\nMETAR\nMETAR XXHI 010000Z 24005KT CAVOK\n     04/M02 Q1015=\n\n"
        b"METAR COR XXHJ 312350Z AUTO 00000KT 9999 M00/ A2992 RMK A1111\nXXHK NIL=\nXXHL 010000Z NIL=\n\x03\n"))
    reports = here.product("weather/metar_20261101_0000.txt.json")["reports"]
    assert [report.pop("raw") for report in reports] == [
        "METAR XXHI 010000Z 24005KT CAVOK 04/M02 Q1015", "METAR COR XXHJ 312350Z AUTO 00000KT 9999 M00/ A2992 RMK A1111"]
    assert reports == [
        {"station": "XXHI", "time": "010000", "temperature": 4, "dew_point": -2, "wind_speed": 2.5722, "pressure": 1015},
        {"station": "XXHJ", "time": "312350", "temperature": 0, "wind_speed": 0, "pressure": 1013.21}]


def test_a_table_that_is_none_is_refused(tmp_path: Path) -> None:
    here = Place(tmp_path / "night", "weather-product")
    dead = here.run("raw/weather/seattle-temps.csv", b"date,temp\n2026/11/01 00:00,warm\n")
    assert len(dead) == 1 and 'no number in column "temp" of line 2' in dead[0]


def frame(size: int = 64) -> bytes:
    """Noise of one seed and three stars of known places."""
    np = pytest.importorskip("numpy")
    fits = pytest.importorskip("astropy.io.fits")
    y, x = np.mgrid[0:size, 0:size]
    image = 100 + np.random.default_rng(7).normal(0, 1, (size, size))
    for at_x, at_y, peak in ((16, 20, 300), (45, 30, 200), (30, 50, 8)):
        image += peak * np.exp(-((x - at_x) ** 2 + (y - at_y) ** 2) / (2 * 1.7**2))
    file = io.BytesIO()
    fits.PrimaryHDU(image.astype("float32")).writeto(file)
    return file.getvalue()


def test_stars_and_the_table_of_them(tmp_path: Path) -> None:
    pytest.importorskip("photutils")
    here = Place(tmp_path / "night", "photometry", "catalogue")
    here.run("raw/fits/a.fits", frame())
    made = here.product("photometry/a.fits.json")
    assert [(round(star["x"]), round(star["y"])) for star in made["stars"]] == [(16, 20), (45, 30), (30, 50)]
    assert made["stars"][0]["flux"] == pytest.approx(300 * 2 * 3.14159 * 1.7**2, rel=0.03)
    table = bytes(here.client.store.get("products/catalogue/a.fits.csv")).decode().splitlines()
    assert table[0] == "star,x,y,flux,magnitude" and len(table) == 4
    assert "a.fits: 3 stars" in here.picture("photometry/a.fits.svg")
    made_from = [row["key"] for row in here.client.catalog.lineage("products/catalogue/a.fits.csv")]
    assert made_from == ["products/catalogue/a.fits.csv", "products/photometry/a.fits.json", "raw/fits/a.fits"]


def test_a_setting_counts_from_the_next_frame_on(tmp_path: Path) -> None:
    pytest.importorskip("photutils")
    here = Place(tmp_path / "night", "photometry")
    here.run("raw/fits/a.fits", frame())
    subprocess.run(["obsctl", "config", "set", "photometry.threshold", "40", "-w", here.folder], check=True)
    here.run("raw/fits/b.fits", frame())
    assert [len(here.product(f"photometry/{name}.fits.json")["stars"]) for name in "ab"] == [3, 2]
    versions = {here.client.catalog.get(f"products/photometry/{name}.fits.json")["labels"]["configuration"] for name in "ab"}
    assert len(versions) == 2


def test_frames_without_stars_say_why(tmp_path: Path) -> None:
    np = pytest.importorskip("numpy")
    fits = pytest.importorskip("astropy.io.fits")
    pytest.importorskip("photutils")
    here = Place(tmp_path / "night", "photometry")
    flat = io.BytesIO()
    fits.PrimaryHDU(np.zeros((40, 40))).writeto(flat)
    for name, content, why in (("flat", flat.getvalue(), "a background without noise"),
                               ("cut", frame()[:5000], "cannot read it"), ("none", b"no frame", "cannot read it")):
        here.run(f"raw/fits/{name}.fits", content)
        made = here.product(f"photometry/{name}.fits.json")
        assert made["stars"] == [] and why in made["why"], name


def test_amplitudes(tmp_path: Path) -> None:
    np = pytest.importorskip("numpy")
    obspy = pytest.importorskip("obspy")
    here = Place(tmp_path / "night", "seismogram")
    wave = np.round(1000 * np.sin(np.arange(2000) / 20)).astype("int32")
    about = {"network": "XX", "station": "HILL", "channel": "BHZ", "sampling_rate": 20.0}
    file = io.BytesIO()
    obspy.Stream([obspy.Trace(wave, about)]).write(file, format="MSEED")
    here.run("raw/mseed.record/hill.mseed", file.getvalue())
    trace = here.product("seismogram/hill.mseed.json")["traces"][0]
    assert (trace["id"], trace["samples"], trace["min"], trace["max"]) == ("XX.HILL..BHZ", 2000, -1000, 1000)
    assert trace["rms"] == pytest.approx(1000 / 2**0.5, rel=0.01)
    assert "XX.HILL..BHZ" in here.picture("seismogram/hill.mseed.svg")
    here.run("raw/mseed.record/cut.mseed", file.getvalue()[:100])
    assert here.product("seismogram/cut.mseed.json")["traces"] == []


def test_the_oracles_see_a_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("astropy", "metar", "obspy", "pandas", "photutils"):
        pytest.importorskip(name)
    import oracles

    lines = [obs80_line(), obs80_line(date="2026 11 21.50000 ", mag="")]
    (tmp_path / "a.obs").write_text("\n".join(lines))
    files = oracles.Files([tmp_path])
    good: dict[str, Any] = {"object": "99999", "observations": [
        {"date": "2026-11-20T21:15:03.744Z", "ra": 83.822083, "dec": -5.391111, "mag": 17.3, "band": "V", "observatory": "Z99"},
        {"date": "2026-11-21T12:00:00Z", "ra": 83.822083, "dec": -5.391111, "observatory": "Z99"}]}
    product: dict[str, Any] = {}
    monkeypatch.setattr(oracles, "products", lambda *_: [("a.obs", json.dumps(product).encode())])
    product.update(good)
    assert oracles.light_curve(files).wrong == []
    for member, value in (("date", "2026-11-20T21:15:03.745Z"), ("ra", 83.822), ("dec", 5.391111), ("mag", 17.4),
                          ("mag", None), ("band", "R"), ("observatory", "Z98")):
        product["observations"] = [good["observations"][0] | {member: value}, good["observations"][1]]
        assert len(oracles.light_curve(files).wrong) == 1, member
    product["observations"] = good["observations"][:1]
    assert oracles.light_curve(files).wrong != []
