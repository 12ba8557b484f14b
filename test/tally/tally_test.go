package main

import (
	"strings"
	"testing"
)

func TestTally(t *testing.T) {
	const (
		pass  = `{"Action":"pass","Package":"p","Test":"TestA"}` + "\n"
		skip  = `{"Action":"skip","Package":"p","Test":"TestS"}` + "\n"
		build = `{"Action":"fail","Package":"p","FailedBuild":"p"}` + "\n"
		out   = `{"Action":"output","Package":"p","Test":"TestF","Output":"why it failed\n"}` + "\n"
		fail  = `{"Action":"fail","Package":"p","Test":"TestF"}` + "\n"
		sub   = `{"Action":"skip","Package":"p","Test":"TestA/row"}` + "\n"
	)
	tests := []struct {
		name, in, want string
		noskip, ok     bool
	}{
		{"a pass is a success", pass, "1 passed, 0 failed\n", false, true},
		{"nothing ran is a failure", "", "no test ran\n0 passed, 1 failed\n", false, false},
		{"a skip alone is no test", skip, "no test ran", false, false},
		{"a skip beside a pass is told", pass + skip, "1 passed, 0 failed, 1 skipped\n", false, true},
		{"a skip is a failure where the feature must be", pass + skip, "1 passed, 1 failed\n", true, false},
		{"a skipped row too", sub + pass, "TestA/row: skipped", true, false},
		{"a build failure is a failure", pass + build, "1 passed, 1 failed\n", false, false},
		{"a failure shows its output", out + fail, "why it failed\nFAIL  p TestF", false, false},
		{"a failed test and its package are one failure", pass + out + fail + build, "1 passed, 1 failed\n", false, false},
		{"foreign lines are shown", "compiler says no\n" + pass, "compiler says no\n", false, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var b strings.Builder
			y := tally{out: &b, noskip: tt.noskip, outputs: map[key]*strings.Builder{}, guilty: map[string]bool{}}
			if err := y.read(strings.NewReader(tt.in)); err != nil {
				t.Fatal(err)
			}
			if ok := y.close(); ok != tt.ok || !strings.Contains(b.String(), tt.want) {
				t.Errorf("ok %v want %v, output %q does not hold %q", ok, tt.ok, b.String(), tt.want)
			}
		})
	}
}
