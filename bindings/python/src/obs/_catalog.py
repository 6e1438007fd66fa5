"""The catalog."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from . import _obs
from ._call import Call, Key, waiting_tuple, flat_pairs
from ._rows import Rows


class Catalog:
    """What objects and records exist. Safe from every thread."""

    def __init__(self, handle: _obs.CatalogHandle, owner: object) -> None:
        self._handle: _obs.CatalogHandle | None = handle
        self._owner = owner

    def search(self, query: str = "", *, after: str | None = None, limit: int = 0, call: Call | None = None) -> Rows:
        """The entries for which all conditions hold: `night=2026-11-20 mag<18 "M 13"`."""
        return Rows(_obs.catalog_search(self._handle, query, (waiting_tuple(call), after, limit)), self)

    def usage(self, prefix: str = "", *, depth: int = 1, call: Call | None = None) -> Rows:
        """How much there is, folder by folder, as quotas count it; the last row has `total`."""
        return Rows(_obs.catalog_usage(self._handle, (waiting_tuple(call), prefix, depth)), self)

    def get(self, key: Key, *, call: Call | None = None) -> dict[str, Any]:
        """One entry."""
        entry: dict[str, Any] = json.loads(bytes(_obs.catalog_get(self._handle, key, waiting_tuple(call))))
        return entry

    def lineage(self, key: Key, *, down: bool = False, depth: int = 0, nodes: int = 0, call: Call | None = None) -> Rows:
        """What an entry was made from, or (`down`) what was made from it: each once, with its `depth`; 0: no limit of depth."""
        return Rows(_obs.catalog_lineage(self._handle, key, (waiting_tuple(call), down, depth, nodes)), self)

    def why(self, key: Key, *, call: Call | None = None) -> dict[str, Any]:
        """What differs from the time before when the entry was made, and which inputs have changed since."""
        found: dict[str, Any] = json.loads(bytes(_obs.catalog_why(self._handle, key, waiting_tuple(call))))
        return found

    def label(self, key: Key, labels: Mapping[str, str], *, call: Call | None = None) -> None:
        """Sets labels; the value "" removes one."""
        _obs.catalog_label(self._handle, key, flat_pairs(labels) or (), waiting_tuple(call))
