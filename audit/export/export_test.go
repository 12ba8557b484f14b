package export

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"clawjail/audit"
)

func records() []audit.Record {
	at := time.Date(2026, 11, 23, 10, 0, 0, 5, time.UTC)
	exit := 3
	return []audit.Record{
		{Seq: 1, Time: at, Boot: "b", Jail: "j", Gate: audit.GateExec, Verdict: "deny", Rule: "exec.rules[1]", Prev: audit.Genesis,
			Subject: audit.Subject{Op: "exec", Path: "/usr/bin/sudo", Argv: []string{"sudo", "a b"}, Pid: 7}},
		{Seq: 2, Time: at, Boot: "b", Jail: "j", Gate: audit.GateEgress, Verdict: "allow", Prev: audit.Genesis,
			Subject: audit.Subject{Host: "api.example.com", Addr: "192.0.2.1:443", Port: 443, BytesUp: 10, BytesDown: 20, DurationMS: 1.5}},
		{Seq: 3, Time: at, Boot: "b", Gate: audit.GateGap, Prev: audit.Genesis, Subject: audit.Subject{Class: "audit", Lost: 4, Message: "=cmd()"}},
		{Seq: 4, Time: at, Boot: "b", Jail: "j", Gate: audit.GateDelete, Verdict: "ask", Prev: audit.Genesis, Decision: &audit.Decision{ID: "d1", By: "uid 0"},
			Subject: audit.Subject{Op: "unlink", Path: "/w/-x\x1b", ExitCode: &exit}},
		{Seq: 5, Time: at, Boot: "b", Gate: audit.GateDNS, Verdict: "deny", Prev: audit.Genesis, Subject: audit.Subject{Host: "x.example"}},
		{Seq: 6, Time: at, Boot: "b", Gate: audit.GateAuth, Verdict: "deny", Prev: audit.Genesis, Subject: audit.Subject{Op: "sign-in", Name: "alice", Addr: "192.0.2.7"}},
		{Seq: 7, Time: at, Boot: "b", Gate: audit.GateAuth, Verdict: "allow", Prev: audit.Genesis, Subject: audit.Subject{Op: "role", Name: "bob", Message: "is admin"}},
	}
}

func export(t *testing.T, f Format) string {
	t.Helper()
	var b bytes.Buffer
	w, err := NewWriter(&b, f)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records() {
		if err := w.Write(&r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestJSONLinesAreTheLog(t *testing.T) {
	for i, line := range strings.Split(strings.TrimSpace(export(t, JSONL)), "\n") {
		r, err := audit.Decode([]byte(line))
		if err == nil && r.Seq != uint64(i+1) {
			t.Errorf("line %d is record %d", i+1, r.Seq)
		}
		if want := records()[i]; line != string(want.AppendJSON(nil)) {
			t.Errorf("line %d: %s", i+1, line)
		}
	}
}

func TestCSVHasEveryCellAndNoFormula(t *testing.T) {
	rows, err := csv.NewReader(strings.NewReader(export(t, CSV))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 1+len(records()) || !slices.Equal(rows[0], columns()) {
		t.Fatalf("%d rows, first %q", len(rows), rows[0])
	}
	cell := func(row int, column string) string { return rows[row][slices.Index(columns(), column)] }
	if got := cell(1, "argv"); got != `"sudo" "a b"` {
		t.Errorf("argv %q", got)
	}
	if got := cell(3, "message"); got != "'=cmd()" {
		t.Errorf("a formula: %q", got)
	}
	if cell(4, "exit_code") != "3" || cell(4, "by") != "uid 0" || cell(2, "bytes_down") != "20" {
		t.Errorf("%q", rows)
	}
}

// TestOCSFEvents holds events to what the schema requires of every class.
func TestOCSFEvents(t *testing.T) {
	classes := []int{1007, 4001, 6002, 1001, 4003, 3002, 3001}
	for i, line := range strings.Split(strings.TrimSpace(export(t, OCSF)), "\n") {
		var e map[string]any
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		for _, k := range []string{"activity_id", "category_uid", "class_uid", "metadata", "severity_id", "time", "type_uid"} {
			if e[k] == nil {
				t.Errorf("event %d has no %s", i+1, k)
			}
		}
		class, activity := e["class_uid"].(float64), e["activity_id"].(float64)
		if int(class) != classes[i] || e["type_uid"].(float64) != class*100+activity || e["category_uid"].(float64) != float64(int(class)/1000) {
			t.Errorf("event %d: %s", i+1, line)
		}
	}
}

func TestUnknownForm(t *testing.T) {
	if _, err := NewWriter(nil, "xml"); err == nil || !strings.Contains(err.Error(), "jsonl, csv, ocsf") {
		t.Error(err)
	}
}
