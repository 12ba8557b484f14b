package arch

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	policysource "clawjail/policy/source"
)

// TestReadmeIsTrue compiles the policy that the README shows, and looks up the
// make targets and files that it names.
func TestReadmeIsTrue(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	_, rest, found := strings.Cut(text, "```yaml\n")
	policy, _, ended := strings.Cut(rest, "```")
	if !found || !ended {
		t.Fatal("the README shows no policy")
	}
	file := filepath.Join(t.TempDir(), "readme.yaml")
	if err := os.WriteFile(file, []byte(policy), 0o600); err != nil {
		t.Fatal(err)
	}
	vars := policysource.Vars{Workspace: "/home/x/project", Home: "/home/x", User: "x", TmpDir: "/tmp"}
	if _, err := policysource.Load(file, vars, policysource.Features{}); err != nil {
		t.Errorf("the README's policy: %v", err)
	}
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("(?m)(?:^|`)make ([a-z0-9]+)").FindAllStringSubmatch(text, -1) {
		if !strings.Contains(string(makefile), "\n"+m[1]+":") {
			t.Errorf("the README names make %s, which is no target", m[1])
		}
	}
	for _, path := range []string{"policy/source/examples", "SECURITY.md", "LICENSE", "test/arch"} {
		if _, err := os.Stat(filepath.Join(root, path)); err != nil {
			t.Errorf("the README names %s: %v", path, err)
		}
	}
}
