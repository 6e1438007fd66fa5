package obs

/*
#include "shim.h"
*/
import "C"

import (
	"context"
	"encoding/json"
)

// Audit is the audit trail of a tenant. Safe for concurrent use.
type Audit struct {
	c     *C.obs_audit
	owner *Client
}

// AuditQuery says which records are wanted; all conditions must hold, "" is no condition.
type AuditQuery struct {
	Subject, Object, Action, Trace string
	Since, Until                   string // RFC 3339 or a date
	After                          string
	Limit                          int
}

// Query asks for audit records, oldest first.
func (audit *Audit) Query(ctx context.Context, query AuditQuery) (*Rows, error) {
	return askRows(ctx, audit, func(out **C.obs_rows, made *call) *C.obs_error {
		given := (*C.obs_audit_options)(made.alloc(1, C.sizeof_obs_audit_options))
		C.obs_audit_options_init(given, C.sizeof_obs_audit_options)
		given.call = made.c
		given.subject, given.object = made.text(query.Subject), made.text(query.Object)
		given.action, given.trace = made.text(query.Action), made.text(query.Trace)
		given.since, given.until = made.text(query.Since), made.text(query.Until)
		given.after, given.limit = made.text(query.After), C.size_t(query.Limit)
		return C.go_audit_query(out, audit.c, given)
	})
}

// askText makes a call that gives a text.
func askText(ctx context.Context, on any, ask func(out **C.obs_buffer, made *call) *C.obs_error) ([]byte, error) {
	var out *C.obs_buffer
	err := withCall(ctx, on, func(made *call) error { return failure(ask(&out, made)) })
	return bytesOf(out), err
}

// Checkpoint moves what all tenants committed into the one log of the workspace and signs a checkpoint, as it happens every
// ten seconds or 1,000 records. DataLoss when the log is older than its anchor.
func (audit *Audit) Checkpoint(ctx context.Context) error {
	return withCall(ctx, audit, func(made *call) error { return failure(C.go_audit_sequence(audit.c, made.c)) })
}

// AuditVerifyOptions says how the log is verified; the zero value is all defaults.
type AuditVerifyOptions struct {
	Checkpoint []byte // one that was kept elsewhere, as an anchor
	Key        string // the verifier key; "": this machine's own copy
	Unanchored bool   // fine without an outside anchor: an end that was cut off is then not seen
}

// AuditReport is what verifying found.
type AuditReport struct {
	Records     uint64         `json:"records"`
	Verified    uint64         `json:"verified"`
	Root        string         `json:"root"`
	Anchor      string         `json:"anchor"`
	Anchored    uint64         `json:"anchored"`
	Unsequenced uint64         `json:"unsequenced"`
	Sealed      uint64         `json:"sealed"` // from the first on, which can be proved only
	Erased      uint64         `json:"erased"`
	Gaps        uint64         `json:"gaps"`
	Rows        bool           `json:"rows"` // whether the tenants' databases were compared, too
	Problems    []AuditProblem `json:"problems"`
}

// AuditProblem is one thing that is wrong with the log.
type AuditProblem struct {
	Index  *uint64 `json:"index"` // of the record in the log; nil when it is none of them
	Tenant string  `json:"tenant"`
	ID     string  `json:"id"`
	Kind   string  `json:"kind"`
	What   string  `json:"what"`
}

// VerifyError is a log that does not hold, with what was found. errors.Is and errors.As find the *Error in it.
type VerifyError struct {
	Err    error
	Report AuditReport
}

func (e *VerifyError) Error() string { return e.Err.Error() }

// Unwrap is the *Error.
func (e *VerifyError) Unwrap() error { return e.Err }

func (options *AuditVerifyOptions) c(made *call) *C.obs_audit_verify_options {
	given := (*C.obs_audit_verify_options)(made.alloc(1, C.sizeof_obs_audit_verify_options))
	C.obs_audit_verify_options_init(given, C.sizeof_obs_audit_verify_options)
	given.call = made.c
	if options == nil {
		return given
	}
	if options.Checkpoint != nil {
		given.checkpoint, given.checkpoint_size = made.always(string(options.Checkpoint)), C.size_t(len(options.Checkpoint))
	}
	given.key = made.text(options.Key)
	if options.Unanchored {
		given.unanchored = 1
	}
	return given
}

