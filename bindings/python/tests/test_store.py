from __future__ import annotations

import array
import hashlib
import io
import os
import threading
from pathlib import Path

import pytest

import obs


def test_put_and_get(client: obs.Client) -> None:
    stat = client.store.put("a/b.txt", b"hello", content_type="text/plain", labels={"night": "1"}, metadata={"By": "me"})
    assert stat.size == 5 and stat.sha256 == hashlib.sha256(b"hello").hexdigest()
    got = client.store.get("a/b.txt")
    assert bytes(got) == b"hello" and memoryview(got).readonly and len(got) == 5
    assert client.store.head("a/b.txt").labels == {"night": "1"}
    assert client.store.head("a/b.txt").metadata == {"by": "me"}
    assert bytes(client.store.get("a/b.txt", offset=1, length=3)) == b"ell"


def test_a_buffer_outlives_its_client(workspace: Path) -> None:
    with obs.open(workspace) as client:
        client.store.put("k", b"x" * 100_000)
        got = client.store.get("k")
    assert bytes(got) == b"x" * 100_000


def test_readinto_and_its_limits(client: obs.Client) -> None:
    client.store.put("k", bytes(range(100)))
    room = bytearray(100)
    assert client.store.readinto("k", room) == 100 and room == bytes(range(100))
    with pytest.raises(obs.OutOfRangeError):
        client.store.readinto("k", bytearray(10))
    with pytest.raises((TypeError, BufferError)):
        client.store.readinto("k", b"read only")


@pytest.mark.parametrize("builtin", [obs.NotFoundError, FileNotFoundError, KeyError])
def test_errors_are_the_built_in_ones_too(client: obs.Client, builtin: type[Exception]) -> None:
    with pytest.raises(builtin) as raised:
        client.store.get("nothing")
    assert isinstance(raised.value, obs.NotFoundError) and raised.value.status is obs.Status.NOT_FOUND
    assert "nothing" in str(raised.value)


def test_conditions(client: obs.Client) -> None:
    first = client.store.put("k", b"1", if_none_match="*")
    with pytest.raises(FileExistsError):
        client.store.put("k", b"2", if_none_match="*")
    second = client.store.put("k", b"2", if_match=first.etag)
    with pytest.raises(obs.FailedPreconditionError):
        client.store.put("k", b"3", if_match=first.etag)
    assert second.etag != first.etag and bytes(client.store.get("k")) == b"2"


def test_keys_of_every_kind(client: obs.Client) -> None:
    keys = ["a", "a/b", "../x", "/lead", "dou//ble", "trail/", ".obs/meta/x", "tab\tnew\nline", "nul\0inside", "é🔭", "x" * 300]
    for key in keys:
        client.store.put(key, key.encode())
    assert [s.key for s in client.store.list()] == sorted(keys, key=lambda k: k.encode())
    for key in keys:
        assert bytes(client.store.get(key)) == key.encode()
    for bad in ("", "x" * 1025, b"\xff"):
        with pytest.raises(ValueError):
            client.store.put(bad, b"")


def test_list_with_delimiter_and_pages(client: obs.Client) -> None:
    for i in range(25):
        client.store.put(f"p/{i:02}/x", b"")
    listed = list(client.store.list("p/", delimiter="/"))
    assert [s.key for s in listed] == [f"p/{i:02}/" for i in range(25)] and all(s.is_prefix for s in listed)
    assert len(list(client.store.list("p/", limit=7))) == 7


def test_streams(client: obs.Client) -> None:
    with client.store.writer("big", content_type="application/x") as writer:
        for _ in range(3):
            writer.write(b"0123456789" * 100_000)
    assert writer.stat is not None and writer.stat.size == 3_000_000
    with client.store.reader("big") as reader:
        assert reader.seek(-5, io.SEEK_END) == 2_999_995
        assert reader.read() == b"56789"
        assert io.BufferedReader(reader).seek(0) == 0


def test_an_exception_drops_what_was_written(client: obs.Client) -> None:
    with pytest.raises(RuntimeError), client.store.writer("never") as writer:
        writer.write(b"half")
        raise RuntimeError
    assert not client.store.exists("never")
    writer = client.store.writer("never")
    writer.write(b"half")
    with pytest.warns(ResourceWarning, match="not closed"):
        del writer
    assert not client.store.exists("never")


def test_a_buffer_is_held_during_the_call(client: obs.Client) -> None:
    data = bytearray(8 << 20)
    stop = threading.Event()

    def shrink() -> None:
        while not stop.is_set():
            try:
                data.pop()
                data.append(0)
            except BufferError:
                pass

    thread = threading.Thread(target=shrink)
    thread.start()
    for _ in range(5):
        client.store.put("held", data)
    stop.set()
    thread.join()
    assert client.store.head("held").size in (8 << 20, (8 << 20) - 1)


def test_numpy_like_buffers(client: obs.Client) -> None:
    client.store.put("doubles", array.array("d", [1.0, 2.0, 3.0]))
    assert client.store.head("doubles").size == 24
    assert memoryview(client.store.get("doubles")).cast("d").tolist() == [1.0, 2.0, 3.0]


def test_copy_delete_adopt(client: obs.Client) -> None:
    client.store.put("from", b"x", labels={"a": "b"})
    assert client.store.copy("from", "to").labels == {"a": "b"}
    client.store.delete("from")
    assert not client.store.exists("from")
    Path(client.workspace, "store", "to").write_bytes(b"changed")
    assert client.store.head("to").changed_outside
    assert not client.store.adopt("to").changed_outside
    assert bytes(client.store.get("to")) == b"changed"


def test_damage_is_noticed(client: obs.Client) -> None:
    client.store.put("k", b"x" * 5000)
    path = Path(client.workspace, "store", "k")
    before = path.stat()
    with path.open("r+b") as file:
        file.seek(4000)
        file.write(b"y")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(obs.DataLossError):
        client.store.get("k")


def test_mem_store(client: obs.Client) -> None:
    with client.open_store("mem:test") as store:
        store.put("k", b"v")
        assert bytes(store.get("k")) == b"v"
    with pytest.raises(obs.UnimplementedError, match="file"):
        client.open_store("gopher:x")


def test_what_is_closed_says_so(workspace: Path) -> None:
    client = obs.open(workspace)
    store = client.store
    client.close()
    client.close()
    for call in (lambda: store.get("k"), lambda: client.unit(), lambda: client.tenant):
        with pytest.raises(ValueError, match="closed"):
            call()
