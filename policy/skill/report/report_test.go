package report

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"clawjail/policy/skill"
	"clawjail/policy/skill/rule"
)

// sample is a report with text that attacks whoever shows it.
func sample() skill.Report {
	at := skill.Place{File: "scripts/<b>\x1b]0;x\a.sh", Line: 3, Column: 5}
	f := rule.New("CJS-FLOW-001", at, "key goes to <script>alert(1)</script>", "curl \"https://x.invalid\" \u202e")
	f.Flow = []skill.Step{{Place: at, Note: "source </li>"}, {Place: at, Note: "sink"}}
	g := rule.New("CJS-INJ-005", skill.Place{File: "SKILL.md", Line: 9}, "switches a safeguard off", "--yolo")
	g.Confidence = skill.ConfidenceMedium
	h := rule.New("CJS-SUP-004", skill.Place{File: "package.json"}, "no lock file", "")
	list := []skill.Finding{f, g, h}
	for i := range list {
		list[i].Fingerprint = strings.Repeat("0", 23) + string(rune('a'+i))
	}
	verdict, reasons := skill.Judge(list)
	return skill.Report{Schema: 1, Name: "bad\x1b[2Jname", RuleSet: "test", Verdict: verdict, Reasons: reasons, Findings: list, Files: 2, Bytes: 10, Analysed: 2,
		Capabilities: []skill.Capability{{Kind: skill.CapNet, Value: "x.invalid:443", Place: at}}}
}

func TestTextIsSafeForATerminal(t *testing.T) {
	var b bytes.Buffer
	if err := Text(&b, sample(), Look{All: true}); err != nil {
		t.Fatal(err)
	}
	out := b.String()
	if strings.ContainsAny(out, "\x1b\a\u202e") {
		t.Errorf("control characters reached the terminal: %q", out)
	}
	for _, want := range []string{"REJECTED", "CJS-FLOW-001", "x.invalid:443*", "source </li>", "SKILL.md:9"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
}

func TestPageEscapesEverything(t *testing.T) {
	var b bytes.Buffer
	if err := HTML(&b, sample()); err != nil {
		t.Fatal(err)
	}
	out := b.String()
	for _, bad := range []string{"<script>", "source </li>", "<b>"} {
		if strings.Contains(out, bad) {
			t.Errorf("%q stands in the page", bad)
		}
	}
	if !strings.Contains(out, "default-src 'none'") {
		t.Error("the page has no content security policy")
	}
}

func TestSARIFIsValid(t *testing.T) {
	r := newSARIF(sample(), "1.2.3")
	if err := r.Validate(); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := SARIF(&b, sample(), "1.2.3"); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), `"level": "error"`) || !strings.Contains(b.String(), "clawjail/v1") {
		t.Errorf("levels or fingerprints are missing:\n%s", b.String())
	}
	empty := newSARIF(skill.Report{Reasons: []string{"none"}}, "1")
	if err := empty.Validate(); err != nil {
		t.Errorf("a report without findings: %v", err)
	}
}

func TestDecodeRoundTrip(t *testing.T) {
	var b bytes.Buffer
	r := sample()
	if err := JSON(&b, r); err != nil {
		t.Fatal(err)
	}
	got, err := Decode(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if got.Findings[0].File != `scripts/<b>\x1b]0;x\x07.sh` && !strings.Contains(got.Findings[0].File, `\u{`) {
		t.Errorf("path was not escaped: %q", got.Findings[0].File)
	}
	if diff := cmp.Diff(r.Verdict, got.Verdict); diff != "" {
		t.Error(diff)
	}
}

func TestDecodeRefuses(t *testing.T) {
	for name, change := range map[string]func(*skill.Report){
		"a verdict that its findings contradict": func(r *skill.Report) { r.Verdict = skill.Approved },
		"a rule that is not in the table":        func(r *skill.Report) { r.Findings[0].Rule = "CJS-XX-001" },
		"another schema":                         func(r *skill.Report) { r.Schema = 9 },
		"no reasons":                             func(r *skill.Report) { r.Reasons = nil },
		"negative counts":                        func(r *skill.Report) { r.Files = -1 },
		"too many findings": func(r *skill.Report) {
			r.Findings = append(r.Findings, make([]skill.Finding, 600)...)
		},
	} {
		r := sample()
		change(&r)
		var b bytes.Buffer
		if err := JSON(&b, r); err != nil {
			t.Fatal(err)
		}
		if _, err := Decode(b.Bytes()); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	for _, text := range []string{"", "{}", `{"schema":1,"extra":1}`, `{"schema":1} {}`} {
		if _, err := Decode([]byte(text)); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
}

func TestBaseline(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	r := sample()
	b := NewBaseline(r, "looked at in review", now.AddDate(0, 1, 0))
	if len(b.Accepted) != 2 {
		t.Fatalf("a critical threat can be accepted: %+v", b.Accepted)
	}
	b.Accepted = append(b.Accepted, Accepted{Fingerprint: "old", Rule: "CJS-INJ-001", Reason: "was fine once", Expires: "2026-01-01"}, Accepted{Fingerprint: "gone", Rule: "CJS-INJ-001", Reason: "was fine once", Expires: "2026-09-01"})
	expired, unused := b.Apply(&r, now)
	if len(expired) != 1 || len(unused) != 1 || r.Baselined != 2 || len(r.Findings) != 1 {
		t.Errorf("expired %v, unused %v, report %+v", expired, unused, r)
	}
	if r.Verdict != skill.Rejected {
		t.Errorf("verdict %s: a baseline cannot accept what rejects", r.Verdict)
	}
	r = sample()
	r.Findings = r.Findings[1:2]
	b.Apply(&r, now)
	if r.Verdict != skill.Approved {
		t.Errorf("verdict %s, want approved after the only finding was accepted", r.Verdict)
	}
}

func TestParseBaselineReportsProblems(t *testing.T) {
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{
		`{"schema":1,"accepted":[{"fingerprint":"a","rule":"r","reason":"ok","expires":"2026-04-01"}]}`:           "reason",
		`{"schema":1,"accepted":[{"fingerprint":"a","rule":"r","reason":"looked at it","expires":"soon"}]}`:       "expires",
		`{"schema":1,"accepted":[{"fingerprint":"a","rule":"r","reason":"looked at it","expires":"2029-01-01"}]}`: "more than a year",
		`{"schema":1,"accepted":[{"fingerprint":"","rule":"r","reason":"looked at it","expires":"2026-04-01"}]}`:  "fingerprint",
		`{"schema":2,"accepted":[]}`:              "schema",
		`{"schema":1,"accepted":[],"ignore":"*"}`: "unknown field",
	} {
		if _, err := ParseBaseline([]byte(text), now); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func TestFails(t *testing.T) {
	r := sample()
	if !Fails(r, skill.High) {
		t.Error("a critical finding does not fail --fail-on high")
	}
	r.Findings = r.Findings[2:]
	if Fails(r, skill.High) {
		t.Error("a low finding fails --fail-on high")
	}
}

func FuzzDecode(f *testing.F) {
	var b bytes.Buffer
	_ = JSON(&b, sample())
	f.Add(b.Bytes())
	f.Add([]byte(`{"schema":1}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		r, err := Decode(in)
		if err != nil {
			return
		}
		var out bytes.Buffer
		if err := Text(&out, r, Look{All: true}); err != nil || strings.ContainsAny(out.String(), "\x1b\u202e") {
			t.Fatalf("%v %q", err, out.String())
		}
	})
}
