//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/audit"
	"clawjail/supervisor/api"
	"clawjail/supervisor/client"
	"clawjail/supervisor/incident"
	"clawjail/supervisor/notify/send"
	"clawjail/test/kernel"
)

// hookSecret is no secret.
const hookSecret = "not-a-secret-but-a-test"

// inbox is what arrived. Messages of one moment are sent side by side, so the
// order of their arrival says nothing: what nobody waits for yet is kept.
type inbox struct {
	arriving chan send.Body
	kept     []send.Body
}

// receiver is a webhook's other end: it keeps what is signed well.
func receiver(t *testing.T) (*httptest.Server, *inbox) {
	t.Helper()
	got := make(chan send.Body, 64)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		at, _ := strconv.ParseInt(r.Header.Get("Webhook-Timestamp"), 10, 64)
		if r.Header.Get("Webhook-Signature") != send.Sign([]byte(hookSecret), r.Header.Get("Webhook-Id"), time.Unix(at, 0), b) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		var body send.Body
		if json.Unmarshal(b, &body) == nil {
			got <- body
		}
	}))
	t.Cleanup(srv.Close)
	return srv, &inbox{arriving: got}
}

// gatewayProcess starts the gateway of this host.
func gatewayProcess(t *testing.T) {
	t.Helper()
	c := exec.Command(bin(t, "clawjail-gateway"), "-listen=127.0.0.1:0")
	c.Stderr = os.Stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Signal(unix.SIGTERM)
		if err := c.Wait(); err != nil {
			t.Errorf("the gateway ended with %v", err)
		}
	})
}

// told takes the first message of an event, and waits for it.
func (in *inbox) told(t *testing.T, event string) send.Body {
	t.Helper()
	is := func(b send.Body) bool { return b.Type == event }
	after := time.After(time.Minute)
	for !slices.ContainsFunc(in.kept, is) {
		select {
		case b := <-in.arriving:
			in.kept = append(in.kept, b)
		case <-after:
			t.Fatalf("nobody was told of %s; there was %+v", event, in.kept)
		}
	}
	i := slices.IndexFunc(in.kept, is)
	b := in.kept[i]
	in.kept = slices.Delete(in.kept, i, i+1)
	return b
}

