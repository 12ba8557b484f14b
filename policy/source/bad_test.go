package source

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clawjail/test/golden"
)

func vars() Vars {
	return Vars{Workspace: "/home/user/project", Home: "/home/user", User: "user"}
}

// Every file in testdata/bad is refused with exactly the words beside it.
func TestBadPolicies(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		p, err := Parse(filepath.Base(file), data, vars(), Features{})
		var problems Problems
		if p != nil || !errors.As(err, &problems) {
			t.Errorf("%s: %v, %v", file, p, err)
			continue
		}
		golden.Check(t, strings.TrimSuffix(file, ".yaml")+".golden", err.Error()+"\n")
	}
}
