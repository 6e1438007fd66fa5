"""Positions, times and headers against those who know: astropy, obspy and python-metar, on files made here and on real ones."""

from __future__ import annotations

import io
import random
from pathlib import Path
from typing import Any

import pytest

import obs

ROOT = Path(__file__).resolve().parents[3]
SHARED = ROOT.parent / "shared" / "data"


def values(client: obs.Client, key: str) -> dict[str, Any]:
    found: dict[str, Any] = client.catalog.get(key)["values"]
    return found


def needs(name: str) -> Any:
    return pytest.importorskip(name, reason=f"{name} is not installed (tools/requirements-sky.txt)")


def shared(folder: str, pattern: str = "*") -> list[Path]:
    files = sorted((SHARED / folder).glob(pattern))
    if not files:
        pytest.skip(f"no ../shared/data/{folder}")
    return files


def stored(client: obs.Client, path: Path, **options: Any) -> dict[str, Any]:
    client.store.put(path.name, path.read_bytes(), **options)
    return values(client, path.name)


def test_cones_agree_with_astropy(client: obs.Client) -> None:
    needs("astropy")
    from astropy import units
    from astropy.coordinates import SkyCoord

    rng = random.Random(20261121)
    places = [(rng.uniform(0, 360), rng.uniform(-90, 90)) for _ in range(1500)]
    places += [(0, 90), (10, -90), (0, 0), (359.9999, 0.0001), (360, -0.0001)]
    with client.unit() as unit:
        for number, (ra, dec) in enumerate(places):
            unit.put(str(number), b"", values={"ra": ra, "dec": dec})
    sky = SkyCoord([ra for ra, _ in places], [dec for _, dec in places], unit="deg")
    for text, centre, radius in [
        ("13h29m52.7s,+47d11m43s,20d", SkyCoord("13h29m52.7s", "+47d11m43s"), 20),
        ("13:29:52.7,+47:11:43,600m", SkyCoord("13h29m52.7s", "+47d11m43s"), 10),
        ('"0 0 0, 0 0 0, 5"', SkyCoord("0h", "0d"), 5),
        ("100,89,3", SkyCoord(100, 89, unit="deg"), 3),
        ("100,-89.5,4", SkyCoord(100, -89.5, unit="deg"), 4),
        ("359,12,30", SkyCoord(359, 12, unit="deg"), 30),
        ("5,-60,120", SkyCoord(5, -60, unit="deg"), 120),
        ("0.00005,0,1s", SkyCoord(0.00005, 0, unit="deg"), 1 / 3600),
    ]:
        apart = sky.separation(centre).to_value(units.deg)
        rows = {row["key"]: row["distance"] for row in client.catalog.search(f"cone={text}")}
        assert set(rows) == {str(number) for number, distance in enumerate(apart) if distance <= radius}, text
        assert all(abs(apart[int(key)] - distance) < 2e-9 for key, distance in rows.items()), text


def frame(**cards: Any) -> bytes:
    fits = needs("astropy.io.fits")
    hdu = fits.PrimaryHDU()
    for name, value in cards.items():
        hdu.header[name.replace("_", "-")] = value
    out = io.BytesIO()
    hdu.writeto(out)
    return out.getvalue()


@pytest.mark.filterwarnings("ignore:ERFA function")
def test_fits_times_agree_with_astropy(client: obs.Client) -> None:
    needs("astropy")
    from astropy.time import Time

    for number, date in enumerate(["2026-11-20T21:15:03.25", "2024-02-29T23:59:59.999", "1999-12-31", "1858-11-17T00:00:00"]):
        client.store.put(str(number), frame(DATE_OBS=date, EXPTIME=30.5))
        found = values(client, str(number))
        assert abs(found["mjd"] - Time(date).mjd) < 1e-8
        assert abs((Time(found["end"]) - Time(date)).sec - 30.5) < 1e-5
        assert [row["key"] for row in client.catalog.search(f"during={date[:10]}")] == [str(number)]


