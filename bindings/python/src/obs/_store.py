"""Object storage."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from . import _obs
from ._call import BufferLike, Call, Key, call_tuple, flat_pairs, waiting_tuple


class Stat(NamedTuple):
    """What is known about an object."""

    key: str
    size: int
    modified_ns: int
    etag: str
    content_type: str
    sha256: str
    metadata: dict[str, str]
    labels: dict[str, str]
    changed_outside: bool
    is_prefix: bool


def make_stat(values: _obs.StatTuple) -> Stat:
    """The tuple of the flat layer, with names."""
    return Stat._make(values)


def put_tuple(
    call: _obs.CallTuple | None,
    content_type: str | None,
    if_match: str | None,
    if_none_match: str | None,
    metadata: Mapping[str, str] | None,
    labels: Mapping[str, str] | None,
    values: Mapping[str, Any] | None,
    made_from: Sequence[str] | None,
    sha256: str | None,
    index: bool,
) -> _obs.PutOptions:
    return (
        call, content_type, if_match, if_none_match, flat_pairs(metadata), flat_pairs(labels),
        json.dumps(values) if values else None, tuple(made_from) if made_from else None, sha256, index,
    )


def change_tuple(call: _obs.CallTuple | None, if_match: str | None, if_none_match: str | None) -> _obs.ChangeOptions:
    return (call, if_match, if_none_match)


class Store:
    """A name space of objects. Safe from every thread."""

    def __init__(self, handle: _obs.StoreHandle, owner: object) -> None:
        self._handle: _obs.StoreHandle | None = handle
        self._owner: object = owner

    def put(
        self,
        key: Key,
        data: BufferLike,
        *,
        content_type: str | None = None,
        labels: Mapping[str, str] | None = None,
        values: Mapping[str, Any] | None = None,
        metadata: Mapping[str, str] | None = None,
        made_from: Sequence[str] | None = None,
        if_match: str | None = None,
        if_none_match: str | None = None,
        sha256: str | None = None,
        index: bool = True,
        call: Call | None = None,
    ) -> Stat:
        """Writes an object. It is durable when this returns. `index=False`: the catalog does not look into it for values."""
        options = put_tuple(
            waiting_tuple(call), content_type, if_match, if_none_match, metadata, labels, values, made_from, sha256, index
        )
        return make_stat(_obs.store_put(self._handle, key, data, options))

    def get(
        self, key: Key, *, offset: int = 0, length: int = 0, if_match: str | None = None,
        if_none_match: str | None = None, call: Call | None = None,
    ) -> _obs.Buffer:
        """The bytes of an object, checked, without a copy: use memoryview(), bytes(), numpy.frombuffer() …"""
        if not (offset or length or if_match or if_none_match or call):
            return _obs.store_get(self._handle, key, None)
        return _obs.store_get(self._handle, key, (call_tuple(call), offset, length, if_match, if_none_match))

    def readinto(self, key: Key, data: BufferLike, *, offset: int = 0, length: int = 0, call: Call | None = None) -> int:
        """Reads into memory of the caller (a bytearray, a numpy array …); returns how many bytes."""
        if not (offset or length or call):
            return _obs.store_get_into(self._handle, key, data, None)
        return _obs.store_get_into(self._handle, key, data, (call_tuple(call), offset, length, None, None))

    def head(self, key: Key, *, call: Call | None = None) -> Stat:
        """What is known about an object."""
        return make_stat(_obs.store_head(self._handle, key, call_tuple(call)))

    def exists(self, key: Key, *, call: Call | None = None) -> bool:
        """Whether there is such an object."""
        from ._errors import NotFoundError

        try:
            self.head(key, call=call)
        except NotFoundError:
            return False
        return True

    def list(
        self, prefix: str = "", *, delimiter: str | None = None, after: str | None = None, limit: int = 0,
        call: Call | None = None,
    ) -> Iterator[Stat]:
        """The objects whose keys begin so, in order; with a delimiter common prefixes too."""
        left = limit
        while True:
            page = min(left, 1000) if limit else 1000
            stats, following = _obs.store_list(self._handle, prefix, (call_tuple(call), delimiter, after, page))
            for stat in stats:
                yield make_stat(stat)
            left -= len(stats)
            if not following or (limit and left <= 0):
                return
            after = following

    def delete(self, key: Key, *, if_match: str | None = None, call: Call | None = None) -> None:
        """Deletes an object."""
        _obs.store_delete(self._handle, key, change_tuple(waiting_tuple(call), if_match, None))

    def copy(
        self, source: Key, target: Key, *, if_match: str | None = None, if_none_match: str | None = None,
        call: Call | None = None,
    ) -> Stat:
        """Copies an object with its metadata and labels."""
        return make_stat(_obs.store_copy(self._handle, source, target, change_tuple(waiting_tuple(call), if_match, if_none_match)))

    def adopt(
        self, key: Key, *, content_type: str | None = None, labels: Mapping[str, str] | None = None,
        metadata: Mapping[str, str] | None = None, call: Call | None = None,
    ) -> Stat:
        """Takes bytes that another tool wrote or changed as they are now."""
        options = put_tuple(waiting_tuple(call), content_type, None, None, metadata, labels, None, None, None, True)
        return make_stat(_obs.store_adopt(self._handle, key, options))

    def open(self, key: Key, mode: str = "rb", **options: Any) -> Reader | Writer:
        """A file-like object: "rb" to read, "wb" to write (the object appears when it is closed without an exception)."""
        if mode == "rb":
            return self.reader(key, **options)
        if mode == "wb":
            return self.writer(key, **options)
        raise ValueError(f"mode must be 'rb' or 'wb', not {mode!r}")

    def reader(self, key: Key, *, call: Call | None = None) -> Reader:
        """Opens an object to be read piece by piece."""
        return Reader(_obs.reader_open(self._handle, key, call_tuple(call)), self)

    def writer(
        self, key: Key, *, content_type: str | None = None, labels: Mapping[str, str] | None = None,
        values: Mapping[str, Any] | None = None, metadata: Mapping[str, str] | None = None,
        made_from: Sequence[str] | None = None, if_match: str | None = None, if_none_match: str | None = None,
        index: bool = True, call: Call | None = None,
    ) -> Writer:
        """Begins an object of a length that is not known yet."""
        options = put_tuple(
            waiting_tuple(call), content_type, if_match, if_none_match, metadata, labels, values, made_from, None, index
        )
        return Writer(_obs.writer_open(self._handle, key, options), self)

    def close(self) -> None:
        """Gives back a store that Client.open_store() returned; further calls raise ValueError."""
        self._handle = self._owner = None

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class Reader(io.RawIOBase):
    """An object read piece by piece; it stays the same object although its key is written anew."""

    def __init__(self, handle: _obs.ReaderHandle, owner: object) -> None:
        super().__init__()
        self._handle: _obs.ReaderHandle | None = handle
        self._owner = owner
        self._at = 0
        self.stat = make_stat(_obs.reader_stat(handle))

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """The position in bytes from the start."""
        return self._at

    def readinto(self, data: BufferLike) -> int:
        """Reads the next bytes into memory of the caller; 0 at the end."""
        if self.closed:
            raise ValueError("I/O operation on closed file")
        got = _obs.reader_read(self._handle, data)
        self._at += got
        return got

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Goes to another place."""
        if self.closed:
            raise ValueError("I/O operation on closed file")
        start = (0, self._at, self.stat.size)[whence]
        if start + offset < 0:
            raise ValueError("negative seek position")
        _obs.reader_seek(self._handle, start + offset)
        self._at = start + offset
        return self._at

    def close(self) -> None:
        """Gives the reader back."""
        handle, self._handle = self._handle, None
        if handle is not None:
            _obs.reader_free(handle)
        super().close()


