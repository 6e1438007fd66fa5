package obs

/*
#include <stdlib.h>
#include "shim.h"
*/
import "C"

import (
	"context"
	"encoding/json"
	"runtime"
	"sync"
	"time"
)

// Version is the version of the C library.
func Version() string { return C.GoString(C.obs_sdk_version_text()) }

// OpenOptions says how a workspace is opened; the zero value is all defaults.
type OpenOptions struct {
	Workspace string // its folder; "": OBS_WORKSPACE, else searched upwards, else the user's own
	Tenant    string // "": OBS_TENANT, else "default"
	Program   string // who is calling, for the audit trail
	ReadOnly  bool
	// Token is the one to act with, for its tenant and subject and for what its scopes name; nil: BEARER_TOKEN and the
	// other usual places, else as the user of the system; one that is "-": as that user, whatever token there is.
	Token *Secret
}

// Client is a workspace that was opened, for one tenant and one subject. Safe for concurrent use.
type Client struct {
	c      *C.obs_client
	config Config
	once   sync.Once
}

// Init makes a workspace.
func Init(ctx context.Context, path string) error {
	return withCall(ctx, nil, func(made *call) error {
		return failure(C.go_workspace_init(made.always(path), made.c))
	})
}

// SharedOptions says whose a shared workspace is; the zero value is the caller's.
type SharedOptions struct {
	Account string // the user, by name or number, who owns the workspace and its keys
	Group   string // the Unix group of the tenant default, by name or number; "": the account's own
}

// InitShared makes a workspace whose tenants belong to Unix groups, so that the system keeps all others out.
func InitShared(ctx context.Context, path string, options SharedOptions) error {
	return withCall(ctx, nil, func(made *call) error {
		given := (*C.obs_workspace_options)(made.alloc(1, C.sizeof_obs_workspace_options))
		C.obs_workspace_options_init(given, C.sizeof_obs_workspace_options)
		given.call, given.mode = made.c, C.OBS_SHARED
		given.account, given.group = made.text(options.Account), made.text(options.Group)
		return failure(C.go_workspace_init_with(made.always(path), given))
	})
}

// Open opens a workspace; options may be nil.
func Open(ctx context.Context, options *OpenOptions) (client *Client, err error) {
	if options == nil {
		options = &OpenOptions{}
	}
	defer dropBearer()
	err = options.Token.lend(func(token *C.char, _ C.size_t) error {
		client, err = askClient(ctx, nil, func(out **C.obs_client, made *call) *C.obs_error {
			return C.go_client_open(out, options.c(made, token))
		})
		return err
	})
	return client, err
}

func (options *OpenOptions) c(made *call, token *C.char) *C.obs_open_options {
	given := (*C.obs_open_options)(made.alloc(1, C.sizeof_obs_open_options))
	C.obs_open_options_init(given, C.sizeof_obs_open_options)
	given.call, given.token = made.c, token
	given.workspace = made.text(options.Workspace)
	given.tenant = made.text(options.Tenant)
	given.program = made.text(options.Program)
	if options.ReadOnly {
		given.read_only = 1
	}
	return given
}

// askClient makes a call that gives a client.
func askClient(ctx context.Context, on any, ask func(out **C.obs_client, made *call) *C.obs_error) (*Client, error) {
	var out *C.obs_client
	err := withCall(ctx, on, func(made *call) error { return failure(ask(&out, made)) })
	if err != nil {
		return nil, err
	}
	client := &Client{c: out, config: Config{Values{c: C.obs_client_config(out)}}}
	runtime.SetFinalizer(client, (*Client).Close)
	return client, nil
}

// Close gives the client back. What came from it must not be used any more, except readers, units and subscriptions.
func (client *Client) Close() error {
	client.once.Do(func() {
		runtime.SetFinalizer(client, nil)
		C.obs_client_close(client.c)
		client.c = nil
	})
	return nil
}

// Store is the store of the workspace.
func (client *Client) Store() *Store { return &Store{c: C.obs_client_store(client.c), owner: client} }

// Bus is the bus of the workspace.
func (client *Client) Bus() *Bus { return &Bus{c: C.obs_client_bus(client.c), owner: client} }

// Catalog is the catalog of the tenant.
func (client *Client) Catalog() *Catalog {
	return &Catalog{c: C.obs_client_catalog(client.c), owner: client}
}

// Audit is the audit trail of the tenant.
func (client *Client) Audit() *Audit { return &Audit{c: C.obs_client_audit(client.c), owner: client} }

// Workspace is the folder of the workspace.
func (client *Client) Workspace() string { return C.GoString(C.obs_client_workspace(client.c)) }

// Tenant is the tenant.
func (client *Client) Tenant() string { return C.GoString(C.obs_client_tenant(client.c)) }

// Subject is who the client acts for, as in user:ada.
func (client *Client) Subject() string { return C.GoString(C.obs_client_subject(client.c)) }

