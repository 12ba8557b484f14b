package derive

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"clawjail/policy"
	"clawjail/policy/skill"
)

// host takes host:port, or a host with the port of HTTPS.
func host(value string, operator bool) (Line, string) {
	name, port := value, "443"
	if h, p, err := net.SplitHostPort(value); err == nil {
		name, port = h, p
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || strconv.FormatUint(n, 10) != port {
		return Line{}, "it names no port from 1 to 65535"
	}
	name = policy.NormalHost(strings.Trim(name, "[]"))
	if a, err := netip.ParseAddr(name); err == nil {
		switch {
		case a.IsLoopback() || a.IsUnspecified():
			return Line{}, "" // the jail's own
		case policy.Private(a):
			return Line{}, "it is a private address, which no derived policy reaches; write a policy of your own"
		case !operator:
			return Line{}, "it is an address and not a name, so nobody can tell whose it is"
		}
		return Line{Grant: Grant{skill.CapNet, net.JoinHostPort(a.String(), port)}}, ""
	}
	switch {
	case name == "localhost" || strings.HasSuffix(name, ".localhost"):
		return Line{}, ""
	case strings.Contains(name, "*"):
		return Line{}, "it is a wildcard; name the hosts"
	case !strings.Contains(name, "."):
		return Line{}, "it is not the full name of a host"
	}
	if err := policy.CheckHost(name); err != nil {
		return Line{}, err.Error()
	}
	return Line{Grant: Grant{skill.CapNet, name + ":" + port}}, ""
}

// file takes a path. What is relative is the workspace's, what is temporary the
// jail's own.
func file(g Grant, operator bool) (Line, string) {
	p := g.Value
	if i := strings.IndexAny(p, "*?[{"); i >= 0 {
		// Everything that the pattern can match lies below the last directory
		// in front of it. "${HOME}" has a brace too.
		if !strings.HasPrefix(p, "${") || strings.ContainsAny(p[2:], "*?[{") {
			if strings.HasPrefix(p, "${") {
				i = 2 + strings.IndexAny(p[2:], "*?[{")
			}
			p = p[:strings.LastIndexByte(p[:i], '/')+1]
		}
	}
	for _, home := range []string{"~", "${HOME}", "$HOME"} {
		if rest, ok := strings.CutPrefix(p, home); ok && (rest == "" || rest[0] == '/') {
			return below("${HOME}", rest, g.Kind, operator)
		}
	}
	for _, here := range []string{"${WORKSPACE}", "$PWD", "${PWD}"} {
		if rest, ok := strings.CutPrefix(p, here); ok && (rest == "" || rest[0] == '/') {
			return workspace(rest, g.Kind)
		}
	}
	switch {
	case strings.Contains(p, "$"):
		return Line{}, "it depends on a variable"
	case !strings.HasPrefix(p, "/"):
		return workspace("/"+p, g.Kind)
	}
	p = path.Clean(p)
	for _, own := range []string{"/tmp", "/dev", "/proc", "/dev/shm"} {
		if policy.Below(p, own) {
			return Line{}, "" // of every jail, and its own
		}
	}
	return shown(p, p, g.Kind)
}

// workspace is the directory that the skill works in: always there to read, to
// write when the skill does so.
func workspace(rest, kind string) (Line, string) {
	if strings.HasPrefix(path.Clean(strings.TrimPrefix(rest, "/")), "..") {
		return Line{}, "it leads out of the workspace"
	}
	if kind == skill.CapRead {
		return Line{}, ""
	}
	return Line{Grant: Grant{skill.CapWrite, "${WORKSPACE}"}, path: "${WORKSPACE}"}, ""
}

func below(home, rest, kind string, operator bool) (Line, string) {
	p := path.Clean("/" + rest)
	if p == "/" {
		return Line{}, "it is the whole home directory; name what is needed in it"
	}
	for _, c := range policy.Credentials() {
		if !operator && (policy.Below(p, "/"+c) || policy.Below("/"+c, p)) {
			return Line{}, fmt.Sprintf("it holds credentials (~/%s); grant it yourself if it must be", c)
		}
	}
	for _, agent := range []string{"/.openclaw", "/.clawdbot", "/.claude", "/.codex"} {
		if !operator && policy.Below(p, agent) {
			return Line{}, "it is the agent's own; grant it yourself if it must be"
		}
	}
	return shown(home+p, "/home/user"+p, kind)
}

// shown checks a path as the policy will: what is written there is written, p
// stands for it with variables replaced.
func shown(written, p, kind string) (Line, string) {
	access := policy.AccessRead
	if kind == skill.CapWrite {
		access = policy.AccessWrite
	}
	err := errors.Join(policy.CheckPath(p), policy.CheckShown(p, access))
	if err == nil && strings.ContainsAny(p, `"'`+"`\\$*#") {
		err = errors.New("its name has a character that no derived policy takes")
	}
	if err != nil {
		return Line{}, strings.ReplaceAll(err.Error(), "\n", "; ")
	}
	if kind == skill.CapRead && policy.Below(p, "/usr") {
		return Line{}, "" // shown to every jail
	}
	return Line{Grant: Grant{kind, written}, path: written}, ""
}

// tools only read and move files, which the jail bounds already. What prints
// and compares is in the preset.
func tools() []string {
	return []string{"arch", "b2sum", "basenc", "bunzip2", "bzip2", "chmod", "cksum", "column", "comm", "cp", "csplit", "dd", "env", "expand", "expr", "fmt", "fold", "getopt", "gunzip",
		"gzip", "hd", "hexdump", "iconv", "install", "join", "link", "ln", "logname", "md5sum", "mkdir", "mkfifo", "mktemp", "mv", "nl", "numfmt", "od", "paste", "patch", "pathchk", "pr", "printenv", "rev", "rm",
		"rmdir", "sha1sum", "sha224sum", "sha384sum", "sha512sum", "shuf", "split", "strings", "sum", "tac", "tar", "tee", "time", "timeout", "touch", "truncate", "tsort", "unexpand", "unlink", "unxz", "unzip",
		"xxd", "xz", "yes", "zcat", "zip", "zipinfo"}
}

// preset names what the preset "locked" allows, so that it needs no line.
func preset() []string {
	return []string{"[", "awk", "base64", "basename", "bash", "cat", "cmp", "cut", "dash", "date", "diff", "dirname", "du", "echo", "egrep", "false", "fgrep", "file", "find", "gawk", "grep", "head",
		"hostname", "id", "jq", "less", "ls", "mawk", "nproc", "pager", "printf", "ps", "pwd", "readlink", "realpath", "rg", "sed", "seq", "sh", "sha256sum", "sleep", "sort", "stat", "tail", "test", "tr", "tree",
		"true", "tty", "uname", "uniq", "wc", "which", "whoami", "xargs"}
}

// builtins are the shell's own words that look like programs.
func builtins() []string {
	return []string{".", ":", "alias", "bg", "bind", "break", "builtin", "caller", "cd", "command", "compgen", "complete", "continue", "declare", "dirs", "disown", "eval", "exec", "exit", "export", "fg", "getopts", "hash", "help",
		"history", "jobs", "kill", "let", "local", "logout", "mapfile", "popd", "pushd", "read", "readarray", "readonly", "return", "set", "shift", "shopt", "source", "suspend", "times", "trap", "type", "typeset", "ulimit", "umask",
		"unalias", "unset", "wait"}
}

// forbidden gain privileges or act outside of the jail. No derived policy has
// them; none could work.
func forbidden() []string {
	return []string{"at", "batch", "bwrap", "capsh", "chroot", "containerd", "crontab", "ctr", "doas", "docker", "dockerd", "firejail", "gdb", "insmod", "kubectl", "launchctl", "losetup", "ltrace", "lxc", "machinectl", "mknod", "modprobe",
		"mount", "nerdctl", "newgidmap", "newuidmap", "nsenter", "passwd", "pkexec", "podman", "reboot", "rmmod", "run0", "runc", "setcap", "setpriv", "shutdown", "strace", "su", "sudo", "sysctl", "systemctl", "systemd-run", "umount",
		"unshare", "useradd", "usermod", "visudo"}
}

// plainProgram is what a program may be called to be granted.
func plainProgram(s string) bool {
	return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$`).MatchString(s)
}

// program takes a program by name. A path is that of a file of the skill, or
// stands for the program's name.
func (d *deriver) program(value string) (Line, string) {
	if strings.HasPrefix(value, "./") || strings.HasPrefix(value, "../") || strings.Contains(value, "/") && !strings.HasPrefix(value, "/") ||
		d.o.Dir != "" && policy.Below(value, d.o.Dir) {
		return Line{}, "" // its own, and part of what was signed
	}
	name := path.Base(value)
	switch {
	case slices.Contains(forbidden(), name) || strings.HasPrefix(name, "mkfs"):
		return Line{}, "it works with privileges or outside of the jail, which no skill gets"
	case slices.Contains(tools(), name) || slices.Contains(preset(), name) || slices.Contains(builtins(), name):
		return Line{}, ""
	case !plainProgram(name):
		return Line{}, "it is not the plain name of a program"
	case d.o.Lookup == nil:
		return Line{Grant: Grant{skill.CapExec, name}}, ""
	}
	p, err := d.o.Lookup(name)
	switch {
	case errors.Is(err, ErrNoProgram):
		return Line{}, "this host has no such program; install it, and then the skill again"
	case err != nil:
		return Line{}, err.Error()
	}
	return Line{Grant: Grant{skill.CapExec, name}, program: p}, ""
}

// Ordinary reports whether a program needs no permission of its own: it only
// prints, compares, or moves files, or is the shell.
func Ordinary(name string) bool {
	return slices.Contains(tools(), name) || slices.Contains(preset(), name)
}
