//go:build e2e

package races

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clawjail/policy"
	"clawjail/policy/source"
	"clawjail/test/e2e/smallnet"
)

// TestGateAgreesWithThePolicy judges the same executions by policy.Evaluate and
// by letting a jail make them, under random policies.
func TestGateAgreesWithThePolicy(t *testing.T) {
	const policies, perPolicy = 12, 60
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	ran := 0
	for range policies {
		f := newField(t, base+randomRules(rnd))
		paths := f.copies(t)
		var lines []string
		for range perPolicy {
			words := []string{pick(rnd, paths...)}
			for range rnd.IntN(4) {
				words = append(words, pick(rnd, "a", "ab", "-x", "push", "b c"))
			}
			lines = append(lines, strings.Join(words, "\t"))
		}
		if err := os.WriteFile(filepath.Join(f.dir, "requests"), []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		own(t, f.dir)
		p, err := source.Load(f.policy, source.Vars{Workspace: f.dir, Home: smallnet.UserHome, User: smallnet.UserName, TmpDir: "/tmp"},
			source.Features{Gate: true})
		if err != nil {
			t.Fatalf("%v in\n%s", err, f.text(t))
		}
		_, o := f.attack(t, "requests", perPolicy)
		i := 0
		for line := range strings.Lines(o.stdout) {
			got, ok := strings.CutPrefix(strings.TrimSpace(line), "= ")
			if !ok {
				continue
			}
			words := strings.Split(lines[i], "\t")
			d := p.Evaluate(policy.Request{Gate: policy.GateExec, Op: "exec", Argv: words,
				Path: filepath.Join(f.dir, words[0]), SHA256: sha256Of(t, filepath.Join(f.dir, words[0]))})
			want := "refused"
			if d.Verdict.Permits() {
				want, ran = "ran", ran+1
			}
			if got != want {
				t.Errorf("%q %s, the policy says %s by %s in\n%s", words, got, d.Verdict, d.Rule, f.text(t))
			}
			i++
		}
		if i != perPolicy {
			t.Fatalf("%d of %d answers: %v", i, perPolicy, o)
		}
	}
	if ran == 0 || ran == policies*perPolicy {
		t.Errorf("%d of %d executions were allowed", ran, policies*perPolicy)
	}
}

func pick(rnd *rand.Rand, from ...string) string { return from[rnd.IntN(len(from))] }

func (f field) text(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(f.policy)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// copies makes programs of several names and two contents.
func (f field) copies(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(f.dir, "good"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(f.dir, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	paths := []string{"./good", "./tool", "./git", "./sub/tool", "./sub/other"}
	for i, p := range paths[1:] {
		// What stands behind the program's end is not run.
		if err := os.WriteFile(filepath.Join(f.dir, p), append(text[:len(text):len(text)], make([]byte, i%2)...), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return paths
}

// randomRules writes rules that may hide one another only where the reader of
// policies does not refuse that: each has its own number among its arguments'
// patterns or another program.
func randomRules(rnd *rand.Rand) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\nexec:\n  default: %s\n  rules:\n    - {run: [\"${WORKSPACE}/race\"], then: allow}\n", pick(rnd, "allow", "audit", "deny"))
	for _, program := range []string{"${WORKSPACE}/sub/*", "tool", "git", "g*", "${WORKSPACE}/**"} {
		if rnd.IntN(3) == 0 {
			continue
		}
		for _, args := range []string{`["-x", "..."]`, `["...", push]`, `["a*", "..."]`, `["b c"]`, `[]`} {
			if rnd.IntN(2) == 0 {
				fmt.Fprintf(&b, "    - {run: [%q], args: %s, then: %s}\n", program, args, pick(rnd, "allow", "audit", "deny"))
			}
		}
	}
	if rnd.IntN(2) == 0 {
		fmt.Fprintf(&b, "    - {sha256: SHA_GOOD, then: %s}\n", pick(rnd, "allow", "deny"))
	}
	return b.String()
}
