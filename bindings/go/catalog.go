package obs

/*
#include "shim.h"
*/
import "C"

import (
	"context"
	"encoding/json"
	"time"
)

// Catalog is the catalog of a tenant. Safe for concurrent use.
type Catalog struct {
	c     *C.obs_catalog
	owner *Client
}

// Entry is one entry of the catalog.
type Entry struct {
	Key      string            `json:"key"`
	Kind     string            `json:"kind"`
	Type     string            `json:"type"`
	Size     int64             `json:"size"`
	SHA256   string            `json:"sha256"`
	Time     time.Time         `json:"time"`
	Labels   map[string]string `json:"labels"`
	Values   map[string]any    `json:"values"`
	MadeFrom []string          `json:"made_from"`
	Distance float64           `json:"distance"` // degrees from the centre of the cone that was asked for
}

// SearchOptions says how a search is made; the zero value is all defaults.
type SearchOptions struct {
	After string
	Limit int // 0: no limit
}

// Search finds the entries for which all conditions hold, as in `night=2026-11-20 mag<18`. options may be nil.
func (catalog *Catalog) Search(ctx context.Context, query string, options *SearchOptions) (*Rows, error) {
	return askRows(ctx, catalog, func(out **C.obs_rows, made *call) *C.obs_error {
		given := (*C.obs_search_options)(made.alloc(1, C.sizeof_obs_search_options))
		C.obs_search_options_init(given, C.sizeof_obs_search_options)
		given.call = made.c
		if options != nil {
			given.after, given.limit = made.text(options.After), C.size_t(options.Limit)
		}
		return C.go_catalog_search(out, catalog.c, made.always(query), given)
	})
}

// Get is one entry.
func (catalog *Catalog) Get(ctx context.Context, key string) (entry Entry, err error) {
	err = withCall(ctx, catalog, func(made *call) error {
		var out *C.obs_buffer
		name, size := text(key)
		if err := failure(C.go_catalog_get(&out, catalog.c, name, size, made.c)); err != nil {
			return err
		}
		return json.Unmarshal(bytesOf(out), &entry)
	})
	return entry, err
}

// Ancestor is one entry of a lineage, or a key that the catalog has no entry of (Known is false).
type Ancestor struct {
	Key      string             `json:"key"`
	Depth    int                `json:"depth"`
	Kind     string             `json:"kind"`
	Type     string             `json:"type"`
	Size     int64              `json:"size"`
	SHA256   string             `json:"sha256"`
	Time     time.Time          `json:"time"`
	Labels   map[string]string  `json:"labels"`
	MadeFrom []string           `json:"made_from"`
	Inputs   map[string]*string `json:"inputs"` // SHA-256 of what it was made from, at that time; nil: there was no entry
	Known    bool               `json:"known"`
	More     bool               `json:"more"` // the limits cut off something beyond
}

// LineageOptions says how a lineage is followed; the zero value is all defaults.
type LineageOptions struct {
	Down  bool   // to what was made from the entry, in place of what it was made from
	Depth uint32 // at most so many steps; 0: no limit
	Nodes int    // at most so many rows; 0: 100,000
}

// Lineage is what an entry was made from, or what was made from it: rows of the form Ancestor, each entry once. options may be
// nil.
func (catalog *Catalog) Lineage(ctx context.Context, key string, options *LineageOptions) (*Rows, error) {
	return askRows(ctx, catalog, func(out **C.obs_rows, made *call) *C.obs_error {
		given := (*C.obs_lineage_options)(made.alloc(1, C.sizeof_obs_lineage_options))
		C.obs_lineage_options_init(given, C.sizeof_obs_lineage_options)
		given.call = made.c
		if options != nil {
			given.depth, given.nodes = C.uint32_t(options.Depth), C.size_t(options.Nodes)
			if options.Down {
				given.direction = C.OBS_LINEAGE_DOWN
			}
		}
		name, size := text(key)
		return C.go_catalog_lineage(out, catalog.c, name, size, given)
	})
}

// Making is when an entry was made, and of which bytes.
type Making struct {
	Time   time.Time `json:"time"`
	SHA256 string    `json:"sha256"`
}

// Difference is one thing that is not the same: What is `input`, `label` or `value`; of inputs their SHA-256.
type Difference struct {
	What   string `json:"what"`
	Name   string `json:"name"`
	Before any    `json:"before"`
	Used   any    `json:"used"` // of Reason.Since, in place of Before
	Now    any    `json:"now"`
}

// Reason is what differs from the time before when an entry was made, and what has changed since it was made.
type Reason struct {
	Key     string       `json:"key"`
	Made    Making       `json:"made"`
	Before  *Making      `json:"before"` // nil: it was made once
	Same    *bool        `json:"same"`   // the bytes are equal to those before
	Differs []Difference `json:"differs"`
	Since   []Difference `json:"since"`
}

// Why says why an entry is different from the last time it was made.
func (catalog *Catalog) Why(ctx context.Context, key string) (reason Reason, err error) {
	err = withCall(ctx, catalog, func(made *call) error {
		var out *C.obs_buffer
		name, size := text(key)
		if err := failure(C.go_catalog_why(&out, catalog.c, name, size, made.c)); err != nil {
			return err
		}
		return json.Unmarshal(bytesOf(out), &reason)
	})
	return reason, err
}

// Label sets labels of an entry; the value "" removes one.
func (catalog *Catalog) Label(ctx context.Context, key string, labels map[string]string) error {
	return withCall(ctx, catalog, func(made *call) error {
		name, size := text(key)
		pairs, count := made.pairs(labels)
		return failure(C.go_catalog_label(catalog.c, name, size, pairs, count, made.c))
	})
}