// Verify verifies every record, tile, checkpoint and index row, and that the log goes on from each outside anchor. Of a log
// that does not hold the error is a *VerifyError: DataLoss for any alteration, FailedPrecondition without an outside anchor.
// options may be nil.
func (audit *Audit) Verify(ctx context.Context, options *AuditVerifyOptions) (report AuditReport, err error) {
	found, err := askText(ctx, audit, func(out **C.obs_buffer, made *call) *C.obs_error {
		return C.go_audit_verify(out, audit.c, options.c(made))
	})
	if len(found) == 0 {
		return report, err
	}
	if unreadable := json.Unmarshal(found, &report); unreadable != nil {
		return report, unreadable
	}
	if err != nil {
		err = &VerifyError{err, report}
	}
	return report, err
}

// Prove gives a proof, a text, that a record stands in the log, for anybody to check offline; of its personal fields it has
// the commitments only. Unavailable while the record is in no checkpoint yet.
func (audit *Audit) Prove(ctx context.Context, id string) ([]byte, error) {
	return audit.prove(ctx, id, 0)
}

// ProveClear is Prove with the clear values of the personal fields.
func (audit *Audit) ProveClear(ctx context.Context, id string) ([]byte, error) {
	return audit.prove(ctx, id, 1)
}

func (audit *Audit) prove(ctx context.Context, id string, clear C.int32_t) ([]byte, error) {
	return askText(ctx, audit, func(out **C.obs_buffer, made *call) *C.obs_error {
		return C.go_audit_prove(out, audit.c, made.always(id), clear, made.c)
	})
}

// CheckProof checks a proof with the log's verifier key and gives the record. It needs no workspace and no network. DataLoss
// when the proof does not hold, InvalidArgument when it cannot be read.
func CheckProof(proof []byte, key string) (json.RawMessage, error) {
	var memory arena
	defer memory.free()
	var out *C.obs_buffer
	content, size := data(proof)
	err := failure(C.go_audit_check_proof(&out, (*C.char)(content), size, memory.always(key)))
	return bytesOf(out), err
}

// Key is the log's verifier key, name+hash+base64. NotFound before the first checkpoint.
func (audit *Audit) Key(ctx context.Context) (string, error) {
	key, err := askText(ctx, audit, func(out **C.obs_buffer, _ *call) *C.obs_error { return C.go_audit_key(out, audit.c) })
	return string(key), err
}

// Erase removes what names a person, as in user:ada, and gives the number of records that were changed. Every proof stays
// as it is.
func (audit *Audit) Erase(ctx context.Context, subject string) (uint64, error) {
	var count C.uint64_t
	err := withCall(ctx, audit, func(made *call) error {
		return failure(C.go_audit_erase(&count, audit.c, made.always(subject), made.c))
	})
	return uint64(count), err
}

// AuditPolicy says what happens when a record of a class cannot be written, "fail-closed" or "fail-open", and how long records
// are kept.
type AuditPolicy struct {
	Change        string `json:"change"`
	Refusal       string `json:"refusal"`
	Login         string `json:"login"`
	Grant         string `json:"grant"`
	Read          string `json:"read"`
	Config        string `json:"config"`
	RetentionDays int64  `json:"retention_days"` // 0: for ever
	ReserveBytes  int64  `json:"reserve_bytes"`
}

// Policy is what the policy is.
func (audit *Audit) Policy(ctx context.Context) (policy AuditPolicy, err error) {
	text, err := askText(ctx, audit, func(out **C.obs_buffer, _ *call) *C.obs_error { return C.go_audit_policy(out, audit.c) })
	if err == nil {
		err = json.Unmarshal(text, &policy)
	}
	return policy, err
}

// SetPolicy changes the policy, as in {"read": "fail-closed", "retention_days": 30}; what is not named stays. For an auditor,
// never for an operator.
func (audit *Audit) SetPolicy(ctx context.Context, change map[string]any) error {
	text, err := json.Marshal(change)
	if err != nil {
		return &Error{Status: InvalidArgument, Message: "no such policy can be written: " + err.Error(), cause: err}
	}
	return withCall(ctx, audit, func(made *call) error {
		content, size := data(text)
		return failure(C.go_audit_policy_set(audit.c, (*C.char)(content), size, made.c))
	})
}

// Seal compresses what is older than the policy keeps, removes its clear values and gives the number of records. Everything
// is still provable.
func (audit *Audit) Seal(ctx context.Context) (uint64, error) {
	var count C.uint64_t
	err := withCall(ctx, audit, func(made *call) error { return failure(C.go_audit_seal(&count, audit.c, made.c)) })
	return uint64(count), err
}
