package plan

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/jail/egress"
	"clawjail/jail/egress/address"
	"clawjail/jail/egress/match"
	"clawjail/policy"
	"clawjail/policy/compiled"
	"clawjail/seccomp"
	"clawjail/seccomp/compiler"
	"clawjail/seccomp/vm"
)

// A policy is judged in several places: by policy.Evaluate, by the filter that it
// is lowered to, by egress, and by BPF programs. Here random policies and requests
// are put before all of them. (The programs need a kernel: judge_kernel_test.go.)

// draw makes choices of a fuzzer's bytes; when they are used up, the first one.
type draw struct{ data []byte }

func (d *draw) n(n int) int {
	if len(d.data) == 0 {
		return 0
	}
	b := d.data[0]
	d.data = d.data[1:]
	return int(b) % n
}

func one[T any](d *draw, from ...T) T { return from[d.n(len(from))] }

func (d *draw) verdict() policy.Verdict {
	return one(d, policy.Allow, policy.Audit, policy.Deny, policy.Ask, policy.Kill, policy.Freeze)
}

const project = "/home/ada/project"

func (d *draw) files() []policy.File {
	files := []policy.File{
		{Path: "/usr", Access: policy.AccessRead},
		{Path: project, Access: policy.AccessWrite, Write: one(d, policy.Allow, policy.Audit), Exec: true},
	}
	refusal := func() policy.Verdict { return one(d, policy.Deny, policy.Ask, policy.Kill, policy.Freeze) }
	for _, f := range []policy.File{
		{Path: project + "/.git/hooks", Access: policy.AccessRead, Write: refusal()},
		{Path: "/opt/agent", Access: policy.AccessRead, Write: refusal()},
		{Path: "/srv/data", Access: policy.AccessWrite, Write: one(d, policy.Allow, policy.Audit)},
		{Path: "/home/ada/.ssh", Access: policy.AccessNone},
		{Path: "/home/ada/.aws", Access: policy.AccessPrivate, Write: policy.Allow},
	} {
		if d.n(2) == 1 {
			files = append(files, f)
		}
	}
	return files
}

func (d *draw) args() []string {
	return one(d, nil, []string{}, []string{"push", policy.AnyArgs}, []string{policy.AnyArgs, "-f"}, []string{"a*"}, []string{policy.AnyArgs})
}

func (d *draw) exec() policy.Exec {
	e := policy.Exec{Default: d.verdict()}
	for range d.n(5) {
		r := policy.ExecRule{Args: d.args(), Then: d.verdict(),
			Run: one(d, []string{"git"}, []string{"/usr/bin/git"}, []string{"python*"}, []string{"/usr/**"}, []string{project + "/**"}, []string{"*"})}
		if d.n(4) == 0 {
			r.SHA256 = strings.Repeat(one(d, "a", "b"), 64)
		}
		e.Rules = append(e.Rules, r)
	}
	return e
}

func (d *draw) network() policy.Network {
	n := policy.Network{Default: one(d, policy.Deny, policy.Ask), Private: one(d, policy.Deny, policy.Allow)}
	for range d.n(7) {
		n.Rules = append(n.Rules, policy.NetRule{
			Host: one(d, "example.org", "*.example.org", "203.0.113.7", "198.51.100.1", "10.0.0.1", "169.254.169.254", "2001:db8::7", "2600::1", "::ffff:203.0.113.7"),
			Port: one(d, uint16(0), 443, 53, 80), Then: d.verdict(), Protocol: one(d, policy.ProtocolNamed, policy.ProtocolTLS, policy.ProtocolTCP)})
	}
	return n
}

// policy makes one, or nil if what came out is no policy.
func (d *draw) policy() *policy.Policy {
	p := &policy.Policy{Version: policy.Version, Name: "random", Files: d.files(), Exec: d.exec(), Network: d.network(),
		Limits: policy.DefaultLimits(), Approval: policy.DefaultApproval(), OnViolation: one(d, policy.RespondKill, policy.RespondDeny)}
	if d.n(3) == 0 {
		p.Delete = policy.Delete{Limit: 50, Per: time.Hour, Over: one(d, policy.Deny, policy.Ask, policy.Freeze)}
	}
	if p.Validate() != nil {
		return nil
	}
	return p
}

// change is a system call that changes files, with the registers that the filter
// sees, and what the policy calls it.
type change struct {
	name    string
	nr      int32
	args    [6]uint64
	op      string
	removes bool
}

func opens(flags, mode uint64) [6]uint64 {
	return [6]uint64{unix.AT_FDCWD & 0xffffffff, 0, flags, mode}
}

