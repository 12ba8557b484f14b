package doctor

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"clawjail/test/golden"
)

// good is a host that has everything.
func good() Prober {
	none := func() error { return nil }
	return Prober{
		Kernel:     func() (Kernel, error) { return Kernel{Release: "6.12.5-amd64", Machine: "x86_64"}, nil },
		UID:        func() int { return 0 },
		Namespaces: none,
		UserNS:     none,
		Cgroup:     func() (Cgroup, error) { return Cgroup{Mode: "v2"}, nil },
		Freeze:     func() (Freeze, error) { return Freeze{Took: 310 * time.Microsecond}, nil },
		Seccomp:    func() (Seccomp, error) { return Seccomp{WaitKillable: true, SyncWake: true}, nil },
		Libseccomp: func() (string, error) { return "2.5.4", nil },
		Landlock:   func() (int, error) { return 6, nil },
		BPF: func() (BPF, error) {
			return BPF{Tier: "lsm", Features: []Feature{{Name: "kernel BTF", Required: true}, {Name: "socket lookup", Required: true}, {Name: "BPF LSM"}}}, nil
		},
		IDMap: none,
		Memfd: none,
		Pidfd: none,
		Space: func(string) (Space, error) { return Space{FreeBytes: 50 << 30, FreeInodes: 1 << 20}, nil },
		Clock: func() (Clock, error) {
			return Clock{Real: time.Date(2026, 11, 23, 6, 0, 0, 0, time.UTC), Boot: time.Hour, Built: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), Sync: true}, nil
		},
		Binary: func(string) error { return nil },
	}
}

var settings = Settings{Version: "0.1", RunDir: "/run/clawjail", StateDir: "/var/lib/clawjail"}

func find(t *testing.T, r Report, id string) Check {
	t.Helper()
	for _, c := range r.Checks {
		if c.ID == id {
			return c
		}
	}
	t.Fatalf("no check %q in %+v", id, r.Checks)
	return Check{}
}

func TestGoodHost(t *testing.T) {
	r := Run(good(), settings)
	if !r.OK || r.Tier != "lsm" || r.Kernel != "6.12.5-amd64" || r.Version != "0.1" {
		t.Errorf("report %+v", r)
	}
	seen := map[string]bool{}
	for _, c := range r.Checks {
		if c.Status != OK || c.Fix != "" {
			t.Errorf("check %+v", c)
		}
		if c.ID == "" || c.Name == "" || seen[c.ID] {
			t.Errorf("check %+v without an id of its own", c)
		}
		seen[c.ID] = true
	}
}

