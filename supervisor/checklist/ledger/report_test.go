package ledger

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestReportIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "report.json")
	if r, err := LastReport(path); err != nil || !r.At.IsZero() {
		t.Fatalf("before the first: %+v, %v", r, err)
	}
	at := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, body := range []string{`{"ok":false}`, `{"ok":true}`} {
		if err := KeepReport(path, Report{At: at, By: "root", Body: []byte(body)}); err != nil {
			t.Fatal(err)
		}
		if r, err := LastReport(path); err != nil || !r.At.Equal(at) || r.By != "root" || string(r.Body) != body {
			t.Errorf("%+v, %v", r, err)
		}
	}
	for name, body := range map[string]string{"too large": `"` + strings.Repeat("x", MaxReport) + `"`, "no JSON": "{", "nothing": ""} {
		if err := KeepReport(path, Report{At: at, Body: []byte(body)}); err == nil {
			t.Errorf("%s is kept", name)
		}
	}
	if r, err := LastReport(path); err != nil || string(r.Body) != `{"ok":true}` {
		t.Errorf("what was refused took the place of the last: %+v, %v", r, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode: %v, %v", info, err)
	}
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LastReport(path); err == nil || !strings.Contains(err.Error(), "sudo clawjail checklist") {
		t.Errorf("a broken one: %v", err)
	}
}
