"""The loaders of the demonstration on small files of our own making: what they take, what they refuse, and why."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import obs

DEMO = Path(__file__).parent


def obs80_line(**change: str) -> str:
    part = {"object": "99999", "date": "2026 11 20.88546 ", "ra": "05 35 17.30 ", "dec": "-05 23 28.0 ", "mag": "17.3 V"} | change
    return f"{part['object']:5}       " + "  C" + f"{part['date']:17}{part['ra']:12}{part['dec']:12}" + " " * 9 + f"{part['mag']:6}" + " " * 6 + "Z99"


def miniseed(*, quality: bytes = b"D", length: int = 9) -> bytes:
    header = b"000001" + quality + b" HILL 00BHZXX" + struct.pack(">HHBBBBH", 2026, 324, 21, 0, 0, 0, 0)
    header += struct.pack(">HhhBBBBiHH", 100, 20, 1, 0, 0, 0, 1, 0, 64, 48)
    return (header + struct.pack(">HHBBBB", 1000, 0, 11, 1, length, 0)).ljust(1 << length, b"\0")


def fits(*cards: str) -> bytes:
    return "".join(f"{card:80}" for card in cards).ljust(2880).encode()


def program(folder: Path, name: str) -> list[str]:
    """The command that starts a loader, built where it must be."""
    if name == "weather":
        return [sys.executable, str(DEMO / "weather.py")]
    if name == "skyearth":
        if not shutil.which("go"):
            pytest.skip("Go is not here")
        subprocess.run(["go", "build", "-o", folder / name, "."], cwd=DEMO / "skyearth", check=True)
    else:
        flags = shlex.split(subprocess.run(["pkg-config", "--cflags", "--libs", "obs", "jansson"], check=True, text=True,
                                           capture_output=True).stdout)
        subprocess.run(["cc", "-std=c17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-o", folder / name,
                        *(DEMO / f"{part}.c" for part in ("planets", "obs80", "mpcorb")), *flags, "-lpthread"], check=True)
    return [str(folder / name)]


CASES: dict[str, tuple[str, str, dict[str, bytes], int, list[str]]] = {
    # name: (program, tenant, files, accepted records, words of the reasons of the refused ones)
    "obs80": ("planets", "planets", {"x.obs": "\n".join([
        obs80_line(), obs80_line(mag=""), "", "too short", obs80_line(date="2026 13 20.88546"), obs80_line(ra="25 00 00.00"),
        obs80_line(object="9\"999")]).encode()}, 2, ["80 columns", "no date", "no right ascension", "characters"]),
    "metar": ("weather", "weather", {"metar_20261101_0000.txt": (
        "\x01\n123\nSAXX31 XXHI 010000\nMTRABC\nMETAR XXHI 010000Z 24005KT CAVOK\n     04/M02 Q1015=\n"
        "METAR COR XXHJ 312350Z AUTO 00000KT 9999 10/10 A2992=\nXXHK NIL=\nsome words\n\x03\n").encode()}, 2, ["NIL", "no station"]),
    "synop": ("weather", "weather", {"A_SMXX01XXXX201800_C_EDZW_20261120180000_1.txt":
        b"SMXX01 XXXX 201800\r\r\nAAXX 20181\r\r\n99999 01597 71702 10057=\r\r\n99998 NIL=\r\r\n"}, 1, ["NIL"]),
    "fits": ("skyearth", "earth", {
        "a.fits": fits("SIMPLE  =                    T", "BITPIX  =                    8", "NAXIS   =                    0", "END"),
        "b.fits": fits("SIMPLE  =                    T"), "c.fits": b"no"}, 1, ["no END", "SIMPLE"]),
    "mseed": ("skyearth", "earth", {
        "a.mseed": miniseed() + b"\xff" * 512 + miniseed(length=12), "b.mseed": b"", "c.mseed": miniseed()[:300],
        "d.mseed": miniseed(quality=b"V")}, 2, ["no sequence", "empty", "cut off", "control header"]),
}


@pytest.mark.parametrize("case", CASES)
def test_loader(case: str, tmp_path: Path) -> None:
    name, tenant, files, accepted, reasons = CASES[case]
    night = tmp_path / "night"
    obs.init(night)
    subprocess.run(["obsctl", "tenant", "create", tenant], env=os.environ | {"OBS_WORKSPACE": str(night)}, check=True)
    for file, content in files.items():
        (tmp_path / file).write_bytes(content)
    run = subprocess.run([*program(tmp_path, name), DEMO / "definitions", *(tmp_path / file for file in files)], text=True,
                         capture_output=True, env=os.environ | {"OBS_WORKSPACE": str(night)})
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""  # no progress where nobody looks
    said: list[dict[str, Any]] = [json.loads(line) for line in run.stdout.splitlines()]
    with obs.open(night, tenant=tenant) as client:
        log = list(client.ingest.log())
    refused = [row["reason"] for row in log if row["result"] == "refused"]
    assert len(refused) == len(reasons), refused
    assert all(any(words in reason for reason in refused) for words in reasons), refused
    records = [row for row in log if row["result"] == "accepted" and row["table"] != "objects"]
    assert (len(records), len(log) - len(records) - len(refused)) == (accepted, len(files))
    assert (sum(s["accepted"] for s in said), sum(s["refused"] for s in said)) == (accepted, len(refused))


def test_days_of_reports_belong_to_the_month_before() -> None:
    sys.path.insert(0, str(DEMO))
    import weather

    days = [weather.day_before(weather.date(2026, 11, 1), day) for day in (1, 2, 31, 30)]
    assert days == ["2026-11-01", "2026-11-02", "2026-10-31", "2026-10-30"]


def test_parsers_in_go() -> None:
    if not shutil.which("go"):
        pytest.skip("Go is not here")
    subprocess.run(["go", "test", "./..."], cwd=DEMO / "skyearth", check=True)