// TestMissing: a host that lacks one thing. Every problem says what mends it.
func TestMissing(t *testing.T) {
	perm := &os.SyscallError{Syscall: "x", Err: unix.EPERM}
	kernel := func(release, machine string) func(*Prober) {
		return func(p *Prober) {
			p.Kernel = func() (Kernel, error) { return Kernel{Release: release, Machine: machine}, nil }
		}
	}
	clock := func(c Clock) func(*Prober) {
		return func(p *Prober) { p.Clock = func() (Clock, error) { return c, nil } }
	}
	space := func(s Space, err error) func(*Prober) {
		return func(p *Prober) { p.Space = func(string) (Space, error) { return s, err } }
	}
	binary := func(name string, err error) func(*Prober) {
		return func(p *Prober) {
			p.Binary = func(n string) error {
				if n == name {
					return err
				}
				return nil
			}
		}
	}
	tests := []struct {
		name   string
		breaks func(*Prober)
		id     string
		status Status
		detail string
	}{
		{"Linux 5.10", kernel("5.10.0-28-amd64", "x86_64"), "kernel", Fail, "too old"},
		{"Linux 5.18", kernel("5.18.19", "x86_64"), "kernel", Fail, "too old"},
		{"Linux 5.19", kernel("5.19.0", "x86_64"), "kernel", Warn, "older than what clawjail is tested on"},
		{"Linux 6.1 with a suffix", kernel("6.1-rc3+", "x86_64"), "kernel", OK, ""},
		{"a kernel without a number", kernel("custom", "x86_64"), "kernel", Warn, ""},
		{"another architecture", kernel("6.12.5", "aarch64"), "kernel", Fail, "aarch64"},
		{"not root", func(p *Prober) { p.UID = func() int { return 1000 } }, "privileges", Fail, "user 1000"},
		{"no namespaces", func(p *Prober) { p.Namespaces = func() error { return perm } }, "namespaces", Fail, "operation not permitted"},
		{"no user namespaces", func(p *Prober) { p.UserNS = func() error { return perm } }, "userns", Warn, "jails run without one"},
		{"no cgroups", func(p *Prober) { p.Cgroup = func() (Cgroup, error) { return Cgroup{}, errors.New("read-only") } }, "cgroup", Fail, "read-only"},
		{"no memory controller", func(p *Prober) {
			p.Cgroup = func() (Cgroup, error) { return Cgroup{Mode: "v1", Missing: []string{"memory"}}, nil }
		}, "cgroup", Fail, "v1, but these controllers do not work: memory"},
		{"freeze does not work", func(p *Prober) { p.Freeze = func() (Freeze, error) { return Freeze{}, errors.New("never froze") } }, "freeze", Fail, "never froze"},
		{"no seccomp", func(p *Prober) { p.Seccomp = func() (Seccomp, error) { return Seccomp{}, unix.EBUSY } }, "seccomp", Fail, "busy"},
		{"no WAIT_KILLABLE_RECV", func(p *Prober) { p.Seccomp = func() (Seccomp, error) { return Seccomp{}, nil } }, "seccomp", Fail, "WAIT_KILLABLE_RECV"},
		{"no synchronous wake-up", func(p *Prober) { p.Seccomp = func() (Seccomp, error) { return Seccomp{WaitKillable: true}, nil } }, "seccomp", OK, "slower"},
		{"no libseccomp", func(p *Prober) { p.Libseccomp = func() (string, error) { return "", errors.New("no such file") } }, "libseccomp", Fail, "no such file"},
		{"no Landlock", func(p *Prober) { p.Landlock = func() (int, error) { return 0, unix.ENOSYS } }, "landlock", Fail, "not implemented"},
		{"Landlock of 6.1", func(p *Prober) { p.Landlock = func() (int, error) { return 2, nil } }, "landlock", Warn, "truncating"},
		{"Landlock of 6.10", func(p *Prober) { p.Landlock = func() (int, error) { return 5, nil } }, "landlock", Warn, "signals"},
		{"BPF not to be tried", func(p *Prober) { p.BPF = func() (BPF, error) { return BPF{}, perm } }, "bpf", Fail, "not permitted"},
		{"the other tier", func(p *Prober) { p.BPF = func() (BPF, error) { return BPF{Tier: "notify"}, nil } }, "tier", Warn, "notify"},
		{"a probe that the tier needs", func(p *Prober) {
			p.BPF = func() (BPF, error) {
				return BPF{Tier: "lsm", Features: []Feature{{Name: "socket lookup", Required: true, Err: perm, Hint: "a kernel"}}}, nil
			}
		}, "bpf_socket_lookup", Fail, "not permitted"},
		{"a probe that it does not need", func(p *Prober) {
			p.BPF = func() (BPF, error) {
				return BPF{Tier: "lsm", Features: []Feature{{Name: "BPF LSM", Err: perm, Hint: "a kernel"}}}, nil
			}
		}, "bpf_bpf_lsm", Warn, "not permitted"},
		{"no idmapped mounts", func(p *Prober) { p.IDMap = func() error { return unix.EINVAL } }, "idmap", Warn, "invalid argument"},
		{"no memfd", func(p *Prober) { p.Memfd = func() error { return unix.EACCES } }, "memfd", Fail, "permission denied"},
		{"no pidfd", func(p *Prober) { p.Pidfd = func() error { return unix.ENOSYS } }, "pidfd", Fail, "not implemented"},
		{"no directory", space(Space{}, os.ErrNotExist), "state_dir", Fail, "not exist"},
		{"read-only", space(Space{FreeBytes: 1 << 40, NoInodes: true, Write: unix.EROFS}, nil), "state_dir", Fail, "read-only"},
		{"nearly full", space(Space{FreeBytes: 10 << 20, NoInodes: true}, nil), "state_dir", Fail, "10 MiB free"},
		{"filling", space(Space{FreeBytes: 500 << 20, NoInodes: true}, nil), "state_dir", Warn, "500 MiB free"},
		{"no inodes", space(Space{FreeBytes: 1 << 40, FreeInodes: 3}, nil), "run_dir", Fail, "3 inodes"},
		{"the clock of 1970", clock(Clock{Real: time.Unix(60, 0), Boot: time.Minute}), "clock", Warn, "1970-01-01 00:01:00 UTC: that cannot be"},
		{"the clock before the installation", clock(Clock{Real: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Built: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}), "clock", Warn, "before clawjail was installed (2026-11-01)"},
		{"the clock of the far future", clock(Clock{Real: time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)}), "clock", Warn, "that cannot be"},
		{"a clock that nobody keeps", clock(Clock{Real: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}), "clock", OK, "not synchronized"},
		{"no shim", binary("clawjail-shim", os.ErrNotExist), "binary_shim", Fail, "not exist"},
		{"no gateway", binary("clawjail-gateway", os.ErrNotExist), "binary_gateway", Warn, "not exist"},
		{"a shim that others can change", binary("clawjail-shim", ErrLoose), "binary_shim", Warn, "can change"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := good()
			tt.breaks(&p)
			r := Run(p, settings)
			c := find(t, r, tt.id)
			if c.Status != tt.status || !strings.Contains(c.Detail, tt.detail) {
				t.Errorf("check %+v, want %s with %q", c, tt.status, tt.detail)
			}
			if (c.Status != OK) != (c.Fix != "") {
				t.Errorf("status %s with the fix %q", c.Status, c.Fix)
			}
			if r.OK != (tt.status != Fail) {
				t.Errorf("report says ok %v for a check that is %s", r.OK, tt.status)
			}
		})
	}
}

