package shell

import (
	"path"
	"slices"
	"strings"
)

// cleaned gives a path in the form in which it is compared. What is only known
// when it runs stays in it.
func cleaned(p string) string {
	if p == "" {
		return ""
	}
	return path.Clean(p)
}

// under reports whether p is dir or below it.
func under(p, dir string) bool {
	rest, ok := strings.CutPrefix(p, dir)
	return ok && (rest == "" || rest[0] == '/')
}

// precious are directories that nobody removes whole, or gives away.
var precious = [...]string{"/", "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib32", "/lib64", "/libx32", "/media", "/mnt", "/opt",
	"/proc", "/root", "/run", "/sbin", "/srv", "/sys", "/tmp", "/usr", "/usr/bin", "/usr/lib", "/usr/local", "/usr/sbin", "/usr/share", "/var", "/var/lib", "/var/log"}

// removesTooMuch says why removing target and all below it is refused.
func removesTooMuch(target word) (Finding, bool) {
	t := target.text
	if strings.HasPrefix(t, unknown) {
		return Finding{Rule: "removes-unknown", Why: "what is removed is only known when it runs; were it empty, it could be everything", Next: "write the directory out"}, true
	}
	p := stripped(t)
	switch {
	case slices.Contains(precious[:], p):
		return Finding{Rule: "removes-the-system", Why: "it removes a directory of the system with everything in it", Next: "name the directory of the workspace that is meant, as in ./build"}, true
	case p == "~" || len(p) > 1 && p[0] == '~' && !strings.Contains(p, "/"):
		return Finding{Rule: "removes-the-home", Why: "it removes a home directory with everything in it", Next: "name the directory that is meant, as in ~/project/build"}, true
	case p == ".." || strings.HasPrefix(p, "../") && strings.Trim(p, "./") == "":
		return Finding{Rule: "removes-the-parent", Why: "it removes a directory above this one with everything in it", Next: "name the directory that is meant, as in ./build"}, true
	}
	return Finding{}, false
}

// stripped takes off what stands for "all of it" at the end: /*, /. and the like.
func stripped(t string) string {
	for {
		dir, last := path.Split(t)
		if dir == "" || dir == t && t == "/" {
			break
		}
		if strings.Trim(last, "*.?{}[]!^") != "" || last == ".." {
			break
		}
		if strings.Trim(dir, "/") == "" {
			return "/"
		}
		t = strings.TrimRight(dir, "/")
	}
	return cleaned(t)
}

// device reports whether p is one that holds data: a disk, memory, a port.
func device(p string) bool {
	p = cleaned(p)
	return under(p, "/dev") && p != "/dev" && !harmless(p) && p != "/dev/random" && p != "/dev/urandom"
}
