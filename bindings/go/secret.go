package obs

/*
#include "shim.h"
*/
import "C"

import (
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"unsafe"
)

// Secret is bytes that must not be seen. They lie in locked memory that no core dump holds. However a secret is printed,
// logged or encoded, it is "(secret)"; only Reveal and View show it. Safe for concurrent use, also beside Close.
type Secret struct{ held *heldSecret }

type heldSecret struct {
	*hold
	c *C.obs_secret
}

const shownSecret = "(secret)"

func newSecret(c *C.obs_secret) *Secret {
	held := &heldSecret{newHold(func() { C.obs_secret_free(c) }), c}
	runtime.SetFinalizer(held, func(held *heldSecret) { held.close() })
	return &Secret{held}
}

// NewSecret copies bytes, at most 65,536, into locked memory. Wipe the original with clear.
func NewSecret(content []byte) (*Secret, error) {
	var out *C.obs_secret
	bytes, size := data(content)
	if err := failure(C.go_secret_new(&out, bytes, size)); err != nil {
		return nil, err
	}
	return newSecret(out), nil
}

// View lends the bytes to a function, without a copy: they are not to be changed, and gone when the function returns. Its
// error is that of View.
func (secret Secret) View(look func(content []byte) error) error {
	if secret.held == nil || !secret.held.enter() {
		return errClosed
	}
	defer runtime.KeepAlive(secret.held)
	defer secret.held.leave()
	c := secret.held.c
	return look(unsafe.Slice((*byte)(C.obs_secret_bytes(c)), int(C.obs_secret_size(c))))
}

// Reveal copies the bytes into the memory of Go, where a core dump holds them: wipe them with clear, although the runtime may
// leave a piece of the copy on a stack that it interrupted. View leaves none. After Close it gives nil.
func (secret Secret) Reveal() (content []byte) {
	_ = secret.View(func(lent []byte) error {
		content = append(make([]byte, 0, len(lent)), lent...)
		return nil
	})
	return content
}

// Close gives the secret back; its memory is wiped once nobody looks at it any more.
func (secret Secret) Close() error {
	if secret.held != nil {
		secret.held.close()
	}
	return nil
}

// String is "(secret)".
func (Secret) String() string { return shownSecret }

// GoString is "(secret)".
func (Secret) GoString() string { return shownSecret }

// Format writes "(secret)" for every verb.
func (Secret) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, shownSecret) }

// MarshalText is "(secret)".
func (Secret) MarshalText() ([]byte, error) { return []byte(shownSecret), nil }

// MarshalJSON is "(secret)".
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + shownSecret + `"`), nil }

// LogValue is "(secret)".
func (Secret) LogValue() slog.Value { return slog.StringValue(shownSecret) }
