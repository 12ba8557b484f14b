package seccomp_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"clawjail/seccomp"
	"clawjail/test/golden"
)

func TestBaseIsValid(t *testing.T) {
	if err := seccomp.Base().Validate(); err != nil {
		t.Fatal(err)
	}
}

// Every name of the table has a decision, and its last rule has no condition:
// no call falls through to the default by accident.
func TestBaseDecidesEveryCall(t *testing.T) {
	last := map[string]seccomp.Rule{}
	for _, r := range seccomp.Base().Rules {
		last[r.Name] = r
	}
	for _, name := range seccomp.Names() {
		r, ok := last[name]
		if !ok {
			t.Errorf("%s has no decision", name)
		} else if len(r.Args) != 0 {
			t.Errorf("%s: nothing is said for other arguments", name)
		}
	}
}

func TestBaseText(t *testing.T) {
	const file = "testdata/base.golden"
	got := seccomp.Base().Text()
	golden.Check(t, file, got)
}

// call writes a system call as text would: name and leading arguments.
type call struct {
	name string
	args []uint64
	want string
}

func TestBaseVerdicts(t *testing.T) {
	const garbage = 0xdead << 32
	openFlags := uint64(unix.O_RDONLY | unix.O_CLOEXEC)
	create := uint64(unix.O_CREAT | unix.O_WRONLY)
	for _, c := range []call{
		{"read", nil, "allow"},
		{"execve", nil, "allow"},
		{"io_uring_setup", nil, "errno ENOSYS"},
		{"clone3", nil, "errno ENOSYS"},
		{"openat2", nil, "errno ENOSYS"},
		{"mount", nil, "errno EPERM"},
		{"bpf", nil, "errno EPERM"},
		{"ptrace", nil, "errno EPERM"},
		{"openat", []uint64{0, 0, openFlags, 0}, "allow"},
		{"openat", []uint64{0, 0, openFlags, 0o6777}, "allow"}, // the kernel does not look at this mode
		{"openat", []uint64{0, 0, create, 0o644}, "allow"},
		{"openat", []uint64{0, 0, create, 0o4755}, "errno EPERM"},
		{"openat", []uint64{0, 0, create | garbage, 0o2755 | garbage}, "errno EPERM"},
		{"openat", []uint64{0, 0, unix.O_TMPFILE | unix.O_RDWR, 0o4755}, "errno EPERM"},
		{"openat", []uint64{0, 0, unix.O_DIRECTORY, 0o4755}, "allow"},
		{"open", []uint64{0, create, 0o2755}, "errno EPERM"},
		{"creat", []uint64{0, 0o755}, "allow"},
		{"creat", []uint64{0, 0o4755}, "errno EPERM"},
		{"chmod", []uint64{0, 0o1777}, "allow"},
		{"chmod", []uint64{0, 0o4755}, "errno EPERM"},
		{"fchmodat2", []uint64{0, 0, 0o2755}, "errno EPERM"},
		{"mknod", []uint64{0, unix.S_IFIFO | 0o600}, "allow"},
		{"mknod", []uint64{0, 0o600}, "allow"},
		{"mknod", []uint64{0, unix.S_IFREG | 0o4600}, "errno EPERM"},
		{"mknodat", []uint64{0, 0, unix.S_IFCHR | 0o600}, "errno EPERM"},
		{"ioctl", []uint64{0, unix.TCGETS}, "allow"},
		{"ioctl", []uint64{0, unix.TIOCSTI}, "errno EPERM"},
		{"ioctl", []uint64{0, unix.TIOCSTI | garbage}, "errno EPERM"},
		{"ioctl", []uint64{0, 0xffffffff_00000000 | unix.TIOCGWINSZ}, "allow"}, // musl sign-extends
		{"ioctl", []uint64{0, unix.TIOCSCTTY}, "allow"},
		{"socket", []uint64{unix.AF_INET, unix.SOCK_STREAM | unix.SOCK_CLOEXEC, 0}, "allow"},
		{"socket", []uint64{unix.AF_INET6, unix.SOCK_DGRAM | unix.SOCK_NONBLOCK, unix.IPPROTO_UDP}, "allow"},
		{"socket", []uint64{unix.AF_INET, unix.SOCK_RAW, 0}, "errno EPROTONOSUPPORT"},
		{"socket", []uint64{unix.AF_INET, unix.SOCK_DGRAM, unix.IPPROTO_ICMP}, "errno EPROTONOSUPPORT"},
		{"socket", []uint64{unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_MPTCP}, "errno EPROTONOSUPPORT"},
		{"socket", []uint64{unix.AF_UNIX, unix.SOCK_SEQPACKET, 0}, "allow"},
		{"socket", []uint64{unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE}, "allow"},
		{"socket", []uint64{unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_AUDIT}, "errno EPROTONOSUPPORT"},
		{"socket", []uint64{unix.AF_PACKET, unix.SOCK_RAW, 0}, "errno EAFNOSUPPORT"},
		{"socket", []uint64{unix.AF_VSOCK, unix.SOCK_STREAM, 0}, "errno EAFNOSUPPORT"},
		{"socketpair", []uint64{unix.AF_UNIX, unix.SOCK_STREAM, 0}, "allow"},
		{"socketpair", []uint64{unix.AF_TIPC, unix.SOCK_STREAM, 0}, "errno EAFNOSUPPORT"},
		{"setsockopt", []uint64{3, unix.SOL_TCP, unix.TCP_NODELAY}, "allow"},
		{"setsockopt", []uint64{3, unix.SOL_TCP, unix.TCP_ULP}, "errno ENOPROTOOPT"},
		{"setsockopt", []uint64{3, unix.SOL_SOCKET, unix.TCP_ULP}, "allow"},
		{"clone", []uint64{unix.CLONE_VM | unix.CLONE_THREAD | unix.CLONE_SETTLS}, "allow"},
		{"clone", []uint64{unix.CLONE_NEWUSER | uint64(unix.SIGCHLD)}, "errno EPERM"},
		{"clone", []uint64{unix.CLONE_NEWNET | garbage}, "errno EPERM"},
		{"prctl", []uint64{unix.PR_SET_NAME}, "allow"},
		{"prctl", []uint64{unix.PR_SET_VMA}, "allow"},
		{"prctl", []uint64{unix.PR_SET_MM}, "errno EINVAL"},
		{"personality", []uint64{0xffffffff}, "allow"},
		{"personality", []uint64{^uint64(0)}, "allow"},
		{"personality", []uint64{0x0040000}, "errno EPERM"},
	} {
		nr, ok := seccomp.Number(c.name)
		if !ok {
			t.Errorf("%s is not in the table", c.name)
			continue
		}
		in := seccomp.Call{Arch: seccomp.Arch(), Nr: int32(nr)}
		copy(in.Args[:], c.args)
		if got := seccomp.Base().Evaluate(in).String(); got != c.want {
			t.Errorf("%s %#x: %s, want %s", c.name, c.args, got, c.want)
		}
	}
}

