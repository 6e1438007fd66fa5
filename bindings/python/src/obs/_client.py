"""The client: a workspace that was opened."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from . import _obs
from ._aio import AsyncStore
from ._audit import Audit
from ._call import BufferLike, Call, Key, waiting_tuple, flat_pairs
from ._catalog import Catalog
from ._config import Config
from ._event import Bus, Delivery, Event, Subscription
from ._ingest import Ingest, ingest_tuple, json_text
from ._functions import Functions
from ._journal import Journal, Relayed, relay
from ._rows import Rows
from ._secret import forget_variables
from ._store import Store, change_tuple, put_tuple
from ._token import Token, Tokens, given

_CHECK_ONLY, _CHECK_REPAIR = 0, 1


def _tenant(
    call: Call | None, *, group: str | None = None, reason: str | None = None, refuse_reads: bool = False,
    confirm: str | None = None, most: tuple[int | None, ...] = (0, 0, 0, 0, 0),
) -> _obs.TenantOptions:
    size, objects, entries, day, minute = (-1 if number is None else number for number in most)
    return waiting_tuple(call), group, reason, refuse_reads, confirm, size, objects, entries, day, minute


class Client:
    """A workspace, for one tenant and one subject. Safe from every thread. `with` closes it; else it ends with its last use."""

    def __init__(self, handle: _obs.ClientHandle) -> None:
        # What comes from a client holds this, not the client: so there are no cycles.
        self._handle: _obs.ClientHandle | None = handle

    @cached_property
    def store(self) -> Store:
        """The store of the workspace."""
        return Store(_obs.client_store(self._handle), self._handle)

    @cached_property
    def aio(self) -> AsyncStore:
        """The store for asyncio."""
        return AsyncStore(_obs.client_store(self._handle), self._handle)

    @cached_property
    def bus(self) -> Bus:
        """The bus of the workspace."""
        return Bus(_obs.client_bus(self._handle), self._handle)

    @cached_property
    def catalog(self) -> Catalog:
        """The catalog of the tenant."""
        return Catalog(_obs.client_catalog(self._handle), self._handle)

    @cached_property
    def audit(self) -> Audit:
        """The audit trail of the tenant."""
        return Audit(_obs.client_audit(self._handle), self._handle)

    @cached_property
    def config(self) -> Config:
        """The configuration of the workspace."""
        return Config(_obs.client_config(self._handle), self._handle)

    @cached_property
    def ingest(self) -> Ingest:
        """Ingestion for the tenant."""
        return Ingest(self._handle, self._handle)

    @cached_property
    def functions(self) -> Functions:
        """The functions of the workspace."""
        return Functions(self._handle, self._handle)

    @cached_property
    def journal(self) -> Journal:
        """The destinations of the tenant: where events go outside."""
        return Journal(self._handle, self._handle)

    @cached_property
    def token(self) -> Tokens:
        """The issuer of the workspace."""
        return Tokens(self._handle, self._handle)

    @property
    def workspace(self) -> str:
        """The folder of the workspace."""
        return _obs.client_workspace(self._handle)

    @property
    def tenant(self) -> str:
        """The tenant."""
        return _obs.client_tenant(self._handle)

    @property
    def subject(self) -> str:
        """Who the client acts for, as in `user:ada`."""
        return _obs.client_subject(self._handle)

    def open_store(self, url: str, *, call: Call | None = None) -> Store:
        """Another store: `file:folder`, `mem:name`."""
        return Store(_obs.client_store_open(self._handle, url, waiting_tuple(call)), self._handle)

    def acting_as(
        self, *, subject: str | None = None, tenant: str | None = None, token: Token | None = None, call: Call | None = None
    ) -> Client:
        """A cheap client that acts for somebody else: the bearer of a token, or who the owner of this one says it is."""
        bearer = None if token is None else given(token)
        return Client(_obs.client_as(self._handle, (waiting_tuple(call), subject, tenant, bearer)))

    def relay(
        self, target: Client, *, site: str | None = None, keep_both: bool = False, limit: int = 0, wait: float | None = 0,
        slice: float | None = None, call: Call | None = None,
    ) -> Relayed:
        """Carries what the tenant has to another workspace that does not have it yet, and says what was carried.

        The source is called `site` there, or as its obs.yaml says. What is different there is never overwritten: it is refused, or
        with `keep_both` put below `sites/<site>/`. At most `limit` bytes of objects are sent a second (0: no limit). When all is
        there it waits `wait` seconds for more (None: until it is ended, by `call.cancel` or Ctrl-C); with `slice` it returns after
        about so many seconds in any case, and `more` tells if there is more. `call.timeout` is that of each of its calls. `relayed`
        of an error tells what was carried before."""
        return relay(self._handle, target._handle, call, site, keep_both, limit, wait, slice)

    def unit(self, *, call: Call | None = None) -> Unit:
        """Changes that become durable together, or not at all."""
        return Unit(_obs.unit_begin(self._handle, waiting_tuple(call)), self._handle)

    def whoami(self) -> dict[str, Any]:
        """Who the caller is."""
        who: dict[str, Any] = json.loads(bytes(_obs.client_whoami(self._handle)))
        return who

    def health(self, *, call: Call | None = None) -> dict[str, Any]:
        """How the parts are."""
        health: dict[str, Any] = json.loads(bytes(_obs.client_health(self._handle, waiting_tuple(call))))
        return health

    def metrics(self, *, call: Call | None = None) -> str:
        """The workspace in numbers, as OpenMetrics text; `obs.metrics()` is what this process did."""
        return bytes(_obs.client_metrics(self._handle, waiting_tuple(call))).decode()

    def check(self, *, repair: bool = False, call: Call | None = None) -> Rows:
        """Checks every object, row and checksum."""
        return Rows(_obs.workspace_check(self._handle, _CHECK_REPAIR if repair else _CHECK_ONLY, waiting_tuple(call)), self._handle)

    def create_tenant(self, name: str, *, group: str | None = None, call: Call | None = None) -> None:
        """Makes a tenant: 1 to 63 of [a-z0-9-], beginning with a letter.

        In a shared workspace for the members of a Unix group, which has the tenant's name unless another one is given.
        """
        _obs.tenant_create_with(self._handle, name, _tenant(call, group=group))

    def modify_tenant(
        self, name: str, *, bytes: int | None = 0, objects: int | None = 0, entries: int | None = 0,
        events_per_day: int | None = 0, events_per_minute: int | None = 0, call: Call | None = None,
    ) -> None:
        """Sets quotas of a tenant; None removes one, and those that are left out stay."""
        most = (bytes, objects, entries, events_per_day, events_per_minute)
        _obs.tenant_modify(self._handle, name, _tenant(call, most=most))

    def suspend_tenant(
        self, name: str, *, reason: str | None = None, refuse_reads: bool = False, call: Call | None = None
    ) -> None:
        """Refuses all changes to a tenant's data from now on, for all processes, and reads, too, if asked for."""
        _obs.tenant_suspend(self._handle, name, _tenant(call, reason=reason, refuse_reads=refuse_reads))

    def resume_tenant(self, name: str, *, call: Call | None = None) -> None:
        """Ends the suspension of a tenant."""
        _obs.tenant_resume(self._handle, name, _tenant(call))

    def export_tenant(self, name: str, path: str | os.PathLike[str], *, call: Call | None = None) -> None:
        """Writes all that a tenant has into a new folder, which appears when all of it is there."""
        _obs.tenant_export(self._handle, name, os.fspath(path), _tenant(call))

    def delete_tenant(self, name: str, *, confirm: str, reason: str | None = None, call: Call | None = None) -> None:
        """Deletes a tenant for ever, but its audit trail and its name; `confirm` is the name once more."""
        _obs.tenant_delete(self._handle, name, _tenant(call, reason=reason, confirm=confirm))

    def tenants(self, name: str | None = None, *, call: Call | None = None) -> Rows:
        """The tenants, or the one with this name."""
        return Rows(_obs.tenant_show(self._handle, name, waiting_tuple(call)), self._handle)

    def close(self) -> None:
        """Gives the client back, when calls of other threads are over; further calls raise ValueError."""
        for name in ("store", "aio", "bus", "catalog", "audit", "config", "ingest", "token"):
            service = self.__dict__.pop(name, None)
            if service is not None:
                service._handle = service._owner = None
        self._handle = None

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        if self._handle is None:
            return "<obs.Client closed>"
        return f"<obs.Client {self.workspace!r} tenant={self.tenant!r} subject={self.subject!r}>"


