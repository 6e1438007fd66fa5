"""The functions of a workspace, for whoever runs them; what a function itself uses is in _function.py."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from . import _obs
from ._call import Call, Key, run_long, waiting_tuple
from ._rows import Rows


class Functions:
    """What the functions of a workspace are, printed, and made. Safe from every thread. `obsctl function run` runs them."""

    def __init__(self, handle: _obs.ClientHandle | None, owner: object) -> None:
        self._handle: _obs.ClientHandle | None = handle
        self._owner = owner

    def list(self) -> Rows:
        """A row for each: its digest, the events it is for, whether its manifest is right."""
        return Rows(_obs.function_list(self._handle), self)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return self.list()

    def logs(self, name: str, trace: str | None = None) -> Rows:
        """What a function printed, and why its events failed; of one trace, or of the event with this id."""
        return Rows(_obs.function_logs(self._handle, name, trace), self)

    def replay(self, event: str, name: str | None = None, *, call: Call | None = None) -> Rows:
        """What functions would make now of an event on the bus, and whether it is there already. Nothing of it happens."""
        return Rows(run_long(call, lambda given: _obs.function_replay(self._handle, event, name, given)), self)

    def reproduce(self, key: Key, *, present_code: bool = False, call: Call | None = None) -> dict[str, Any]:
        """Makes a product of a function again, without any effect, and compares.

        The member `verdict` is "identical", "differs" or "impossible", the latter with a `reason`; `differs` lists what is not
        as it was: code, configuration (with its `settings`), inputs; `first` is where the bytes begin to differ. With
        `present_code` it is made by the code that is there now, although it is not that which made the product.
        """
        found: dict[str, Any] = json.loads(
            bytes(run_long(call, lambda given: _obs.function_reproduce(self._handle, key, (given, present_code))))
        )
        return found

    def configuration(self, sha256: str, *, call: Call | None = None) -> dict[str, Any]:
        """A configuration that products were made with, by their label `configuration`. The last 1,000 are kept."""
        found: dict[str, Any] = json.loads(bytes(_obs.function_configuration(self._handle, sha256, waiting_tuple(call))))
        return found
