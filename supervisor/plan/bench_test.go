package plan

import (
	"testing"

	"clawjail/policy/source"
)

// A plan is made while an operator waits: it should be lost in the noise of
// starting a process.
func BenchmarkLower(b *testing.B) {
	v := source.Vars{Workspace: b.TempDir(), Home: "/home/agent", User: "agent"}
	p, err := source.Preset("agent", v, source.Features{})
	if err != nil {
		b.Fatal(err)
	}
	r := run(debian())
	r.Workspace, r.Stat, r.User.Home = v.Workspace, Host, v.Home
	for b.Loop() {
		if _, err := Lower(p, r); err != nil {
			b.Fatal(err)
		}
	}
}
