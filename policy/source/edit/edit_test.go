package edit

import (
	"errors"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

func TestInsertLeavesTheUnusual(t *testing.T) {
	tests := []struct{ name, text string }{
		{"two documents", "version: 1\n---\nversion: 1\n"},
		{"a list", "- a\n"},
		{"a section that is null", "exec:\n"},
		{"a list that is null", "exec:\n  rules:\n"},
		{"an anchor", "exec:\n  rules: &r\n    - {run: ls, then: allow}\n"},
		{"an end of document", "version: 1\n...\n"},
		{"a line break of YAML alone", "exec: \r rules:\n - {run: ls, then: allow}\n"},
		{"a line separator", "version: 1 # a\u2028exec:\n  rules:\n    - {run: ls, then: allow}\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := Insert(tt.text, []string{"exec", "rules"}, "{run: a}"); !errors.Is(err, ErrByHand) {
				t.Errorf("got %v\n%s", err, got)
			}
		})
	}
}

func TestInsertAndRemove(t *testing.T) {
	keys := []string{"a", "b"}
	tests := []struct{ name, text, want string }{
		{"a block", "a:\n  b:\n    - x\n", "a:\n  b:\n    - new\n    - x\n"},
		{"a block that is not indented", "a:\n  b:\n  - x\n", "a:\n  b:\n  - new\n  - x\n"},
		{"brackets", "a: {b: [x]}\n", "a: {b: [new, x]}\n"},
		{"brackets over lines", "a:\n  b: [\n    x,\n  ]\n", "a:\n  b: [new, \n    x,\n  ]\n"},
		{"an empty list", "a: {b: []}\n", "a: {b: [new]}\n"},
		{"an empty mapping", "a: {}\n", "a: {b: [new]}\n"},
		{"nothing of it", "c: 1", "c: 1\na:\n  b:\n    - new\n"},
		{"half of it", "a:\n   c: 1\n", "a:\n   b:\n     - new\n   c: 1\n"},
		{"all in braces", "{c: 1}\n", "{a: {b: [new]}, c: 1}\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Insert(tt.text, keys, "new")
			if err != nil || got != tt.want {
				t.Errorf("got\n%s%v, want\n%s", got, err, tt.want)
			}
			again, err := Remove(got, keys, "new")
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(again, "new") {
				t.Errorf("still there:\n%s", again)
			}
			var v any
			if err := yaml.Unmarshal([]byte(again), &v); err != nil {
				t.Errorf("%v\n%s", err, again)
			}
		})
	}
}

func FuzzInsert(f *testing.F) {
	f.Add("a:\n  b:\n    - x\n")
	f.Add("{a: {b: [x, \"y\"]}}")
	f.Add("a: &x {b: [*x]}\n---\n...")
	f.Add("\ufeffa:\r\n  b:\r\n  - |\r\n    x\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4096 {
			return
		}
		if got, err := Insert(text, []string{"a", "b"}, "new"); err == nil {
			_ = Diff("x", text, got)
		}
		if got, err := Remove(text, []string{"a", "b"}, "x"); err == nil {
			_ = Diff("x", text, got)
		}
	})
}
