package obs_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	obs "github.com/libobs/libobs/bindings/go"
)

// configured opens a workspace whose obs.yaml ends with these lines and whose config.yaml is this. Its state lies beside it.
func configured(t testing.TB, lines, document string) (*obs.Client, string) {
	t.Helper()
	folder := workspace(t)
	t.Setenv("XDG_STATE_HOME", filepath.Join(filepath.Dir(folder), "state"))
	write(t, filepath.Join(folder, "obs.yaml"), "store: file:store\n"+lines)
	write(t, filepath.Join(folder, "config.yaml"), document)
	client := must(obs.Open(ctx, &obs.OpenOptions{Workspace: folder}))(t)
	t.Cleanup(func() { client.Close() })
	return client, folder
}

// closing is must for what keeps the configuration of a workspace in use: it is closed before its folder is removed.
func closing[T io.Closer](value T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		must(value, err)(t)
		t.Cleanup(func() { value.Close() })
		return value
	}
}

// write replaces a file as editors do it.
func write(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// refused checks an error's type, status and words.
func refused(t testing.TB, err error, status obs.Status, part string) {
	t.Helper()
	var failed *obs.Error
	if !errors.As(err, &failed) || failed.Status != status || !strings.Contains(failed.Message, part) {
		t.Errorf("the error is %v (%T), not %s with '%s'", err, err, status, part)
	}
}

const ccd = `ccd:
  gain: 1.5
  bin: 2
  cooled: true
  exposure: 1h30m
  memory: 64MiB
  filter: V
sites: [{name: La Silla}, {name: Paranal}]
`

func TestValues(t *testing.T) {
	client, _ := configured(t, "", ccd)
	config := client.Config()
	snapshot := closing(config.Snapshot(ctx))(t)
	for _, values := range []*obs.Values{&config.Values, &snapshot.Values} {
		if got := must(values.Float("ccd.gain"))(t); got != 1.5 {
			t.Errorf("gain is %v", got)
		}
		if got := must(values.Float("ccd.bin"))(t); got != 2 {
			t.Errorf("bin as a number is %v", got)
		}
		if got := must(values.Int("ccd.bin"))(t); got != 2 {
			t.Errorf("bin is %v", got)
		}
		if got := must(values.Bool("ccd.cooled"))(t); !got {
			t.Errorf("cooled is %v", got)
		}
		if got := must(values.Duration("ccd.exposure"))(t); got != 90*time.Minute {
			t.Errorf("exposure is %v", got)
		}
		if got := must(values.Bytes("ccd.memory"))(t); got != 64<<20 {
			t.Errorf("memory is %v", got)
		}
		if got := must(values.String("sites.1.name"))(t); got != "Paranal" {
			t.Errorf("the site is %q", got)
		}
		if got := must(values.JSON("sites"))(t); string(got) != `[{"name":"La Silla"},{"name":"Paranal"}]` {
			t.Errorf("the sites are %s", got)
		}
		if got := values.Version(); got != 1 {
			t.Errorf("the version is %d", got)
		}
	}
	if name := closing(config.Snapshot(ctx))(t).Version(); name != 1 {
		t.Errorf("a second snapshot has version %d", name)
	}
}

func TestValuesThatAreNotThere(t *testing.T) {
	client, _ := configured(t, "", ccd)
	config := client.Config()
	_, err := config.Float("ccd.gian")
	refused(t, err, obs.NotFound, "did you mean 'ccd.gain'?")
	if !errors.Is(err, fs.ErrNotExist) || !errors.Is(err, obs.NotFound) {
		t.Errorf("it is not the error of the standard library: %v", err)
	}
	_, err = config.Float("ccd.filter")
	refused(t, err, obs.InvalidArgument, "config.yaml:7:11: 'ccd.filter' is a text, not a number")
	if failed := err.(*obs.Error); failed.Line != 7 || failed.Column != 11 || !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("its place is %d:%d", failed.Line, failed.Column)
	}
	_, err = config.Int("ccd.gain")
	refused(t, err, obs.InvalidArgument, "is a number, not an integer")
	_, err = config.Duration("ccd.bin")
	refused(t, err, obs.InvalidArgument, "is an integer, not a time span as in 250ms")
	_, err = config.Bytes("ccd.filter")
	refused(t, err, obs.InvalidArgument, "not a size as in 64MiB")
	_, err = config.String("ccd.gain")
	refused(t, err, obs.InvalidArgument, "is a number, not a text")
	_, err = config.Bool("ccd")
	refused(t, err, obs.InvalidArgument, "is a mapping, not true or false")
	_, err = config.Secret("ccd.filter")
	refused(t, err, obs.InvalidArgument, "is a text, not a secret")
	_, err = config.JSON("telescope")
	refused(t, err, obs.NotFound, "there is no 'telescope'")
	_, err = config.Explain(ctx, "telescope")
	refused(t, err, obs.NotFound, "telescope")
}

