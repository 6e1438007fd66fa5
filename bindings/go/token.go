package obs

/*
#include <stdlib.h>
#include "shim.h"
*/
import "C"

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"runtime"
	"strings"
	"time"
	"unsafe"
)

// TokenOptions says what a token is to say; the zero value is all defaults.
type TokenOptions struct {
	Subject  string        // whose, as in user:ada; "": the client's own
	Tenant   string        // in which tenant; "": the client's own
	Scope    []string      // as in storage.read:/raw; none: all that the client may
	Lifetime time.Duration // 0: an hour; at most a day
	Audience string        // for another service than this workspace, or ""
}

// IssueToken issues a token. PermissionDenied for more than the client may do itself.
func (client *Client) IssueToken(ctx context.Context, options TokenOptions) (*Secret, error) {
	var out *C.obs_secret
	err := withCall(ctx, client, func(made *call) error {
		given := (*C.obs_token_options)(made.alloc(1, C.sizeof_obs_token_options))
		C.obs_token_options_init(given, C.sizeof_obs_token_options)
		given.call = made.c
		given.subject, given.tenant = made.text(options.Subject), made.text(options.Tenant)
		given.scope, given.audience = made.text(strings.Join(options.Scope, " ")), made.text(options.Audience)
		given.lifetime_s = seconds(options.Lifetime)
		return failure(C.go_token_issue(&out, client.c, given))
	})
	if err != nil {
		return nil, err
	}
	return newSecret(out), nil
}

// seconds are the whole seconds of a time span, rounded away from zero: zero means something else.
func seconds(span time.Duration) C.int64_t {
	if span < 0 {
		return C.int64_t(math.Floor(span.Seconds()))
	}
	return C.int64_t(math.Ceil(span.Seconds()))
}

// VerifyOptions says whose tokens are taken, and how they must be signed.
type VerifyOptions struct {
	Algorithms []string      // required: of RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA
	Issuer     string        // "": this workspace
	Audience   string        // "": this workspace
	Keys       []byte        // a JSON Web Key Set; nil: this workspace's
	Leeway     time.Duration // how far clocks may differ; 0: a minute; below zero: none
}

// Claims are what a token says.
type Claims struct {
	Issuer    string
	Subject   string
	Tenant    string
	ClientID  string
	ID        string
	Scope     []string
	Expires   time.Time
	NotBefore time.Time
	Issued    time.Time
}

// UnmarshalJSON reads the claims of a JSON Web Token.
func (claims *Claims) UnmarshalJSON(text []byte) error {
	var read struct {
		Issuer    string `json:"iss"`
		Subject   string `json:"sub"`
		Tenant    string `json:"tenant"`
		ClientID  string `json:"client_id"`
		ID        string `json:"jti"`
		Scope     string `json:"scope"`
		Expires   int64  `json:"exp"`
		NotBefore int64  `json:"nbf"`
		Issued    int64  `json:"iat"`
	}
	if err := json.Unmarshal(text, &read); err != nil {
		return err
	}
	*claims = Claims{read.Issuer, read.Subject, read.Tenant, read.ClientID, read.ID, strings.Fields(read.Scope),
		timeOf(read.Expires), timeOf(read.NotBefore), timeOf(read.Issued)}
	return nil
}

// timeOf is a NumericDate; the zero time when there is none.
func timeOf(date int64) time.Time {
	if date == 0 {
		return time.Time{}
	}
	return time.Unix(date, 0)
}

// VerifyToken checks a token; one that was checked before costs a lookup. Unauthenticated when it does not hold,
// InvalidArgument without algorithms.
func (client *Client) VerifyToken(ctx context.Context, token string, options VerifyOptions) (claims Claims, err error) {
	found, err := askText(ctx, client, func(out **C.obs_buffer, made *call) *C.obs_error {
		given := (*C.obs_verify_options)(made.alloc(1, C.sizeof_obs_verify_options))
		C.obs_verify_options_init(given, C.sizeof_obs_verify_options)
		given.call = made.c
		given.algorithms = made.text(strings.Join(options.Algorithms, " "))
		given.issuer, given.audience = made.text(options.Issuer), made.text(options.Audience)
		if options.Keys != nil {
			given.keys, given.keys_size = made.always(string(options.Keys)), C.size_t(len(options.Keys))
		}
		if given.leeway_s = seconds(options.Leeway); given.leeway_s < 0 {
			given.leeway_s = -1
		}
		content, size := text(token)
		return C.go_token_verify(out, client.c, content, size, given)
	})
	if err == nil {
		err = json.Unmarshal(found, &claims)
	}
	return claims, err
}

// TokenKeys are the public keys of the workspace's issuer as a JSON Web Key Set.
func (client *Client) TokenKeys(ctx context.Context) (json.RawMessage, error) {
	return askText(ctx, client, func(out **C.obs_buffer, _ *call) *C.obs_error { return C.go_token_keys(out, client.c) })
}

// RotateKeys makes a new signing key. The one until now verifies until its last token has ended.
func (client *Client) RotateKeys(ctx context.Context) error {
	return withCall(ctx, client, func(made *call) error { return failure(C.go_token_rotate(client.c, made.c)) })
}

// RevokeToken ends the token of this id (its jti): for this client at once, elsewhere within a second.
func (client *Client) RevokeToken(ctx context.Context, id string) error {
	return withCall(ctx, client, func(made *call) error {
		return failure(C.go_token_revoke(client.c, made.always(id), nil, made.c))
	})
}

// RevokeSubject ends all tokens that a subject has until now. What is issued to it afterwards holds.
func (client *Client) RevokeSubject(ctx context.Context, subject string) error {
	return withCall(ctx, client, func(made *call) error {
		return failure(C.go_token_revoke(client.c, nil, made.always(subject), made.c))
	})
}

// Login keeps a token for this user and workspace, for every later client; it is checked first.
func (client *Client) Login(ctx context.Context, token *Secret) error {
	return withCall(ctx, client, func(made *call) error {
		return token.lend(func(text *C.char, size C.size_t) error {
			return failure(C.go_token_login(client.c, text, size, made.c))
		})
	})
}

// Logout forgets the token that Login kept.
func (client *Client) Logout(ctx context.Context) error {
	return withCall(ctx, client, func(made *call) error { return failure(C.go_token_logout(client.c, made.c)) })
}

// lend gives C the bytes as they lie in locked memory, where a NUL follows them; without a secret NULL.
func (secret *Secret) lend(use func(text *C.char, size C.size_t) error) error {
	if secret == nil {
		return use(nil, 0)
	}
	if secret.held == nil || !secret.held.enter() {
		return errClosed
	}
	defer runtime.KeepAlive(secret.held)
	defer secret.held.leave()
	c := secret.held.c
	return use((*C.char)(C.obs_secret_bytes(c)), C.obs_secret_size(c))
}

// dropBearer removes BEARER_TOKEN from Go's own copy of the environment once the library took it out of the process's.
func dropBearer() {
	name := C.CString("BEARER_TOKEN")
	defer C.free(unsafe.Pointer(name))
	if _, known := os.LookupEnv("BEARER_TOKEN"); known && C.getenv(name) == nil {
		os.Unsetenv("BEARER_TOKEN")
	}
}