def test_real_fits_headers(client: obs.Client) -> None:
    fits = needs("astropy.io.fits")
    from astropy.coordinates import Angle
    from astropy.time import Time

    checked = 0
    for path in shared("images/fits", "*.fits"):
        found = stored(client, path)
        assert found["format"] == "fits" and "index" not in found, path.name
        with fits.open(path, memmap=False) as parts:
            if path.stat().st_size <= 1 << 20:
                assert found["hdus"] == len(parts), path.name
            header = parts[0].header
            for name, keyword in [("object", "OBJECT"), ("instrument", "INSTRUME"), ("telescope", "TELESCOP"), ("exposure", "EXPTIME")]:
                if header.get(keyword) not in (None, ""):
                    assert found[name] == header[keyword], (path.name, keyword)
                    checked += 1
            if "RA" in header and "EQUINOX" not in header:
                is_text = isinstance(header["RA"], str)
                assert abs(found["ra"] - Angle(header["RA"], "hourangle" if is_text else "deg").deg) < 1e-8, path.name
                assert abs(found["dec"] - Angle(header["DEC"], "deg").deg) < 1e-8, path.name
                checked += 1
            if "T" in str(header.get("DATE-OBS")):
                assert abs(found["mjd"] - Time(header["DATE-OBS"]).mjd) < 1e-8, path.name
                checked += 1
    assert checked > 20


@pytest.mark.filterwarnings("ignore:The WCS transformation")
def test_middle_of_real_pictures(client: obs.Client) -> None:
    fits = needs("astropy.io.fits")
    from astropy.coordinates import SkyCoord
    from astropy.wcs import WCS

    path = next(path for path in shared("images/fits", "*.fits") if path.name == "ie6d07ujq_wcs.fits")
    found = stored(client, path)
    place = SkyCoord(found["ra"], found["dec"], unit="deg")
    with fits.open(path) as parts:
        near = []
        for part in parts:
            if part.header.get("CTYPE1", "").startswith("RA--"):
                wcs = WCS(part.header, fobj=parts).celestial
                middle = [(size - 1) / 2 for size in part.shape[::-1]] if part.shape else wcs.wcs.crpix - 1
                near.append(wcs.pixel_to_world(*middle).separation(place).arcsec)
    assert near and min(near) < 5


def test_mseed_agrees_with_obspy(client: obs.Client) -> None:
    read = needs("obspy").read
    checked = 0
    for path in shared("seismology"):
        found = stored(client, path)
        if found.get("format") != "mseed":
            continue
        stream = read(str(path), format="MSEED", headonly=True)
        assert "index" not in found, path.name
        for name in ("network", "station", "location", "channel"):
            assert set(found.get(name, "").split()) == {getattr(trace.stats, name) for trace in stream} - {""}, (path.name, name)
        assert found["samples"] == sum(trace.stats.npts for trace in stream), path.name
        rate = {trace.stats.sampling_rate for trace in stream}
        assert len(rate) != 1 or abs(found["rate"] / rate.pop() - 1) < 1e-6, path.name
        start = min(trace.stats.starttime for trace in stream)
        end = max(trace.stats.endtime for trace in stream)
        utc = needs("obspy").UTCDateTime
        assert abs(utc(found["start"]) - start) < 1e-5, path.name
        assert abs(utc(found["end"]) - end) < 0.01, path.name
        checked += 1
    assert checked >= 10


def reports() -> list[str]:
    text = shared("weather/metar", "metar_20190701_1200.txt")[0].read_text("latin-1")
    lines = [" ".join(part.split()) for part in text.split("=")]
    return [line[line.index("METAR ") :] for line in lines if "METAR " in line and "NIL" not in line and line.count("METAR") == 1]