class Unit:
    """Changes that become durable together at the end of the `with` block; an exception drops them."""

    def __init__(self, handle: _obs.UnitHandle, owner: object) -> None:
        self._handle: _obs.UnitHandle | None = handle
        self._owner = owner

    def put(
        self, key: Key, data: BufferLike, *, content_type: str | None = None, labels: Mapping[str, str] | None = None,
        values: Mapping[str, Any] | None = None, metadata: Mapping[str, str] | None = None,
        made_from: Sequence[str] | None = None, if_match: str | None = None, if_none_match: str | None = None,
        sha256: str | None = None, index: bool = True,
    ) -> None:
        """Adds an object; the bytes are taken over before this returns."""
        options = put_tuple(None, content_type, if_match, if_none_match, metadata, labels, values, made_from, sha256, index)
        _obs.unit_put(self._handle, key, data, options)

    def delete(self, key: Key, *, if_match: str | None = None) -> None:
        """Adds the deletion of an object."""
        _obs.unit_delete(self._handle, key, change_tuple(None, if_match, None))

    def publish(
        self, event: Event | str, *, subject: str | None = None, data: Any = None, partition_key: str | None = None,
        priority: int = 0,
    ) -> None:
        """Adds an event."""
        if isinstance(event, str):
            event = Event(event, subject=subject, data=data)
        _obs.unit_publish(self._handle, event._tuple(), (None, partition_key, priority))

    def label(self, key: Key, labels: Mapping[str, str]) -> None:
        """Adds labels of an entry; the value "" removes one."""
        _obs.unit_label(self._handle, key, flat_pairs(labels) or ())

    def record(
        self, definition: str, record: Any, *, labels: Mapping[str, str] | None = None, origin: str | None = None
    ) -> None:
        """Adds a record. RefusedError leaves its refusal in the unit, which can still be committed."""
        _obs.unit_record(self._handle, definition, json_text(record), ingest_tuple(None, labels, origin))

    def acknowledge(self, subscription: Subscription, delivery: Delivery | int) -> None:
        """Adds the acknowledgement of an event, so that it is done exactly when the unit is."""
        sequence = delivery if isinstance(delivery, int) else delivery.sequence
        _obs.unit_acknowledge(self._handle, subscription._handle, sequence)

    def commit(self) -> None:
        """Makes all of it durable and visible."""
        try:
            _obs.unit_commit(self._handle)
        finally:
            self.close()

    def close(self) -> None:
        """Drops what was not committed."""
        handle, self._handle = self._handle, None
        if handle is not None:
            _obs.unit_free(handle)

    def __enter__(self) -> Unit:
        return self

    def __exit__(self, kind: object, *rest: object) -> None:
        if kind is None and self._handle is not None:
            self.commit()
        else:
            self.close()

    def __del__(self) -> None:
        if getattr(self, "_handle", None) is not None:
            warnings.warn("an obs.Unit was not committed: what was added is dropped", ResourceWarning, stacklevel=2, source=self)
            self.close()


