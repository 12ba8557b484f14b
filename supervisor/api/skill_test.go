package api

import (
	"strings"
	"testing"
)

func TestSkillRequest(t *testing.T) {
	d := "sha256:" + strings.Repeat("0", 64)
	good := SkillRequest{Name: "weather", Op: "install", Tree: d, Root: d, Policy: d, Verdict: "approved"}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*SkillRequest){
		"a path for a name":   func(r *SkillRequest) { r.Name = "../x" },
		"an unknown op":       func(r *SkillRequest) { r.Op = "run" },
		"no digest":           func(r *SkillRequest) { r.Tree = "" },
		"upper case":          func(r *SkillRequest) { r.Policy = strings.ToUpper(d) },
		"too many lines":      func(r *SkillRequest) { r.Lines = make([]string, MaxSkillLines+1) },
		"too long a line":     func(r *SkillRequest) { r.Lines = []string{strings.Repeat("x", MaxSkillLine+1)} },
		"too long a jail":     func(r *SkillRequest) { r.For = strings.Repeat("x", maxSkillFor+1) },
		"again, undecided":    func(r *SkillRequest) { r.Op, r.Decided = "approve", true },
		"again, for a jail":   func(r *SkillRequest) { r.Op, r.For = "approve", "j" },
		"too long a rule set": func(r *SkillRequest) { r.RuleSet = strings.Repeat("x", 401) },
	} {
		r := good
		change(&r)
		if r.Check() == nil {
			t.Errorf("%s passes", name)
		}
	}
	if err := (SkillEvent{Name: "weather", Op: "installed", Tree: d, Verdict: "allow"}).Check(); err != nil {
		t.Error(err)
	}
	for _, bad := range []SkillEvent{{Name: "weather", Op: "x"}, {Name: "weather", Op: "removed", Verdict: "perhaps"}, {Name: "w", Op: "removed", Message: strings.Repeat("x", MaxSkillLine+1)}} {
		if bad.Check() == nil {
			t.Errorf("%+v passes", bad)
		}
	}
}
