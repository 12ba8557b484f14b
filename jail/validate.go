package jail

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"unicode/utf8"
)

// Bounds of a Spec. They are far above what people need and far below what
// would hurt the process that reads it.
const (
	MaxID       = 64
	MaxName     = 128
	MaxHostname = 64 // include/uapi/linux/utsname.h:__NEW_UTS_LEN
	MaxMounts   = 4096
	MaxLandlock = 8192
	MaxGroups   = 64
	// MaxArgs bounds argv and env together, in bytes with the terminators.
	// The kernel's own limit is a quarter of the stack limit, at most 6 MiB
	// (fs/exec.c:bprm_stack_limits).
	MaxArgs = 6 << 20
	// MaxContent bounds the content of one File.
	MaxContent = 1 << 20
	// maxPath is PATH_MAX without the terminator.
	maxPath = 4095
	// maxTmpfs keeps sizes far from overflow.
	maxTmpfs = 1 << 50
)

// problems collects what is wrong.
type problems []error

func (p *problems) add(format string, args ...any) { *p = append(*p, fmt.Errorf(format, args...)) }

// Validate reports everything that is wrong with s, joined.
func (s Spec) Validate() error {
	var p problems
	s.checkNames(&p)
	s.User.check(&p)
	p.args("argv", s.Argv)
	p.args("env", s.Env)
	if len(s.Argv) == 0 || s.Argv[0] == "" {
		p.add("argv: no command")
	}
	for i, kv := range s.Env {
		if strings.IndexByte(kv, '=') < 1 {
			p.add("env[%d]: no NAME=VALUE", i)
		}
	}
	if n := bytesOf(s.Argv) + bytesOf(s.Env); n > MaxArgs {
		p.add("argv and env: %d bytes, at most %d", n, MaxArgs)
	}
	p.path("cwd", s.Cwd)
	p.path("stage binary", s.StageBinary)
	p.path("state directory", s.StateDir)
	if len(s.Mounts) > MaxMounts {
		p.add("mounts: %d, at most %d", len(s.Mounts), MaxMounts)
	}
	seen := make(map[string]bool, len(s.Mounts))
	for i, m := range s.Mounts {
		m.check(&p, i)
		if seen[m.Target] && m.Kind != Mask {
			p.add("mounts[%d]: second mount at %q", i, m.Target)
		}
		seen[m.Target] = true
	}
	if len(s.Landlock) > MaxLandlock {
		p.add("landlock: %d rules, at most %d", len(s.Landlock), MaxLandlock)
	}
	if len(s.Landlock) > 0 && s.LandlockABI < 1 {
		p.add("landlock: rules without an ABI")
	}
	for i, r := range s.Landlock {
		p.path(fmt.Sprintf("landlock[%d]", i), r.Path)
	}
	if len(s.Filter)%8 != 0 {
		p.add("filter: %d bytes, not a multiple of 8", len(s.Filter))
	}
	s.Limits.check(&p)
	return errors.Join(p...)
}

func (s Spec) checkNames(p *problems) {
	if !isID(s.ID) {
		p.add("id %q: want a-z, 0-9 and '-', at most %d, the first no '-'", s.ID, MaxID)
	}
	if len(s.Name) > MaxName || !utf8.ValidString(s.Name) {
		p.add("name: want UTF-8, at most %d bytes", MaxName)
	}
	if s.Hostname != "" && !isHostname(s.Hostname) {
		p.add("hostname %q: want letters, digits, '-' and '.', at most %d", s.Hostname, MaxHostname)
	}
	if s.CgroupParent == "" {
		p.add("cgroup parent: empty")
	}
	for _, part := range strings.Split(s.CgroupParent, "/") {
		if !isID(part) {
			p.add("cgroup parent %q: want names like an id, separated by '/'", s.CgroupParent)
			break
		}
	}
}

