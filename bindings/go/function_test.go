package obs_test

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	obs "github.com/libobs/libobs/bindings/go"
)

// The program of these tests is a function, too, when the runner starts it.
func init() {
	if os.Getenv("OBS_FUNCTION") == "gopher" {
		obs.FunctionMain(gopher)
	}
}

func gopher(call *obs.FunctionCall) error {
	event := call.Event()
	frame, err := call.Get(event.Subject)
	if err != nil {
		return err
	}
	key := "products/" + event.ID
	if err := call.Put(key, []byte(strings.ToUpper(string(frame))), &obs.PutOptions{ContentType: "text/plain"}); err != nil {
		return err
	}
	switch string(frame) {
	case "bad":
		return fmt.Errorf("%w: the header is cut off", obs.Refused)
	case "panic":
		panic("out of plates")
	case "no-type":
		return call.Publish(obs.Event{Subject: key}, nil)
	case "no-key":
		return call.Put("", frame, nil)
	case "values":
		return call.Put(key+"-values", frame, &obs.PutOptions{Values: map[string]any{"n": make(chan int)}})
	case "outside":
		return call.PutFile(key+"-file", "/etc/passwd", nil)
	case "record":
		return call.Record("test.record", []byte("no JSON"))
	}
	folder, err := call.Folder()
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, "plot"), []byte("plot"), 0o600); err != nil {
		return err
	}
	if err := call.PutFile("products/plot", filepath.Join(folder, "plot"), nil); err != nil {
		return err
	}
	config, err := call.Config()
	if err != nil {
		return err
	}
	limit, err := config.Int("quality.limit")
	if err != nil {
		return err
	}
	if err := call.Put("products/limit", fmt.Append(nil, limit), nil); err != nil {
		return err
	}
	return call.Publish(obs.Event{Type: "org.example.product.made", Subject: key}, nil)
}

func TestFunction(t *testing.T) {
	obsctl, err := exec.LookPath("obsctl")
	if err != nil {
		t.Skip("SKIPPED functions in Go: there is no obsctl")
	}
	if checked {
		t.Skip("SKIPPED functions in Go: the memory of a checker does not fit into the limit of a function")
	}
	client := open(t)
	folder := filepath.Join(client.Workspace(), "functions", "gopher")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	manifest := fmt.Sprintf("name: gopher\ncommand: ['%s']\non: {type: org.example.raw}\nreads: [raw/]\nwrites: [products/]\n"+
		"publishes: [org.example.product]\nattempts: 1\nenvironment: {LD_LIBRARY_PATH: '%s'}\n",
		must(filepath.Abs(os.Args[0]))(t), os.Getenv("LD_LIBRARY_PATH"))
	if err := os.WriteFile(filepath.Join(folder, "function.yaml"), []byte(manifest), 0o600); err != nil {
		t.Fatal(err)
	}
	settings := filepath.Join(client.Workspace(), "config.yaml")
	if err := os.WriteFile(settings, []byte("quality: {limit: 3}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"good", "bad", "panic"} {
		must(client.Store().Put(ctx, "raw/"+name, []byte(name), nil))(t)
		must(client.Bus().Publish(ctx, obs.Event{Type: "org.example.raw", ID: name, Subject: "raw/" + name}, nil))(t)
	}
	if out, err := exec.Command(obsctl, "function", "run", "--once", "-w", client.Workspace()).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if made := string(must(client.Store().Get(ctx, "products/good", nil))(t)); made != "GOOD" {
		t.Errorf("it made %q", made)
	}
	if plot := string(must(client.Store().Get(ctx, "products/plot", nil))(t)); plot != "plot" {
		t.Errorf("it plotted %q", plot)
	}
	if limit := string(must(client.Store().Get(ctx, "products/limit", nil))(t)); limit != "3" {
		t.Errorf("the limit is %q", limit)
	}
	labels := must(client.Store().Head(ctx, "products/limit"))(t).Labels
	if want := fmt.Sprintf("%x", sha256.Sum256([]byte(`{"quality":{"limit":3}}`))); labels["configuration"] != want {
		t.Errorf("made with the configuration %q, not %q", labels["configuration"], want)
	}
	if _, err := client.Store().Get(ctx, "products/bad", nil); err == nil {
		t.Error("a product of a handler that failed is there")
	}
	again := must(client.Functions().Reproduce(ctx, "products/limit", nil))(t)
	if again.Verdict != obs.Identical || len(again.Differs) != 0 || again.Event.ID != "good" || again.Now == nil {
		t.Errorf("made again: %+v", again)
	}
	if known := string(must(client.Functions().Configuration(ctx, labels["configuration"]))(t)); known != `{"quality":{"limit":3}}` {
		t.Errorf("the configuration was %s", known)
	}
	if err := os.WriteFile(settings, []byte("quality: {limit: 4}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	again = must(client.Functions().Reproduce(ctx, "products/limit", &obs.ReproduceOptions{PresentCode: true}))(t)
	if again.Verdict != obs.Differs || len(again.Differs) != 1 || again.Differs[0].Settings[0].Name != "quality.limit" ||
		again.First == nil || again.First.Byte != 0 {
		t.Errorf("made again with another configuration: %+v", again)
	}
	if _, err := client.Functions().Reproduce(ctx, "absent", nil); !errors.Is(err, obs.NotFound) {
		t.Errorf("reproduced what is not there: %v", err)
	}
	for what, rows := range map[string]*obs.Rows{
		"list":   must(client.Functions().List(ctx))(t),
		"logs":   must(client.Functions().Logs(ctx, "gopher", "panic"))(t),
		"replay": must(client.Functions().Replay(ctx, "good", "gopher"))(t),
	} {
		if found := row(t, rows); found == nil {
			t.Errorf("%s: no row", what)
		}
	}
	reasons := fmt.Sprint(row(t, must(client.Bus().DeadLetters(ctx, "function.gopher"))(t)))
	if !strings.Contains(reasons, "the header is cut off") {
		t.Errorf("the reason is %s", reasons)
	}
	wrongOutputs(t, client, obsctl)
}

// Outputs of a wrong kind: each call is a dead letter with a reason, and nothing of it happens.
func wrongOutputs(t *testing.T, client *obs.Client, obsctl string) {
	wanted := map[string]string{
		"no-type": "type is missing", "no-key": "key and data are required", "values": "unsupported type: chan int",
		"outside": "is no path in the folder of the call", "record": "no data definition 'test.record'",
	}
	for name := range wanted {
		must(client.Store().Put(ctx, "raw/"+name, []byte(name), nil))(t)
		must(client.Bus().Publish(ctx, obs.Event{Type: "org.example.raw", ID: name, Subject: "raw/" + name}, nil))(t)
	}
	if out, err := exec.Command(obsctl, "function", "run", "--once", "-w", client.Workspace()).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	reasons := map[string]string{}
	for dead, err := range must(client.Bus().DeadLetters(ctx, "function.gopher"))(t).All() {
		var letter struct {
			Reason string
			Event  struct{ ID string }
		}
		if err == nil {
			err = json.Unmarshal(dead, &letter)
		}
		if err != nil {
			t.Fatal(err)
		}
		reasons[letter.Event.ID] = letter.Reason
	}
	for name, reason := range wanted {
		if !strings.Contains(reasons[name], reason) {
			t.Errorf("%s: the reason is %q", name, reasons[name])
		}
		if _, err := client.Store().Get(ctx, "products/"+name, nil); !errors.Is(err, obs.NotFound) {
			t.Errorf("a product of %s is there: %v", name, err)
		}
	}
}
