"""The samples of `obsctl graph seismogram` against those that obspy reads, by libmseed: files made here and real ones."""

from __future__ import annotations

import io
import json
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest

import obs

SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "seismology"

Samples = dict[str, list[tuple[float, float]]]


def needs(name: str) -> Any:
    return pytest.importorskip(name, reason=f"{name} is not installed (tools/requirements-sky.txt)")


def drawn(workspace: Path, key: str) -> Samples:
    done = subprocess.run(["obsctl", "graph", "seismogram", key, "--json", "-w", workspace], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-500:]
    found: Samples = {}
    for line in done.stdout.splitlines():
        row = json.loads(line)
        found.setdefault(row["series"], []).append((row["x"], row["y"]))
    return {name: sorted(points) for name, points in found.items()}


def known(stream: Any) -> Samples:
    found: Samples = {}
    for trace in stream:
        start = trace.stats.starttime.timestamp
        points = [(start + i / trace.stats.sampling_rate, float(value)) for i, value in enumerate(trace.data)]
        found.setdefault(trace.id, []).extend(points)
    return {name: sorted(points) for name, points in found.items()}


def compare(found: Samples, expected: Samples, tolerance: float) -> int:
    assert found.keys() == expected.keys()
    for name, points in expected.items():
        # JSON has 15 digits.
        assert [float(f"{y:.15g}") for _, y in found[name]] == [float(f"{y:.15g}") for _, y in points], name
        assert max(abs(a - b) for (a, _), (b, _) in zip(found[name], points, strict=True)) < tolerance, name
    return sum(map(len, expected.values()))


def values(kind: str, count: int, rng: random.Random) -> Any:
    """Small and large steps, so that every width of the compressed forms occurs; for floating point, numbers of all sizes."""
    numpy = needs("numpy")
    if kind.startswith("FLOAT"):
        numbers = [rng.uniform(-1, 1) * 10 ** rng.randint(-30, 30) for _ in range(count)]
        return numpy.array(numbers, dtype="float32" if kind == "FLOAT32" else "float64")
    if kind == "INT16":
        return numpy.array([rng.randint(-(1 << 15), (1 << 15) - 1) for _ in range(count)], dtype="int16")
    if kind == "INT32":
        return numpy.array([rng.randint(-(1 << 31), (1 << 31) - 1) for _ in range(count)], dtype="int32")
    found = [0]
    while len(found) < count:
        bits = rng.choice([1, 3, 4, 5, 7, 9, 14, 15, 20, 28])
        for _ in range(rng.randint(1, 30)):
            found.append(max(-(1 << 28), min(1 << 28, found[-1] + rng.randint(-(1 << bits), (1 << bits) - 1))))
    return numpy.array(found[:count], dtype="int32")


@pytest.mark.parametrize("kind", ["INT16", "INT32", "FLOAT32", "FLOAT64", "STEIM1", "STEIM2"])
def test_every_encoding(client: obs.Client, workspace: Path, kind: str) -> None:
    obspy = needs("obspy")
    rng = random.Random(kind)
    for order in (">", "<"):
        for size in (256, 512, 4096):
            header = {"network": "XX", "station": "STA", "channel": "BHZ", "sampling_rate": 100, "starttime": obspy.UTCDateTime(2026, 11, 20)}
            trace = obspy.Trace(values(kind, 3000, rng), header)
            out = io.BytesIO()
            trace.write(out, format="MSEED", encoding=kind, byteorder=order, reclen=size)
            client.store.put("quake", out.getvalue())
            expected = obspy.read(io.BytesIO(out.getvalue()), format="MSEED")
            assert compare(drawn(workspace, "quake"), known(expected), 1e-6) == 3000


def test_real_files(client: obs.Client, workspace: Path) -> None:
    read = needs("obspy").read
    paths = sorted(SHARED.glob("*"))
    if not paths:
        pytest.skip("no ../shared/data/seismology")
    samples = 0
    for path in paths:
        client.store.put(path.name, path.read_bytes())
        # A trace goes on for hours from its first time; records have times of their own.
        samples += compare(drawn(workspace, path.name), known(read(str(path), format="MSEED")), 0.02)
    assert samples > 100_000