class Writer(io.RawIOBase):
    """An object written piece by piece. close() makes it durable; an exception in the `with` block drops it."""

    def __init__(self, handle: _obs.WriterHandle, owner: object) -> None:
        super().__init__()
        self._handle: _obs.WriterHandle | None = handle
        self._owner = owner
        self._at = 0
        self.stat: Stat | None = None

    def writable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """How many bytes were written."""
        return self._at

    def write(self, data: BufferLike) -> int:
        """Appends bytes; nothing is visible to others yet."""
        if self.closed:
            raise ValueError("I/O operation on closed file")
        size = memoryview(data).nbytes
        _obs.writer_write(self._handle, data)
        self._at += size
        return size

    def abort(self) -> None:
        """Drops what was written."""
        handle, self._handle = self._handle, None
        if handle is not None:
            _obs.writer_free(handle)
        super().close()

    def close(self) -> None:
        """Makes the object durable and visible; `stat` then tells about it."""
        handle, self._handle = self._handle, None
        try:
            if handle is not None:
                self.stat = make_stat(_obs.writer_commit(handle))
        finally:
            if handle is not None:
                _obs.writer_free(handle)
            super().close()

    def __exit__(self, kind: object, *rest: object) -> None:
        if kind is not None:
            self.abort()
        else:
            self.close()

    def __del__(self) -> None:
        # What nobody closed is not committed: half an object must not appear because a variable went away.
        if getattr(self, "_handle", None) is not None:
            warnings.warn("an obs.Writer was not closed: what was written is dropped", ResourceWarning, stacklevel=2, source=self)
            self.abort()
