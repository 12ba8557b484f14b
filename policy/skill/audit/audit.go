package audit

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"clawjail/policy/skill"
	"clawjail/policy/skill/audit/limit"
	"clawjail/policy/skill/file"
	"clawjail/policy/skill/ioc"
	"clawjail/policy/skill/manifest"
	"clawjail/policy/skill/prose"
	"clawjail/policy/skill/rule"
	"clawjail/policy/skill/supply"
	"clawjail/policy/skill/tree"
)

// RuleVersion is raised with every change of a rule's meaning.
const RuleVersion = "2026.11-6"

// Bounds of a report.
const (
	MaxFindings     = limit.Findings
	MaxCapabilities = limit.Capabilities
	// MaxTextBytes bounds the text that the rules look at, in all files.
	MaxTextBytes = 16 << 20
	// MaxProseBytes bounds what of it is judged sentence by sentence, which is a
	// hundred times the work of the other rules.
	MaxProseBytes = 4 << 20
)

// Options of an audit.
type Options struct {
	// Root is the tree's root digest, for the report; "" when unknown.
	Root string
	// Indicators replace the embedded list.
	Indicators *ioc.List
	// Extra are findings that the caller made: signature and source.
	Extra []skill.Finding
}

// state is one audit.
type state struct {
	ctx      context.Context
	o        Options
	tree     skill.Tree
	manifest skill.Manifest
	security bool
	findings []skill.Finding
	caps     []skill.Capability
	units    []skill.Unit
	docs     []prose.Document
	analysed int
	bytes    int // of text that was looked at
	prose    int // of it, what was judged sentence by sentence
}

// Audit judges a skill.
func Audit(ctx context.Context, t skill.Tree, o Options) skill.Report {
	if o.Indicators == nil {
		o.Indicators = ioc.Embedded()
	}
	s := &state{ctx: ctx, o: o, tree: t}
	s.findings = append(s.findings, t.Problems...)
	s.findings = append(s.findings, o.Extra...)
	var front manifest.Result
	s.guard("", "manifest", func() { front = manifest.Read(t) })
	s.manifest = front.Manifest
	s.findings = append(s.findings, front.Findings...)
	s.security = aboutSecurity(s.manifest)
	for _, f := range t.Files {
		if ctx.Err() != nil {
			s.add(rule.New("CJS-COV-001", skill.Place{File: f.Path}, "out of time: this file and those after it were not analysed", ""))
			break
		}
		s.guard(f.Path, "file", func() { s.file(f) })
	}
	s.guard(s.manifest.File, "front matter", func() { s.front(front) })
	for _, d := range s.docs {
		prose.Declare(d, &s.manifest)
	}
	s.guard("", "indicators", s.addresses)
	s.guard("", "supply chain", func() { s.add(supply.Scan(t, s.manifest, s.units)...) })
	s.guard("", "compiled code", s.compiled)
	s.guard("", "detours", s.detours)
	s.guard("", "code", s.code)
	s.guard(s.manifest.File, "manifest", s.compare)
	return s.report()
}

func (s *state) add(f ...skill.Finding) { s.findings = append(s.findings, f...) }

// guard runs a family of rules; a panic in it is a gap in the coverage.
func (s *state) guard(path, what string, run func()) {
	defer func() {
		if p := recover(); p != nil {
			s.add(rule.New("CJS-COV-001", skill.Place{File: path}, fmt.Sprintf("the analysis of the %s broke off: %v", what, p), ""))
		}
	}()
	run()
}

// aboutSecurity says that the skill's own words make it a reference or tool of
// security, in which attacks are cited.
func aboutSecurity(m skill.Manifest) bool {
	low := " " + strings.ToLower(strings.NewReplacer("-", " ", "_", " ", ",", " ", ".", " ", "(", " ", ")", " ", "/", " ", ":", " ").Replace(m.Name+" "+m.Description)) + " "
	n := 0
	for _, w := range []string{"security", "vulnerability", "vulnerabilities", "pentest", "penetration", "injection", "malware", "malicious", "threat", "threats", "exploit", "owasp", "red team", "redteam", "hardening", "jailbreak", "attack", "attacks", "cve", "forensics", "adversarial", "prompt injections", "guardrails"} {
		if strings.Contains(low, " "+w+" ") {
			n++
		}
	}
	return n > 0
}

// file runs the rules that look at one file.
func (s *state) file(f skill.File) {
	r := file.Scan(f, s.tree)
	s.add(r.Findings...)
	if r.Analysed && (f.Data != nil || f.Size == 0) {
		s.analysed++
	}
	for _, t := range r.Texts {
		s.hiddenText(f.Path, t.Text, t.Where)
	}
	if note, ok := s.o.Indicators.File(f.Data); ok {
		s.add(rule.New("CJS-NET-008", skill.Place{File: f.Path}, "this file is on the list of indicators: "+note, ""))
	}
	if f.Lang == skill.Binary || f.Data == nil {
		return
	}
	text, _ := tree.Text(f)
	if s.bytes += len(text); s.bytes > MaxTextBytes {
		s.add(rule.New("CJS-FILE-005", skill.Place{File: f.Path}, "more than 16 MiB of text in the skill: this file was not analysed", ""))
		s.findings[len(s.findings)-1].Severity = skill.High
		return
	}
	s.text(f, text)
	s.language(f, text)
}

// hiddenText judges text from metadata and strings of other formats.
func (s *state) hiddenText(path, text, where string) {
	at := skill.Place{File: path}
	if strings.HasPrefix(where, "strings of") {
		s.add(s.o.Indicators.Findings(text, func(int) skill.Place { return at }, ioc.Context{Code: true})...)
		return
	}
	for _, f := range prose.Scan(text, at, true) {
		f.Message += ", in " + where
		s.add(f)
	}
}

// report sorts, removes duplicates, fingerprints and judges.
func (s *state) report() skill.Report {
	s.findings = merge(s.findings)
	fingerprint(s.findings)
	verdict, reasons := skill.Judge(s.findings)
	r := skill.Report{
		Schema: skill.Schema, Name: s.manifest.Name, Root: s.o.Root, RuleSet: RuleVersion + "/" + s.o.Indicators.Date + "-" + s.o.Indicators.Version,
		Verdict: verdict, Reasons: reasons, Findings: s.findings, Capabilities: s.caps,
		Files: len(s.tree.Files), Analysed: s.analysed, Description: rule.Escape(s.manifest.Description, 500),
	}
	if r.Name == "" {
		r.Name = s.tree.Name
	}
	r.Name = rule.Escape(r.Name, 128)
	for _, f := range s.tree.Files {
		r.Bytes += f.Size
	}
	if len(r.Findings) > MaxFindings {
		r.Omitted = len(r.Findings) - MaxFindings
		r.Findings = r.Findings[:MaxFindings]
	}
	if len(r.Capabilities) > MaxCapabilities {
		r.Capabilities = r.Capabilities[:MaxCapabilities]
	}
	if r.Findings == nil {
		r.Findings = []skill.Finding{}
	}
	if r.Capabilities == nil {
		r.Capabilities = []skill.Capability{}
	}
	slices.SortFunc(r.Capabilities, func(a, b skill.Capability) int {
		return strings.Compare(a.Kind+"\x00"+a.Value, b.Kind+"\x00"+b.Value)
	})
	return r
}