// People are told of an incident by the gateway, the commands of the playbook
// run, and an exercise goes the whole way.
func TestPeopleAreTold(t *testing.T) {
	srv, got := receiver(t)
	config := fmt.Sprintf(`notifications:
  channels:
    - {name: hook, kind: webhook, url: %q, secret_file: /etc/clawjail/hook, categories: [incident, approval, notice]}
    - {name: page, kind: command, user: root, command: [/bin/sh, -c, "cat >> /etc/clawjail/paged"]}
    - {name: away, kind: webhook, url: "http://127.0.0.1:1/", secret_file: /etc/clawjail/hook}
incidents:
  playbook:
    - {name: rotate, at: assessed, user: root, drill: true, command: [/bin/sh, -c, "cat > /etc/clawjail/rotated; echo rotated $CLAWJAIL_STAGE"]}
    - {name: tell-users, at: killed, command: [/bin/false]}
`, srv.URL)
	if !ownHost(t, config, 64<<20) {
		return
	}
	if err := os.WriteFile("/etc/clawjail/hook", []byte(hookSecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	gatewayProcess(t)

	dir := workspace(t)
	j := detached(t, run{Workspace: dir, Argv: []string{"sleep", "1000"}})
	if o := clawjail(t, run{}, "incident", "open", j.Name, "--reason", "a look", "--severity", "high"); o.Code != 0 {
		t.Fatalf("%v", o)
	}
	opened := got.told(t, "clawjail.incident.opened")
	if !strings.Contains(opened.Data.Text, "a look") || opened.Data.Severity != "high" || opened.Data.Jail != j.ID {
		t.Errorf("%+v", opened)
	}
	in := incidentOf(t, j.ID)
	if o := clawjail(t, run{}, "incident", "kill", in.ID, "--reason", "enough"); o.Code != 0 {
		t.Fatalf("%v", o)
	}
	got.told(t, "clawjail.incident.killed")
	if b := got.told(t, "clawjail.incident.playbook"); !strings.Contains(b.Data.Text, "tell-users at killed: exit code 1") {
		t.Errorf("%+v", b)
	}
	o := clawjail(t, run{}, "incident", "show", in.ID, "-o", "json")
	if err := json.Unmarshal([]byte(o.Stdout), &in); err != nil || len(in.Played) != 2 || in.Played[0].Output != "rotated assessed" || in.Played[1].Failed != "exit code 1" {
		t.Errorf("the playbook: %v %+v", err, in.Played)
	}
	if b := read(t, "/etc/clawjail/rotated"); !strings.Contains(b, in.ID) {
		t.Errorf("the command was told %q", b)
	}
	if o := clawjail(t, run{}, "incident", "report", in.ID); !strings.Contains(o.Stdout, "rotate") || !strings.Contains(o.Stdout, "exit code 1") {
		t.Errorf("the report does not say what became of the playbook: %v", o)
	}
	if o := clawjail(t, run{}, "notify", "test", "hook"); o.Code != 0 || o.Stdout != "hook: sent\n" {
		t.Errorf("%v", o)
	}
	if o := clawjail(t, run{}, "notify", "test", "away"); o.Code == 0 || !strings.Contains(o.Stderr, "refused") {
		t.Errorf("%v", o)
	}
	eventually(t, "the pager was run", func() bool { return strings.Contains(read(t, "/etc/clawjail/paged"), `"event":"killed"`) })
	all := records(t, "", "--gate", audit.GateSupervisor)
	for _, what := range []string{"incident opened: sent to hook (webhook)", "incident opened: sent to page (command)", "incident opened: could not be sent yet to away (webhook)"} {
		want(t, all, what, func(r audit.Record) bool {
			return r.Subject.Op == "notify" && strings.Contains(r.Subject.Message, what)
		})
	}
	drillGoesItsWay(t, got)
}

func drillGoesItsWay(t *testing.T, got *inbox) {
	if o := clawjail(t, run{}, "incident", "drill", "--last"); o.Code == 0 {
		t.Errorf("a last drill before the first: %v", o)
	}
	o := clawjail(t, run{}, "incident", "drill")
	if o.Code != 0 || !strings.Contains(o.Stdout, "the drill is done") || !strings.Contains(o.Stdout, "rotate at assessed: done") || !strings.Contains(o.Stdout, "tell-users at killed: not run") {
		t.Fatalf("%v", o)
	}
	if b := got.told(t, "clawjail.incident.opened"); !b.Data.Drill {
		t.Errorf("%+v", b)
	}
	got.told(t, "clawjail.incident.closed")
	if o := clawjail(t, run{}, "incident", "drill", "--last"); o.Code != 0 || !strings.Contains(o.Stdout, "0 days ago") {
		t.Errorf("%v", o)
	}
	var list []api.Incident
	if o := clawjail(t, run{}, "incident", "list", "--all", "-o", "json"); json.Unmarshal([]byte(o.Stdout), &list) != nil || list[0].State != incident.Closed || !list[0].Drill {
		t.Errorf("%v", o)
	}
	want(t, records(t, "", "--gate", audit.GateSupervisor), "the drill", func(r audit.Record) bool { return r.Subject.Op == "drill" })
}

// TestToldOnAFullDisk: where the supervisor cannot write, people are told all the
// same, once, and a supervisor that comes after knows it as soon as there was room.
func TestToldOnAFullDisk(t *testing.T) {
	const state, ready, paged = "/var/lib/clawjail", "/etc/clawjail/ready", "/etc/clawjail/paged"
	if !ownHost(t, `notifications:
  channels:
    - name: page
      kind: command
      user: root
      timeout: 10m
      command: [/bin/sh, -c, "while [ ! -e `+ready+` ]; do sleep 0.1; done; cat >> `+paged+`"]
`, 16<<20) {
		return
	}
	d := startDaemon(t)
	j := detached(t, run{Workspace: workspace(t), Argv: []string{"sleep", "1000"}})
	if err := unix.Mount("", state, "", unix.MS_REMOUNT, "size=8m"); err != nil {
		t.Fatal(err)
	}
	ballast := filepath.Join(state, "ballast")
	kernel.Fill(t, ballast)
	// The queue's own file has room for some.
	inMemory := func() bool { return strings.Contains(read(t, d.log), "kept in memory until they can be written") }
	eventually(t, "the queue cannot be written", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, _ = client.Client{Socket: client.DefaultSocket}.TestNotification(ctx, "page") // which waits for its turn
		return inMemory()
	})
	if o := clawjail(t, run{}, "incident", "open", j.Name, "--reason", "a look", "--severity", "high"); o.Code != 0 {
		t.Fatalf("%v", o)
	}
	write(t, ready, "", 0o600)
	told := func() int {
		b, _ := os.ReadFile(paged)
		return strings.Count(string(b), `"event":"opened"`)
	}
	eventually(t, "somebody is told of the incident", func() bool { return told() > 0 })
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if o := clawjail(t, run{}, "notify", "test", "page"); o.Code != 0 { // and writes what was not written
		t.Fatalf("%v", o)
	}
	d.again(unix.SIGKILL)
	if o := clawjail(t, run{}, "notify", "test", "page"); o.Code != 0 { // behind all that the last one left
		t.Fatalf("%v", o)
	}
	if n := told(); n != 1 {
		t.Errorf("somebody was told %d times: %s", n, read(t, paged))
	}
}
