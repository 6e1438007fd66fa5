package obs_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	obs "github.com/libobs/libobs/bindings/go"
)

// home is a user of this test alone, without any token.
func home(t testing.TB) {
	t.Helper()
	folder := t.TempDir()
	t.Setenv("HOME", folder)
	t.Setenv("XDG_RUNTIME_DIR", filepath.Join(folder, "run"))
	t.Setenv("XDG_STATE_HOME", filepath.Join(folder, "state"))
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(folder, "config"))
	for _, name := range []string{"BEARER_TOKEN", "BEARER_TOKEN_FILE", "OBS_TENANT"} {
		t.Setenv(name, "") // so that it is what it was afterwards
		os.Unsetenv(name)
	}
}

// owned opens a new workspace of such a user.
func owned(t testing.TB) (*obs.Client, string) {
	t.Helper()
	home(t)
	folder := workspace(t)
	client := must(obs.Open(ctx, &obs.OpenOptions{Workspace: folder}))(t)
	t.Cleanup(func() { client.Close() })
	return client, folder
}

func bearer(t testing.TB, folder string, token *obs.Secret) *obs.Client {
	t.Helper()
	client := must(obs.Open(ctx, &obs.OpenOptions{Workspace: folder, Token: token}))(t)
	t.Cleanup(func() { client.Close() })
	return client
}

var ours = obs.VerifyOptions{Algorithms: []string{"EdDSA", "ES256"}}

func TestTokensSayWhatWasAskedFor(t *testing.T) {
	client, _ := owned(t)
	before := time.Now().Add(-time.Second)
	token := must(client.IssueToken(ctx, obs.TokenOptions{Subject: "function:photometry", Scope: []string{"storage.read:/raw", "storage.create:/products"},
		Lifetime: 90 * time.Minute}))(t)
	text := string(token.Reveal())
	if strings.Count(text, ".") != 2 || token.String() != "(secret)" {
		t.Errorf("a token is %s, shown as %s", text, token)
	}
	for range 2 { // the second time it is known
		claims := must(client.VerifyToken(ctx, text, ours))(t)
		if claims.Subject != "function:photometry" || claims.Tenant != "default" || claims.ID == "" || claims.Issuer == "" ||
			len(claims.Scope) != 2 || claims.Scope[1] != "storage.create:/products" ||
			claims.Expires.Sub(claims.Issued) != 90*time.Minute || claims.Issued.Before(before.Truncate(time.Second)) {
			t.Errorf("it says %+v", claims)
		}
	}
	plain := must(client.IssueToken(ctx, obs.TokenOptions{}))(t)
	if claims := must(client.VerifyToken(ctx, string(plain.Reveal()), ours))(t); claims.Subject != client.Subject() || claims.Expires.Sub(claims.Issued) != time.Hour {
		t.Errorf("by default it says %+v", claims)
	}
	keys := must(client.TokenKeys(ctx))(t)
	elsewhere, _ := owned(t)
	options := ours
	options.Keys, options.Issuer, options.Audience = keys, must(client.VerifyToken(ctx, text, ours))(t).Issuer, must(client.VerifyToken(ctx, text, ours))(t).Issuer
	if claims := must(elsewhere.VerifyToken(ctx, text, options))(t); claims.Subject != "function:photometry" {
		t.Errorf("with the issuer's keys it says %+v", claims)
	}
	_, err := elsewhere.VerifyToken(ctx, text, ours)
	refused(t, err, obs.Unauthenticated, "")
}

func TestTokensThatDoNotHold(t *testing.T) {
	client, folder := owned(t)
	token := must(client.IssueToken(ctx, obs.TokenOptions{Subject: "user:ada", Scope: []string{"storage.read:/raw"}}))(t)
	text := string(token.Reveal())
	_, err := client.VerifyToken(ctx, text, obs.VerifyOptions{})
	refused(t, err, obs.InvalidArgument, "algorithms are required")
	_, err = client.VerifyToken(ctx, text, obs.VerifyOptions{Algorithms: []string{"none"}})
	refused(t, err, obs.InvalidArgument, "none")
	_, err = client.VerifyToken(ctx, text, obs.VerifyOptions{Algorithms: []string{"HS256"}})
	refused(t, err, obs.InvalidArgument, "HS256")
	_, err = client.VerifyToken(ctx, text, obs.VerifyOptions{Algorithms: []string{"RS256"}})
	refused(t, err, obs.Unauthenticated, "")
	_, err = client.VerifyToken(ctx, text, obs.VerifyOptions{Algorithms: ours.Algorithms, Leeway: time.Hour})
	refused(t, err, obs.InvalidArgument, "600 seconds")
	_, err = client.VerifyToken(ctx, text, obs.VerifyOptions{Algorithms: ours.Algorithms, Keys: []byte("{")})
	refused(t, err, obs.InvalidArgument, "")
	forged := []byte(text)
	for at := 0; at < len(forged); at += 7 {
		forged[at] ^= 1
		if _, err = client.VerifyToken(ctx, string(forged), ours); !errors.Is(err, obs.Unauthenticated) || strings.Contains(err.Error(), text[len(text)-20:]) {
			t.Errorf("altered at %d: %v", at, err)
		}
		forged[at] ^= 1
	}
	for _, wrong := range []string{"", "x", "eyJ.eyJ.x", text + "\x00", strings.Repeat("e", 20_000)} {
		if _, err = client.VerifyToken(ctx, wrong, ours); !errors.Is(err, obs.Unauthenticated) || !errors.Is(err, fs.ErrPermission) {
			t.Errorf("%.10q gives %v", wrong, err)
		}
	}
	for _, at := range []int{0, len(text) / 2, len(text) - 10} {
		forged[at] ^= 1
		wrong := must(obs.NewSecret(forged))(t)
		_, err = obs.Open(ctx, &obs.OpenOptions{Workspace: folder, Token: wrong})
		refused(t, err, obs.Unauthenticated, "")
		refused(t, client.Login(ctx, wrong), obs.Unauthenticated, "")
		forged[at] ^= 1
	}
	token.Close()
	_, err = obs.Open(ctx, &obs.OpenOptions{Workspace: folder, Token: token})
	refused(t, err, obs.FailedPrecondition, "closed")
	refused(t, client.Login(ctx, token), obs.FailedPrecondition, "closed")
}

