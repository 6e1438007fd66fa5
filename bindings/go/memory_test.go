package obs_test

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"

	obs "github.com/libobs/libobs/bindings/go"
)

// A mapping is a part of the process's memory that a core dump would hold.
type mapping struct{ from, to uintptr }

func dumped(t testing.TB) (all []mapping) {
	t.Helper()
	file := must(os.Open("/proc/self/smaps"))(t)
	defer file.Close()
	var last mapping
	var access, name string
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if line := lines.Text(); strings.HasPrefix(line, "VmFlags:") {
			left := strings.Contains(line+" ", " dd ") || last.to-last.from > 1<<30 // reserved, or the shadow of a sanitizer
			if !left && access[0] == 'r' && !strings.HasPrefix(name, "[v") {
				all = append(all, last)
			}
		} else if fields := strings.Fields(line); !strings.HasSuffix(fields[0], ":") {
			fmt.Sscanf(fields[0], "%x-%x", &last.from, &last.to)
			access, name = fields[1], fields[len(fields)-1]
		}
	}
	return all
}

// copies counts how often bytes are in memory that a core dump would hold. What it reads with does not count.
func copies(t testing.TB, wanted []byte) (count int) {
	t.Helper()
	memory := must(os.Open("/proc/self/mem"))(t)
	defer memory.Close()
	room := make([]byte, 1<<20)
	own := mapping{uintptr(unsafe.Pointer(unsafe.SliceData(room))), uintptr(unsafe.Pointer(unsafe.SliceData(room))) + uintptr(len(room))}
	step := uintptr(len(room) - len(wanted))
	for _, one := range dumped(t) {
		for at := one.from; at < one.to; at += step {
			end := min(at+uintptr(len(room)), one.to)
			if at < own.to && own.from < end { // step over it
				if at < own.from {
					end = own.from
				} else {
					at = own.to - step
					continue
				}
			}
			n, _ := memory.ReadAt(room[:end-at], int64(at))
			count += bytes.Count(room[:n], wanted)
		}
	}
	clear(room)
	return count
}

func TestSecretsAreNotInTheMemoryOfGo(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	if err := exec.Command("sh", "-c", "umask 077; head -c 30 /dev/urandom | base64 >"+file).Run(); err != nil { // Go never sees it
		t.Fatal(err)
	}
	home(t)
	client, folder := configured(t, "secrets: ['file:"+file+"']\n", "password: '${secret:file:"+file+"}'\n")
	password := must(client.Config().Secret("password"))(t)
	token := must(client.IssueToken(ctx, obs.TokenOptions{Subject: "user:ada"}))(t)
	ada := bearer(t, folder, token)
	if must(ada.WhoAmI())(t).Subject != "user:ada" || client.Login(ctx, token) != nil {
		t.Error("the token is not taken")
	}
	shown := fmt.Sprint(password, token, must(client.Config().JSON(""))(t))
	for name, secret := range map[string]*obs.Secret{"the password": password, "the token": token} {
		look := func() (count int) {
			_ = secret.View(func(lent []byte) error {
				if len(lent) < 30 || strings.Contains(shown, string(lent[:4])) && name == "the password" {
					t.Errorf("%s has %d bytes", name, len(lent))
				}
				count = copies(t, lent[max(0, len(lent)-40):]) // of a token its signature
				return nil
			})
			return count
		}
		if count := look(); count != 0 {
			t.Errorf("%s is %d times in memory that a core dump holds", name, count)
		}
		canary := secret.Reveal()
		if count := look(); count == 0 {
			t.Errorf("a copy of %s is not found", name)
		}
		clear(canary)
	}
}
