package obs_test

import (
	"bytes"
	"encoding/base64"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	obs "github.com/libobs/libobs/bindings/go"
)

const password = "hunter2-correct-horse"

// shown is all that Go can make of a value.
func shown(value any) string {
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%p", "%t", "%T", "%w", "%10.3s"} {
		fmt.Fprintf(&out, verb+"\n", value)
	}
	fmt.Fprintln(&out, value, fmt.Errorf("failed: %v", value), errors.New(fmt.Sprint(value)))
	text, err := json.Marshal(value)
	fmt.Fprintln(&out, string(text), err)
	text, err = xml.Marshal(value)
	fmt.Fprintln(&out, string(text), err)
	fmt.Fprintln(&out, gob.NewEncoder(&out).Encode(value))
	log.New(&out, "", 0).Print(value)
	slog.New(slog.NewTextHandler(&out, nil)).Info("m", "value", value, slog.Group("g", slog.Any("inner", value)))
	slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "value", value)
	return out.String()
}

// sees says whether a text has the password in any form.
func sees(text string) bool {
	for _, form := range []string{password, base64.StdEncoding.EncodeToString([]byte(password)), hex.EncodeToString([]byte(password)),
		strings.ToUpper(hex.EncodeToString([]byte(password))), fmt.Sprint([]byte(password))} {
		if strings.Contains(text, form) {
			return true
		}
	}
	return false
}

func TestNothingShowsASecret(t *testing.T) {
	type login struct {
		User     string
		Password *obs.Secret
		Copy     obs.Secret
		hidden   *obs.Secret
		inner    obs.Secret
	}
	secret := must(obs.NewSecret([]byte(password)))(t)
	defer secret.Close()
	for _, value := range []any{secret, *secret, &secret, []*obs.Secret{secret}, map[string]obs.Secret{"p": *secret}, map[*obs.Secret]int{secret: 1},
		map[obs.Secret]int{*secret: 1}, login{"ada", secret, *secret, secret, *secret}, &login{"ada", secret, *secret, secret, *secret}} {
		if text := shown(value); sees(text) {
			t.Errorf("%T is shown: %s", value, text)
		}
	}
	if !sees(shown(password)) || !sees(shown([]byte(password))) || !sees(shown(struct{ P string }{password})) {
		t.Error("a canary is not found")
	}
	for _, got := range []string{secret.String(), fmt.Sprintf("%#v", secret), fmt.Sprintf("%s %d", *secret, secret)[:8], secret.LogValue().String()} {
		if got != "(secret)" {
			t.Errorf("it is shown as %s", got)
		}
	}
	if text := must(json.Marshal(login{User: "ada", Password: secret}))(t); string(text) != `{"User":"ada","Password":"(secret)","Copy":"(secret)"}` {
		t.Errorf("as JSON it is %s", text)
	}
	if err := json.Unmarshal([]byte(`"x"`), secret); err == nil {
		t.Error("a secret was read from JSON")
	}
}

func TestSecretBytes(t *testing.T) {
	for _, content := range [][]byte{{}, {0}, []byte(password), bytes.Repeat([]byte{0xff, 0}, 32768)} {
		secret := must(obs.NewSecret(content))(t)
		if got := secret.Reveal(); got == nil || !bytes.Equal(got, content) {
			t.Errorf("%d bytes came back as %d", len(content), len(got))
		}
		again := secret
		told := errors.New("told")
		if err := again.View(func(lent []byte) error {
			secret.Close() // beside one who looks
			if !bytes.Equal(lent, content) {
				t.Error("what is looked at is gone")
			}
			if again.Reveal() != nil {
				t.Error("who comes after Close sees it")
			}
			return told
		}); err != told {
			t.Errorf("the function's error is %v", err)
		}
		secret.Close()
		if secret.Reveal() != nil {
			t.Error("a closed one is revealed")
		}
		refused(t, secret.View(func([]byte) error { return nil }), obs.FailedPrecondition, "closed")
	}
	_, err := obs.NewSecret(make([]byte, 65537))
	refused(t, err, obs.InvalidArgument, "65536")
	if none := new(obs.Secret); none.Reveal() != nil || none.Close() != nil || none.String() != "(secret)" {
		t.Error("the zero secret is one")
	}
}