func changes() []change {
	return []change{
		{"openat O_WRONLY", unix.SYS_OPENAT, opens(unix.O_WRONLY, 0), "open", false},
		{"openat O_RDWR|O_CLOEXEC", unix.SYS_OPENAT, opens(unix.O_RDWR|unix.O_CLOEXEC, 0), "open", false},
		{"openat O_CREAT", unix.SYS_OPENAT, opens(unix.O_CREAT|unix.O_WRONLY, 0o644), "open", false},
		{"openat O_RDONLY|O_CREAT", unix.SYS_OPENAT, opens(unix.O_CREAT, 0o600), "open", false},
		{"openat O_RDONLY|O_TRUNC", unix.SYS_OPENAT, opens(unix.O_TRUNC, 0), "open", true},
		{"openat O_TMPFILE", unix.SYS_OPENAT, opens(unix.O_TMPFILE|unix.O_RDWR, 0o600), "open", false},
		{"open O_WRONLY|O_TRUNC", unix.SYS_OPEN, [6]uint64{0, unix.O_WRONLY | unix.O_TRUNC}, "open", true},
		{"creat", unix.SYS_CREAT, [6]uint64{0, 0o644}, "open", true},
		{"unlink", unix.SYS_UNLINK, [6]uint64{}, "unlink", true},
		{"unlinkat", unix.SYS_UNLINKAT, [6]uint64{}, "unlink", true},
		{"rmdir", unix.SYS_RMDIR, [6]uint64{}, "rmdir", true},
		{"rename", unix.SYS_RENAME, [6]uint64{}, "rename", true},
		{"renameat2 RENAME_EXCHANGE", unix.SYS_RENAMEAT2, [6]uint64{0, 0, 0, 0, unix.RENAME_EXCHANGE}, "rename", true},
		{"truncate", unix.SYS_TRUNCATE, [6]uint64{}, "truncate", true},
		{"ftruncate", unix.SYS_FTRUNCATE, [6]uint64{}, "truncate", true},
		{"mkdir", unix.SYS_MKDIR, [6]uint64{0, 0o755}, "mkdir", false},
		{"link", unix.SYS_LINK, [6]uint64{}, "link", false},
		{"symlinkat", unix.SYS_SYMLINKAT, [6]uint64{}, "symlink", false},
		{"chmod", unix.SYS_CHMOD, [6]uint64{0, 0o600}, "chmod", false},
		{"fchownat", unix.SYS_FCHOWNAT, [6]uint64{}, "chown", false},
		{"setxattr", unix.SYS_SETXATTR, [6]uint64{}, "setxattr", false},
		{"utimensat", unix.SYS_UTIMENSAT, [6]uint64{}, "utimens", false},
	}
}

// filters are compiled once for each kind of gate.
type filters struct {
	mu   sync.Mutex
	made map[seccomp.Gates]vm.Program
}

func (f *filters) of(t testing.TB, g seccomp.Gates, rules seccomp.Rules) vm.Program {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if p, ok := f.made[g]; ok {
		return p
	}
	code, err := compiler.Compile(rules)
	if err != nil {
		t.Fatal(err)
	}
	p, err := vm.Parse(code)
	if err != nil {
		t.Fatal(err)
	}
	if f.made == nil {
		f.made = map[seccomp.Gates]vm.Program{}
	}
	f.made[g] = p
	return p
}

// bench is a plan before its judges.
type bench struct {
	t      testing.TB
	plan   Plan
	filter vm.Program
}

// says is what the filter does about a call.
func (b bench) says(nr int32, args [6]uint64) uint32 {
	b.t.Helper()
	got, err := b.filter.Run(vm.Data{Nr: nr, Arch: seccomp.Arch(), Args: args})
	if err != nil {
		b.t.Fatal(err)
	}
	want := b.plan.Jail.Seccomp.Evaluate(seccomp.Call{Arch: seccomp.Arch(), Nr: nr, Args: args})
	if got != compiler.Verdict(want) {
		b.t.Fatalf("call %d %x: the filter says %#x, its rules %v", nr, args, got, want)
	}
	return got
}

