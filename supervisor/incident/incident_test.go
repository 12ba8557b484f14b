package incident

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"clawjail/audit"
)

func TestTheTableIsInTheDocumentation(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	fmt.Fprintf(&want, "//\t%-10s %-9s %s\n", "state", "action", "next")
	for _, r := range table() {
		fmt.Fprintf(&want, "//\t%-10s %-9s %s\n", r.from, r.do, r.to)
	}
	if !strings.Contains(string(doc), want.String()) {
		t.Errorf("doc.go does not show the state machine; it is:\n%s", want.String())
	}
}

func open(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := OpenStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func begin(t *testing.T, s *Store, jail, name string, scope Scope) Incident {
	t.Helper()
	in, fresh, err := s.Begin(Trigger{Kind: "freeze", What: "ran sudo", By: "clawjail"},
		Subject{Jail: jail, Name: name, Agent: "openclaw", UID: 1000, Argv: []string{"a"}}, scope, High, false)
	if err != nil || !fresh {
		t.Fatalf("fresh %v, %v", fresh, err)
	}
	return in
}

func TestAnIncidentSurvivesItsStore(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	in := begin(t, s, "j1", "claude", HoldJail)
	if _, err := s.Step(in.ID, "clawjail", Contain, "frozen", ""); err != nil {
		t.Fatal(err)
	}
	if _, err := s.AddEvidence(in.ID, Bundle{Time: time.Now().UTC(), By: "x", Path: "/e", SHA256: "00"}); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	got, err := s.Get(in.ID[9:])
	if err != nil || got.State != Preserved || len(got.Steps) != 2 || len(got.Evidence) != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	if _, blocked := s.BlocksJail("j1"); !blocked {
		t.Error("the jail may go on")
	}
	if _, blocked := s.BlocksStart("claude", "other", 7); !blocked {
		t.Error("a jail of that name may start")
	}
	if _, blocked := s.BlocksStart("other", "openclaw", 1000); blocked {
		t.Error("another jail of the agent is held, and only this jail was to be")
	}
	if _, err := s.Conclude(in.ID, "me", "early"); err == nil {
		t.Error("closed before it was released or killed")
	}
	if _, err := s.Decide(in.ID, "me", Release, " "); err == nil {
		t.Error("released without a reason")
	}
	if _, err := s.Decide(in.ID, "me", Release, "known and harmless"); err != nil {
		t.Fatal(err)
	}
	if _, blocked := s.BlocksJail("j1"); blocked {
		t.Error("the jail is still held")
	}
	if _, err := s.Decide(in.ID, "other", Release, "me too"); err == nil {
		t.Error("two responders released it")
	}
	if _, err := s.Conclude(in.ID, "me", "nothing happened"); err != nil {
		t.Fatal(err)
	}
}

func TestHoldsReachAsFarAsTheirScope(t *testing.T) {
	for _, tt := range []struct {
		scope       Scope
		agent, user bool // whether another jail of the agent, of the user is held
	}{{HoldJail, false, false}, {HoldAgent, true, false}, {HoldUser, true, true}} {
		s := open(t, t.TempDir())
		begin(t, s, "j1", "claude", tt.scope)
		if _, b := s.BlocksStart("x", "openclaw", 1000); b != tt.agent {
			t.Errorf("%s: the agent is held: %v", tt.scope, b)
		}
		if _, b := s.BlocksStart("x", "other", 1000); b != tt.user {
			t.Errorf("%s: the user is held: %v", tt.scope, b)
		}
		if _, b := s.BlocksStart("x", "openclaw", 1001); b {
			t.Errorf("%s: somebody else is held", tt.scope)
		}
	}
}

func TestASecondTriggerIsTheSameIncident(t *testing.T) {
	s := open(t, t.TempDir())
	in := begin(t, s, "j1", "claude", HoldJail)
	again, fresh, err := s.Begin(Trigger{Kind: "mismatch"}, Subject{Jail: "j1"}, HoldJail, Critical, false)
	if err != nil || fresh || again.ID != in.ID {
		t.Errorf("%s after %s, %v, %v", again.ID, in.ID, fresh, err)
	}
}

func TestWhatCannotBeReadHoldsEverything(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	in := begin(t, s, "j1", "claude", HoldJail)
	if err := os.WriteFile(filepath.Join(dir, in.ID, FileName), []byte(`{"schema":1,"surprise":true}`), 0o600); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	held, blocked := s.BlocksStart("anything", "other", 7)
	if !blocked || !strings.Contains(held.Error(), in.ID) || len(s.Unreadable()) != 1 {
		t.Errorf("%v, %v", held, blocked)
	}
	if _, err := s.Get(in.ID); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
}

func TestADiskThatIsFullKeepsTheHold(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	in := begin(t, s, "j1", "claude", HoldJail)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir, nil, 0o600); err != nil { // nothing can be written below it
		t.Fatal(err)
	}
	if _, err := s.Decide(in.ID, "me", Kill, "x"); err == nil {
		t.Error("decided without a record")
	}
	if got, _ := s.Get(in.ID); got.State != Open {
		t.Errorf("it is %s", got.State)
	}
	if _, blocked := s.BlocksJail("j1"); !blocked {
		t.Error("the hold is gone")
	}
	if _, _, err := s.Begin(Trigger{}, Subject{Jail: "j2"}, HoldJail, Low, false); err == nil {
		t.Error("a second one was opened without a word")
	}
	if _, blocked := s.BlocksJail("j2"); !blocked {
		t.Error("what could not be written does not hold")
	}
}

