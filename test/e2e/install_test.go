//go:build e2e

package e2e

import (
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestInstallAndUninstall: everything is where it belongs and works from there,
// and uninstalling leaves what is the operator's.
func TestInstallAndUninstall(t *testing.T) {
	dest := t.TempDir()
	script := func(verb string) {
		t.Helper()
		c := exec.CommandContext(t.Context(), "../../.ci/install.sh", verb)
		c.Env = append(os.Environ(), "PREFIX=/opt/cj", "DESTDIR="+dest, "UNITDIR=/lib/systemd/system")
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", verb, err, out)
		}
	}
	script("install")
	have := files(t, dest)
	for _, want := range []string{
		"opt/cj/bin/clawjail", "opt/cj/libexec/clawjail/clawjail", "opt/cj/libexec/clawjail/clawjaild",
		"opt/cj/libexec/clawjail/clawjail-shim", "opt/cj/libexec/clawjail/clawjail-stage",
		"opt/cj/libexec/clawjail/clawjail-egress", "opt/cj/libexec/clawjail/clawjail-gateway",
		"lib/systemd/system/clawjail.service", "lib/systemd/system/clawjail-gateway.service",
		"opt/cj/share/bash-completion/completions/clawjail", "opt/cj/share/zsh/site-functions/_clawjail",
		"opt/cj/share/fish/vendor_completions.d/clawjail.fish",
		"opt/cj/share/man/man1/clawjail.1", "opt/cj/share/man/man1/clawjail-run.1", "opt/cj/share/man/man1/clawjail-audit-query.1",
		"opt/cj/share/doc/clawjail/README.md", "opt/cj/share/doc/clawjail/policies/claude-code.yaml",
	} {
		if !slices.Contains(have, want) {
			t.Errorf("%s is missing in %q", want, have)
		}
	}
	if to, err := os.Readlink(dest + "/opt/cj/bin/clawjail"); err != nil || to != "/opt/cj/libexec/clawjail/clawjail" {
		t.Errorf("the command leads to %q, %v", to, err)
	}
	for _, unit := range []string{"clawjail.service", "clawjail-gateway.service"} {
		text := read(t, filepath.Join(dest, "lib/systemd/system", unit))
		if !strings.Contains(text, "\nExecStart=/opt/cj/libexec/clawjail/clawjail") || strings.Contains(text, "@LIBEXEC@") {
			t.Errorf("%s: %s", unit, text)
		}
	}
	c := command(t, context.Background(), "policy", "check", "agent")
	c.Path = dest + "/opt/cj/libexec/clawjail/clawjail"
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("from where it was installed: %v: %s", err, out)
	}
	own := filepath.Join(dest, "etc/clawjail/policies/own.yaml")
	if err := os.WriteFile(own, []byte("version: 1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	script("install") // once more, over itself
	script("uninstall")
	if left := files(t, dest); !slices.Equal(left, []string{"etc/clawjail/policies/own.yaml"}) {
		t.Errorf("left: %q", left)
	}
	script("uninstall") // what is gone is no error
}

// files lists what is no directory below root.
func files(t *testing.T, root string) (list []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if rel, err := filepath.Rel(root, path); err == nil && !d.IsDir() {
			list = append(list, rel)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}
