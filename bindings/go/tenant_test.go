package obs_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	obs "github.com/libobs/libobs/bindings/go"
)

func TestATenantFromItsMakingToItsEnd(t *testing.T) {
	client := open(t)
	check := func(err error, part string) {
		t.Helper()
		if (err == nil) != (part == "") || (err != nil && !strings.Contains(err.Error(), part)) {
			t.Fatalf("%v, not %q", err, part)
		}
	}
	check(client.CreateTenant(ctx, "weather"), "")
	weather := must(client.As(ctx, obs.AsOptions{Tenant: "weather"}))(t)
	defer weather.Close()
	check(client.ModifyTenant(ctx, "weather", obs.Quotas{Bytes: 5}), "")
	check(weather.IngestFile(ctx, "raw/a", []byte("12345"), nil), "")
	err := weather.IngestFile(ctx, "raw/b", []byte("6"), nil)
	check(err, "has used 5 of 5 bytes")
	if !errors.Is(err, obs.ResourceExhausted) {
		t.Error(err)
	}
	check(client.ModifyTenant(ctx, "weather", obs.Quotas{Bytes: obs.NoQuota}), "")
	check(client.SuspendTenant(ctx, "weather", obs.Suspension{Reason: "the bill"}), "")
	check(weather.IngestFile(ctx, "raw/b", []byte("6"), nil), ": the bill:")
	check(client.ResumeTenant(ctx, "weather"), "")
	rows := 0
	for _, err := range must(weather.IngestStats(ctx, obs.IngestStatsQuery{By: "reason,hour"}))(t).All() {
		check(err, "")
		rows++
	}
	if rows != 2 {
		t.Errorf("%d rows", rows)
	}
	for _, err := range must(weather.Catalog().Usage(ctx, "raw/", 1))(t).All() {
		check(err, "")
	}
	folder := filepath.Join(t.TempDir(), "out")
	check(client.ExportTenant(ctx, "weather", folder), "")
	if bytes := must(os.ReadFile(filepath.Join(folder, "objects/raw/a")))(t); string(bytes) != "12345" {
		t.Error(bytes)
	}
	check(client.DeleteTenant(ctx, "weather", "wether", ""), "--yes weather")
	check(client.DeleteTenant(ctx, "weather", "weather", ""), "")
	check(client.CreateTenant(ctx, "weather"), "name is not used again")
}