func TestAssessment(t *testing.T) {
	cred := func(p string) bool { return strings.HasSuffix(p, "/.ssh/id_rsa") }
	at := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	exec := audit.Record{Time: at, Gate: audit.GateExec, Verdict: "allow", Subject: audit.Subject{Op: "exec", Path: "/bin/cat", Argv: []string{"cat", "/home/u/.ssh/id_rsa"}}}
	send := audit.Record{Time: at, Gate: audit.GateEgress, Verdict: "allow", Subject: audit.Subject{Host: "api.example.com", BytesUp: 900}}
	refused := audit.Record{Time: at, Gate: audit.GateExec, Verdict: "deny"}
	write := audit.Record{Time: at, Gate: audit.GateFile, Verdict: "allow", Subject: audit.Subject{Op: "open", Path: "/w/a"}}
	for _, tt := range []struct {
		name    string
		trigger string
		records []audit.Record
		want    Severity
		finding string
	}{
		{"nothing", "person", nil, Low, ""},
		{"refusals", "person", []audit.Record{refused, write}, Low, "Refusals only"},
		{"a credential", "person", []audit.Record{send, exec}, High, "A credential was touched"},
		{"a credential, and then data left", "person", []audit.Record{exec, send}, Critical, "Possible exfiltration"},
		{"a race", "mismatch", nil, Critical, "Race against the gate"},
	} {
		a := NewAssessor([]string{"API_KEY"}, cred)
		for _, r := range tt.records {
			a.Add(&r)
		}
		out, sev := a.Result(Trigger{Kind: tt.trigger}, "x", at)
		if sev != tt.want || tt.finding != "" && (len(out.Findings) == 0 || out.Findings[0].Title != tt.finding) {
			t.Errorf("%s: %s, %+v", tt.name, sev, out.Findings)
		}
	}
}

// Two responders at once: one decides, the other learns that it was decided.
func TestTwoRespondersAtOnce(t *testing.T) {
	s, err := OpenStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for round := range 20 {
		in, _, err := s.Begin(Trigger{Kind: "person"}, Subject{Jail: fmt.Sprint(round)}, HoldJail, High, false)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Step(in.ID, "clawjail", Contain, "", ""); err != nil {
			t.Fatal(err)
		}
		var won atomic.Int32
		var both sync.WaitGroup
		for _, do := range []Action{Release, Kill} {
			both.Go(func() {
				if _, err := s.Decide(in.ID, "somebody", do, "because"); err == nil {
					won.Add(1)
				}
			})
		}
		both.Wait()
		if won.Load() != 1 {
			t.Errorf("%d of two decided", won.Load())
		}
	}
}