func TestNamesOfEveryKind(t *testing.T) {
	long := strings.Repeat("x", 255) // the first that needs more room than others
	client, _ := configured(t, "", fmt.Sprintf("%s: 1\n%s: 2\n%s: 3\na.b: 5\n", long[1:], long, long+"x"))
	config := client.Config()
	for name, want := range map[string]int64{long[1:]: 1, long: 2, long + "x": 3, `a\.b`: 5} {
		if got := must(config.Int(name))(t); got != want {
			t.Errorf("%.10s… of %d bytes is %d", name, len(name), got)
		}
	}
	for _, name := range []string{"a\x00b", long + "\x00", "\x00"} {
		_, err := config.Int(name)
		refused(t, err, obs.InvalidArgument, "no NUL")
		_, err = config.String(name)
		refused(t, err, obs.InvalidArgument, "no NUL")
		refused(t, config.Set(ctx, name, 1, nil), obs.InvalidArgument, "no NUL")
		_, err = config.IntSetting(name, obs.SettingOptions{Default: 1})
		refused(t, err, obs.InvalidArgument, "no NUL")
	}
	_, err := config.Int(strings.Repeat("y", 1<<20))
	refused(t, err, obs.NotFound, "yyy")
}

func TestUnmarshal(t *testing.T) {
	client, _ := configured(t, "", ccd)
	var camera struct {
		Gain   float64
		Bin    int
		Cooled bool
		Filter string
	}
	if err := client.Config().Unmarshal("ccd", &camera); err != nil || camera.Gain != 1.5 || camera.Bin != 2 || !camera.Cooled || camera.Filter != "V" {
		t.Errorf("the camera is %+v, %v", camera, err)
	}
	var whole map[string]any
	if err := client.Config().Unmarshal("", &whole); err != nil || len(whole) != 2 {
		t.Errorf("the whole is %v, %v", whole, err)
	}
	err := client.Config().Unmarshal("sites", &camera)
	refused(t, err, obs.InvalidArgument, "'sites' does not fit: json: cannot unmarshal array")
	var kind *json.UnmarshalTypeError
	if !errors.As(err, &kind) || kind.Value != "array" {
		t.Errorf("behind it is %v", kind)
	}
	refused(t, client.Config().Unmarshal("telescope", &camera), obs.NotFound, "telescope")
}