// files: what needs more than a permission or a refusal is trapped, reading never
// is, and nothing is where the policy says only yes and no.
func (b bench) files(path string) {
	p := b.plan.Policy
	plain := p.Delete.Limit == 0 && !slices.ContainsFunc(p.Files, func(f policy.File) bool { return answered(f.Write) || f.Write == policy.Audit })
	asks := len(slices.DeleteFunc(slices.Clone(p.Files), func(f policy.File) bool { return !answered(f.Write) }))
	for _, c := range changes() {
		d := p.Evaluate(policy.Request{Gate: policy.GateOpen, Op: c.op, Path: path, Write: true})
		got := b.says(c.nr, c.args)
		counted := c.removes && p.Delete.Limit > 0 && d.Verdict.Permits()
		told := d.Verdict == policy.Audit && !probed(c.op)
		if (answered(d.Verdict) || told || counted) && got == unix.SECCOMP_RET_ALLOW {
			b.t.Errorf("%s of %s is %v (counted: %v), and the filter lets it pass", c.name, path, d, counted)
		}
		if plain && got == unix.SECCOMP_RET_USER_NOTIF {
			b.t.Errorf("%s is trapped for a policy that says only yes and no", c.name)
		}
		if probed(c.op) && asks == 0 && p.Delete.Limit == 0 && got == unix.SECCOMP_RET_USER_NOTIF {
			b.t.Errorf("%s is trapped for a policy that only wants to be told", c.name)
		}
	}
	for _, flags := range []uint64{unix.O_RDONLY, unix.O_RDONLY | unix.O_CLOEXEC | unix.O_DIRECTORY, unix.O_PATH, unix.O_RDONLY | unix.O_NOFOLLOW} {
		if got := b.says(unix.SYS_OPENAT, opens(flags, 0)); got != unix.SECCOMP_RET_ALLOW {
			b.t.Errorf("opening with flags %#x reads, and the filter says %#x", flags, got)
		}
	}
}

// answered: the supervisor has a part in it.
func answered(v policy.Verdict) bool {
	return v == policy.Ask || v == policy.Kill || v == policy.Freeze
}

// probed: the probes see it happen, and tell of it.
func probed(op string) bool {
	return slices.Contains([]string{"open", "unlink", "rmdir", "rename", "truncate"}, op)
}

// exec: what is not permitted is trapped, in both calls.
func (b bench) exec(path string, argv []string, sum string) {
	d := b.plan.Policy.Evaluate(policy.Request{Gate: policy.GateExec, Op: "exec", Path: path, Argv: argv, SHA256: sum})
	for _, nr := range []int32{unix.SYS_EXECVE, unix.SYS_EXECVEAT} {
		if got := b.says(nr, [6]uint64{}); got != unix.SECCOMP_RET_USER_NOTIF && !d.Verdict.Permits() {
			b.t.Errorf("execution of %s %q is %v, and the filter says %#x", path, argv, d, got)
		}
	}
}

// reach is what a BPF program says of a destination.
type reach func(to netip.AddrPort, proto uint16) bool

// modelled is may_reach of bpf/c/net.h in Go, for where there is no kernel.
func modelled(p Probe) reach {
	has := func(list []netip.AddrPort, to netip.AddrPort) bool {
		a := to.Addr().Unmap()
		return slices.ContainsFunc(list, func(x netip.AddrPort) bool {
			return x.Addr().Unmap() == a && (x.Port() == 0 || x.Port() == to.Port())
		})
	}
	return func(to netip.AddrPort, proto uint16) bool {
		a := to.Addr().Unmap()
		switch {
		case proto != unix.IPPROTO_TCP && proto != unix.IPPROTO_UDP:
			return false
		case a.IsLoopback(), a.IsUnspecified(), has(p.AllowUDPDNS, to):
			return true
		case proto != unix.IPPROTO_TCP:
			return false
		}
		return p.VirtualV4.Contains(a) || p.VirtualV6.Contains(a) || has(p.AllowAddrs, to)
	}
}

// connect: the programs and then egress come to what the policy says about an
// address. A name is judged by egress alone, at a virtual address.
func (b bench) connect(to netip.AddrPort, by reach, table *address.Table) {
	b.t.Helper()
	d := b.plan.Policy.Evaluate(policy.Request{Gate: policy.GateConnect, Addr: to.Addr(), Port: to.Port()})
	a := to.Addr().Unmap()
	dns := slices.Contains(b.plan.Probe.AllowUDPDNS, to)
	if udp := by(to, unix.IPPROTO_UDP); udp != (a.IsLoopback() || a.IsUnspecified() || dns) {
		b.t.Errorf("datagrams to %s: %v", to, udp)
	}
	if by(to, unix.IPPROTO_SCTP) {
		b.t.Errorf("SCTP to %s is let through", to)
	}
	reached := by(to, unix.IPPROTO_TCP)
	if a.IsLoopback() || a.IsUnspecified() || policy.VirtualV4().Contains(a) || policy.VirtualV6().Contains(a) {
		if !reached || !a.IsUnspecified() && !d.Verdict.Permits() {
			b.t.Errorf("%s is the jail's own: reached %v, the policy says %v", to, reached, d)
		}
		return
	}
	set, err := match.Compile(b.plan.Egress.Dests)
	if err != nil {
		b.t.Fatal(err)
	}
	then, literal := egress.ThenDeny, false
	if found := set.FindAddr(a, to.Port()); reached && len(found) > 0 && table.Check(a, b.plan.Egress.AllowPrivate) == nil {
		then, literal = found[0].Then, true
	}
	// What is asked for by default are names: an address that no rule names is
	// refused by the programs, before anybody could be asked.
	byDefault := d.Verdict == policy.Ask && !literal && b.plan.Policy.Network.Default == policy.Ask
	want := egress.ThenDeny
	needs, _ := b.plan.Policy.Network.Needed(policy.Request{Gate: policy.GateConnect, Addr: to.Addr(), Port: to.Port()})
	switch {
	case d.Verdict.Permits() && needs != "":
		want = egress.ThenAsk
	case d.Verdict.Permits():
		want = egress.ThenAllow
	case d.Verdict == policy.Ask && !byDefault:
		want = egress.ThenAsk
	}
	if then == "" {
		then = egress.ThenAllow
	}
	if then != want {
		b.t.Errorf("%s: the programs and egress say %s (reached: %v), the policy says %v by %s", to, then, reached, d.Verdict, d.Rule)
	}
}

