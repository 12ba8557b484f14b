package compiler_test

import (
	"math/rand/v2"
	"testing"

	"golang.org/x/sys/unix"

	"clawjail/seccomp"
	"clawjail/seccomp/compiler"
	"clawjail/seccomp/vm"
)

func compiled(t testing.TB, r seccomp.Rules) vm.Program {
	t.Helper()
	b, err := compiler.Compile(r)
	if err != nil {
		t.Fatalf("%v\n%s", err, r.Text())
	}
	p, err := vm.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// same compares the program with the meaning of the rules for one call.
func same(t testing.TB, r seccomp.Rules, p vm.Program, c seccomp.Call) {
	t.Helper()
	got, err := p.Run(vm.Data{Nr: c.Nr, Arch: c.Arch, Args: c.Args})
	if want := compiler.Verdict(r.Evaluate(c)); err != nil || got != want {
		t.Fatalf("%+v: verdict %#x, %v; want %#x\n%s", c, got, err, want, r.Text())
	}
}

// Every number, every architecture, every edge of every condition, and random
// registers: the bytes say what the rules mean.
func TestBaseBytesMeanTheRules(t *testing.T) {
	r := seccomp.Base()
	p := compiled(t, r)
	random := rand.New(rand.NewPCG(1, 2))
	rules := map[int][]seccomp.Rule{}
	for _, rule := range r.Rules {
		rules[rule.Nr] = append(rules[rule.Nr], rule)
	}
	for nr := int32(0); nr < 1024; nr++ {
		registers := compiler.Edges(rules[int(nr)], true)
		for range 50 {
			registers = append(registers, randomArgs(random))
		}
		// Evaluate walks the whole list; these are the only rules of nr.
		only := seccomp.Rules{Default: r.Default, Rules: rules[int(nr)]}
		for _, args := range registers {
			same(t, only, p, seccomp.Call{Arch: seccomp.Arch(), Nr: nr, Args: args})
		}
		for _, arch := range []uint32{0, unix.AUDIT_ARCH_I386, unix.AUDIT_ARCH_AARCH64, unix.AUDIT_ARCH_X86_64 ^ 1<<30} {
			same(t, only, p, seccomp.Call{Arch: arch, Nr: nr})
		}
		same(t, only, p, seccomp.Call{Arch: seccomp.Arch(), Nr: nr | 0x40000000})
	}
	for _, nr := range []int32{-1, -2, -1 << 31, 1 << 16, 1<<30 - 1, 1<<31 - 1} {
		same(t, r, p, seccomp.Call{Arch: seccomp.Arch(), Nr: nr})
	}
}

func TestBaseTableOfVerdicts(t *testing.T) {
	p := compiled(t, seccomp.Base())
	for nr := int32(500); nr < 1024; nr++ {
		got, err := p.Run(vm.Data{Nr: nr, Arch: seccomp.Arch()})
		if err != nil || got != unix.SECCOMP_RET_ERRNO|uint32(unix.ENOSYS) {
			t.Errorf("number %d: %#x, %v", nr, got, err)
		}
	}
	for _, arch := range []uint32{unix.AUDIT_ARCH_I386, unix.AUDIT_ARCH_ARM} {
		if got, err := p.Run(vm.Data{Nr: 1, Arch: arch}); err != nil || got != unix.SECCOMP_RET_KILL_PROCESS {
			t.Errorf("architecture %#x: %#x, %v", arch, got, err)
		}
	}
}

// The program runs for every call with conditions, so those must stay short:
// opening for reading is the hottest.
func TestHotCallsAreShort(t *testing.T) {
	p := compiled(t, seccomp.Base())
	for _, c := range []struct {
		name  string
		args  [6]uint64
		steps int
	}{
		{"openat", [6]uint64{2: unix.O_CLOEXEC}, 16},
		{"open", [6]uint64{1: unix.O_CLOEXEC}, 16},
		{"clone", [6]uint64{unix.CLONE_VM}, 40},
		{"ioctl", [6]uint64{1: unix.TCGETS}, 50},
		{"socket", [6]uint64{unix.AF_INET, unix.SOCK_STREAM}, 50},
		{"setsockopt", [6]uint64{1: unix.SOL_SOCKET}, 50},
	} {
		nr, _ := seccomp.Number(c.name)
		verdict, steps, err := p.Trace(vm.Data{Nr: int32(nr), Arch: seccomp.Arch(), Args: c.args})
		if err != nil || verdict != unix.SECCOMP_RET_ALLOW || steps > c.steps {
			t.Errorf("%s: %#x after %d instructions, %v; want at most %d", c.name, verdict, steps, err, c.steps)
		}
	}
}

func TestFirstMatchDecides(t *testing.T) {
	read, _ := seccomp.Number("read")
	arg := func(value uint64) []seccomp.Arg { return []seccomp.Arg{{Index: 0, Mask: 0xff, Value: value}} }
	deny := func(e unix.Errno) seccomp.Action { return seccomp.Action{Kind: seccomp.Errno, Errno: uint16(e)} }
	rule := func(a seccomp.Action, args []seccomp.Arg) seccomp.Rule {
		return seccomp.Rule{Name: "read", Nr: read, Args: args, Action: a}
	}
	r := seccomp.Rules{Default: deny(unix.ENOSYS), Rules: []seccomp.Rule{
		rule(deny(unix.EPERM), arg(1)),
		rule(seccomp.Action{Kind: seccomp.Allow}, arg(1)), // never: the first rule has it
		rule(seccomp.Action{Kind: seccomp.Notify}, arg(2)),
		rule(deny(unix.EACCES), []seccomp.Arg{{Index: 0, Mask: 0xf, Value: 2}}),
		rule(seccomp.Action{Kind: seccomp.Allow}, nil),
	}}
	p := compiled(t, r)
	for first, want := range map[uint64]uint32{
		0x1: unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM), 0x2: unix.SECCOMP_RET_USER_NOTIF,
		0x12: unix.SECCOMP_RET_ERRNO | uint32(unix.EACCES), 0x3: unix.SECCOMP_RET_ALLOW, 0xf01: unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM),
	} {
		got, err := p.Run(vm.Data{Nr: int32(read), Arch: seccomp.Arch(), Args: [6]uint64{first}})
		if err != nil || got != want {
			t.Errorf("read(%#x): %#x, %v; want %#x", first, got, err, want)
		}
	}
}

