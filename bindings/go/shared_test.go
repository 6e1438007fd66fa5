package obs_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	obs "github.com/libobs/libobs/bindings/go"
)

// Numbers are enough: the system needs no names for them.
const (
	account, ada, eve    = 53031, 53032, 53033
	earth, sky, nobodys  = 54031, 54032, 54033
	playedBy, playedWith = "OBS_TEST_PART", "OBS_TEST_PLACE"
)

// answer is what a child of another user has to say.
type answer struct{ Status, Text string }

// parts are what a child of another user does. What it returns is what the test compares.
var parts = map[string]func(place, tenant, what string) (string, error){
	"list": func(place, tenant, what string) (text string, err error) {
		err = withShared(place, tenant, func(client *obs.Client) error {
			for stat, err := range client.Store().List(ctx, "", nil) {
				if err != nil {
					return err
				}
				text += fmt.Sprintf("%s %d;", stat.Key, stat.Size)
			}
			return nil
		})
		return text, err
	},
	"put": func(place, tenant, what string) (string, error) {
		return "", withShared(place, tenant, func(client *obs.Client) error {
			_, err := client.Store().Put(ctx, what, []byte("bytes"), nil)
			return err
		})
	},
	"get": func(place, tenant, what string) (text string, err error) {
		err = withShared(place, tenant, func(client *obs.Client) error {
			bytes, err := client.Store().Get(ctx, what, nil)
			text = string(bytes)
			return err
		})
		return text, err
	},
	"show": func(place, tenant, what string) (string, error) {
		return "", withShared(place, tenant, func(client *obs.Client) error {
			rows, err := client.Tenants(ctx, what)
			if err == nil {
				rows.Close()
			}
			return err
		})
	},
	"create": func(place, tenant, what string) (string, error) {
		return "", withShared(place, tenant, func(client *obs.Client) error {
			return client.CreateSharedTenant(ctx, what, fmt.Sprint(sky))
		})
	},
	"issue": func(place, tenant, what string) (string, error) {
		return "", withShared(place, tenant, func(client *obs.Client) error {
			token, err := client.IssueToken(ctx, obs.TokenOptions{})
			if err == nil {
				token.Close()
			}
			return err
		})
	},
	"act": func(place, tenant, what string) (string, error) {
		return "", withShared(place, tenant, func(client *obs.Client) error {
			other, err := client.As(ctx, obs.AsOptions{Subject: "user:ada"})
			if err == nil {
				other.Close()
			}
			return err
		})
	},
	// What the system itself says, without the library.
	"read": func(place, tenant, what string) (string, error) {
		file, err := os.Open(what)
		if err == nil {
			file.Close()
		}
		if errors.Is(err, syscall.EACCES) {
			return "EACCES", nil
		}
		return "", err
	},
}

func withShared(place, tenant string, work func(*obs.Client) error) error {
	client, err := obs.Open(ctx, &obs.OpenOptions{Workspace: place, Tenant: tenant})
	if err != nil {
		return err
	}
	defer client.Close()
	return work(client)
}

// TestPart is the child of another user; by itself it is no test.
func TestPart(t *testing.T) {
	words := strings.Split(os.Getenv(playedBy), "\n")
	if len(words) != 3 {
		return
	}
	text, err := parts[words[0]](os.Getenv(playedWith), words[1], words[2])
	said := answer{Text: text}
	if err != nil {
		var ours *obs.Error
		if said.Status, said.Text = "FAILED", err.Error(); errors.As(err, &ours) {
			said.Status, said.Text = ours.Status.String(), ours.Message
		}
	}
	out := os.NewFile(3, "answer")
	if json.NewEncoder(out).Encode(said) != nil || out.Close() != nil {
		t.Fatal("nobody listens")
	}
}

// shared is a shared workspace with the tenants default of the group earth and sky of the group sky, and a copy of this
// program that every user may run.
type shared struct{ folder, place, program string }

func (night *shared) as(t *testing.T, user, group uint32, part, tenant, what string) answer {
	t.Helper()
	ours, theirs, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(night.program, "-test.run=^TestPart$")
	child.Dir, child.ExtraFiles, child.Stderr = "/", []*os.File{theirs}, os.Stderr
	child.Env = []string{"HOME=" + filepath.Join(night.folder, fmt.Sprint(user)), "LD_LIBRARY_PATH=" + filepath.Dir(night.program),
		playedWith + "=" + night.place, playedBy + "=" + part + "\n" + tenant + "\n" + what}
	child.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: user, Gid: nobodys, Groups: []uint32{group}}}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	theirs.Close()
	text := must(io.ReadAll(ours))(t)
	ours.Close()
	if err := child.Wait(); err != nil {
		t.Fatal(err)
	}
	var said answer
	if err := json.Unmarshal(text, &said); err != nil {
		t.Fatalf("%s says %q", part, text)
	}
	return said
}