func (u User) check(p *problems) {
	// -1 means "no change" to setuid(2) and chown(2).
	const none = 1<<32 - 1
	if u.UID == 0 || u.GID == 0 {
		p.add("user: a jail never runs as root (uid %d, gid %d)", u.UID, u.GID)
	}
	if u.UID == none || u.GID == none {
		p.add("user: %d is no id", uint32(none))
	}
	if len(u.Groups) > MaxGroups {
		p.add("user: %d groups, at most %d", len(u.Groups), MaxGroups)
	}
	for _, g := range u.Groups {
		if g == 0 || g == none {
			p.add("user: group %d is refused", g)
		}
	}
	if u.Name == "" || len(u.Name) > MaxName || strings.ContainsAny(u.Name, ":\n\x00/") {
		p.add("user: name %q is not fit for /etc/passwd", u.Name)
	}
	p.path("user: home", u.Home)
	if strings.ContainsAny(u.Home, ":\n") {
		p.add("user: home %q is not fit for /etc/passwd", u.Home)
	}
}

func (m Mount) check(p *problems, i int) {
	name := fmt.Sprintf("mounts[%d] target", i)
	p.path(name, m.Target)
	switch {
	case m.Target == "/" || m.Target == "/proc" || m.Target == "/dev":
		p.add("%s %q: made by the jail itself", name, m.Target)
	case strings.HasPrefix(m.Target, "/proc/"):
		p.add("%s %q: nothing is mounted below /proc", name, m.Target)
	}
	if m.Mode&^0o1777 != 0 {
		p.add("mounts[%d]: mode %#o", i, m.Mode)
	}
	switch m.Kind {
	case Bind:
		p.path(fmt.Sprintf("mounts[%d] source", i), m.Source)
	case Tmpfs:
		if m.SizeBytes < 1 || m.SizeBytes > maxTmpfs {
			p.add("mounts[%d]: size %d of the tmpfs at %q", i, m.SizeBytes, m.Target)
		}
	case Symlink:
		if m.Source == "" || len(m.Source) > maxPath || !isText(m.Source) {
			p.add("mounts[%d]: text of the link %q", i, m.Target)
		}
	case File:
		if !utf8.ValidString(m.Content) {
			p.add("mounts[%d]: content is not UTF-8", i)
		}
		if len(m.Content) > MaxContent {
			p.add("mounts[%d]: %d bytes of content, at most %d", i, len(m.Content), MaxContent)
		}
	case Mask:
	default:
		p.add("mounts[%d]: unknown kind %q", i, m.Kind)
	}
}

func (l Limits) check(p *problems) {
	for name, n := range map[string]int64{
		"memory": l.MemoryBytes, "pids": l.Pids, "open files": l.OpenFiles, "file size": l.FileSizeBytes,
		"nproc": l.Nproc, "memlock": l.MemlockBytes, "wall": int64(l.Wall), "tmp": l.TmpBytes, "shm": l.ShmBytes,
	} {
		if n < 0 {
			p.add("limit of %s: %d", name, n)
		}
	}
	if !(l.CPUs >= 0 && l.CPUs <= 1<<16) { // not NaN either
		p.add("limit of cpus: %v", l.CPUs)
	}
	if l.TmpBytes > maxTmpfs || l.ShmBytes > maxTmpfs {
		p.add("limit of tmp or shm: more than %d bytes", int64(maxTmpfs))
	}
}

// path wants an absolute, clean path that text can carry.
func (p *problems) path(what, name string) {
	switch {
	case name == "":
		p.add("%s: empty", what)
	case len(name) > maxPath:
		p.add("%s: %d bytes, at most %d", what, len(name), maxPath)
	case !isText(name):
		p.add("%s %q: not UTF-8", what, name)
	case !path.IsAbs(name) || path.Clean(name) != name:
		p.add("%s %q: not absolute and clean", what, name)
	}
}

func (p *problems) args(what string, list []string) {
	for i, s := range list {
		if strings.IndexByte(s, 0) >= 0 {
			p.add("%s[%d]: has a NUL", what, i)
		}
	}
}

// isText reports whether s survives JSON and system calls.
func isText(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

func bytesOf(list []string) int {
	n := 0
	for _, s := range list {
		n += len(s) + 1
	}
	return n
}

func isID(s string) bool {
	if s == "" || len(s) > MaxID || s[0] == '-' {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-') {
			return false
		}
	}
	return true
}

func isHostname(s string) bool {
	if len(s) > MaxHostname {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '.') {
			return false
		}
	}
	return true
}
