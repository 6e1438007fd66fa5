// Getting 4 KiB through the Go binding and, in turns, in C in the same process; answers nanoseconds of C and of Go.
//
//	get_go WORKSPACE      reads lines such as `mem into cancel`
//
// The second word is `view` (bytes that the library lends, as it does in C), `into`, or `get`, whose yardstick is C and then new
// memory of Go with a copy. The third is `background` for a context that nothing can end, `cancel` for one that can be cancelled.
package main

/*
#cgo pkg-config: obs
#include "../get_round.h"

static void get_read(int from_file, char *content, size_t capacity)
{
    size_t size = 0;
    get_check(obs_store_get_into(&size, from_file ? get_file : get_memory, get_key, sizeof get_key - 1, content, capacity,
                                 NULL, &get_error));
}
*/
import "C"

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
	"unsafe"

	obs "github.com/libobs/libobs/bindings/go"
)

const key = "bench/four"

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

var (
	content = make([]byte, 4096)
	kept    []byte // so that the copies are made on the heap
	// What a program of some size holds: in an empty one Go collects its garbage after every thousandth copy.
	held = make([]byte, 64<<20)
)

func takeRound(call func() error) float64 {
	begin := time.Now()
	calls := 0
	for time.Since(begin) < C.ROUND_NS {
		for range C.BATCH {
			check(call())
		}
		calls += C.BATCH
	}
	return float64(time.Since(begin).Nanoseconds()) / float64(calls)
}

func callOf(name string, ctx context.Context, store *obs.Store) func() error {
	switch name {
	case "view":
		return func() error { return store.View(ctx, key, nil, func([]byte) error { return nil }) }
	case "into":
		return func() error { _, err := store.GetInto(ctx, key, content); return err }
	case "get":
		return func() (err error) { kept, err = store.Get(ctx, key, nil); return err }
	}
	return func() error { return fmt.Errorf("no call is named %q", name) }
}

// copyRound is what new memory of Go and a copy of what was just read take, after the kernel and C have had the caches. The
// second interval between three looks at the clock is what looking takes.
func copyRound(fromFile C.int) float64 {
	var spent time.Duration
	calls := 0
	for begin := time.Now(); time.Since(begin) < C.ROUND_NS; calls++ {
		C.get_read(fromFile, (*C.char)(unsafe.Pointer(&content[0])), C.size_t(len(content)))
		before := time.Now()
		kept = bytes.Clone(content)
		between := time.Now()
		spent += between.Sub(before) - time.Since(between)
	}
	return float64(spent.Nanoseconds()) / float64(calls)
}

func main() {
	background := context.Background()
	cancellable, cancel := context.WithCancel(background)
	defer cancel()
	contexts := map[string]context.Context{"background": background, "cancel": cancellable}
	C.get_open(C.CString(os.Args[1]))
	client, err := obs.Open(background, &obs.OpenOptions{Workspace: os.Args[1], Tenant: "default", Program: "bench/1"})
	check(err)
	defer client.Close()
	memory, err := client.OpenStore(background, "mem:bench")
	check(err)
	defer memory.Close()
	defer runtime.KeepAlive(held)
	stores := map[string]*obs.Store{"mem": memory, "file": client.Store()}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		words := strings.Fields(lines.Text())
		var fromFile, into C.int
		if words[0] == "file" {
			fromFile = 1
		}
		if words[1] == "into" {
			into = 1
		}
		yardstick := float64(C.get_round(fromFile, into))
		if words[1] == "get" {
			yardstick += copyRound(fromFile)
		}
		fmt.Println(yardstick, takeRound(callOf(words[1], contexts[words[2]], stores[words[0]])))
	}
}
