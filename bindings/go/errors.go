package obs

/*
#include "shim.h"
*/
import "C"

import (
	"context"
	"errors"
	"io/fs"
)

// Status is the outcome of a call, with the numbers of the C library. It is an error itself, for errors.Is.
type Status int

// The statuses.
const (
	OK                 Status = C.OBS_OK
	Cancelled          Status = C.OBS_CANCELLED
	Unknown            Status = C.OBS_UNKNOWN
	InvalidArgument    Status = C.OBS_INVALID_ARGUMENT
	DeadlineExceeded   Status = C.OBS_DEADLINE_EXCEEDED
	NotFound           Status = C.OBS_NOT_FOUND
	AlreadyExists      Status = C.OBS_ALREADY_EXISTS
	PermissionDenied   Status = C.OBS_PERMISSION_DENIED
	ResourceExhausted  Status = C.OBS_RESOURCE_EXHAUSTED
	FailedPrecondition Status = C.OBS_FAILED_PRECONDITION
	Aborted            Status = C.OBS_ABORTED
	OutOfRange         Status = C.OBS_OUT_OF_RANGE
	Unimplemented      Status = C.OBS_UNIMPLEMENTED
	Internal           Status = C.OBS_INTERNAL
	Unavailable        Status = C.OBS_UNAVAILABLE
	DataLoss           Status = C.OBS_DATA_LOSS
	Unauthenticated    Status = C.OBS_UNAUTHENTICATED
	NoWorkspace        Status = C.OBS_NO_WORKSPACE
	Untrusted          Status = C.OBS_UNTRUSTED
	Refused            Status = C.OBS_REFUSED
	NoSpace            Status = C.OBS_NO_SPACE
)

// String is the name of the status, as in NOT_FOUND.
func (s Status) String() string { return C.GoString(C.obs_status_name(C.obs_status(s))) }

// Error is what the status means, in one sentence.
func (s Status) Error() string { return C.GoString(C.obs_status_text(C.obs_status(s))) }

// Error is a call that failed.
type Error struct {
	Status     Status
	Message    string // one sentence, safe to show to anybody
	Detail     string // for the operator
	Retryable  bool   // the same call may succeed later
	HTTPStatus int
	Line       int // in a text that was read, from 1; else 0
	Column     int
	RequestID  string
	cause      error
}

func (e *Error) Error() string { return e.Message }

// Unwrap is the error of the standard library behind it, or nil.
func (e *Error) Unwrap() error { return e.cause }

// Is matches statuses of this package and the errors of the standard library that mean the same.
func (e *Error) Is(target error) bool {
	if status, ok := target.(Status); ok {
		return e.Status == status
	}
	switch e.Status {
	case NotFound, NoWorkspace:
		return target == fs.ErrNotExist
	case AlreadyExists:
		return target == fs.ErrExist
	case PermissionDenied, Untrusted, Unauthenticated:
		return target == fs.ErrPermission
	case Cancelled:
		return target == context.Canceled
	case DeadlineExceeded:
		return target == context.DeadlineExceeded
	case InvalidArgument:
		return target == fs.ErrInvalid
	case Unimplemented:
		return target == errors.ErrUnsupported
	}
	return false
}

var errNoMemory = &Error{Status: ResourceExhausted, Message: "not enough memory", Retryable: true}

var errClosed = &Error{Status: FailedPrecondition, Message: "the handle is closed"}

// failure turns the C error, which the shims allocate only when a call failed, into a Go one and frees it.
func failure(failed *C.obs_error) error {
	if failed == nil {
		return nil
	}
	err := &Error{
		Status: Status(failed.status), Message: C.GoString(&failed.message[0]), Detail: C.GoString(&failed.detail[0]),
		Retryable: failed.retryable != 0, HTTPStatus: int(failed.http_status), Line: int(failed.line),
		Column: int(failed.column), RequestID: C.GoString(&failed.request_id[0]),
	}
	C.go_error_free(failed)
	return err
}
