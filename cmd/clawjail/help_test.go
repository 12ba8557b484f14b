package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestEveryCommandHelps: a page says what the command does, in lines that fit a
// terminal, and every one that people use has a place in the overview.
func TestEveryCommandHelps(t *testing.T) {
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		if c.Hidden {
			return
		}
		if c.Short == "" || strings.HasSuffix(c.Short, ".") {
			t.Errorf("%s: its short text is %q", c.CommandPath(), c.Short)
		}
		for line := range strings.Lines(c.Long + "\n" + c.Example) {
			if len([]rune(line)) > 101 {
				t.Errorf("%s: a line is too long: %s", c.CommandPath(), line)
			}
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	root := newRootCommand(&env{})
	walk(root)
	for _, c := range root.Commands() {
		if !c.Hidden && c.GroupID == "" && c.Name() != "completion" && c.Name() != "version" {
			t.Errorf("%s is under no heading of clawjail --help", c.Name())
		}
	}
}

func TestWrongArgumentsAreExplained(t *testing.T) {
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"nothing to freeze", []string{"freeze"}, "clawjail: an argument is missing\n  clawjail freeze JAIL... [flags]\n"},
		{"half of exec", []string{"exec", "x"}, "clawjail: arguments are missing\n  clawjail exec [flags] JAIL -- COMMAND [ARG ...]\n"},
		{"an argument too many", []string{"ps", "x"}, "clawjail: unexpected argument \"x\"\n  clawjail ps [flags]\n"},
		{"two of one", []string{"inspect", "x", "y"}, "clawjail: 2 arguments, and it takes 1\n  clawjail inspect JAIL\n"},
		{"no such command", []string{"xyzzy"}, "clawjail: unknown command \"xyzzy\" for \"clawjail\"\n  see: clawjail --help\n"},
		{"a slip", []string{"freze"}, "Did you mean this?\n\tfreeze\n\n  see: clawjail --help\n"},
		{"no such command below", []string{"policy", "explan"}, "clawjail: unknown command \"explan\" of clawjail policy\n  see: clawjail policy --help\n"},
		{"no such flag", []string{"ps", "--al"}, "clawjail: unknown flag: --al\n  see: clawjail ps --help\n"},
		{"no command to run", []string{"run"}, "clawjail: no command to run\n  clawjail run [flags] -- COMMAND [ARG ...]\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out, errs bytes.Buffer
			code := execute(&env{stdin: &bytes.Buffer{}, stdout: &out, stderr: &errs}, tt.args)
			if code != 125 || !strings.HasSuffix(errs.String(), tt.want) || out.Len() > 0 {
				t.Errorf("exit %d, %q, %q", code, errs.String(), out.String())
			}
		})
	}
}
