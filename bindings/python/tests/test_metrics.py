"""What is told to a scraper, read by the parser of Prometheus."""

from __future__ import annotations

from typing import Any

import obs
import pytest

parser: Any = pytest.importorskip("prometheus_client.openmetrics.parser", reason="prometheus-client is not installed")


def families(text: str) -> dict[str, Any]:
    found = {family.name: family for family in parser.text_string_to_metric_families(text)}
    assert found
    for family in found.values():
        assert family.documentation.endswith("."), family.name
        assert not family.unit or family.name.endswith("_" + family.unit), family.name
    return found


def value(found: dict[str, Any], name: str, **labels: str) -> float:
    family = found[name.removesuffix("_total")]
    values = [sample.value for sample in family.samples if sample.name == name and sample.labels == labels]
    assert len(values) == 1, (name, labels, family.samples)
    return float(values[0])


def test_workspace(client: obs.Client) -> None:
    client.store.put("a", b"12345")
    client.store.put("b", b"1", made_from=["a"])
    for _ in range(3):
        client.bus.publish("org.example.x", subject="s")
    with client.bus.subscribe("slow") as subscription:
        delivery = subscription.next(timeout=1)
        assert delivery is not None
        subscription.acknowledge(delivery.sequence)
    with client.bus.subscribe("retrying") as subscription:
        delivery = subscription.next(timeout=1)
        assert delivery is not None
        subscription.reject(delivery.sequence, reason="no link")
    client.ingest.define("test.x", {"type": "object", "required": ["a"]})
    with pytest.raises(obs.RefusedError):
        client.ingest.record("test.x", {})
    found = families(client.metrics())
    own = {"tenant": "default"}
    assert value(found, "obs_tenant_up", **own) == 1
    assert value(found, "obs_tenant_objects", **own) == 2
    assert value(found, "obs_tenant_stored_bytes", **own) == 6
    assert value(found, "obs_tenant_events", **own) == value(found, "obs_tenant_events_published_total", **own) == 3
    assert value(found, "obs_tenant_refused", **own) == value(found, "obs_tenant_ingested_total", **own) == 1
    assert value(found, "obs_consumer_lag_events", **own, consumer="slow") == 2
    assert value(found, "obs_consumer_lag_events", **own, consumer="retrying") == 3
    assert value(found, "obs_consumer_retrying_events", **own, consumer="retrying") == 1
    assert value(found, "obs_consumer_oldest_age_seconds", **own, consumer="slow") >= 0
    assert value(found, "obs_audit_records_total", **own) > 0
    assert value(found, "obs_audit_unsequenced", **own) >= 0
    assert value(found, "obs_tenant_wal_bytes", **own) > 0
    assert value(found, "obs_disk_size_bytes") >= value(found, "obs_disk_free_bytes") > 0
    assert found["obs_tenant_events_published"].type == "counter"
    assert found["obs_tenant_events"].type == "gauge"


def test_every_tenant(client: obs.Client) -> None:
    client.create_tenant("weather")
    found = families(client.metrics())
    assert value(found, "obs_tenants") == 2
    assert value(found, "obs_tenant_objects", tenant="weather") == 0


def test_many_consumers(client: obs.Client) -> None:
    """Labels are bounded: those beyond a hundred are added up."""
    client.bus.publish("org.example.x")
    for number in range(103):
        client.bus.subscribe(f"c{number:03}").close()
    found = families(client.metrics())
    assert len(found["obs_consumer_lag_events"].samples) == 101
    assert value(found, "obs_consumer_lag_events", tenant="default", consumer="other") == 3


def test_damaged_tenant(client: obs.Client, tmp_path: Any) -> None:
    client.create_tenant("broken")
    for path in (tmp_path / "night" / "tenants" / "broken").glob("tenant.db*"):
        path.write_bytes(b"no database")
    found = families(client.metrics())
    assert value(found, "obs_tenant_up", tenant="broken") == 0
    assert value(found, "obs_tenant_up", tenant="default") == 1
    assert [sample.labels["tenant"] for sample in found["obs_tenant_objects"].samples] == ["default"]


def test_process(client: obs.Client) -> None:
    client.store.put("a", b"12345")
    found = families(obs.metrics())
    assert value(found, "obs_calls_total", module="store", action="put", tenant="default", status="OK") >= 1
    assert found["obs_call_duration_seconds"].type == "histogram"
