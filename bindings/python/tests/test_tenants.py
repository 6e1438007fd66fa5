from __future__ import annotations

import json
from pathlib import Path

import pytest

import obs


def test_a_tenant_from_its_making_to_its_end(client: obs.Client, tmp_path: Path) -> None:
    client.create_tenant("weather")
    with obs.open(client.workspace, tenant="weather") as weather:
        client.modify_tenant("weather", objects=1, events_per_day=100)
        weather.store.put("raw/a", b"12345")
        with pytest.raises(obs.Error, match="has used 1 of 1 objects"):
            weather.store.put("raw/b", b"")
        assert list(weather.catalog.usage("raw/"))[-1] == {
            "prefix": "raw/", "objects": 1, "records": 0, "bytes": 5, "total": True
        }
        client.modify_tenant("weather", objects=None)
        client.suspend_tenant("weather", reason="the bill")
        with pytest.raises(obs.Error, match="suspended since .*: the bill"):
            weather.store.put("raw/b", b"")
        assert bytes(weather.store.get("raw/a")) == b"12345"
        shown = next(iter(client.tenants("weather")))
        assert (shown["state"], shown["reason"], shown["quota"]["events_per_day"]["most"]) == ("suspended", "the bill", 100)
        client.resume_tenant("weather")
        weather.ingest.file("raw/b", b"x")
        assert list(weather.ingest.stats("tenant"))[0]["accepted"] == 1
        client.export_tenant("weather", tmp_path / "out")
        assert json.loads((tmp_path / "out" / "manifest.json").read_text())["objects"] == 2
        assert (tmp_path / "out" / "objects" / "raw" / "a").read_bytes() == b"12345"
    with pytest.raises(obs.Error, match="--yes weather"):
        client.delete_tenant("weather", confirm="")
    client.delete_tenant("weather", confirm="weather")
    assert next(iter(client.tenants("weather")))["state"] == "deleted"
    with pytest.raises(FileExistsError, match="name is not used again"):
        client.create_tenant("weather")
