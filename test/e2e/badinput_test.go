//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestBadStateStopsTheDaemon: what cannot be read, or was read by others, is named,
// left as it is, and nothing starts with it.
func TestBadStateStopsTheDaemon(t *testing.T) {
	if !ownHost(t, "", 16<<20) {
		return
	}
	d := &daemon{t: t, log: filepath.Join(t.TempDir(), "clawjaild.log")}
	d.start() // makes keys and state
	d.end(unix.SIGINT)
	const state, keys = "/var/lib/clawjail/state.db", "/var/lib/clawjail/keys/"
	for _, tt := range []struct {
		name, path, want string
		spoil            func(path string) error
	}{
		{"a state.db that is none", state, "open " + state + ": invalid database; restore it from a backup (clawjail restore)", func(p string) error {
			return os.WriteFile(p, bytes.Repeat([]byte("no database\n"), 4000), 0o600)
		}},
		{"a key of the record that others can read", keys + "audit.key", "read by others", func(p string) error { return os.Chmod(p, 0o644) }},
		{"a key of the record that is cut off", keys + "audit.key", keys + "audit.key", func(p string) error { return os.Truncate(p, 20) }},
		{"a key of redaction that others can read", keys + "redact.key", "read by others", func(p string) error { return os.Chmod(p, 0o640) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := read(t, tt.path)
			if err := tt.spoil(tt.path); err != nil {
				t.Fatal(err)
			}
			spoiled := read(t, tt.path)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			out, err := exec.CommandContext(ctx, bin(t, "clawjaild")).CombinedOutput()
			if err == nil || ctx.Err() != nil || !strings.Contains(string(out), "clawjaild: ") || !strings.Contains(string(out), tt.want) {
				t.Errorf("%v, %v: %s", err, ctx.Err(), out)
			}
			if read(t, tt.path) != spoiled {
				t.Error("it was changed")
			}
			if err := os.WriteFile(tt.path, []byte(before), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(tt.path, 0o600); err != nil {
				t.Fatal(err)
			}
		})
	}
	d.start()
	d.end(unix.SIGINT)
}
