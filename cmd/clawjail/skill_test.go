package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"clawjail/policy/skill"
	"clawjail/policy/skill/rule"
	"clawjail/policy/skill/store"
	"clawjail/policy/skill/trust"
	"clawjail/supervisor/client"
	"clawjail/supervisor/config"
)

func TestNormalSource(t *testing.T) {
	for in, want := range map[string]string{
		"https://github.com/openclaw/skills.git":     "github.com/openclaw/skills",
		"git@github.com:openclaw/skills.git":         "github.com/openclaw/skills",
		"ssh://git@GitHub.com/openclaw/skills":       "github.com/openclaw/skills",
		"github.com/openclaw/../evil/skills":         "github.com/evil/skills",
		"https://evil.example/github.com/openclaw/x": "evil.example/github.com/openclaw/x",
		"https://github.com@evil.example/openclaw/x": "evil.example/openclaw/x",
		"https://github.com/openclaw/x?ref=main":     "github.com/openclaw/x",
		"/srv/skills/../other/x":                     "/srv/other/x",
	} {
		if got := normalSource(in); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}

func TestSkillName(t *testing.T) {
	for in, want := range map[string]string{"weather": "weather", "weather-1.2.zip": "weather-1.2", "a b": "a-b", "..": "skill", "日本": "skill", strings.Repeat("x", 99): strings.Repeat("x", 64), "x.tar.gz": "x"} {
		if got := skillName(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestGitsOwn(t *testing.T) {
	for _, own := range []string{".git/HEAD", ".git/objects/0a", ".git/objects/pack/pack-" + strings.Repeat("0", 40) + ".idx", ".git/refs/heads/main"} {
		if !gitsOwn(own) {
			t.Errorf("%s is git's own", own)
		}
	}
	for _, other := range []string{".git/run.sh", ".git/hooks/pre-commit", ".git/objects/x.sh", "sub/.git/HEAD", ".gitignore", ".git/objects/pack/x.py"} {
		if gitsOwn(other) {
			t.Errorf("%s passes for git's own", other)
		}
	}
}

func TestRemoteSkillsAreNotFetched(t *testing.T) {
	for _, arg := range []string{"https://github.com/openclaw/skills", "git@github.com:openclaw/skills.git"} {
		if _, err := openSkill(arg); err == nil || !strings.Contains(err.Error(), "--source github.com/openclaw/skills") {
			t.Errorf("%s: %v", arg, err)
		}
	}
}

func approved() skill.Report {
	v, why := skill.Judge(nil)
	return skill.Report{Schema: skill.Schema, Name: "weather", RuleSet: "test", Verdict: v, Reasons: why, Findings: []skill.Finding{}, Capabilities: []skill.Capability{}}
}

func TestReportsAreNotBelieved(t *testing.T) {
	encode := func(change func(*skill.Report)) []byte {
		r := approved()
		change(&r)
		b, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	if _, err := decodeReport(encode(func(*skill.Report) {})); err != nil {
		t.Error(err)
	}
	for name, b := range map[string][]byte{
		"nothing":          nil,
		"two":              append(encode(func(*skill.Report) {}), '{'),
		"an unknown field": []byte(`{"schema":1,"x":1}`),
		"a root digest":    encode(func(r *skill.Report) { r.Root = "sha256:00" }),
		"an unknown rule":  encode(func(r *skill.Report) { r.Findings = []skill.Finding{{Rule: "CJS-X-001"}} }),
		"approved in spite of a threat": encode(func(r *skill.Report) {
			r.Findings = []skill.Finding{rule.New("CJS-FLOW-001", skill.Place{File: "a"}, "sends secrets", "")}
		}),
	} {
		if _, err := decodeReport(b); err == nil {
			t.Errorf("%s: believed", name)
		}
	}
}

func TestVerdictOfEverythingTogether(t *testing.T) {
	good := trust.Outcome{Verified: true, Vouches: []trust.Vouch{{Principal: "alice"}}}
	finding := func(id string) trust.Outcome {
		return trust.Outcome{Findings: []skill.Finding{rule.New(id, skill.Place{}, "x", "")}}
	}
	lenient := config.Default()
	lenient.SkillUnsigned, lenient.SkillVerify = true, false
	tests := []struct {
		name string
		c    candidate
		cfg  config.Config
		want skill.Verdict
		why  string
	}{
		{"signed, from a trusted source", candidate{outcome: good, trusted: true}, config.Default(), skill.Approved, "nothing but declared"},
		{"signed, from elsewhere", candidate{outcome: good}, config.Default(), skill.ManualReview, "CJS-SRC-001"},
		{"unsigned", candidate{outcome: finding("CJS-SIG-001"), trusted: true}, config.Default(), skill.Rejected, "CJS-SIG-001"},
		{"unsigned, which is allowed", candidate{outcome: finding("CJS-SIG-001"), trusted: true}, lenient, skill.ManualReview, "CJS-SIG-001"},
		{"signed by a stranger", candidate{outcome: finding("CJS-SIG-003"), trusted: true}, config.Default(), skill.Rejected, "CJS-SIG-003"},
		{"signed by a stranger, which is allowed", candidate{outcome: finding("CJS-SIG-003"), trusted: true}, lenient, skill.ManualReview, "CJS-SIG-003"},
		{"another signer than before", candidate{outcome: good, trusted: true, old: &store.Record{Vouches: []trust.Vouch{{Principal: "bob"}}}}, config.Default(), skill.ManualReview, "was signed by bob"},
		{"another name in the front matter", candidate{outcome: good, trusted: true, name: "other"}, config.Default(), skill.Rejected, "calls itself"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := tt.c
			c.report = approved()
			if c.name == "" {
				c.name = "weather"
			}
			c.judge(tt.cfg)
			if c.verdict != tt.want || !strings.Contains(strings.Join(c.reasons, "\n"), tt.why) {
				t.Errorf("%s, %q; want %s with %q", c.verdict, c.reasons, tt.want, tt.why)
			}
		})
	}
}

func TestApprovalsAreBound(t *testing.T) {
	a := store.Approval{Tree: trust.Digest{1}, RuleSet: "r", Policy: trust.Digest{2}}
	if !sameBinding(a, a) {
		t.Error("the same is not the same")
	}
	for name, b := range map[string]store.Approval{"content": {Tree: trust.Digest{9}, RuleSet: "r", Policy: trust.Digest{2}},
		"rules": {Tree: trust.Digest{1}, RuleSet: "s", Policy: trust.Digest{2}}, "policy": {Tree: trust.Digest{1}, RuleSet: "r", Policy: trust.Digest{9}}} {
		if sameBinding(a, b) {
			t.Errorf("other %s: the approval still holds", name)
		}
	}
	if sameBinding(store.Approval{}, store.Approval{}) {
		t.Error("an approval under no rules holds")
	}
}

func TestSkillCommand(t *testing.T) {
	dir := t.TempDir()
	for name, mode := range map[string]os.FileMode{"run.sh": 0o755, "plain.py": 0o644, "data.txt": 0o644} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	for first, want := range map[string][]string{"run.sh": {dir + "/run.sh", "x"}, "./run.sh": {dir + "/run.sh", "x"}, "plain.py": {"python3", dir + "/plain.py", "x"}, "python3": {"python3", "x"}, "/bin/sh": {"/bin/sh", "x"}} {
		if got, err := skillCommand(dir, store.Record{Name: "s"}, []string{first, "x"}); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v; want %q", first, got, err, want)
		}
	}
	for _, bad := range []string{"scripts/none.sh", "../etc/passwd", "data.txt"} {
		if got, err := skillCommand(dir, store.Record{Name: "s"}, []string{bad}); err == nil {
			t.Errorf("%s: %q", bad, got)
		}
	}
}

func TestOpenClawsAnswers(t *testing.T) {
	many := approved()
	for range 200 {
		many.Findings = append(many.Findings, rule.New("CJS-NET-003", skill.Place{File: strings.Repeat("d/", 200), Line: 3}, strings.Repeat("long ", 90), ""))
	}
	for _, v := range []skill.Verdict{skill.Approved, skill.ManualReview, skill.Rejected} {
		c := candidate{report: many, verdict: v, reasons: []string{strings.Repeat("reason ", 500), "another"}}
		a := c.policyAnswer()
		want := map[skill.Verdict]string{skill.Approved: "allow", skill.ManualReview: "warn", skill.Rejected: "block"}[v]
		if a.Decision != want || want != "allow" && a.Reason == "" {
			t.Errorf("%s: %+v", v, a)
		}
		size := len(a.Reason)
		for _, f := range a.Findings {
			size += len(f.Message) + len(f.File) + len(f.Rule) + 20
		}
		if want == "warn" && size > 3500 || len(a.Findings) > 100 {
			t.Errorf("%s: %d characters, %d findings: OpenClaw does not show as much", v, size, len(a.Findings))
		}
	}
}

func TestAuditOutputs(t *testing.T) {
	var out, stderr bytes.Buffer
	e := &env{stdout: &out, stderr: &stderr}
	for _, form := range []string{formText, formJSON, formSARIF} {
		out.Reset()
		r, err := newReporter(e, skillAuditFlags{output: form}, 2)
		if err != nil {
			t.Fatal(err)
		}
		r.add(approved())
		r.add(approved())
		if err := r.write(&out); err != nil {
			t.Errorf("%s: %v", form, err)
		}
		if n := strings.Count(out.String(), `"tool"`); form == formSARIF && n != 2 {
			t.Errorf("%d runs in the SARIF of two skills", n)
		}
	}
	for _, form := range []string{formHTML, formBaseline, "xml"} {
		if _, err := newReporter(e, skillAuditFlags{output: form}, 2); err == nil {
			t.Errorf("-o %s of two skills is accepted", form)
		}
	}
	high := skill.High
	for _, tt := range []struct {
		verdict skill.Verdict
		failOn  *skill.Severity
		want    int
	}{{skill.Approved, nil, 0}, {skill.ManualReview, nil, exitReview}, {skill.Rejected, nil, exitRejected}, {skill.ManualReview, &high, 0}, {skill.Rejected, &high, exitRejected}} {
		r := approved()
		r.Verdict = tt.verdict
		if got := exitOfReport(r, tt.failOn); got != tt.want {
			t.Errorf("%s: exit %d, want %d", tt.verdict, got, tt.want)
		}
	}
	if worseCode(exitReview, exitRejected) != exitRejected || worseCode(0, exitReview) != exitReview {
		t.Error("of several skills the worst does not count")
	}
}

func TestIsolationIsChecked(t *testing.T) {
	p := parser{e: &env{socket: filepath.Join(t.TempDir(), "none")}, where: "vm"}
	if err := p.noJail(t.Context(), client.Client{Socket: p.e.socket}); err == nil || !strings.Contains(err.Error(), "jail and process") {
		t.Errorf("got %v", err)
	}
}