func TestABearerHasItsScopes(t *testing.T) {
	client, folder := owned(t)
	must(client.Store().Put(ctx, "raw/a", []byte("a"), nil))(t)
	must(client.Store().Put(ctx, "kept/a", []byte("a"), nil))(t)
	token := must(client.IssueToken(ctx, obs.TokenOptions{Subject: "function:photometry", Scope: []string{"storage.read:/raw", "storage.create:/products"}}))(t)
	function := bearer(t, folder, token)
	token.Close() // it has its own
	if function.Subject() != "function:photometry" || string(must(function.Store().Get(ctx, "raw/a", nil))(t)) != "a" {
		t.Errorf("the bearer is %s", function.Subject())
	}
	who := must(function.WhoAmI())(t)
	if who.Token == nil || who.Token.Scope != "storage.read:/raw storage.create:/products" || who.Token.ID == "" || time.Until(who.Token.Expires) > time.Hour || who.Actor != client.Subject() {
		t.Errorf("the bearer is %+v", who)
	}
	_, there := function.Store().Get(ctx, "kept/a", nil)
	refused(t, there, obs.PermissionDenied, "function:photometry")
	_, none := function.Store().Get(ctx, "kept/none", nil)
	if none.Error() != there.Error() || !errors.Is(none, fs.ErrPermission) {
		t.Errorf("'%v' tells more than '%v'", none, there)
	}
	must(function.Store().Put(ctx, "products/a", nil, nil))(t)
	_, err := function.Store().Put(ctx, "products/a", nil, nil)
	refused(t, err, obs.PermissionDenied, "storage.modify")
	if _, err = function.IssueToken(ctx, obs.TokenOptions{Scope: []string{"storage.read:/"}}); err != nil {
		refused(t, err, obs.PermissionDenied, "more than")
	} else {
		t.Error("a bearer issued more than it has")
	}
	_, err = client.IssueToken(ctx, obs.TokenOptions{Tenant: "pluto"})
	refused(t, err, obs.NotFound, "pluto")
	_, err = client.IssueToken(ctx, obs.TokenOptions{Scope: []string{"storage.everything"}})
	refused(t, err, obs.InvalidArgument, "")
	_, err = client.IssueToken(ctx, obs.TokenOptions{Lifetime: 48 * time.Hour})
	refused(t, err, obs.InvalidArgument, "")
}

func TestActingWithAToken(t *testing.T) {
	client, _ := owned(t)
	token := must(client.IssueToken(ctx, obs.TokenOptions{Subject: "user:ada", Scope: []string{"storage.create:/ada"}}))(t)
	ada := must(client.As(ctx, obs.AsOptions{Token: token}))(t)
	defer ada.Close()
	if ada.Subject() != "user:ada" {
		t.Errorf("it acts for %s", ada.Subject())
	}
	must(ada.Store().Put(ctx, "ada/a", nil, nil))(t)
	_, err := ada.Store().Put(ctx, "bob/a", nil, nil)
	refused(t, err, obs.PermissionDenied, "user:ada")
	_, err = ada.As(ctx, obs.AsOptions{Subject: "user:owen"})
	refused(t, err, obs.PermissionDenied, "without a token")
	_, err = client.As(ctx, obs.AsOptions{Token: must(obs.NewSecret([]byte("eyJ.eyJ.x")))(t)})
	refused(t, err, obs.Unauthenticated, "")
	bob := must(client.As(ctx, obs.AsOptions{Subject: "user:bob"}))(t)
	defer bob.Close()
	if bob.Subject() != "user:bob" || bob.Tenant() != "default" {
		t.Errorf("by the owner's word it acts for %s in %s", bob.Subject(), bob.Tenant())
	}
}

