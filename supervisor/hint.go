package supervisor

import (
	"fmt"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"clawjail/jail"
	"clawjail/jail/shim"
	"clawjail/supervisor/plan"
)

// missingCommandHint finds a command that the jail does not have on the host,
// and gives the line of policy that would show it. It only makes a message
// helpful: nothing is decided by what it finds.
func missingCommandHint(spec jail.Spec, stat func(string) (plan.FileFact, error)) string {
	if len(spec.Argv) == 0 {
		return ""
	}
	for _, path := range candidates(spec) {
		fact, err := stat(path)
		if err != nil || fact.Kind != plan.KindFile {
			continue
		}
		line := fmt.Sprintf("- {path: %s, access: read}", quotePath(filepath.Dir(fact.Real)))
		if fact.Real == path {
			return fmt.Sprintf("the host has %s, the policy does not show it; add under files: %s", path, line)
		}
		return fmt.Sprintf("the host has %s (really %s), the policy does not show it; add under files: %s", path, fact.Real, line)
	}
	return ""
}

// lacking tells a step that the kernel does not know or does not permit from one
// that went wrong about a path.
func lacking(se *shim.StartError) bool {
	if se.Path != "" {
		return false
	}
	switch se.Errno {
	case unix.ENOSYS, unix.EINVAL, unix.EPERM, unix.EOPNOTSUPP, unix.ENODEV, unix.ENOSPC, unix.EUSERS:
		return true
	}
	return false
}

// candidates are the host paths that the command could have meant.
func candidates(spec jail.Spec) []string {
	name := spec.Argv[0]
	if strings.Contains(name, "/") {
		if !filepath.IsAbs(name) {
			name = filepath.Join(spec.Cwd, name)
		}
		return []string{filepath.Clean(name)}
	}
	path := "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/go/bin:/opt/bin:/snap/bin"
	for _, kv := range spec.Env {
		if v, ok := strings.CutPrefix(kv, "PATH="); ok {
			path = v + ":" + path
		}
	}
	var out []string
	for _, dir := range strings.Split(path, ":") {
		if filepath.IsAbs(dir) && len(out) < 64 {
			out = append(out, filepath.Join(dir, name))
		}
	}
	return out
}

// quotePath quotes a path for YAML flow style where it needs that.
func quotePath(p string) string {
	if strings.ContainsAny(p, " ,:{}[]#&*!|>'\"%@`\\\n\t") {
		return fmt.Sprintf("%q", p)
	}
	return p
}
