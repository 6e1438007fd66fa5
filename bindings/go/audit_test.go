package obs_test

import (
	"bytes"
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

// logged has two objects and their records in a checkpoint.
func logged(t testing.TB) (*obs.Client, string) {
	t.Helper()
	client, folder := owned(t)
	must(client.Store().Put(ctx, "raw/a", []byte("a"), nil))(t)
	must(client.Store().Put(ctx, "raw/b", []byte("b"), nil))(t)
	if err := client.Audit().Checkpoint(ctx); err != nil {
		t.Fatal(err)
	}
	return client, folder
}

func record(t testing.TB, audit *obs.Audit, query obs.AuditQuery) (id, subject string) {
	t.Helper()
	rows := must(audit.Query(ctx, query))(t)
	defer rows.Close()
	var row struct{ ID, Subject string }
	if err := json.Unmarshal(must(rows.Next())(t), &row); err != nil {
		t.Fatal(err)
	}
	return row.ID, row.Subject
}

func TestALogThatHolds(t *testing.T) {
	client, folder := logged(t)
	report, err := client.Audit().Verify(ctx, nil)
	if err != nil || report.Records < 2 || report.Verified != report.Records || report.Anchored != report.Records || report.Root == "" ||
		report.Anchor == "" || len(report.Problems) != 0 {
		t.Errorf("it is %+v, %v", report, err)
	}
	kept := must(os.ReadFile(filepath.Join(folder, "audit/log/checkpoint")))(t)
	must(client.Store().Put(ctx, "raw/c", nil, nil))(t)
	key := must(client.Audit().Key(ctx))(t)
	for _, options := range []obs.AuditVerifyOptions{{Checkpoint: kept}, {Key: key}, {Checkpoint: kept, Key: key, Unanchored: true}} {
		if _, err := client.Audit().Verify(ctx, &options); err != nil {
			t.Errorf("with %.20s, %s: %v", options.Checkpoint, options.Key, err)
		}
	}
	_, err = client.Audit().Verify(ctx, &obs.AuditVerifyOptions{Key: "nonsense"})
	refused(t, err, obs.InvalidArgument, "")
	_, err = client.Audit().Verify(ctx, &obs.AuditVerifyOptions{Checkpoint: bytes.Replace(kept, []byte("\n\n"), []byte("\nmore\n\n"), 1)})
	refused(t, err, obs.DataLoss, "")
	_, err = client.Audit().Verify(ctx, &obs.AuditVerifyOptions{Checkpoint: []byte{}})
	if err == nil {
		t.Error("an empty checkpoint was taken for none")
	}
}

func TestAnAlteredLogIsReported(t *testing.T) {
	client, folder := logged(t)
	bundles := must(filepath.Glob(filepath.Join(folder, "audit/log/tile/entries/*.p/*")))(t)
	if len(bundles) == 0 {
		t.Fatal("there is no bundle")
	}
	for _, bundle := range bundles { // what an earlier checkpoint had, and the whole
		whole := must(os.ReadFile(bundle))(t)
		write(t, bundle, strings.Replace(string(whole), `"store.put"`, `"store.get"`, 1))
	}
	report, err := client.Audit().Verify(ctx, nil)
	refused(t, err, obs.DataLoss, "record 0")
	var failed *obs.VerifyError
	if !errors.As(err, &failed) || len(failed.Report.Problems) == 0 || len(report.Problems) != len(failed.Report.Problems) {
		t.Fatalf("the error is %T with %+v, the report %+v", err, failed, report)
	}
	if problem := failed.Report.Problems[0]; problem.Index == nil || *problem.Index != 0 || problem.What == "" || report.Verified == report.Records {
		t.Errorf("the problem is %+v", problem)
	}
}

func TestALogWithoutAnAnchor(t *testing.T) {
	client, _ := logged(t)
	anchors := must(filepath.Glob(filepath.Join(os.Getenv("XDG_STATE_HOME"), "obs/*/audit/anchor")))(t)
	if len(anchors) != 1 || os.RemoveAll(anchors[0]) != nil {
		t.Fatalf("the anchors are %v", anchors)
	}
	report, err := client.Audit().Verify(ctx, nil)
	refused(t, err, obs.FailedPrecondition, "no anchor outside")
	var failed *obs.VerifyError
	if !errors.As(err, &failed) || failed.Report.Anchored != 0 || report.Verified != report.Records {
		t.Errorf("the report is %+v", report)
	}
	if _, err := client.Audit().Verify(ctx, &obs.AuditVerifyOptions{Unanchored: true}); err != nil {
		t.Error(err)
	}
}

func TestProofs(t *testing.T) {
	client, folder := logged(t)
	id, subject := record(t, client.Audit(), obs.AuditQuery{Object: "raw/b", Action: "store.put"})
	key := must(client.Audit().Key(ctx))(t)
	bare, clear := must(client.Audit().Prove(ctx, id))(t), must(client.Audit().ProveClear(ctx, id))(t)
	_, err := client.Audit().Prove(ctx, "absent")
	refused(t, err, obs.NotFound, "absent")
	client.Close()
	if err := os.RemoveAll(folder); err != nil { // whoever checks has none of it
		t.Fatal(err)
	}
	type shown struct{ ID, Action, Object, Subject string }
	for _, one := range []struct {
		proof []byte
		want  shown
	}{{bare, shown{id, "store.put", "", ""}}, {clear, shown{id, "store.put", "raw/b", subject}}} {
		var got shown
		if err := json.Unmarshal(must(obs.CheckProof(one.proof, key))(t), &got); err != nil || got != one.want {
			t.Errorf("it shows %+v, %v, not %+v", got, err, one.want)
		}
	}
	moved := bytes.Replace(bare, []byte("\nindex "), []byte("\nindex 1"), 1)
	for at := 0; at < len(bare); at += 11 {
		altered := bytes.Clone(bare)
		altered[at] ^= 1
		if _, err := obs.CheckProof(altered, key); !errors.Is(err, obs.DataLoss) && !errors.Is(err, obs.InvalidArgument) {
			t.Errorf("altered at %d: %v", at, err)
		}
	}
	_, err = obs.CheckProof(moved, key)
	refused(t, err, obs.DataLoss, "does not hold")
	_, err = obs.CheckProof([]byte("x\n"), key)
	refused(t, err, obs.InvalidArgument, "no proof")
	_, err = obs.CheckProof(nil, key)
	refused(t, err, obs.InvalidArgument, "no proof")
	_, err = obs.CheckProof(bare, "nonsense")
	refused(t, err, obs.InvalidArgument, "")
}

func TestErase(t *testing.T) {
	client, _ := owned(t)
	audit := client.Audit()
	ada := must(client.As(ctx, obs.AsOptions{Subject: "user:ada"}))(t)
	defer ada.Close()
	must(ada.Store().Put(ctx, "raw/ada", nil, nil))(t)
	if err := audit.Checkpoint(ctx); err != nil {
		t.Fatal(err)
	}
	hers := obs.AuditQuery{Subject: "user:ada"}
	id, _ := record(t, audit, hers)
	before, key := must(audit.Prove(ctx, id))(t), must(audit.Key(ctx))(t)
	_, err := ada.Audit().Erase(ctx, "user:ada")
	refused(t, err, obs.PermissionDenied, "user:ada")
	if count := must(audit.Erase(ctx, "user:ada"))(t); count < 1 {
		t.Errorf("%d records were changed", count)
	}
	rows := must(audit.Query(ctx, hers))(t)
	defer rows.Close()
	if row := must(rows.Next())(t); row != nil {
		t.Errorf("she is in %s", row)
	}
	for _, proof := range [][]byte{before, must(audit.Prove(ctx, id))(t)} {
		if got := must(obs.CheckProof(proof, key))(t); !bytes.Contains(got, []byte(id)) || bytes.Contains(got, []byte("user:ada")) {
			t.Errorf("a proof shows %s", got)
		}
	}
	if report, err := audit.Verify(ctx, nil); err != nil || report.Erased < 1 || len(report.Problems) != 0 {
		t.Errorf("the log is %+v, %v", report, err)
	}
	for subject, status := range map[string]obs.Status{"user:ada": obs.NotFound, "user:nobody": obs.NotFound, "": obs.InvalidArgument} {
		_, err := audit.Erase(ctx, subject)
		refused(t, err, status, "")
	}
}

func TestPolicy(t *testing.T) {
	client, _ := owned(t)
	audit := client.Audit()
	before := must(audit.Policy(ctx))(t)
	if before.Change != "fail-closed" || before.Read != "fail-open" || before.RetentionDays != 0 || before.ReserveBytes != 64<<20 {
		t.Errorf("the policy is %+v", before)
	}
	if err := audit.SetPolicy(ctx, map[string]any{"read": "fail-closed", "retention_days": 30}); err != nil {
		t.Error(err)
	}
	want := before
	want.Read, want.RetentionDays = "fail-closed", 30
	if now := must(audit.Policy(ctx))(t); now != want {
		t.Errorf("then it is %+v", now)
	}
	for part, change := range map[string]map[string]any{
		"'read' must be fail-closed or fail-open": {"read": "sometimes"},
		"'retention_days' must be a whole number": {"retention_days": -1},
		"has no 'write'": {"write": "fail-open"},
	} {
		refused(t, audit.SetPolicy(ctx, change), obs.InvalidArgument, part)
	}
	refused(t, audit.SetPolicy(ctx, map[string]any{"read": make(chan int)}), obs.InvalidArgument, "json: unsupported type")
	ada := must(client.As(ctx, obs.AsOptions{Subject: "user:ada"}))(t)
	defer ada.Close()
	refused(t, ada.Audit().SetPolicy(ctx, map[string]any{"read": "fail-open"}), obs.PermissionDenied, "user:ada")
	if err := audit.SetPolicy(ctx, map[string]any{"retention_days": 0, "read": "fail-open"}); err != nil || must(audit.Policy(ctx))(t) != before {
		t.Errorf("it did not go back: %v", err)
	}
}

// age makes all records of a workspace that is closed so many days older.
func age(t *testing.T, folder, days string) {
	t.Helper()
	command := exec.Command("python3", "../../tests/audit/age.py", folder, os.Getenv("XDG_STATE_HOME"), days)
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

func TestSeal(t *testing.T) {
	first, folder := owned(t)
	for i := range 300 {
		must(first.Store().Put(ctx, fmt.Sprintf("raw/%d", i), nil, nil))(t)
	}
	first.Close()
	age(t, folder, "40")
	client := must(obs.Open(ctx, &obs.OpenOptions{Workspace: folder}))(t)
	defer client.Close()
	audit := client.Audit()
	if count := must(audit.Seal(ctx))(t); count != 0 {
		t.Errorf("without a retention %d were sealed", count)
	}
	if err := audit.SetPolicy(ctx, map[string]any{"retention_days": 30}); err != nil {
		t.Fatal(err)
	}
	if err := audit.Checkpoint(ctx); err != nil {
		t.Fatal(err)
	}
	id, _ := record(t, audit, obs.AuditQuery{})
	before := must(audit.Prove(ctx, id))(t)
	for _, want := range []uint64{256, 0} {
		if count := must(audit.Seal(ctx))(t); count != want {
			t.Errorf("%d were sealed, not %d", count, want)
		}
	}
	if report, err := audit.Verify(ctx, nil); err != nil || report.Sealed != 256 || report.Verified != report.Records {
		t.Errorf("the log is %+v, %v", report, err)
	}
	key := must(audit.Key(ctx))(t)
	for _, proof := range [][]byte{before, must(audit.Prove(ctx, id))(t)} {
		if got := must(obs.CheckProof(proof, key))(t); !bytes.Contains(got, []byte(id)) {
			t.Errorf("a proof shows %s", got)
		}
	}
	ada := must(client.As(ctx, obs.AsOptions{Subject: "user:ada"}))(t)
	defer ada.Close()
	_, err := ada.Audit().Seal(ctx)
	refused(t, err, obs.PermissionDenied, "user:ada")
	segment := filepath.Join(folder, "audit/log/tile/entries/000.zst")
	if err := os.Truncate(segment, 100); err != nil {
		t.Fatal(err)
	}
	_, err = audit.Verify(ctx, nil)
	refused(t, err, obs.DataLoss, "record 0")
}