func TestReadingTheConfigurationDoesNotAllocate(t *testing.T) {
	client, _ := configured(t, "", ccd)
	config := client.Config()
	snapshot := closing(config.Snapshot(ctx))(t)
	gain := closing(config.FloatSetting("ccd.gain", obs.SettingOptions{}))(t)
	exposure := closing(config.DurationSetting("ccd.exposure", obs.SettingOptions{}))(t)
	filter := closing(config.StringSetting("ccd.filter", obs.SettingOptions{}))(t)
	name := string(append([]byte("ccd."), "gain"...)) // not a constant
	for what, read := range map[string]func() error{
		"Float":          func() error { _, err := config.Float("ccd.gain"); return err },
		"a made name":    func() error { _, err := client.Config().Float(name); return err },
		"Int":            func() error { _, err := config.Int("ccd.bin"); return err },
		"Bool":           func() error { _, err := config.Bool("ccd.cooled"); return err },
		"Duration":       func() error { _, err := config.Duration("ccd.exposure"); return err },
		"Bytes":          func() error { _, err := config.Bytes("ccd.memory"); return err },
		"of a snapshot":  func() error { _, err := snapshot.Float("ccd.gain"); return err },
		"a number":       func() error { _ = gain.Value(); return nil },
		"a time span":    func() error { _ = exposure.Value(); return nil },
		"a text":         func() error { _ = filter.Value(); return nil },
		"the version":    func() error { _ = config.Version(); return nil },
		"from a context": func() error { _, err := obs.ConfigFrom(ctx).Float("x"); return ignore(err) },
	} {
		most := 0.0
		if what == "from a context" { // there is none: the empty snapshot
			most = 1
		}
		got := testing.AllocsPerRun(100, func() {
			if err := read(); err != nil {
				t.Error(err)
			}
		})
		if got > most {
			t.Errorf("%s allocates %v times", what, got)
		}
	}
	if got := testing.AllocsPerRun(100, func() { _, _ = config.String("ccd.filter") }); got > 1 {
		t.Errorf("String allocates %v times", got)
	}
}

func ignore(error) error { return nil }

