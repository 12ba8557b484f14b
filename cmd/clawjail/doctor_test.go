package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clawjail/supervisor/doctor"
)

// fakeDaemon is a program that answers "doctor -o json" with that text.
func fakeDaemon(t *testing.T, answer string, code int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "clawjaild")
	text := "#!/bin/sh\n[ \"$*\" = 'doctor -o json' ] || exit 99\ncat <<'END'\n" + answer + "\nEND\necho words >&2\nexit " + string(rune('0'+code)) + "\n"
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func reportJSON(t *testing.T, r doctor.Report) string {
	t.Helper()
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestDoctor(t *testing.T) {
	good := doctor.Report{OK: true, Tier: "lsm", Checks: []doctor.Check{{ID: "a", Name: "a", Status: doctor.OK}}}
	bad := doctor.Report{Checks: []doctor.Check{{ID: "a", Name: "a", Status: doctor.Fail, Detail: "no", Fix: "do"}}}
	tests := []struct {
		name, daemon, output string
		code                 int    // 0: no error
		out                  string // part of stdout
		err                  string // part of the error
	}{
		{"a good host", fakeDaemon(t, reportJSON(t, good), 0), "", 0, "clawjail can run jails here, in tier lsm.", ""},
		{"a bad host", fakeDaemon(t, reportJSON(t, bad), 1), "", 1, "FAIL  a  no\n         > do\n", ""},
		{"a bad host for programs", fakeDaemon(t, reportJSON(t, bad), 1), "json", 1, `"ok":false`, ""},
		{"no daemon", filepath.Join(t.TempDir(), "clawjaild"), "", 125, "", "is missing: install clawjail again"},
		{"a daemon that fails", fakeDaemon(t, "", 2), "", 125, "", "exit status 2: words"},
		{"a daemon that says nonsense", fakeDaemon(t, "hello", 0), "", 125, "", "its report: invalid character"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out, errOut bytes.Buffer
			err := showDoctor(t.Context(), &env{stdout: &out, stderr: &errOut}, tt.daemon, tt.output)
			code := 0
			var exit *exitError
			if errors.As(err, &exit) {
				code = exit.code
			} else if err != nil {
				code = 125
			}
			if code != tt.code || !strings.Contains(out.String(), tt.out) {
				t.Errorf("code %d, %v, stdout %s", code, err, out.String())
			}
			if tt.err != "" && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("error %v, want %q", err, tt.err)
			}
		})
	}
}
