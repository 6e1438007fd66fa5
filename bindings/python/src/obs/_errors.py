"""Exceptions: one for each status, which are the built-in ones too where Python has them."""

from __future__ import annotations

import builtins
import enum
from typing import TYPE_CHECKING, Any

from . import _obs

if TYPE_CHECKING:
    from ._journal import Relayed


class Status(enum.IntEnum):
    """The outcome of a call, with the numbers of the C library."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16
    NO_WORKSPACE = 100
    UNTRUSTED = 101
    REFUSED = 102
    NO_SPACE = 103


class Error(Exception):
    """A call failed. str() is a sentence for anybody; `detail` is for the operator."""

    status: Status = Status.UNKNOWN
    message: str = ""
    detail: str = ""
    retryable: bool = False
    http_status: int = 0
    line: int = 0
    column: int = 0
    system: int = 0
    request_id: str = ""
    report: dict[str, Any] | None = None  # what Audit.verify() found all the same
    relayed: Relayed | None = None  # what Client.relay() did all the same

    def __str__(self) -> str:
        return self.message or super().__str__()


class CancelledError(Error):
    """The caller cancelled."""


class InvalidArgumentError(Error, ValueError):
    """What was asked makes no sense, whatever the state."""


class DeadlineExceededError(Error, builtins.TimeoutError):
    """The time given for the call ran out."""


class NotFoundError(Error, FileNotFoundError, KeyError):
    """No such thing, or not for this caller."""


class AlreadyExistsError(Error, FileExistsError):
    """It is there already."""


class PermissionDeniedError(Error, PermissionError):
    """Known caller, not allowed."""


class ResourceExhaustedError(Error):
    """A quota, a limit or memory is used up."""


class FailedPreconditionError(Error):
    """The state does not fit: If-Match failed, read-only workspace …"""


class AbortedError(Error):
    """Lost against another writer; the same call may succeed."""


class OutOfRangeError(Error, IndexError):
    """A range that the object does not have."""


class UnimplementedError(Error, NotImplementedError):
    """This backend cannot do that."""


class InternalError(Error):
    """A fault of libobs itself."""


class UnavailableError(Error, ConnectionError):
    """Not reachable or busy at the moment."""


class DataLossError(Error, OSError):
    """Bytes that do not match their checksum, or a damaged file."""


class UnauthenticatedError(Error):
    """Who is calling could not be established."""


class NoWorkspaceError(Error, FileNotFoundError):
    """No workspace was found."""


class UntrustedError(Error, PermissionError):
    """The workspace's files can be written by others."""


class RefusedError(Error, ValueError):
    """The data does not fit its data definition."""


class NoSpaceError(Error, OSError):
    """The disk is full."""


_CLASSES: dict[int, type[Error]] = {
    Status.CANCELLED: CancelledError,
    Status.INVALID_ARGUMENT: InvalidArgumentError,
    Status.DEADLINE_EXCEEDED: DeadlineExceededError,
    Status.NOT_FOUND: NotFoundError,
    Status.ALREADY_EXISTS: AlreadyExistsError,
    Status.PERMISSION_DENIED: PermissionDeniedError,
    Status.RESOURCE_EXHAUSTED: ResourceExhaustedError,
    Status.FAILED_PRECONDITION: FailedPreconditionError,
    Status.ABORTED: AbortedError,
    Status.OUT_OF_RANGE: OutOfRangeError,
    Status.UNIMPLEMENTED: UnimplementedError,
    Status.INTERNAL: InternalError,
    Status.UNAVAILABLE: UnavailableError,
    Status.DATA_LOSS: DataLossError,
    Status.UNAUTHENTICATED: UnauthenticatedError,
    Status.NO_WORKSPACE: NoWorkspaceError,
    Status.UNTRUSTED: UntrustedError,
    Status.REFUSED: RefusedError,
    Status.NO_SPACE: NoSpaceError,
}


def make_error(
    status: int, message: str, detail: str, retryable: int, http_status: int, line: int, column: int, system: int,
    request_id: str,
) -> Error:
    """The exception for a failed call; the extension calls it."""
    error = _CLASSES.get(status, Error)(message)
    error.status = Status(status) if status in Status._value2member_map_ else Status.UNKNOWN
    error.message = message
    error.detail = detail
    error.retryable = bool(retryable)
    error.http_status = http_status
    error.line = line
    error.column = column
    error.system = system
    error.request_id = request_id
    if system and isinstance(error, OSError):
        error.errno = system
    return error


_obs.set_error_factory(make_error)
