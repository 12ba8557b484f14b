package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// goStandIn is the guest's "go". Tests build the binaries that they need with
// `go build -o FILE PACKAGE`; a compiler under emulation would take minutes, so
// the guest gets what was built before it started.
const goStandIn = `#!/bin/sh
while [ $# -gt 0 ]; do
	case $1 in
	-o) out=$2; shift ;;
	-ldflags | -tags | -gcflags) shift ;;
	build | -*) ;;
	*) package=$1 ;;
	esac
	shift
done
built=/shared/prebuilt/$(echo "$package" | tr / _)
[ -f "$built" ] || { echo "go: the guest has only what the runner built, and not $package" >&2; exit 1; }
cp "$built" "$out"
`

// prebuild builds every command of the module, and the programs that tests run
// in jails, for the guest.
func prebuild(shared string) error {
	out, err := exec.Command("go", "list", "-f", `{{if eq .Name "main"}}{{.ImportPath}}{{end}}`, "./cmd/...", "./test/victim/...").Output()
	if err != nil {
		return fmt.Errorf("go list: %w", err)
	}
	for _, d := range []string{"prebuilt", "path"} {
		if err := os.MkdirAll(filepath.Join(shared, d), 0o755); err != nil {
			return err
		}
	}
	for pkg := range strings.FieldsSeq(string(out)) {
		c := exec.Command("go", "build", "-o", filepath.Join(shared, "prebuilt", strings.ReplaceAll(pkg, "/", "_")), pkg)
		c.Env = append(os.Environ(), "CGO_ENABLED=0")
		if strings.HasSuffix(pkg, "/clawjail-shim") {
			c.Env = append(os.Environ(), "CGO_ENABLED=1")
		}
		if out, err := c.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s for the guest: %w: %s", pkg, err, out)
		}
	}
	return os.WriteFile(filepath.Join(shared, "path", "go"), []byte(goStandIn), 0o755)
}
