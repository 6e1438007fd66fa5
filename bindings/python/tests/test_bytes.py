"""Bytes in every form that Python has them in."""

from __future__ import annotations

import array
import ctypes
import mmap
import threading
from pathlib import Path
from typing import Any

import numpy
import pytest

import obs


class Point(ctypes.Structure):
    _fields_ = [("x", ctypes.c_int32), ("y", ctypes.c_int32)]


@pytest.mark.parametrize(
    "data",
    [
        b"12345678", bytearray(b"12345678"), memoryview(b"12345678"), memoryview(b"0123456789")[1:9], array.array("b", b"12345678"),
        array.array("h", [-1, 2, -3, 4]), array.array("d", [1.5]), memoryview(array.array("i", [-1, 1])), Point(1, -2),
        numpy.arange(-4, 4, dtype="int8"), numpy.zeros((2, 2), "int16"), numpy.float64(1.5), b"",
    ],
)
def test_contiguous_bytes_go_in(client: obs.Client, data: Any) -> None:
    raw = bytes(memoryview(data).cast("B")) if memoryview(data).nbytes else b""
    assert client.store.put("k", data).size == len(raw)
    assert bytes(client.store.get("k")) == raw
    with client.store.writer("w") as writer:
        writer.write(data)
    assert bytes(client.store.get("w")) == raw


@pytest.mark.parametrize(
    "data", [memoryview(b"0123456789")[::2], memoryview(b"0123")[::-1], numpy.zeros((4, 4))[:, 1], "text", 7, None, [1, 2]]
)
def test_everything_else_is_refused(client: obs.Client, data: Any) -> None:
    refused = (TypeError, BufferError, ValueError)  # numpy says ValueError
    with pytest.raises(refused):
        client.store.put("k", data)
    with pytest.raises(refused), client.unit() as unit:
        unit.put("k", data)
    with pytest.raises(refused):
        client.store.readinto("k", data)
    assert not client.store.exists("k")


def test_readinto_every_kind_of_memory(client: obs.Client) -> None:
    client.store.put("k", bytes(range(16)))
    rooms: list[Any] = [bytearray(16), array.array("q", [0, 0]), numpy.zeros((2, 8), "uint8"), mmap.mmap(-1, 16), (ctypes.c_char * 16)()]
    for room in rooms:
        assert client.store.readinto("k", room) == 16
        assert bytes(memoryview(room).cast("B")) == bytes(range(16))
    part = bytearray(20)
    assert client.store.readinto("k", memoryview(part)[2:18]) == 16 and part == b"\0\0" + bytes(range(16)) + b"\0\0"
    assert client.store.readinto("k", bytearray(4), offset=4, length=4) == 4


def test_received_bytes_are_read_without_a_copy(client: obs.Client) -> None:
    sent: Any = numpy.arange(1000, dtype="float64")
    client.store.put("k", sent)
    got: Any = client.store.get("k")
    values = numpy.frombuffer(got, dtype="float64")
    assert values.sum() == 499500 and not values.flags.writeable and not values.flags.owndata
    view = memoryview(got)
    del got, values
    client.close()
    assert view.nbytes == 8000 and view.cast("d")[999] == 999.0
    with pytest.raises(TypeError):
        view[0] = 1
    with pytest.raises(TypeError):
        obs.Buffer()  # type: ignore[call-arg,unused-ignore]


def test_bytes_are_held_while_a_put_waits(client: obs.Client) -> None:
    """A buffer cannot be taken away from a call that has released the GIL."""
    data = bytearray(32 << 20)
    refused = 0
    for _ in range(50):  # until this thread had its turn while the call was under way
        thread = threading.Thread(target=client.store.put, args=("k", data))
        thread.start()
        while thread.is_alive():
            try:
                data.append(0)
                data.pop()
            except BufferError:
                refused += 1
        thread.join()
        if refused:
            break
    assert refused > 0
    assert client.store.head("k").size in (32 << 20, (32 << 20) + 1)


def test_paths_of_any_bytes(tmp_path: Path) -> None:
    folder = tmp_path / "night-\udcff"
    obs.init(folder)
    with obs.open(folder) as client:
        assert Path(client.workspace).name == folder.name


def test_texts_with_nul_are_refused(client: obs.Client) -> None:
    with pytest.raises(ValueError, match="null"):
        client.store.put("k", b"", content_type="a\0b")
    with pytest.raises(ValueError, match="null"):
        client.catalog.search("a\0b")
    with pytest.raises(TypeError):
        client.store.put("k", b"", content_type=7)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        client.store.put("k", b"", labels={"a": 1})  # type: ignore[dict-item]