func TestSettings(t *testing.T) {
	client, _ := configured(t, "", "ccd: {gain: 1.5, old: 7, cooled: true, exposure: 250ms, memory: 1kB, filter: V}\n")
	config := client.Config()
	gain := closing(config.FloatSetting("ccd.gain", obs.SettingOptions{Default: 1, Min: 0.1, Max: "10"}))(t)
	offset := closing(config.IntSetting("ccd.offset", obs.SettingOptions{Default: 3}))(t)
	bin := closing(config.IntSetting("ccd.bin", obs.SettingOptions{Renamed: "ccd.old"}))(t)
	cooled := closing(config.BoolSetting("ccd.cooled", obs.SettingOptions{}))(t)
	exposure := closing(config.DurationSetting("ccd.exposure", obs.SettingOptions{Max: time.Minute}))(t)
	memory := closing(config.BytesSetting("ccd.memory", obs.SettingOptions{Max: "1MiB"}))(t)
	filter := closing(config.StringSetting("ccd.filter", obs.SettingOptions{}))(t)
	site := closing(config.StringSetting("site", obs.SettingOptions{Default: ""}))(t)
	if gain.Value() != 1.5 || offset.Value() != 3 || bin.Value() != 7 || !cooled.Value() || exposure.Value() != 250*time.Millisecond ||
		memory.Value() != 1000 || filter.Value() != "V" || site.Value() != "" {
		t.Errorf("the settings are %v %v %v %v %v %v %q %q", gain.Value(), offset.Value(), bin.Value(), cooled.Value(),
			exposure.Value(), memory.Value(), filter.Value(), site.Value())
	}
	for name, value := range map[string]any{"ccd.gain": 2.5, "ccd.cooled": false, "ccd.exposure": 90 * time.Second / 2, "ccd.filter": "R", "site": "Paranal"} {
		if err := config.Set(ctx, name, value, nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if gain.Value() != 2.5 || cooled.Value() || exposure.Value() != 45*time.Second || filter.Value() != "R" || site.Value() != "Paranal" {
		t.Errorf("then they are %v %v %v %q %q", gain.Value(), cooled.Value(), exposure.Value(), filter.Value(), site.Value())
	}
	refused(t, config.Set(ctx, "ccd.gain", 70, nil), obs.Refused, "'ccd.gain' is more than 10, which the program allows")
	refused(t, config.Set(ctx, "ccd.gain", "high", nil), obs.Refused, "'ccd.gain' is a text, not a number")
	refused(t, config.Set(ctx, "ccd.exposure", time.Hour, nil), obs.Refused, "more than 1m")
	if gain.Value() != 2.5 || exposure.Value() != 45*time.Second {
		t.Errorf("a refused change gives %v and %v", gain.Value(), exposure.Value())
	}
	gain.Close()
	gain.Close()
	if err := config.Set(ctx, "ccd.gain", 70, nil); err != nil || gain.Value() != 2.5 {
		t.Errorf("after Close %v is refused, or it is not what it was: %v", err, gain.Value())
	}
}

func TestSettingsThatCannotBe(t *testing.T) {
	client, _ := configured(t, "", "gain: 3\nname: ada\n")
	config := client.Config()
	_, err := config.FloatSetting("gian", obs.SettingOptions{})
	refused(t, err, obs.NotFound, "did you mean 'gain'?")
	_, err = config.IntSetting("name", obs.SettingOptions{})
	refused(t, err, obs.InvalidArgument, "is a text, not an integer")
	_, err = config.FloatSetting("gain", obs.SettingOptions{Max: 2})
	refused(t, err, obs.OutOfRange, "'gain' is more than 2, which the program allows")
	_, err = config.FloatSetting("gain", obs.SettingOptions{Max: "much"})
	refused(t, err, obs.InvalidArgument, "the option 'most' of a setting is 'much', not a number")
	_, err = config.StringSetting("name", obs.SettingOptions{Min: "a"})
	refused(t, err, obs.InvalidArgument, "a text has no smallest or largest value")
	_, err = config.FloatSetting("gain", obs.SettingOptions{Default: make(chan int)})
	refused(t, err, obs.InvalidArgument, "no such value can be written: json: unsupported type")
}

func TestSnapshots(t *testing.T) {
	client, _ := configured(t, "", "gain: 1\n")
	config := client.Config()
	before := closing(config.Snapshot(ctx))(t)
	gain := closing(before.FloatSetting("gain", obs.SettingOptions{}))(t)
	if err := config.Set(ctx, "gain", 2, nil); err != nil {
		t.Fatal(err)
	}
	after := closing(config.Snapshot(ctx))(t)
	if one, two, now := must(before.Int("gain"))(t), must(after.Int("gain"))(t), must(config.Int("gain"))(t); one != 1 || two != 2 || now != 2 {
		t.Errorf("they say %d, %d, %d", one, two, now)
	}
	if before.Version() != 1 || after.Version() != 2 || gain.Value() != 1 {
		t.Errorf("their versions are %d and %d, the setting is %v", before.Version(), after.Version(), gain.Value())
	}
	before.Close()
	before.Close()
	_, err := before.Int("gain")
	refused(t, err, obs.FailedPrecondition, "closed")
	_, err = before.Explain(ctx, "gain")
	refused(t, err, obs.FailedPrecondition, "closed")
	if before.Version() != 0 || gain.Value() != 1 {
		t.Errorf("afterwards the version is %d, the setting %v", before.Version(), gain.Value())
	}
	client.Close()
	if got := must(after.Int("gain"))(t); got != 2 {
		t.Errorf("without its client a snapshot says %d", got)
	}
}

func TestConfigurationOfAContext(t *testing.T) {
	client, _ := configured(t, "", "gain: 1\n")
	snapshot := closing(client.Config().Snapshot(ctx))(t)
	task := obs.WithConfig(obs.WithSubject(ctx, "user:ada"), snapshot)
	if obs.ConfigFrom(task) != snapshot || must(obs.ConfigFrom(task).Int("gain"))(t) != 1 {
		t.Error("the context has another configuration")
	}
	for _, without := range []context.Context{ctx, obs.WithConfig(ctx, nil)} {
		none := obs.ConfigFrom(without)
		_, err := none.Int("gain")
		refused(t, err, obs.FailedPrecondition, "no configuration in this context: put one there with obs.WithConfig")
		if none.Version() != 0 || none.Close() != nil {
			t.Error("no configuration is one")
		}
	}
}

func TestSet(t *testing.T) {
	client, folder := configured(t, "schema: file:schema.json\n", "# kept\ngain: 1 # this too\nother: 1\n")
	write(t, filepath.Join(folder, "schema.json"), `{"properties":{"gain":{"type":"number","maximum":10}}}`)
	config := client.Config()
	origin := must(config.Explain(ctx, "gain"))(t)
	if len(origin) != 1 || string(origin[0].Value) != "1" || origin[0].Place != "config.yaml:2:7" || origin[0].Layer != "file:config.yaml" {
		t.Fatalf("it comes from %+v", origin)
	}
	refused(t, config.Set(ctx, "gain", 11, nil), obs.Refused, "does not fit the schema: 11 is greater than the maximum 10")
	refused(t, config.Set(ctx, "gain", 11, &obs.SetOptions{DryRun: true}), obs.Refused, "schema")
	if err := config.Set(ctx, "gain", 5, &obs.SetOptions{DryRun: true}); err != nil || must(config.Int("gain"))(t) != 1 {
		t.Errorf("a trial gives %v", err)
	}
	if err := config.Set(ctx, "gain", 2.5, &obs.SetOptions{IfMatch: origin[0].ETag, Layer: "file:config.yaml"}); err != nil {
		t.Error(err)
	}
	refused(t, config.Set(ctx, "gain", 3, &obs.SetOptions{IfMatch: origin[0].ETag}), obs.Aborted, "was changed by somebody else")
	refused(t, config.Set(ctx, "gain", 3, &obs.SetOptions{Layer: "file:none.yaml"}), obs.InvalidArgument, "no layer 'file:none.yaml'")
	if content := must(os.ReadFile(filepath.Join(folder, "config.yaml")))(t); string(content) != "# kept\ngain: 2.5 # this too\nother: 1\n" {
		t.Errorf("the document is %s", content)
	}
	if err := config.Unset(ctx, "other", nil); err != nil {
		t.Error(err)
	}
	_, err := config.Int("other")
	refused(t, err, obs.NotFound, "other")
	refused(t, config.Unset(ctx, "other", nil), obs.NotFound, "nothing to remove")
	kept := must(obs.NewSecret([]byte("hunter2")))(t)
	refused(t, config.Set(ctx, "password", kept, nil), obs.InvalidArgument, "${secret:env:NAME}")
	refused(t, config.Set(ctx, "password", *kept, nil), obs.InvalidArgument, "${secret:env:NAME}")
	refused(t, config.Set(ctx, "f", func() {}, nil), obs.InvalidArgument, "json: unsupported type")
	reader := must(obs.Open(ctx, &obs.OpenOptions{Workspace: folder, ReadOnly: true}))(t)
	defer reader.Close()
	refused(t, reader.Config().Set(ctx, "gain", 1, nil), obs.FailedPrecondition, "")
}

func TestValuesOfEveryKindComeBack(t *testing.T) {
	client, _ := configured(t, "", "a: 1\n")
	config := client.Config()
	for _, value := range []any{"no", "1.5", "", "a: b # <&> é\n\"x\"", "250ms", true, -3, 1e300, 0.1, []int{1, 2}, map[string]any{"x": []string{"y"}}, json.RawMessage(`{"z":1}`)} {
		if err := config.Set(ctx, "a", value, nil); err != nil {
			t.Errorf("%v: %v", value, err)
			continue
		}
		want := must(json.Marshal(value))(t)
		var one, two any
		_ = json.Unmarshal(want, &one)
		if err := config.Unmarshal("a", &two); err != nil || fmt.Sprint(one) != fmt.Sprint(two) {
			t.Errorf("%v came back as %v, %v", one, two, err)
		}
	}
	for span, want := range map[time.Duration]string{0: "0ns", time.Hour: "1h", 90 * time.Minute: "90m", 1500 * time.Millisecond: "1500ms", time.Microsecond: "1us", 7: "7ns"} {
		if err := config.Set(ctx, "a", span, nil); err != nil || must(config.Duration("a"))(t) != span || must(config.String("a"))(t) != want {
			t.Errorf("%v is written as %s, %v", span, must(config.JSON("a"))(t), err)
		}
	}
}

func TestExplainAndSources(t *testing.T) {
	client, folder := configured(t, "config: [file:base.yaml, file:config.yaml]\n", "gain: 2\n")
	write(t, filepath.Join(folder, "base.yaml"), "gain: 1\nbin: 2\n")
	config := client.Config()
	origins := must(config.Explain(ctx, ""))(t)
	if len(origins) != 2 {
		t.Fatalf("there are %+v", origins)
	}
	gain := must(config.Explain(ctx, "gain"))(t)[0]
	if gain.Name != "gain" || len(gain.Overrides) != 1 || gain.Overrides[0].Place != "base.yaml:1:7" || string(gain.Overrides[0].Value) != "1" || gain.ETag == "" {
		t.Errorf("gain comes from %+v", gain)
	}
	sources := must(config.Sources(ctx))(t)
	if len(sources) != 2 || sources[0].Layer != "file:base.yaml" || sources[1].State != "ok" || sources[1].ETag != gain.ETag {
		t.Errorf("the sources are %+v", sources)
	}
	write(t, filepath.Join(folder, "config.yaml"), "gain: [\n")
	if err := config.Refresh(ctx); err == nil || must(config.Int("gain"))(t) != 2 {
		t.Errorf("half a document gives %v", err)
	}
	if sources := must(config.Sources(ctx))(t); sources[1].State != "refused" || !strings.Contains(sources[1].Message, "config.yaml") {
		t.Errorf("then the sources are %+v", sources)
	}
	write(t, filepath.Join(folder, "config.yaml"), "gain: 7\n")
	if err := config.Refresh(ctx); err != nil || must(config.Int("gain"))(t) != 7 {
		t.Errorf("a whole one gives %v", err)
	}
}

func TestValidateAndSign(t *testing.T) {
	client, folder := configured(t, "schema: file:schema.json\n", "gain: 1\n")
	write(t, filepath.Join(folder, "schema.json"), `{"properties":{"gain":{"type":"number","maximum":10}}}`)
	config := client.Config()
	if err := config.Validate([]byte("gain: 2\n"), "new.yaml"); err != nil {
		t.Error(err)
	}
	err := config.Validate([]byte("# too much\ngain: 20\n"), "new.yaml")
	refused(t, err, obs.Refused, "new.yaml:2:7: 'gain' does not fit the schema")
	refused(t, config.Validate([]byte("gain: ["), ""), obs.InvalidArgument, "the document:2:1: ")
	if err := config.Validate(nil, ""); err != nil {
		t.Errorf("no document gives %v", err)
	}
	_, _, err = config.Sign(ctx, nil)
	refused(t, err, obs.InvalidArgument, "version")
	signed, key, err := config.Sign(ctx, []byte("version: 1\ngain: 4\n"))
	if err != nil || !bytes.HasPrefix(signed, []byte("version: 1\ngain: 4\n")) || !bytes.Contains(signed, []byte("\n\n— ")) || !strings.Contains(key, "+") {
		t.Errorf("signed is %q, with %q, %v", signed, key, err)
	}
	_, _, err = config.Sign(ctx, []byte("gain: 4\n"))
	refused(t, err, obs.InvalidArgument, "version")
	write(t, filepath.Join(folder, "site.yaml"), string(signed))
	write(t, filepath.Join(folder, "obs.yaml"), "store: file:store\nconfig: [{url: file:site.yaml, key: '"+strings.TrimSpace(key)+"'}]\n")
	client.Close() // obs.yaml is read by the first client of a process
	again := must(obs.Open(ctx, &obs.OpenOptions{Workspace: folder}))(t)
	defer again.Close()
	if got := must(again.Config().Int("gain"))(t); got != 4 {
		t.Errorf("the signed document says %d", got)
	}
	refused(t, again.Config().Set(ctx, "gain", 5, nil), obs.FailedPrecondition, "none of the layers")
}