@pytest.mark.filterwarnings("ignore:Unparsed groups")
def test_metar_agrees_with_python_metar(client: obs.Client) -> None:
    metar = needs("metar.Metar")
    checked = 0
    for number, line in enumerate(reports()[:1500]):
        try:
            known = metar.Metar(line, month=7, year=2019, strict=False)
        except metar.ParserError:
            continue
        key = f"2019-07-01/{number}"
        client.store.put(key, line.encode())
        found = values(client, key)
        if found.get("count") != 1 or not known.decode_completed:
            continue
        assert found["station"] == known.station_id, line
        assert found["start"][:16] == known.time.isoformat()[:16], line
        for name, quantity, unit, tolerance in [
            ("wind_speed", known.wind_speed, "MPS", 0.01),
            ("wind_gust", known.wind_gust, "MPS", 0.01),
            ("temperature", None if "RMK" in line else known.temp, "C", 0.01),
            ("dew_point", None if "RMK" in line else known.dewpt, "C", 0.01),
            ("pressure", known.press, "HPA", 0.1),
        ]:
            if quantity is not None:
                assert abs(found[name] - quantity.value(unit)) <= tolerance, (line, name)
                checked += 1
        if known.wind_dir is not None and known.wind_speed:
            assert found["wind_direction"] % 360 == known.wind_dir.value() % 360, line
            checked += 1
    assert checked > 1000


def test_obs80_columns(client: obs.Client) -> None:
    import json

    rows = json.loads(shared("mpc/obs80", "12893_observations.json")[0].read_text())
    # Observations from space have two lines, without an end between them.
    lines = [row["original_record"][at : at + 80] for row in rows for at in range(0, len(row["original_record"]), 80)]
    client.store.put("12893.obs", ("\n".join(lines) + "\n").encode())
    found = values(client, "12893.obs")
    assert found["count"] == len(rows)
    mags = [float(line[65:70]) for line in lines if line[14] != "s" and line[65:70].strip()]
    assert (found["mag_min"], found["mag_max"]) == (min(mags), max(mags))
    assert found["object"] == "12893"
    dates = sorted(row["observation_date"] for row in rows)
    assert found["start"][:10] == dates[0][:10].replace(" ", "-")
    assert found["end"][:10] == dates[-1][:10].replace(" ", "-")


def test_switch_and_what_was_given(client: obs.Client) -> None:
    data = frame(OBJECT="M 51", RA=202.47, DEC=47.2)
    client.store.put("off", data, index=False)
    assert values(client, "off") == {}
    with client.unit() as unit:
        unit.put("given", data, values={"ra": 1.0})
    assert values(client, "given")["ra"] == 1.0
    assert values(client, "given")["dec"] == 47.2
    with client.store.writer("stream", index=False) as writer:
        writer.write(data)
    assert values(client, "stream") == {}
    client.ingest.file("raw/off", data, index=False)
    assert values(client, "raw/off") == {}
    client.ingest.file("raw/on", data)
    assert values(client, "raw/on")["object"] == "M 51"


def filled(client: obs.Client) -> None:
    client.store.put("a", b"", values={"ra": 10.0, "dec": 20.0, "good": True, "mag": 17}, labels={"night": "x", "ra": "label"})
    client.store.put("b", b"", values={"ra": 10.5, "dec": 20.0, "filter": "V", "mag": 17.5})


def test_table(client: obs.Client) -> None:
    needs("astropy")
    filled(client)
    table = client.catalog.search("cone=10,20,1").to_table()
    assert list(table["key"]) == ["a", "b"]
    assert table["ra"].unit == "deg" and list(table["ra"]) == [10.0, 10.5]
    assert table["distance"].unit == "deg" and table["distance"][1] > 0.4
    assert list(table["filter"].mask) == [True, False]
    assert list(table["good"].mask) == [False, True]
    assert table["label.ra"][0] == "label"
    assert list(table["mag"]) == [17, 17.5]
    assert len(client.catalog.search("key=none").to_table()) == 0


def test_frame(client: obs.Client) -> None:
    pandas = needs("pandas")
    filled(client)
    table = client.catalog.search("cone=10,20,1").to_frame()
    assert list(table["key"]) == ["a", "b"]
    assert list(table["ra"]) == [10.0, 10.5]
    assert pandas.isna(table["filter"][0])
    assert client.catalog.search("key=none").to_frame().empty


@pytest.mark.parametrize(("method", "module", "package"), [("to_table", "astropy.table", "astropy"), ("to_frame", "pandas", "pandas")])
def test_without_the_library(
    client: obs.Client, monkeypatch: pytest.MonkeyPatch, method: str, module: str, package: str
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=rf"{method}\(\) needs {package}: pip install {package}"):
        getattr(client.catalog.search(), method)()