func TestForeignCallsKill(t *testing.T) {
	for _, c := range []seccomp.Call{
		{Arch: unix.AUDIT_ARCH_I386}, {Arch: 0}, {Arch: unix.AUDIT_ARCH_AARCH64},
		{Arch: seccomp.Arch(), Nr: 0x40000000}, {Arch: seccomp.Arch(), Nr: -2},
	} {
		if got := seccomp.Base().Evaluate(c); got.Kind != seccomp.Kill {
			t.Errorf("%+v: %s, want kill", c, got)
		}
	}
	// A tracer's "skip this call" must not kill.
	if got := seccomp.Base().Evaluate(seccomp.Call{Arch: seccomp.Arch(), Nr: -1}); got.Kind != seccomp.Errno {
		t.Errorf("-1: %s", got)
	}
}

func TestZeroValueDenies(t *testing.T) {
	if got := (seccomp.Rules{}).Evaluate(seccomp.Call{Arch: seccomp.Arch()}); got.Kind != seccomp.Kill {
		t.Errorf("no rules: %s, want kill", got)
	}
}

func TestJSONKeepsTheRules(t *testing.T) {
	b, err := json.Marshal(seccomp.Base())
	if err != nil {
		t.Fatal(err)
	}
	var got seccomp.Rules
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(seccomp.Base(), got); diff != "" {
		t.Error(diff)
	}
	if err := json.Unmarshal([]byte(`{"Default":{"Kind":"permit"}}`), &got); err == nil {
		t.Error("an unknown action was read")
	}
}

func TestValidateNamesEveryProblem(t *testing.T) {
	allow := seccomp.Action{Kind: seccomp.Allow}
	arg := func(a ...seccomp.Arg) seccomp.Rule { return seccomp.Rule{Name: "read", Args: a, Action: allow} }
	for _, c := range []struct {
		name  string
		rules []seccomp.Rule
		want  string
	}{
		{"unknown name", []seccomp.Rule{{Name: "reed", Action: allow}}, "no such system call"},
		{"wrong number", []seccomp.Rule{{Name: "read", Nr: 7, Action: allow}}, "should be 0"},
		{"errno zero", []seccomp.Rule{{Name: "read", Action: seccomp.Action{Kind: seccomp.Errno}}}, "not in 1..4095"},
		{"errno with allow", []seccomp.Rule{{Name: "read", Action: seccomp.Action{Kind: seccomp.Allow, Errno: 1}}}, "with action"},
		{"unknown action", []seccomp.Rule{{Name: "read", Action: seccomp.Action{Kind: 9}}}, "unknown action"},
		{"unreachable", []seccomp.Rule{{Name: "read", Action: allow}, {Name: "read", Action: allow}}, "never reached"},
		{"argument 6", []seccomp.Rule{arg(seccomp.Arg{Index: 6, Mask: 1})}, "does not exist"},
		{"no mask", []seccomp.Rule{arg(seccomp.Arg{})}, "empty mask"},
		{"value outside mask", []seccomp.Rule{arg(seccomp.Arg{Mask: 1, Value: 2})}, "outside mask"},
		{"same argument twice", []seccomp.Rule{arg(seccomp.Arg{Mask: 1}, seccomp.Arg{Mask: 2})}, "two conditions"},
		{"too many", make([]seccomp.Rule, seccomp.MaxRules+1), "at most"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := seccomp.Rules{Default: allow, Rules: c.rules}.Validate()
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	if err := (seccomp.Rules{Default: seccomp.Action{Kind: 9}, Rules: []seccomp.Rule{{Name: "x"}, {Name: "y"}}}).Validate(); err == nil || strings.Count(err.Error(), "\n") < 2 {
		t.Errorf("want three problems, got %v", err)
	}
}