// OpenStore opens another store: file:folder, mem:name.
func (client *Client) OpenStore(ctx context.Context, url string) (*Store, error) {
	var out *C.obs_store
	err := withCall(ctx, client, func(made *call) error {
		return failure(C.go_client_store_open(&out, client.c, made.always(url), made.c))
	})
	if err != nil {
		return nil, err
	}
	store := &Store{c: out, owner: client, owned: true}
	runtime.SetFinalizer(store, (*Store).Close)
	return store, nil
}

// AsOptions says for whom a client acts; "" keeps the client's own.
type AsOptions struct {
	Subject string
	Tenant  string
	Token   *Secret // of the one to act for: it says subject and tenant
}

// As is a cheap client that acts for somebody else, for a service with many users or tenants.
func (client *Client) As(ctx context.Context, options AsOptions) (other *Client, err error) {
	err = options.Token.lend(func(token *C.char, _ C.size_t) error {
		other, err = askClient(ctx, client, func(out **C.obs_client, made *call) *C.obs_error {
			given := (*C.obs_as_options)(made.alloc(1, C.sizeof_obs_as_options))
			C.obs_as_options_init(given, C.sizeof_obs_as_options)
			given.call, given.token = made.c, token
			given.subject, given.tenant = made.text(options.Subject), made.text(options.Tenant)
			return C.go_client_as(out, client.c, given)
		})
		return err
	})
	return other, err
}

// Identity is who the caller is.
type Identity struct {
	Subject   string `json:"subject"`
	Tenant    string `json:"tenant"`
	Workspace string `json:"workspace"`
	ID        string `json:"id"`
	Mode      string `json:"mode"`
	Boundary  string `json:"boundary"`
	Issuer    string `json:"issuer"`
	Actor     string `json:"actor"` // who acts when it is for somebody else
	Token     *struct {
		Scope   string    `json:"scope"`
		Expires time.Time `json:"expires"`
		ID      string    `json:"id"`
		Source  string    `json:"source"`
	} `json:"token"` // the one it acts with, never the token itself
}

// WhoAmI tells who the caller is.
func (client *Client) WhoAmI() (Identity, error) {
	var out *C.obs_buffer
	var identity Identity
	if err := failure(C.go_client_whoami(&out, client.c)); err != nil {
		return identity, err
	}
	return identity, json.Unmarshal(bytesOf(out), &identity)
}

// Health is how the parts are.
type Health struct {
	Status string `json:"status"`
	Parts  []struct {
		Name    string `json:"name"`
		Status  string `json:"status"`
		Message string `json:"message"`
	} `json:"parts"`
}

// Health tells how the parts are.
func (client *Client) Health(ctx context.Context) (health Health, err error) {
	err = withCall(ctx, client, func(made *call) error {
		var out *C.obs_buffer
		if err := failure(C.go_client_health(&out, client.c, made.c)); err != nil {
			return err
		}
		return json.Unmarshal(bytesOf(out), &health)
	})
	return health, err
}

// Metrics is the workspace in numbers, as OpenMetrics text; the function Metrics is what this process did.
func (client *Client) Metrics(ctx context.Context) (text string, err error) {
	err = withCall(ctx, client, func(made *call) error {
		var out *C.obs_buffer
		if err := failure(C.go_client_metrics(&out, client.c, made.c)); err != nil {
			return err
		}
		text = string(bytesOf(out))
		return nil
	})
	return text, err
}

// Check checks every object, row and checksum; with repair it completes what is pending.
func (client *Client) Check(ctx context.Context, repair bool) (*Rows, error) {
	mode := C.obs_check_mode(C.OBS_CHECK_ONLY)
	if repair {
		mode = C.OBS_CHECK_REPAIR
	}
	return askRows(ctx, client, func(out **C.obs_rows, made *call) *C.obs_error {
		return C.go_workspace_check(out, client.c, mode, made.c)
	})
}

// CreateTenant makes a tenant.
func (client *Client) CreateTenant(ctx context.Context, name string) error {
	return withCall(ctx, client, func(made *call) error {
		return failure(C.go_tenant_create(client.c, made.always(name), made.c))
	})
}

// CreateSharedTenant makes a tenant of a shared workspace for the members of a Unix group; "": the one of the tenant's name.
func (client *Client) CreateSharedTenant(ctx context.Context, name, group string) error {
	return withCall(ctx, client, func(made *call) error {
		given := (*C.obs_tenant_options)(made.alloc(1, C.sizeof_obs_tenant_options))
		C.obs_tenant_options_init(given, C.sizeof_obs_tenant_options)
		given.call, given.group = made.c, made.text(group)
		return failure(C.go_tenant_create_with(client.c, made.always(name), given))
	})
}

// Tenants are the tenants, or the one with this name.
func (client *Client) Tenants(ctx context.Context, name string) (*Rows, error) {
	return askRows(ctx, client, func(out **C.obs_rows, made *call) *C.obs_error {
		return C.go_tenant_show(out, client.c, made.text(name), made.c)
	})
}

// Metrics are all counters of the process as OpenMetrics text.
func Metrics() (string, error) {
	var out *C.obs_buffer
	err := failure(C.go_metrics_text(&out))
	return string(bytesOf(out)), err
}
