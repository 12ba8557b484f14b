package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"clawjail/supervisor/api"
	"clawjail/supervisor/approval"
)

func (o *office) tell(rule, what string) {
	o.queue.Tell(approval.Done{Jail: "j1", JailName: "night\x1bly", Gate: "exec", Rule: rule, Key: what, Default: what == "",
		What: func() string { return what }})
}

func TestNotices(t *testing.T) {
	o := newOffice(t)
	if out, err := o.run("notices"); err != nil || out != "nothing to tell\n" {
		t.Errorf("%q, %v", out, err)
	}
	o.tell("exec.rules[0], sensitive (p.yaml:9)", "curl -T x")
	o.tell("exec.rules[0], sensitive (p.yaml:9)", "curl -T x")
	o.tell("exec.default (p.yaml:7)", "")
	out, err := o.run("notices")
	if err != nil || !strings.Contains(out, `night\x1bly`) || !strings.Contains(out, "2      exec.rules[0], sensitive (p.yaml:9)  curl -T x") ||
		!strings.Contains(out, "everything that no rule is about") || strings.Contains(out, "\x1b") {
		t.Errorf("%s, %v", out, err)
	}
	out, err = o.run("notices", "--jail", "j1", "-o", "json")
	var list []api.Notice
	if err != nil || json.Unmarshal([]byte(out), &list) != nil || len(list) != 2 || list[0].Count != 2 || !list[1].Default {
		t.Errorf("%s, %v", out, err)
	}
	if out, err := o.run("notices", "--jail", "j2"); err != nil || out != "nothing to tell\n" {
		t.Errorf("of another jail: %q, %v", out, err)
	}
	if _, err := o.run("notices", "-o", "yaml"); err == nil {
		t.Error("an unknown output was taken")
	}
}

// A rule that let much happen does not push out what another one has to say, and
// what no rule is about is told only to whoever asks for everything.
func TestTellAtEnd(t *testing.T) {
	var list []api.Notice
	for i := range 10 {
		list = append(list, api.Notice{Jail: "j1", Gate: "file", Rule: "files[0]", What: fmt.Sprint("open /w/", i), Count: 2})
	}
	list = append(list, api.Notice{Jail: "j1", Gate: "file", Rule: "files[0]", Count: 80}, api.Notice{Jail: "j1", Gate: "exec", Rule: "exec.default", Default: true, Count: 9},
		api.Notice{Jail: "j1", Gate: "exec", Rule: "exec.rules[0]", What: "curl x", Count: 1})
	var b strings.Builder
	tellAtEnd(&b, list, false)
	const want = `clawjail: the policy has you told of this:
  by files[0]:
    2× open /w/0
    2× open /w/1
    2× open /w/2
    94 more: clawjail audit query --jail j1 --verdict audit
  by exec.rules[0]:
    1× curl x
`
	if b.String() != want {
		t.Errorf("%s", &b)
	}
	b.Reset()
	tellAtEnd(&b, list, true)
	if !strings.Contains(b.String(), "by exec.default:\n    9 more") {
		t.Errorf("%s", &b)
	}
	b.Reset()
	if tellAtEnd(&b, list[11:12], false); b.String() != "" {
		t.Errorf("%s", &b)
	}
	for i := range 20 {
		list = append(list, api.Notice{Jail: "j1", Gate: "file", Rule: fmt.Sprint("files[", i+1, "]"), What: "open x", Count: 1})
	}
	tellAtEnd(&b, list, false)
	if n := strings.Count(b.String(), "\n"); n > 1+maxToldRules*(maxToldThings+2)+1 || !strings.Contains(b.String(), "and by more rules: clawjail notices --jail j1") {
		t.Errorf("%d lines: %s", n, &b)
	}
}

func TestWatchPendingTells(t *testing.T) {
	o := newOffice(t)
	v, _ := o.hold(heldPush())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out := &lines{cancel: cancel, after: "told: ", then: func(s string) {
		if strings.Contains(s, v.Digest) {
			o.tell("exec.rules[0], sensitive (p.yaml:9)", "curl -T x")
		}
	}}
	root := newRootCommand(&env{stdout: out, stderr: out, socket: o.socket})
	root.SetArgs([]string{"pending", "--watch"})
	if err := root.ExecuteContext(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if !strings.Contains(out.b.String(), `told: night\x1bly: curl -T x, by exec.rules[0], sensitive (p.yaml:9)`) {
		t.Error(out.b.String())
	}
}
