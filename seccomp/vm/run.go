package vm

import (
	"errors"

	"golang.org/x/sys/unix"
)

// errNoReturn cannot come from a parsed program; it keeps the zero Program
// and a mistake in Parse from being a verdict.
var errNoReturn = errors.New("the filter ends without a verdict")

type machine struct {
	a, x uint32
	mem  [memWords]uint32
}

// Run returns the filter's verdict, a SECCOMP_RET value.
func (p Program) Run(d Data) (uint32, error) {
	v, _, err := p.Trace(d)
	return v, err
}

// Trace is Run, and counts the instructions that ran.
func (p Program) Trace(d Data) (verdict uint32, steps int, err error) {
	var m machine
	for pc := 0; pc < len(p.insns); pc++ {
		in := p.insns[pc]
		steps++
		switch in.code & 7 {
		case unix.BPF_RET:
			if in.code == retA {
				return m.a, steps, nil
			}
			return in.k, steps, nil
		case unix.BPF_JMP:
			pc += m.jump(in)
		case unix.BPF_ALU:
			// Dividing by a zero register returns 0, SECCOMP_RET_KILL_THREAD.
			if !m.alu(in) {
				return 0, steps, nil
			}
		default:
			m.move(in, &d)
		}
	}
	return 0, steps, errNoReturn
}

func (m *machine) operand(in insn) uint32 {
	if in.code&unix.BPF_X != 0 {
		return m.x
	}
	return in.k
}

// jump returns how many instructions to skip.
func (m *machine) jump(in insn) int {
	if in.code == ja {
		return int(in.k)
	}
	v, taken := m.operand(in), false
	switch in.code & 0xf0 {
	case unix.BPF_JEQ:
		taken = m.a == v
	case unix.BPF_JGT:
		taken = m.a > v
	case unix.BPF_JGE:
		taken = m.a >= v
	case unix.BPF_JSET:
		taken = m.a&v != 0
	}
	if taken {
		return int(in.jt)
	}
	return int(in.jf)
}

func (m *machine) alu(in insn) bool {
	v := m.operand(in)
	switch in.code & 0xf0 {
	case unix.BPF_ADD:
		m.a += v
	case unix.BPF_SUB:
		m.a -= v
	case unix.BPF_MUL:
		m.a *= v
	case unix.BPF_DIV:
		if v == 0 {
			return false
		}
		m.a /= v
	case unix.BPF_AND:
		m.a &= v
	case unix.BPF_OR:
		m.a |= v
	case unix.BPF_XOR:
		m.a ^= v
	case unix.BPF_LSH:
		m.a <<= v & 31
	case unix.BPF_RSH:
		m.a >>= v & 31
	case unix.BPF_NEG:
		m.a = -m.a
	}
	return true
}

func (m *machine) move(in insn, d *Data) {
	switch in.code {
	case ldAbs:
		m.a = d.word(in.k)
	case ldLen:
		m.a = dataBytes
	case ldImm:
		m.a = in.k
	case ldMem:
		m.a = m.mem[in.k]
	case lxLen:
		m.x = dataBytes
	case lxImm:
		m.x = in.k
	case lxMem:
		m.x = m.mem[in.k]
	case st:
		m.mem[in.k] = m.a
	case stx:
		m.mem[in.k] = m.x
	case tax:
		m.x = m.a
	case txa:
		m.a = m.x
	}
}
