package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// commandTree is the real tree with the two commands of this file's neighbours,
// whether main has them already or not.
func commandTree(e *env) *cobra.Command {
	root := newRootCommand(e)
	for _, c := range []*cobra.Command{newCompletionCommand(e), newManCommand(e)} {
		if found, _, err := root.Find([]string{c.Name()}); err != nil || found == root {
			root.AddCommand(c)
		}
	}
	return root
}

func TestEveryCommandHasAManualPage(t *testing.T) {
	dir := t.TempDir()
	root := commandTree(&env{})
	if err := writeManPages(root, dir); err != nil {
		t.Fatal(err)
	}
	pages, err := filepath.Glob(dir + "/*.1")
	if err != nil || len(pages) < len(root.Commands())-1 {
		t.Fatalf("%d pages for %d commands (%v)", len(pages), len(root.Commands()), err)
	}
	for _, page := range pages {
		b, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range []string{".TH ", ".SH NAME", ".SH SYNOPSIS"} {
			if !bytes.Contains(b, []byte(part)) {
				t.Errorf("%s has no %s", filepath.Base(page), part)
			}
		}
	}
	if _, err := os.Stat(dir + "/clawjail-man.1"); err == nil {
		t.Error("the hidden command has a page")
	}
}

func TestRoffEscapes(t *testing.T) {
	got := roff(".a\n'b\n\\c --d")
	if want := "\\&.a\n\\&'b\n\\ec \\-\\-d"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestCompletionScriptsAreValid(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		var out bytes.Buffer
		root := commandTree(&env{stdout: &out, stderr: &out})
		root.SetArgs([]string{"completion", shell})
		if err := root.Execute(); err != nil {
			t.Fatalf("%s: %v", shell, err)
		}
		if !strings.Contains(out.String(), "clawjail") {
			t.Errorf("%s: the script does not name clawjail", shell)
		}
		if shell == "bash" {
			c := exec.Command("bash", "-n")
			c.Stdin = &out
			if msg, err := c.CombinedOutput(); err != nil {
				t.Errorf("bash does not parse it: %v: %s", err, msg)
			}
		}
	}
	root := commandTree(&env{stdout: &bytes.Buffer{}, stderr: &bytes.Buffer{}})
	root.SetArgs([]string{"completion", "tcsh"})
	if err := root.Execute(); err == nil || !strings.Contains(err.Error(), "tcsh") {
		t.Errorf("an unknown shell gave %v", err)
	}
}
