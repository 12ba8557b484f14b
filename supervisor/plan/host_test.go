package plan

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// entry is a file of a made-up host.
type entry struct {
	kind FileKind
	link string
	uid  uint32
	mode fs.FileMode
}

// host is a made-up host: what it has by path. Directories above an entry
// need not be listed.
type host map[string]entry

func dir(uid uint32) entry      { return entry{kind: KindDir, uid: uid, mode: 0o755} }
func file(uid uint32) entry     { return entry{kind: KindFile, uid: uid, mode: 0o644} }
func symlink(text string) entry { return entry{link: text} }
func device() entry             { return entry{kind: KindOther, mode: 0o666} }
func (h host) with(more host) host {
	out := host{}
	for _, m := range []host{h, more} {
		for p, e := range m {
			out[p] = e
		}
	}
	return out
}

func (h host) at(p string) (entry, bool) {
	if e, ok := h[p]; ok {
		return e, true
	}
	for have := range h {
		if p == "/" || strings.HasPrefix(have, p+"/") {
			return dir(0), true
		}
	}
	return entry{}, false
}

// stat follows links as the kernel does.
func (h host) stat(p string) (FileFact, error) {
	real, links := "/", 0
	rest := strings.Split(strings.Trim(p, "/"), "/")
	var last entry = dir(0)
	for len(rest) > 0 {
		part := rest[0]
		rest = rest[1:]
		if part == "" {
			continue
		}
		if last.kind != KindDir {
			return FileFact{}, &fs.PathError{Op: "open", Path: p, Err: syscall.ENOTDIR}
		}
		next := path.Join(real, part)
		e, ok := h.at(next)
		if !ok {
			return FileFact{}, &fs.PathError{Op: "open", Path: p, Err: syscall.ENOENT}
		}
		if e.link == "" {
			real, last = next, e
			continue
		}
		if links++; links > 40 {
			return FileFact{}, &fs.PathError{Op: "open", Path: p, Err: syscall.ELOOP}
		}
		to := e.link
		if path.IsAbs(to) {
			real = "/"
		}
		// Dots are resolved by Join, which is right here: no made-up link has
		// a dot behind a link.
		to = path.Join(real, to)
		rest = append(strings.Split(strings.Trim(to, "/"), "/"), rest...)
		real, last = "/", dir(0)
	}
	fact := FileFact{Kind: last.kind, Real: real, UID: last.uid, Mode: last.mode}
	if e, ok := h[p]; ok {
		fact.Link = e.link
	}
	return fact, nil
}

// debian is a host with merged /usr and the files that presets list.
func debian() host {
	return host{
		"/usr/bin/bash": file(0), "/usr/bin/dash": file(0), "/usr/bin/sh": symlink("dash"), "/usr/bin/git": file(0),
		"/usr/bin/python3": symlink("python3.11"), "/usr/bin/python3.11": file(0), "/usr/bin/mawk": file(0),
		"/usr/bin/awk": symlink("/etc/alternatives/awk"), "/etc/alternatives/awk": symlink("/usr/bin/mawk"),
		"/usr/local/bin/node": file(0), "/usr/lib/os-release": file(0), "/usr/lib64/ld.so": file(0), "/usr/sbin/mkfs.ext4": file(0),
		"/usr/share/zoneinfo/Etc/UTC": file(0),
		"/bin":                        symlink("usr/bin"), "/sbin": symlink("usr/sbin"), "/lib": symlink("usr/lib"), "/lib64": symlink("usr/lib64"),
		"/etc/ld.so.cache": file(0), "/etc/localtime": symlink("/usr/share/zoneinfo/Etc/UTC"), "/etc/os-release": symlink("../usr/lib/os-release"),
		"/etc/ssl/certs/ca-certificates.crt": file(0), "/etc/ssl/openssl.cnf": file(0), "/etc/gitconfig": file(0), "/etc/shadow": file(0),
		"/home/ada": dir(1000), "/home/ada/project": dir(1000), "/home/ada/project/.git/config": file(1000),
		"/home/ada/project/.git/hooks": dir(1000), "/home/ada/.gitconfig": file(1000), "/home/ada/.local/bin": dir(1000),
		"/home/ada/.ssh/id_ed25519": file(1000), "/home/ada/.aws": dir(1000), "/home/ada/.config/gh": dir(1000),
		"/opt/agent/bin": dir(0), "/run/clawjail/control.sock": device(), "/var/lib/clawjail": dir(0), "/srv/data": dir(0),
		"/tmp": {kind: KindDir, mode: 0o777},
	}
}

func TestHostStat(t *testing.T) {
	real, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	at := func(name string) string { return filepath.Join(real, name) }
	for _, err := range []error{
		os.Mkdir(at("dir"), 0o750), os.WriteFile(at("file"), nil, 0o640), os.Symlink("dir", at("link")),
		os.Symlink("link", at("chain")), os.Symlink("nothing", at("dangling")), os.Symlink("loop", at("loop")),
		os.WriteFile(at("dir/inner"), nil, 0o600), syscall.Mkfifo(at("fifo"), 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	uid := uint32(os.Getuid())
	for name, want := range map[string]FileFact{
		"dir":         {Kind: KindDir, Real: at("dir"), UID: uid, Mode: 0o750},
		"file":        {Kind: KindFile, Real: at("file"), UID: uid, Mode: 0o640},
		"link":        {Kind: KindDir, Real: at("dir"), Link: "dir", UID: uid, Mode: 0o750},
		"chain":       {Kind: KindDir, Real: at("dir"), Link: "link", UID: uid, Mode: 0o750},
		"chain/inner": {Kind: KindFile, Real: at("dir/inner"), UID: uid, Mode: 0o600},
		"fifo":        {Kind: KindOther, Real: at("fifo"), UID: uid, Mode: 0o600},
	} {
		if got, err := Host(at(name)); err != nil || got != want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	for name, want := range map[string]error{
		"nothing": fs.ErrNotExist, "dangling": fs.ErrNotExist, "loop": syscall.ELOOP, "file/x": syscall.ENOTDIR,
	} {
		if got, err := Host(at(name)); !errors.Is(err, want) || got != (FileFact{}) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}