// TestOldKernel: nothing is tried on a kernel that cannot do it anyway.
func TestOldKernel(t *testing.T) {
	p := good()
	p.Kernel = func() (Kernel, error) { return Kernel{Release: "5.10.0", Machine: "x86_64"}, nil }
	p.BPF = func() (BPF, error) {
		t.Error("BPF was tried")
		return BPF{}, nil
	}
	r := Run(p, settings)
	if r.OK || len(r.Checks) != 2 {
		t.Errorf("report %+v", r)
	}
}

// TestNotRoot: without root nothing is said about what only root can try.
func TestNotRoot(t *testing.T) {
	p := good()
	p.UID = func() int { return 1000 }
	p.Seccomp = func() (Seccomp, error) {
		t.Error("seccomp was tried")
		return Seccomp{}, nil
	}
	if r := Run(p, settings); r.OK {
		t.Error("report says ok")
	}
}

func TestTable(t *testing.T) {
	bad := good()
	bad.BPF = func() (BPF, error) {
		return BPF{Tier: "notify", Features: []Feature{{Name: "socket lookup", Required: true, Err: unix.EPERM, Hint: "a kernel from 5.9 on"}}}, nil
	}
	bad.UserNS = func() error { return errors.New("text with \x1b[31m in it") }
	tests := []struct {
		file   string
		prober Prober
		color  bool
	}{{"good.txt", good(), false}, {"bad.txt", bad, false}, {"bad-color.txt", bad, true}}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			var got bytes.Buffer
			if err := Table(&got, Run(tt.prober, settings), tt.color); err != nil {
				t.Fatal(err)
			}
			name := filepath.Join("testdata", tt.file)
			golden.Check(t, name, got.String())
		})
	}
}

func TestJSON(t *testing.T) {
	want := Run(good(), settings)
	b, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if _, err := Decode([]byte("clawjaild: not found")); err == nil {
		t.Error("text is accepted as a report")
	}
}