// reachable copies the program and its library where every user can run them.
func reachable(t *testing.T, folder string) string {
	t.Helper()
	maps := string(must(os.ReadFile("/proc/self/maps"))(t))
	at := strings.Index(maps, "/libobs.so")
	if at < 0 {
		t.Fatal("the library is in no map of this process")
	}
	line := maps[strings.LastIndex(maps[:at], "\n")+1 : at+strings.Index(maps[at:], "\n")]
	library := line[strings.Index(line, "/"):]
	program := filepath.Join(folder, "bin", "program")
	for from, to := range map[string]string{library: filepath.Join(folder, "bin", "libobs.so.1"), "/proc/self/exe": program} {
		if err := os.WriteFile(to, must(os.ReadFile(from))(t), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return program
}

func newShared(t *testing.T) *shared {
	t.Helper()
	if os.Geteuid() != 0 {
		fmt.Println("SKIPPED shared workspaces: only root can become other users; run as root in a container, it is tested")
		return nil
	}
	folder := must(os.MkdirTemp("", "obs-shared-"))(t) // that of the test is closed to other users
	t.Cleanup(func() { os.RemoveAll(folder) })
	night := &shared{folder: folder, place: filepath.Join(folder, "night")}
	for _, path := range []string{folder, filepath.Join(folder, "bin")} {
		os.Mkdir(path, 0o755)
		os.Chmod(path, 0o755)
	}
	night.program = reachable(t, folder)
	for _, user := range []int{account, ada, eve} {
		home := filepath.Join(folder, fmt.Sprint(user))
		os.MkdirAll(filepath.Join(home, ".config/obs"), 0o700)
		line := fmt.Sprintf("%s %d\n", night.place, account)
		if err := os.WriteFile(filepath.Join(home, ".config/obs/trusted"), []byte(line), 0o600); err != nil {
			t.Fatal(err)
		}
		filepath.WalkDir(home, func(path string, _ fs.DirEntry, _ error) error { return os.Chown(path, user, nobodys) })
	}
	if err := obs.InitShared(ctx, night.place, obs.SharedOptions{Account: fmt.Sprint(account), Group: fmt.Sprint(earth)}); err != nil {
		t.Fatal(err)
	}
	for _, done := range []answer{night.as(t, account, sky, "create", "default", "sky"), night.as(t, ada, earth, "put", "default", "raw/a")} {
		if done.Status != "" {
			t.Fatal(done)
		}
	}
	return night
}

func TestMembersOfASharedWorkspace(t *testing.T) {
	night := newShared(t)
	if night == nil {
		return
	}
	for _, who := range [][2]uint32{{ada, earth}, {account, nobodys}} {
		if seen := night.as(t, who[0], who[1], "list", "default", ""); seen != (answer{"", "raw/a 5;"}) {
			t.Errorf("%d sees %v", who[0], seen)
		}
	}
	if seen := night.as(t, eve, sky, "list", "sky", ""); seen != (answer{}) {
		t.Errorf("in her own tenant there is %v", seen)
	}
	for part, what := range map[string]string{"create": "moon", "issue": "", "act": ""} {
		if refused := night.as(t, ada, earth, part, "default", what); refused.Status != obs.PermissionDenied.String() {
			t.Errorf("%s: %v", part, refused)
		}
	}
}

func TestOthersAreToldTheSameWhetherItIsThereOrNot(t *testing.T) {
	night := newShared(t)
	if night == nil {
		return
	}
	told := map[string]bool{}
	for _, tenant := range []string{"default", "no-such"} {
		for _, refused := range []answer{night.as(t, eve, sky, "list", tenant, ""), night.as(t, eve, sky, "show", "sky", tenant)} {
			if refused.Status != obs.PermissionDenied.String() || !strings.Contains(refused.Text, tenant) {
				t.Errorf("%s: %v", tenant, refused)
			}
			told[strings.ReplaceAll(refused.Text, tenant, "…")] = true
		}
	}
	for _, key := range []string{"raw/a", "raw/b"} { // theirs, and nobody's
		absent := night.as(t, eve, sky, "get", "sky", key)
		if absent.Status != obs.NotFound.String() {
			t.Errorf("%s: %v", key, absent)
		}
		told[strings.ReplaceAll(absent.Text, key, "…")] = true
	}
	if len(told) != 2 {
		t.Errorf("one sentence for tenants and one for objects: %v", told)
	}
}

func TestTheSystemKeepsOthersOut(t *testing.T) {
	night := newShared(t)
	if night == nil {
		return
	}
	if done := night.as(t, account, nobodys, "issue", "default", ""); done.Status != "" {
		t.Fatal(done)
	}
	keys := must(filepath.Glob(filepath.Join(night.folder, fmt.Sprint(account), ".local/state/obs/*/keys/*.pem")))(t)
	if len(keys) == 0 {
		t.Fatal("the issuer has no key")
	}
	closed := keys
	for _, name := range []string{"tenants", "tenants/default", "tenants/default/tenant.db", "store", "store/raw/a", "audit"} {
		closed = append(closed, filepath.Join(night.place, name))
	}
	for _, path := range closed {
		must(os.Stat(path))(t)
		if said := night.as(t, eve, sky, "read", "", path); said.Text != "EACCES" {
			t.Errorf("%s: %v", path, said)
		}
	}
	if said := night.as(t, ada, earth, "read", "", keys[0]); said.Text != "EACCES" {
		t.Errorf("the keys, for a member: %v", said)
	}
	if said := night.as(t, ada, earth, "read", "", filepath.Join(night.place, "store/raw/a")); said != (answer{}) {
		t.Errorf("her own: %v", said)
	}
}