func TestLoginAndLogout(t *testing.T) {
	client, folder := owned(t)
	token := must(client.IssueToken(ctx, obs.TokenOptions{Subject: "user:ada"}))(t)
	if err := client.Login(ctx, token); err != nil {
		t.Fatal(err)
	}
	if ada := bearer(t, folder, nil); ada.Subject() != "user:ada" {
		t.Errorf("after a login it is %s", ada.Subject())
	}
	none := must(obs.NewSecret([]byte("-")))(t)
	if plain := bearer(t, folder, none); plain.Subject() != client.Subject() {
		t.Errorf("with no token it is %s", plain.Subject())
	}
	empty := must(obs.NewSecret(nil))(t)
	if _, err := obs.Open(ctx, &obs.OpenOptions{Workspace: folder, Token: empty}); !errors.Is(err, obs.Unauthenticated) {
		t.Errorf("an empty token gives %v", err)
	}
	for range 2 {
		if err := client.Logout(ctx); err != nil {
			t.Error(err)
		}
	}
	if plain := bearer(t, folder, nil); plain.Subject() != client.Subject() {
		t.Errorf("after a logout it is %s", plain.Subject())
	}
}

func TestRotatedKeys(t *testing.T) {
	client, _ := owned(t)
	old := must(client.IssueToken(ctx, obs.TokenOptions{}))(t)
	keys := func() (count int) {
		var set struct{ Keys []map[string]any }
		if err := json.Unmarshal(must(client.TokenKeys(ctx))(t), &set); err != nil {
			t.Fatal(err)
		}
		for _, key := range set.Keys {
			if key["d"] != nil {
				t.Error("a private key was published")
			}
		}
		return len(set.Keys)
	}
	before := keys()
	if err := client.RotateKeys(ctx); err != nil {
		t.Fatal(err)
	}
	fresh := must(client.IssueToken(ctx, obs.TokenOptions{}))(t)
	for _, token := range []*obs.Secret{old, fresh} {
		must(client.VerifyToken(ctx, string(token.Reveal()), ours))(t)
	}
	if after := keys(); after <= before {
		t.Errorf("%d keys became %d", before, after)
	}
}

func TestTheTokenOfTheEnvironment(t *testing.T) {
	client, folder := owned(t)
	token := must(client.IssueToken(ctx, obs.TokenOptions{Subject: "function:a", Scope: []string{"storage.read:/raw"}}))(t)
	text := string(token.Reveal())
	child := exec.Command(os.Args[0], "-test.run=TestChildWithABearerToken", "-test.v")
	child.Env = append(os.Environ(), "OBSGO_CHILD="+folder, "BEARER_TOKEN="+text)
	said, err := child.CombinedOutput()
	if err != nil || !bytes.Contains(said, []byte("--- PASS: TestChildWithABearerToken")) || bytes.Contains(said, []byte(text)) {
		t.Errorf("the child says %s, %v", said, err)
	}
}

// What TestTheTokenOfTheEnvironment runs in a process of its own: the variable is taken once.
func TestChildWithABearerToken(t *testing.T) {
	folder := os.Getenv("OBSGO_CHILD")
	if folder == "" {
		return
	}
	client := must(obs.Open(context.Background(), &obs.OpenOptions{Workspace: folder}))(t)
	defer client.Close()
	if client.Subject() != "function:a" || os.Getenv("BEARER_TOKEN") != "" {
		t.Errorf("it is %s, and BEARER_TOKEN is there", client.Subject())
	}
	if inherited := must(exec.Command("env").Output())(t); bytes.Contains(inherited, []byte("BEARER_TOKEN")) {
		t.Error("a child inherits the token")
	}
}

func TestTokensAreRevoked(t *testing.T) {
	client, folder := owned(t)
	tokens := make([]*obs.Secret, 3)
	for i, subject := range []string{"function:a", "function:a", "function:b"} {
		tokens[i] = must(client.IssueToken(ctx, obs.TokenOptions{Subject: subject}))(t)
	}
	claims := must(client.VerifyToken(ctx, string(tokens[0].Reveal()), ours))(t)
	if err := client.RevokeToken(ctx, claims.ID); err != nil {
		t.Fatal(err)
	}
	_, err := client.VerifyToken(ctx, string(tokens[0].Reveal()), ours)
	refused(t, err, obs.Unauthenticated, "was revoked")
	bearer(t, folder, tokens[1])
	if err := client.RevokeSubject(ctx, "function:a"); err != nil {
		t.Fatal(err)
	}
	_, err = obs.Open(ctx, &obs.OpenOptions{Workspace: folder, Token: tokens[1]})
	refused(t, err, obs.Unauthenticated, "was revoked")
	bearer(t, folder, tokens[2])
	bearer(t, folder, must(client.IssueToken(ctx, obs.TokenOptions{Subject: "function:a"}))(t))
	refused(t, client.RevokeToken(ctx, "no-id"), obs.InvalidArgument, "22 letters")
	refused(t, client.RevokeSubject(ctx, "nobody"), obs.InvalidArgument, "is no subject")
}