def open(  # noqa: A001 - obs.open() reads well
    workspace: str | os.PathLike[str] | None = None, *, tenant: str | None = None, program: str | None = None,
    read_only: bool = False, token: Token | None = None, call: Call | None = None,
) -> Client:
    """Opens the workspace: the one given, else OBS_WORKSPACE, else the one around the current folder, else the user's.

    With a token as its bearer: the one given, else BEARER_TOKEN, the file that BEARER_TOKEN_FILE names, `bt_u<uid>` in
    XDG_RUNTIME_DIR or /tmp, or the one that login() kept; without any, and with token="-", as the user of the system.
    """
    path = None if workspace is None else os.fsencode(workspace)
    bearer = None if token is None else given(token)
    try:
        return Client(_obs.client_open((waiting_tuple(call), path, tenant, program, read_only, bearer)))
    finally:
        forget_variables()


def init(
    path: str | os.PathLike[str], *, shared: bool = False, account: str | None = None, group: str | None = None,
    call: Call | None = None,
) -> None:
    """Makes a workspace: for one user of the system, or shared by several.

    A shared one belongs to an account (the caller unless root names another one); its first tenant is for the members of a
    Unix group (the account's own unless another one is given).
    """
    _obs.workspace_init_with(os.fsencode(path), (waiting_tuple(call), shared, account, group))
