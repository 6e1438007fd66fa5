package obs_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	obs "github.com/libobs/libobs/bindings/go"
)

func keys(t *testing.T, rows *obs.Rows) (found string) {
	t.Helper()
	for row, err := range rows.All() {
		var one obs.Ancestor
		if err == nil {
			err = json.Unmarshal(row, &one)
		}
		if err != nil {
			t.Fatal(err)
		}
		found += fmt.Sprintf("%s@%d ", one.Key, one.Depth)
	}
	return found
}

func TestMetricsOfTheWorkspace(t *testing.T) {
	client := open(t)
	must(client.Store().Put(ctx, "a", []byte("12345"), nil))(t)
	text := must(client.Metrics(ctx))(t)
	if !strings.Contains(text, "\nobs_tenant_stored_bytes{tenant=\"default\"} 5\n") || !strings.HasSuffix(text, "\n# EOF\n") {
		t.Error(text)
	}
}

func TestLineage(t *testing.T) {
	client := open(t)
	catalog := client.Catalog()
	for _, one := range [][]string{{"raw/a", ""}, {"mid", "raw/a"}, {"top", "mid"}, {"top", "mid"}, {"mid", "absent"}} {
		options := &obs.PutOptions{}
		if one[1] != "" {
			options.MadeFrom = []string{one[1]}
		}
		must(client.Store().Put(ctx, one[0], []byte(one[1]), options))(t)
	}
	if found := keys(t, must(catalog.Lineage(ctx, "top", nil))(t)); found != "top@0 mid@1 absent@2 " {
		t.Error(found)
	}
	if found := keys(t, must(catalog.Lineage(ctx, "mid", &obs.LineageOptions{Down: true, Depth: 1}))(t)); found != "mid@0 top@1 " {
		t.Error(found)
	}
	reason := must(catalog.Why(ctx, "top"))(t)
	if reason.Before == nil || reason.Same == nil || !*reason.Same || len(reason.Differs) != 0 {
		t.Errorf("%+v", reason)
	}
	if len(reason.Since) != 1 || reason.Since[0].Name != "mid" || reason.Since[0].Used == reason.Since[0].Now {
		t.Errorf("%+v", reason.Since)
	}
	var failed *obs.Error
	if _, err := catalog.Lineage(ctx, "nothing", nil); !errors.As(err, &failed) || failed.Status != obs.NotFound {
		t.Error(err)
	}
}