func TestInvalidRulesAreRefused(t *testing.T) {
	if b, err := compiler.Compile(seccomp.Rules{Rules: []seccomp.Rule{{Name: "no-such"}}}); err == nil || b != nil {
		t.Errorf("compiled %d bytes, %v", len(b), err)
	}
}

func TestNoRulesKillEverything(t *testing.T) {
	p := compiled(t, seccomp.Rules{})
	for nr := int32(0); nr < 600; nr++ {
		if got, err := p.Run(vm.Data{Nr: nr, Arch: seccomp.Arch()}); err != nil || got != unix.SECCOMP_RET_KILL_PROCESS {
			t.Fatalf("number %d: %#x, %v", nr, got, err)
		}
	}
}

func randomArgs(r *rand.Rand) [6]uint64 {
	var args [6]uint64
	for i := range args {
		args[i] = r.Uint64() >> (r.Uint64() % 64)
	}
	return args
}

// FuzzCompile builds valid rule lists from bytes. They must compile, and the
// result must mean the rules.
func FuzzCompile(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, uint64(1))
	f.Add([]byte{16, 1, 1, 2, 0x12, 16, 3, 0, 0, 0, 16, 0, 1, 1, 1, 41, 3, 2, 1, 7}, uint64(7))
	f.Fuzz(func(t *testing.T, b []byte, seed uint64) {
		compare(t, rulesFrom(b), rand.New(rand.NewPCG(seed, 0)))
	})
}

func TestRandomRulesMeanWhatTheySay(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		b := make([]byte, 40+random.IntN(400))
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		compare(t, rulesFrom(b), random)
	}
}

// compare runs the calls that rulesFrom knows with registers that are likely
// to meet a condition.
func compare(t *testing.T, r seccomp.Rules, random *rand.Rand) {
	p := compiled(t, r)
	for nr := int32(0); nr < 8; nr++ {
		for range 20 {
			args := randomArgs(random)
			for i := range args {
				args[i] &= 0x3_00000007
			}
			same(t, r, p, seccomp.Call{Arch: seccomp.Arch(), Nr: nr, Args: args})
		}
	}
}

// rulesFrom reads rules of a few calls, small values and small masks, so that
// they meet and contradict each other often, and leaves invalid ones out.
func rulesFrom(b []byte) seccomp.Rules {
	names := seccomp.Names()
	next := func() byte {
		if len(b) == 0 {
			return 0
		}
		v := b[0]
		b = b[1:]
		return v
	}
	action := func() seccomp.Action {
		switch v := next(); v % 5 {
		case 0:
			return seccomp.Action{Kind: seccomp.Kill}
		case 1:
			return seccomp.Action{Kind: seccomp.Errno, Errno: uint16(v)}
		case 2:
			return seccomp.Action{Kind: seccomp.Notify}
		default:
			return seccomp.Action{Kind: seccomp.Allow}
		}
	}
	r := seccomp.Rules{Default: action()}
	for len(b) > 0 && len(r.Rules) < 60 {
		nr := int(next() % 8)
		rule := seccomp.Rule{Name: names[nr], Nr: nr, Action: action()}
		for range next() % 4 {
			bits := next()
			mask := uint64(bits&7) | uint64(bits>>4&3)<<32
			rule.Args = append(rule.Args, seccomp.Arg{Index: next() % 6, Mask: mask, Value: (uint64(next()) | uint64(bits>>4)<<32) & mask})
		}
		if (seccomp.Rules{Default: r.Default, Rules: append(r.Rules, rule)}).Validate() == nil {
			r.Rules = append(r.Rules, rule)
		}
	}
	return r
}

func BenchmarkCompileBase(b *testing.B) {
	r := seccomp.Base()
	for b.Loop() {
		if _, err := compiler.Compile(r); err != nil {
			b.Fatal(err)
		}
	}
}
