//go:build e2e

package e2e

import (
	"path/filepath"
	"strings"
	"testing"

	"clawjail/audit"
	"clawjail/test/e2e/smallnet"
)

// TestRefusedConnectionSaysWhy: who skips an action hears so in the words of the
// protocol, and the record says what was told.
func TestRefusedConnectionSaysWhy(t *testing.T) {
	before := len(reached(t, smallnet.NameWeb))
	dir := workspace(t)
	network := "network: {allow: [{host: " + smallnet.NameWeb + ", port: any, needs: make_payment}]}\n"
	o := jail(t, run{Policy: policyFile(t, network), Workspace: dir, Argv: []string{"sh", "-c",
		"curl -sS -m 20 -w '%{http_code}\\n' http://" + smallnet.NameWeb + "/pay-told > http; curl -v -sS -m 20 https://" + smallnet.NameWeb + "/pay-told > tls 2>&1; true"}})
	if o.Code != 0 {
		t.Fatalf("%v", o)
	}
	if got := read(t, filepath.Join(dir, "http")); !strings.HasPrefix(got, "clawjail refused this connection: it needs an approved make_payment; ask for one: /run/clawjail/clawjail-act request make_payment") ||
		!strings.HasSuffix(got, "403\n") {
		t.Errorf("over HTTP: %q", got)
	}
	if got := strings.ToLower(read(t, filepath.Join(dir, "tls"))); !strings.Contains(got, "access denied") {
		t.Errorf("over TLS: %q", got)
	}
	list := records(t, o.Name)
	for _, told := range []string{"HTTP 403", "a TLS alert: access denied"} {
		want(t, list, told, func(r audit.Record) bool {
			return r.Gate == audit.GateEgress && r.Verdict == "deny" && r.Subject.Host == smallnet.NameWeb &&
				strings.Contains(r.Subject.Message, "it needs an approved make_payment") && strings.Contains(r.Subject.Message, "(the client was told: "+told+")")
		})
	}
	if n := len(reached(t, smallnet.NameWeb)); n != before {
		t.Errorf("%d connections arrived", n-before)
	}
}
