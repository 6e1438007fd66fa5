"""libobs for Python: identity, object storage, events, configuration and audit for observatories.

    import obs

    with obs.open() as o:
        frame = o.store.get("raw/2026-11-20/ccd-0421.fits")   # bytes without a copy
        with o.unit() as unit:                                 # durable together, or not at all
            unit.put("products/0421.json", b"...", labels={"night": "2026-11-20"})
            unit.publish("org.example.product.created", subject="products/0421.json")
"""

from . import _obs
from ._aio import AsyncStore
from ._call import Call, Cancel
from ._catalog import Catalog
from ._client import Client, Unit, init, open
from ._audit import Audit, check_proof
from ._config import Changes, Config, Setting, Signed
from ._errors import (
    AbortedError,
    AlreadyExistsError,
    CancelledError,
    DataLossError,
    DeadlineExceededError,
    Error,
    FailedPreconditionError,
    InternalError,
    InvalidArgumentError,
    NoSpaceError,
    NotFoundError,
    NoWorkspaceError,
    OutOfRangeError,
    PermissionDeniedError,
    RefusedError,
    ResourceExhaustedError,
    Status,
    UnauthenticatedError,
    UnavailableError,
    UnimplementedError,
    UntrustedError,
)
from ._event import Bus, Delivery, Event, Subscription
from ._function import FunctionCall, function_main
from ._functions import Functions
from ._ingest import Ingest
from ._journal import Journal, Relayed
from ._log import bridge_logging, metrics
from ._secret import Secret
from ._snapshot import Snapshot
from ._store import Reader, Stat, Store, Writer
from ._token import Tokens
from ._values import Kind, duration, size

Buffer = _obs.Buffer
__version__: str = _obs.sdk_version_text()

__all__ = [
    "AbortedError", "AlreadyExistsError", "AsyncStore", "Audit", "Buffer", "Bus", "Call", "Cancel", "CancelledError",
    "Catalog", "Changes", "Client", "Config", "DataLossError", "DeadlineExceededError", "Delivery", "Error", "Event",
    "FailedPreconditionError", "FunctionCall", "Functions", "Ingest", "InternalError", "InvalidArgumentError", "Journal", "Kind",
    "NoSpaceError", "NoWorkspaceError", "NotFoundError", "OutOfRangeError", "PermissionDeniedError", "Reader", "RefusedError",
    "Relayed", "ResourceExhaustedError", "Secret", "Setting", "Signed", "Snapshot", "Stat", "Status", "Store", "Subscription",
    "Tokens", "UnauthenticatedError", "UnavailableError", "UnimplementedError", "Unit", "UntrustedError", "Writer",
    "bridge_logging", "check_proof", "duration", "function_main", "init", "metrics", "open", "size",
]
