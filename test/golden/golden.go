package golden

import (
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// update is `go test -update`: files are written first, and then compared, for
// whoever reads the difference in git.
var update = flag.Bool("update", false, "write golden files")

// Update reports whether files are to be written.
func Update() bool { return *update }

// Check compares got with the file.
func Check(t testing.TB, file, got string) {
	t.Helper()
	if Update() {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s has changed (-want +got); go test -update if that is meant:\n%s", file, d)
	}
}
