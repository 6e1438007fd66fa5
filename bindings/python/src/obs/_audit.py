"""The audit trail: who did what, in a log that nobody rewrites unseen."""

from __future__ import annotations

import json
from typing import Any

from . import _obs
from ._call import Call, waiting_tuple
from ._errors import Error
from ._rows import Rows

Text = str | bytes


class Audit:
    """Who did what. Safe from every thread."""

    def __init__(self, handle: _obs.AuditHandle, owner: object) -> None:
        self._handle: _obs.AuditHandle | None = handle
        self._owner = owner

    def query(
        self, *, subject: str | None = None, object: str | None = None, action: str | None = None,
        trace: str | None = None, since: str | None = None, until: str | None = None, after: str | None = None,
        limit: int = 0, call: Call | None = None,
    ) -> Rows:
        """Audit records, oldest first. The question is itself recorded."""
        options = (waiting_tuple(call), subject, object, action, trace, since, until, after, limit)
        return Rows(_obs.audit_query(self._handle, options), self)

    def checkpoint(self, *, call: Call | None = None) -> None:
        """Moves what was committed into the log and signs it, as the library does by itself every ten seconds."""
        _obs.audit_sequence(self._handle, waiting_tuple(call))

    def verify(
        self, *, checkpoint: Text | None = None, key: str | None = None, unanchored: bool = False, call: Call | None = None
    ) -> dict[str, Any]:
        """Verifies all of the log, and that it goes on from its outside anchors or from a checkpoint that was kept elsewhere.

        DataLossError names the first bad record, FailedPreconditionError says that there is no outside anchor: `report` of
        both tells what was found.
        """
        found, error = _obs.audit_verify(self._handle, (waiting_tuple(call), checkpoint, key, unanchored))
        report: dict[str, Any] | None = None if found is None else json.loads(bytes(found))
        if error is not None:
            if isinstance(error, Error):
                error.report = report
            raise error
        return report or {}

    def prove(self, id: str, *, clear: bool = False, call: Call | None = None) -> str:
        """A proof that a record stands in the log, for obs.check_proof() anywhere; with what names persons if `clear`."""
        return bytes(_obs.audit_prove(self._handle, id, clear, waiting_tuple(call))).decode()

    @property
    def key(self) -> str:
        """The key by which others verify checkpoints and proofs."""
        return bytes(_obs.audit_key(self._handle)).decode()

    def erase(self, subject: str, *, call: Call | None = None) -> int:
        """Removes what names a person, as in `user:ada`; every proof still holds. Returns of how many records."""
        return _obs.audit_erase(self._handle, subject, waiting_tuple(call))

    @property
    def policy(self) -> dict[str, Any]:
        """What is recorded how, and for how long."""
        policy: dict[str, Any] = json.loads(bytes(_obs.audit_policy(self._handle)))
        return policy

    def set_policy(self, *, call: Call | None = None, **changes: Any) -> None:
        """Changes the policy, as in set_policy(read="fail-closed", retention_days=400): for an auditor only."""
        _obs.audit_policy_set(self._handle, json.dumps(changes), waiting_tuple(call))

    def seal(self, *, call: Call | None = None) -> int:
        """Seals what is older than the policy keeps; it stays provable. Returns how many records."""
        return _obs.audit_seal(self._handle, waiting_tuple(call))


def check_proof(proof: Text, key: str) -> dict[str, Any]:
    """The record that a proof is of; DataLossError when it does not hold. Needs no workspace and no network."""
    record: dict[str, Any] = json.loads(bytes(_obs.audit_check_proof(proof, key)))
    return record
