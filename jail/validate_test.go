package jail_test

import (
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"

	"clawjail/jail"
)

func good() jail.Spec {
	return jail.Spec{
		ID: "a-1", Name: "näme", Hostname: "cage", Argv: []string{"true"}, Env: []string{"A=b", "E="}, Cwd: "/work",
		User: jail.User{UID: 1000, GID: 1000, Groups: []uint32{4}, Name: "u", Home: "/home/u"},
		Mounts: []jail.Mount{
			{Kind: jail.Bind, Source: "/usr", Target: "/usr", Exec: true},
			{Kind: jail.Tmpfs, Target: "/tmp", Write: true, SizeBytes: 1 << 20, Mode: 0o1777},
			{Kind: jail.Symlink, Source: "usr/bin", Target: "/bin"},
			{Kind: jail.File, Target: "/etc/hosts", Content: "x\n"},
			{Kind: jail.Mask, Target: "/usr"},
		},
		Landlock: []jail.PathRule{{Path: "/usr", Dir: true}}, LandlockABI: 4,
		Limits:      jail.Limits{MemoryBytes: 1 << 30, CPUs: 1.5, Wall: time.Hour},
		StageBinary: "/usr/libexec/stage", StateDir: "/run/clawjail/jails/a-1", CgroupParent: "clawjail/test",
		Resolver4: netip.MustParseAddr("198.18.0.1"),
	}
}

func TestValidate(t *testing.T) {
	if err := good().Validate(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		spoil func(*jail.Spec)
		want  string
	}{
		{"an id that leaves its directory", func(s *jail.Spec) { s.ID = "../x" }, "id"},
		{"an id with an option's dash", func(s *jail.Spec) { s.ID = "-x" }, "id"},
		{"no id", func(s *jail.Spec) { s.ID = "" }, "id"},
		{"a long id", func(s *jail.Spec) { s.ID = strings.Repeat("x", 65) }, "id"},
		{"a cgroup parent that climbs", func(s *jail.Spec) { s.CgroupParent = "clawjail/.." }, "cgroup parent"},
		{"an absolute cgroup parent", func(s *jail.Spec) { s.CgroupParent = "/clawjail" }, "cgroup parent"},
		{"no cgroup parent", func(s *jail.Spec) { s.CgroupParent = "" }, "cgroup parent"},
		{"a hostname with a newline", func(s *jail.Spec) { s.Hostname = "a\nb" }, "hostname"},
		{"root", func(s *jail.Spec) { s.User.UID = 0 }, "never runs as root"},
		{"root's group", func(s *jail.Spec) { s.User.GID = 0 }, "never runs as root"},
		{"root's group besides", func(s *jail.Spec) { s.User.Groups = []uint32{0} }, "group 0"},
		{"the id that changes nothing", func(s *jail.Spec) { s.User.UID = math.MaxUint32 }, "no id"},
		{"a user name that makes a second line", func(s *jail.Spec) { s.User.Name = "u:x:0:0\nv" }, "/etc/passwd"},
		{"a home with a colon", func(s *jail.Spec) { s.User.Home = "/a:b" }, "/etc/passwd"},
		{"no command", func(s *jail.Spec) { s.Argv = nil }, "no command"},
		{"an empty command", func(s *jail.Spec) { s.Argv = []string{""} }, "no command"},
		{"a NUL in argv", func(s *jail.Spec) { s.Argv = []string{"a\x00b"} }, "argv[0]"},
		{"a variable without a name", func(s *jail.Spec) { s.Env = []string{"=x"} }, "env[0]"},
		{"too much argv", func(s *jail.Spec) { s.Argv = []string{"x", strings.Repeat("x", jail.MaxArgs)} }, "at most"},
		{"a relative cwd", func(s *jail.Spec) { s.Cwd = "work" }, "cwd"},
		{"a cwd that climbs", func(s *jail.Spec) { s.Cwd = "/a/../b" }, "cwd"},
		{"a mount over the root", func(s *jail.Spec) { s.Mounts[0].Target = "/" }, "made by the jail"},
		{"a mount over /dev", func(s *jail.Spec) { s.Mounts[0].Target = "/dev" }, "made by the jail"},
		{"a mount into /proc", func(s *jail.Spec) { s.Mounts[0].Target = "/proc/sys" }, "below /proc"},
		{"two mounts at one place", func(s *jail.Spec) { s.Mounts[0].Target = "/tmp" }, "second mount"},
		{"a target that is no text", func(s *jail.Spec) { s.Mounts[0].Target = "/\xff" }, "not UTF-8"},
		{"set-user-id mode", func(s *jail.Spec) { s.Mounts[1].Mode = 0o4755 }, "mode"},
		{"a tmpfs without a size", func(s *jail.Spec) { s.Mounts[1].SizeBytes = 0 }, "size"},
		{"an unknown kind", func(s *jail.Spec) { s.Mounts[0].Kind = "overlay" }, "unknown kind"},
		{"content that is no text", func(s *jail.Spec) { s.Mounts[3].Content = "\xff" }, "content"},
		{"Landlock rules without an ABI", func(s *jail.Spec) { s.LandlockABI = 0 }, "ABI"},
		{"half an instruction", func(s *jail.Spec) { s.Filter = []byte("1234") }, "multiple of 8"},
		{"a negative limit", func(s *jail.Spec) { s.Limits.Pids = -1 }, "pids"},
		{"no number of cpus", func(s *jail.Spec) { s.Limits.CPUs = math.NaN() }, "cpus"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := good()
			c.spoil(&s)
			if err := s.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

func TestValidateReportsEverything(t *testing.T) {
	s := good()
	s.ID, s.Cwd, s.User.UID = "", "", 0
	err := s.Validate()
	for _, want := range []string{"id ", "cwd", "root"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not mention %q", err, want)
		}
	}
}
