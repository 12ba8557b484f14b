package root

import (
	"fmt"
	"slices"
	"strings"

	"clawjail/jail"
)

// defaultTmpfsBytes is the size of /tmp and /dev/shm when the limits name none.
const defaultTmpfsBytes = 64 << 20

// Defaults are the mounts that every jail has unless the spec lists something
// at the same target: private /tmp and /dev/shm, and the files in /etc that
// resolve users and names.
func Defaults(s jail.Spec) []jail.Mount {
	size := func(n int64) int64 {
		if n > 0 {
			return n
		}
		return defaultTmpfsBytes
	}
	all := []jail.Mount{
		{Kind: jail.Tmpfs, Target: "/tmp", Write: true, Mode: 0o1777, SizeBytes: size(s.Limits.TmpBytes)},
		{Kind: jail.Tmpfs, Target: "/dev/shm", Write: true, Mode: 0o1777, SizeBytes: size(s.Limits.ShmBytes)},
		{Kind: jail.File, Target: "/etc/passwd", Content: passwd(s.User)},
		{Kind: jail.File, Target: "/etc/group", Content: group(s.User)},
		{Kind: jail.File, Target: "/etc/hosts", Content: hosts(s.Hostname)},
		{Kind: jail.File, Target: "/etc/resolv.conf", Content: resolvConf(s)},
		{Kind: jail.File, Target: "/etc/nsswitch.conf", Content: "passwd: files\ngroup: files\nhosts: files dns\nservices: files\n"},
	}
	return slices.DeleteFunc(all, func(d jail.Mount) bool {
		return slices.ContainsFunc(s.Mounts, func(m jail.Mount) bool { return m.Target == d.Target })
	})
}

func passwd(u jail.User) string {
	return fmt.Sprintf("root:x:0:0:root:/root:/usr/sbin/nologin\n%s:x:%d:%d::%s:/bin/sh\n"+
		"nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n", u.Name, u.UID, u.GID, u.Home)
}

func group(u jail.User) string {
	var b strings.Builder
	fmt.Fprintf(&b, "root:x:0:\n%s:x:%d:\n", u.Name, u.GID)
	for _, g := range u.Groups {
		if g != u.GID {
			fmt.Fprintf(&b, "group%d:x:%d:%s\n", g, g, u.Name)
		}
	}
	b.WriteString("nogroup:x:65534:\n")
	return b.String()
}

func hosts(name string) string {
	s := "127.0.0.1 localhost\n::1 localhost ip6-localhost\n"
	if name != "" {
		s += "127.0.1.1 " + name + "\n"
	}
	return s
}

func resolvConf(s jail.Spec) string {
	var b strings.Builder
	if s.Resolver4.IsValid() {
		fmt.Fprintf(&b, "nameserver %s\n", s.Resolver4)
	}
	if s.Resolver6.IsValid() {
		fmt.Fprintf(&b, "nameserver %s\n", s.Resolver6)
	}
	return b.String()
}