func TestSecretsOfTheConfiguration(t *testing.T) {
	file := filepath.Join(t.TempDir(), "archive")
	write(t, file, password+"\n")
	t.Setenv("OBSGO_PASSWORD", password)
	t.Setenv("OBSGO_OTHER", "other")
	client, folder := configured(t, "secrets: ['env:OBSGO_PASSWORD', 'file:"+file+"', 'env:OBSGO_NEVER']\n",
		"mpc: {password: '${secret:env:OBSGO_PASSWORD}', user: ada}\narchive: '${secret:file:"+file+"}'\nnever: '${secret:env:OBSGO_NEVER}'\n")
	config := client.Config()
	snapshot := closing(config.Snapshot(ctx))(t)
	for _, values := range []*obs.Values{&config.Values, &snapshot.Values} {
		for _, name := range []string{"mpc.password", "archive"} {
			secret := must(values.Secret(name))(t)
			if got := secret.Reveal(); string(got) != password {
				t.Errorf("%s is %q", name, got)
			}
			secret.Close()
		}
	}
	if child := must(exec.Command("env").Output())(t); sees(string(child)) || os.Getenv("OBSGO_PASSWORD") != "" || !bytes.Contains(child, []byte("OBSGO_OTHER=other")) {
		t.Errorf("a child has %s", child)
	}
	_, err := config.Secret("never")
	refused(t, err, obs.Unavailable, "OBSGO_NEVER is not set")
	_, err = config.String("mpc.password")
	refused(t, err, obs.InvalidArgument, "'mpc.password' is a secret")
	_, err = config.StringSetting("mpc.password", obs.SettingOptions{})
	refused(t, err, obs.InvalidArgument, "'mpc.password' is a secret")
	refused(t, config.Set(ctx, "new", "${secret:env:HOME}", nil), obs.PermissionDenied, "env:HOME")
	whole := string(must(config.JSON(""))(t)) + fmt.Sprint(must(config.Explain(ctx, ""))(t), must(config.Sources(ctx))(t))
	if sees(whole) || !strings.Contains(whole, `{"secret":"env:OBSGO_PASSWORD"}`) {
		t.Errorf("the whole is %s", whole)
	}
	write(t, file, "rotated")
	if got := must(config.Secret("archive"))(t).Reveal(); string(got) != "rotated" {
		t.Errorf("a rotated one is %q", got)
	}
	os.Chmod(file, 0o644)
	os.Chtimes(file, time.Now(), time.Now().Add(time.Second))
	_, err = config.Secret("archive")
	refused(t, err, obs.PermissionDenied, "can be read by others: run 'chmod go= ")
	client.Close()
	found := 0
	filepath.WalkDir(folder, func(path string, _ os.DirEntry, _ error) error {
		if content, err := os.ReadFile(path); err == nil {
			found++
			if sees(string(content)) {
				t.Errorf("%s has it", path)
			}
		}
		return nil
	})
	if found < 3 {
		t.Errorf("only %d files were searched", found)
	}
}

func TestSecretsThatNobodyClosed(t *testing.T) {
	mapped := func() int { return bytes.Count(must(os.ReadFile("/proc/self/maps"))(t), []byte("\n")) }
	before := mapped()
	for range 300 { // each has memory of its own
		must(obs.NewSecret(make([]byte, 60_000)))(t)
	}
	grown := mapped() - before
	for range 6000 {
		runtime.GC()
		if mapped() <= before+grown/2 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("of %d mappings that were made there are still %d", grown, mapped()-before)
}

func TestSecretsBesideClose(t *testing.T) {
	var group sync.WaitGroup
	for range 50 {
		secret := must(obs.NewSecret([]byte(password)))(t)
		for range 4 {
			spawn(&group, func() {
				for {
					got := secret.Reveal()
					if got == nil {
						return
					}
					if string(got) != password {
						t.Errorf("it is %q", got)
					}
				}
			})
		}
		spawn(&group, func() { secret.Close() })
	}
	group.Wait()
}
