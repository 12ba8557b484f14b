package supervisor

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clawjail/audit"
	"clawjail/audit/seal"
	"clawjail/audit/verify"
	"clawjail/supervisor/config"
)

// testAuditor opens a log in a state directory; the same again with the same
// directory.
func testAuditor(t *testing.T, dir string) (*auditor, config.Config) {
	t.Helper()
	c := config.Default()
	c.StateDir, c.AuditSegmentBytes = dir, 1<<20
	a, err := openAuditor(c, "notify", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return a, c
}

func verified(t *testing.T, c config.Config) verify.Report {
	t.Helper()
	k, err := seal.ReadPublic(filepath.Join(c.KeyDir(), seal.PublicName))
	if err != nil {
		t.Fatal(err)
	}
	r, err := verify.Log(context.Background(), c.AuditDir(), verify.Options{Keys: []seal.Public{k}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestTheLogIsSignedToItsEnd(t *testing.T) {
	a, c := testAuditor(t, t.TempDir())
	a.supervisor("start", "")
	if err := a.close(); err != nil {
		t.Fatal(err)
	}
	if r := verified(t, c); !r.OK || r.Records != 1 || r.Unsigned != 0 {
		t.Errorf("%+v", r)
	}
}

func TestSecretsDoNotReachTheLog(t *testing.T) {
	a, c := testAuditor(t, t.TempDir())
	if err := a.append(audit.Record{Gate: audit.GateExec, Subject: audit.Subject{Argv: []string{"curl", "--password", "fake-pass"}}}); err != nil {
		t.Fatal(err)
	}
	if err := a.close(); err != nil {
		t.Fatal(err)
	}
	segs, err := filepath.Glob(filepath.Join(c.AuditDir(), "0*.jsonl"))
	if err != nil || len(segs) != 1 {
		t.Fatalf("%v, %v", segs, err)
	}
	b, err := os.ReadFile(segs[0])
	if err != nil || strings.Contains(string(b), "fake-pass") || !strings.Contains(string(b), "[redacted:") {
		t.Errorf("%s, %v", b, err)
	}
}

func TestACutLogIsSaidWhenItIsOpened(t *testing.T) {
	dir := t.TempDir()
	a, c := testAuditor(t, dir)
	a.supervisor("one", "")
	a.supervisor("two", "")
	if err := a.close(); err != nil {
		t.Fatal(err)
	}
	segs, _ := filepath.Glob(filepath.Join(c.AuditDir(), "0*.jsonl"))
	b, err := os.ReadFile(segs[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(segs[0], b[:strings.IndexByte(string(b), '\n')+1], 0o640); err != nil {
		t.Fatal(err)
	}
	a, _ = testAuditor(t, dir)
	a.checkCut()
	if err := a.close(); err != nil {
		t.Fatal(err)
	}
	found := false
	for r, err := range audit.Query(c.AuditDir(), audit.Filter{Gate: audit.GateGap}) {
		found = err == nil && r.Subject.Class == audit.ClassCut && r.Subject.Lost == 1
	}
	if !found {
		t.Error("the log does not say that its end was cut off")
	}
	if r := verified(t, c); r.OK {
		t.Error("what was signed and is gone is proven")
	}
}

func TestOldRecordsGoSigned(t *testing.T) {
	a, c := testAuditor(t, t.TempDir())
	defer a.close()
	long := strings.Repeat("x", 4000)
	old := time.Now().Add(-100 * 24 * time.Hour)
	for i := range 700 { // more than two segments
		r := audit.Record{Gate: audit.GateSupervisor, Time: old, Subject: audit.Subject{Message: long}}
		if i >= 600 {
			r.Time = time.Time{}
		}
		if err := a.append(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.retire(c.AuditDir(), 90*24*time.Hour, time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := a.sealer.Seal(a.log); err != nil {
		t.Fatal(err)
	}
	r := verified(t, c)
	if !r.OK || r.Retired == 0 || r.First != r.Retired+1 || r.Last != 701 {
		t.Errorf("%+v", r)
	}
}

func TestAClockThatWasSetRemovesNothing(t *testing.T) {
	for _, c := range []struct {
		name       string
		wall, mono time.Duration
		want       bool
	}{
		{"an hour passed", time.Hour, time.Hour, true},
		{"slewed", time.Hour + 30*time.Second, time.Hour, true},
		{"set forward by a year", 366 * 24 * time.Hour, time.Hour, false},
		{"set back", -time.Hour, time.Hour, false},
	} {
		if steady(c.wall, c.mono) != c.want {
			t.Error(c.name)
		}
	}
}