func paths() []string {
	return []string{"/usr/bin/git", "/usr/bin/python3.11", project + "/x", project + "/.git/hooks/pre-commit", "/opt/agent/bin/x", "/srv/data/y", "/home/ada/.ssh/id", "/tmp/z", "/nowhere"}
}

func destinationsToTry() []string {
	return []string{"203.0.113.7", "198.51.100.1", "10.0.0.1", "169.254.169.254", "127.0.0.1", "127.255.0.9", "0.0.0.0", "::1", "::", "2001:db8::7", "2600::1",
		"::ffff:203.0.113.7", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "198.18.0.1", "198.19.255.255", "198.20.0.0", "fd63:6c61:776a::1", "fd63:6c61:776b::1", "8.8.8.8", "255.255.255.255"}
}

// judge puts one policy and requests before all. It says whether there was one.
func judge(t testing.TB, data []byte, f *filters, by func(Probe) reach) bool {
	t.Helper()
	d := &draw{data}
	p := d.policy()
	if p == nil {
		return false
	}
	encoded, err := compiled.Encode(p)
	if err != nil {
		t.Fatal(err)
	}
	if p, err = compiled.Decode(encoded); err != nil {
		t.Fatalf("%v in\n%s", err, encoded)
	}
	r := run(debian())
	r.Gate = true
	plan, err := Lower(p, r)
	if err != nil {
		return false
	}
	b := bench{t: t, plan: plan, filter: f.of(t, plan.Gates, plan.Jail.Seccomp)}
	for range 4 {
		b.files(one(d, paths()...))
		argv := append([]string{"x"}, one(d, nil, []string{"push", "origin"}, []string{"-f"}, []string{"ab"}, []string{"push", "-f"})...)
		b.exec(one(d, paths()...), argv, strings.Repeat(one(d, "a", "b", "c"), 64))
	}
	table, reaches := address.New(), by(plan.Probe)
	for range 6 {
		to := netip.AddrPortFrom(netip.MustParseAddr(one(d, destinationsToTry()...)), one(d, uint16(443), 53, 80, 0))
		b.connect(to, reaches, table)
	}
	if t.Failed() {
		t.Fatalf("the policy:\n%s\nthe programs' rules: %s", encoded, fmt.Sprint(plan.Probe))
	}
	return true
}

// TestRefusedAddressesStayRefused: what these two once became was allowed, or asked
// for, where the policy refuses.
func TestRefusedAddressesStayRefused(t *testing.T) {
	refusal := policy.NetRule{Host: "203.0.113.7", Port: 53, Then: policy.Deny}
	mapped := refusal
	mapped.Host = "::ffff:203.0.113.7"
	tests := []struct {
		name    string
		network policy.Network
	}{
		{"an address before the same one, where everything else is asked for",
			policy.Network{Default: policy.Ask, Rules: []policy.NetRule{refusal, {Host: "203.0.113.7", Then: policy.Ask}}}},
		{"an address written in the other way", policy.Network{Rules: []policy.NetRule{mapped, {Host: "203.0.113.7", Then: policy.Allow}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := (&draw{}).policy()
			p.Network = tt.network
			r := run(debian())
			r.Gate = true
			b := bench{t: t, plan: lower(t, p, r)}
			for _, port := range []uint16{53, 443} {
				b.connect(netip.AddrPortFrom(netip.MustParseAddr("203.0.113.7"), port), modelled(b.plan.Probe), address.New())
			}
		})
	}
}

// FuzzJudgesAgree needs no kernel: what the programs would say is modelled.
func FuzzJudgesAgree(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x03\x04\x02\x03\x01\x00\x01\x06\x02\x01\x03\x00"))
	f.Add([]byte(strings.Repeat("\x03\x01\x02\x05\x04\x00", 20)))
	made := &filters{}
	f.Fuzz(func(t *testing.T, data []byte) { judge(t, data, made, modelled) })
}
