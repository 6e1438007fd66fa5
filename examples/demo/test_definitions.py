"""Each data definition of the demonstration accepts a record of our own invention, and refuses twenty mutations of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import obs

DEFINITIONS = sorted(Path(__file__).with_name("definitions").glob("*.json"))

RECORDS: dict[str, dict[str, Any]] = {
    "fits.header": {"file": "m42.fits", "bitpix": -32, "naxis": [512, 512], "cards": 40, "extensions": 1, "object": "M 42",
                    "date": "2026-11-20", "telescope": "Little Bear", "instrument": "CCD 1", "bytes": 1051200},
    "mpc.obs80": {"object": "99999", "designation": "K26W01A", "date": "2026-11-20T21:15:03.5Z", "ra": 83.82, "dec": -5.39,
                  "mag": 17.3, "band": "V", "observatory": "Z99", "note": "a", "discovery": True},
    "mpc.orbit": {"object": "99999", "name": "Ursa", "h": 15.1, "g": 0.15, "epoch": "K26BK", "m": 1.5, "peri": 20.25,
                  "node": 300.5, "i": 12.75, "e": 0.125, "n": 0.2, "a": 2.75, "observations": 100},
    "mseed.record": {"file": "hill.mseed", "sequence": 1, "quality": "D", "network": "XX", "station": "HILL", "location": "00",
                     "channel": "BHZ", "start": "2026-11-20T00:00:00Z", "samples": 100, "rate": 20.0, "encoding": 11,
                     "bytes": 512, "offset": 0},
    "usgs.earthquake": {"type": "Feature", "id": "xx12345678",
                        "properties": {"mag": 3.5, "place": "5km N of Nowhere", "time": 1795000000000, "status": "automatic",
                                       "type": "earthquake", "magType": "ml", "tsunami": 0, "nst": 7, "gap": 120, "rms": 0.3},
                        "geometry": {"type": "Point", "coordinates": [12.5, 45.5, 10.0]}},
    "weather.daily": {"date": "2026-11-20", "station": "hilltop", "precipitation": 1.5, "temp_max": 9.5, "temp_min": 2.0,
                      "wind": 4.5, "weather": "rain"},
    "weather.ghcnd": {"station": "XX000099999", "date": "1926-11-20", "element": "TMAX", "value": 95, "flag": "E"},
    "weather.hourly": {"time": "2026-11-20T21:00:00Z", "station": "hilltop", "temp": 41.5},
    "weather.metar": {"station": "XXHI", "time": "2026-11-20T21:00:00Z", "raw": "METAR XXHI 202100Z 24005KT CAVOK 04/02 Q1015",
                      "kind": "METAR", "temperature": 4, "dewpoint": 2, "pressure": 1015, "wind_speed": 5,
                      "wind_direction": 240, "automatic": False},
    "weather.synop": {"station": "99999", "time": "2026-11-20T18:00:00Z", "groups": ["01597", "71702", "10057"]},
}


def mutations(record: dict[str, Any], schema: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """(what was done, the record): each must be refused, and the reason must name the member."""
    for name in schema["required"]:
        yield name, {key: value for key, value in record.items() if key != name}
    for name in record:
        yield name, {**record, name: {"not": "this"}}
        yield name, {**record, name: None}
        yield name, {**record, name: "\x07" * 300}
        yield name, {**record, name: -1e300}
        yield name, {**record, name: [[]]}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[obs.Client]:
    folder = tmp_path_factory.mktemp("definitions") / "night"
    obs.init(folder)
    with obs.open(folder) as opened:
        for path in DEFINITIONS:
            opened.ingest.define(path.stem, path.read_text())
        yield opened


def test_every_definition_has_a_record() -> None:
    assert sorted(RECORDS) == [path.stem for path in DEFINITIONS]


@pytest.mark.parametrize("path", DEFINITIONS, ids=lambda path: path.stem)
def test_twenty_mutations_are_refused(client: obs.Client, path: Path) -> None:
    record, schema = RECORDS[path.stem], json.loads(path.read_text())
    client.ingest.record(path.stem, record)
    every = list(mutations(record, schema))
    every += [(f"unknown{i}", {**record, f"unknown{i}": i}) for i in range(20 - len(every))]
    chosen = [every[i * len(every) // 20] for i in range(20)]  # spread over all members, not only the first ones
    assert len(chosen) == 20
    for name, mutated in chosen:
        with pytest.raises(obs.RefusedError) as refused:
            client.ingest.record(path.stem, mutated)
        assert name in str(refused.value), (mutated, str(refused.value))
    assert len(list(client.ingest.log(table=path.stem, result="refused"))) == 20
