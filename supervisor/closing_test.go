package supervisor

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"clawjail/policy"
)

func TestRefusedPrograms(t *testing.T) {
	p := &policy.Policy{Exec: policy.Exec{Rules: []policy.ExecRule{
		{Run: []string{"git"}, Args: []string{"push", "..."}, Then: policy.Ask},
		{Run: []string{"/opt/x/tool", "/opt/y/*"}, Then: policy.Deny},
		{Run: []string{"ls"}, Then: policy.Allow},
		{Run: []string{"python3"}, Then: policy.Kill, Bound: []policy.Binding{{Name: "python3", Path: "/usr/bin/python3.11"}}},
		{Run: []string{"/srv/**"}, Then: policy.Deny},
		{Run: []string{"nc*"}, Then: policy.Freeze},
		{Run: []string{"git"}, SHA256: "aa", Then: policy.Deny},
	}}}
	list := func(dir string) []string {
		return map[string][]string{"/opt/y": {"a", "b"}, "/usr/bin": {"nc", "ncat", "ls", "git"}}[dir]
	}
	want := []string{"/usr/bin/git", "/bin/git", "/opt/x/tool", "/opt/y/a", "/opt/y/b", "/usr/bin/python3.11",
		"/usr/bin/python3", "/bin/python3", "/usr/bin/nc", "/usr/bin/ncat"}
	if d := cmp.Diff(want, refusedPrograms(p, []string{"/usr/bin", "/bin"}, list)); d != "" {
		t.Error(d)
	}
}
