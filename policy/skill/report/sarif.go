package report

import (
	"io"
	"net/url"
	"strings"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"clawjail/policy/skill"
	"clawjail/policy/skill/rule"
)

// SARIF writes a report in SARIF 2.1.0. version is the program's.
func SARIF(w io.Writer, r skill.Report, version string) error {
	return newSARIF(r, version).PrettyWrite(w)
}

func newSARIF(r skill.Report, version string) *sarif.Report {
	out := sarif.NewReport()
	run := sarif.NewRunWithInformationURI("clawjail", "https://clawjail.invalid/rules")
	run.Tool.Driver.WithVersion(version).WithSemanticVersion("0.0.0")
	props := sarif.NewPropertyBag()
	props.Add("verdict", r.Verdict.String())
	props.Add("reasons", r.Reasons)
	props.Add("ruleSet", r.RuleSet)
	props.Add("root", r.Root)
	run.WithProperties(props)
	for _, f := range r.Findings {
		if f.Class == skill.Ability {
			continue
		}
		describe(run, f.Rule)
		result := sarif.NewRuleResult(f.Rule).WithRuleIndex(run.GetRuleIndex(f.Rule)).WithLevel(level(f)).WithMessage(sarif.NewTextMessage(f.Message))
		result.WithPartialFingerprints(map[string]string{"clawjail/v1": f.Fingerprint})
		result.WithLocations([]*sarif.Location{location(f.Place, f.Evidence)})
		p := sarif.NewPropertyBag()
		p.Add("severity", f.Severity.String())
		p.Add("confidence", f.Confidence.String())
		p.Add("class", f.Class.String())
		p.Add("security-severity", score(f))
		result.WithProperties(p)
		if len(f.Flow) > 1 {
			flow := sarif.NewThreadFlow()
			for _, s := range f.Flow {
				at := location(s.Place, "")
				at.WithMessage(sarif.NewTextMessage(s.Note))
				flow.AddLocation(sarif.NewThreadFlowLocation().WithLocation(at))
			}
			result.WithCodeFlows([]*sarif.CodeFlow{sarif.NewCodeFlow().AddThreadFlow(flow)})
		}
		run.AddResult(result)
	}
	out.AddRun(run)
	return out
}

// describe puts the rule's text into the run, once.
func describe(run *sarif.Run, id string) {
	if run.GetRuleIndex(id) >= 0 {
		return
	}
	d := run.AddRule(id)
	r, _ := rule.Find(id)
	d.WithName(strings.ReplaceAll(id, "-", "")).WithShortDescription(sarif.NewMultiformatMessageString().WithText(r.Title))
	d.WithFullDescription(sarif.NewMultiformatMessageString().WithText(r.Title + ". " + r.Why))
	d.WithHelp(sarif.NewMultiformatMessageString().WithText("Bad: " + r.Bad + "\nGood: " + r.Good + "\nFix: " + r.Fix))
	props := sarif.NewPropertyBag()
	props.WithTags(append(append([]string{"security"}, r.CWE...), r.OWASP...))
	d.WithProperties(props)
}

func level(f skill.Finding) string {
	switch {
	case f.Confidence == skill.ConfidenceLow:
		return "note"
	case f.Severity <= skill.High:
		return "error"
	case f.Severity == skill.Medium:
		return "warning"
	}
	return "note"
}

// score is the number by which code hosts sort findings.
func score(f skill.Finding) string {
	return [...]string{"9.5", "8.0", "5.5", "3.0", "0.0"}[min(int(f.Severity), 4)]
}

func location(p skill.Place, snippet string) *sarif.Location {
	file := p.File
	if file == "" {
		file = "SKILL.md"
	}
	physical := sarif.NewPhysicalLocation().WithArtifactLocation(sarif.NewArtifactLocation().WithURI((&url.URL{Path: file}).String()))
	if p.Line > 0 {
		region := sarif.NewRegion().WithStartLine(p.Line)
		if p.Column > 0 {
			region.WithStartColumn(p.Column)
		}
		if p.EndLine >= p.Line {
			region.WithEndLine(p.EndLine)
		}
		if snippet != "" {
			region.WithSnippet(sarif.NewArtifactContent().WithText(snippet))
		}
		physical.WithRegion(region)
	}
	return sarif.NewLocationWithPhysicalLocation(physical)
}
