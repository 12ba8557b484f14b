//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"clawjail/audit/seal"
)

// TestChannelsKeepCheckpoints: a webhook and a command get every signature of the
// log, the last one of a supervisor that ends too, and prove what was cut off.
func TestChannelsKeepCheckpoints(t *testing.T) {
	const kept = "/etc/clawjail/kept"
	srv, got := receiver(t)
	if !ownHost(t, fmt.Sprintf(`notifications:
  channels:
    - {name: notary, kind: webhook, url: %q, secret_file: /etc/clawjail/hook, categories: [checkpoint]}
    - {name: tape, kind: command, user: root, command: [/bin/sh, -c, "cat >> `+kept+`"], categories: [checkpoint]}
`, srv.URL), 16<<20) {
		return
	}
	write(t, "/etc/clawjail/hook", hookSecret+"\n", 0o600)
	if err := os.Chown("/etc/clawjail/hook", 0, 0); err != nil {
		t.Fatal(err)
	}
	d := startDaemon(t)
	gatewayProcess(t)
	if o := jail(t, run{Workspace: workspace(t), Argv: []string{"true"}}); o.Code != 0 {
		t.Fatalf("%v", o)
	}
	d.again(unix.SIGTERM) // which signs what there is
	first := got.told(t, "clawjail.checkpoint.signed")
	second := got.told(t, "clawjail.checkpoint.signed")
	received := filepath.Join(t.TempDir(), "received")
	for _, b := range []any{first, second} {
		line, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		write(t, received, string(line)+"\n"+readIfThere(received), 0o600)
	}
	eventually(t, "the command has them, too", func() bool { return strings.Count(readIfThere(kept), "\n") >= 2 })
	for _, file := range []string{received, kept} {
		if o := clawjail(t, run{}, "audit", "verify", "--anchor", file); o.Code != 0 {
			t.Errorf("%s: %v", file, o)
		}
	}
	d.end(unix.SIGINT)
	d.cmd = nil
	// Somebody who is root cuts off the end, and what signed it.
	marks := filepath.Join(auditDir, "checkpoints.jsonl")
	cut(t, marks, 1)
	segments, err := filepath.Glob(filepath.Join(auditDir, "0*.jsonl"))
	if err != nil || len(segments) != 1 {
		t.Fatalf("%q, %v", segments, err)
	}
	mark, err := seal.Decode([]byte(strings.TrimSpace(read(t, marks))))
	if err != nil {
		t.Fatal(err)
	}
	cut(t, segments[0], int(mark.Seq))
	if o := clawjail(t, run{}, "audit", "verify", "--dir", auditDir); o.Code != 0 {
		t.Fatalf("without an anchor the cut cannot be seen, or this test shows nothing: %v", o)
	}
	for _, file := range []string{received, kept} {
		if o := clawjail(t, run{}, "audit", "verify", "--dir", auditDir, "--anchor", file); o.Code == 0 || !strings.Contains(o.Stdout+o.Stderr, "an anchor holds checkpoint") {
			t.Errorf("%s: %v", file, o)
		}
	}
}

// readIfThere gives nothing for a file that is not there yet.
func readIfThere(path string) string {
	b, _ := os.ReadFile(path)
	return string(b)
}

// cut keeps the first lines of a file.
func cut(t *testing.T, path string, lines int) {
	t.Helper()
	b := []byte(read(t, path))
	end := 0
	for range lines {
		end += bytes.IndexByte(b[end:], '\n') + 1
	}
	if err := os.Truncate(path, int64(end)); err != nil {
		t.Fatal(err)
	}
}
