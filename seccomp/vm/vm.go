package vm

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Limits of a program: include/uapi/linux/bpf_common.h.
const (
	MaxInsns  = 4096 // BPF_MAXINSNS
	insnBytes = 8    // sizeof(struct sock_filter)
	memWords  = 16   // BPF_MEMWORDS
	dataBytes = 64   // sizeof(struct seccomp_data)
)

// Data is what a filter sees of a system call: struct seccomp_data.
type Data struct {
	Nr   int32
	Arch uint32
	IP   uint64
	Args [6]uint64
}

// word returns the 32 bits at a checked offset, in this machine's byte order
// (little-endian: see seccomp.Arch).
func (d *Data) word(off uint32) uint32 {
	switch {
	case off == 0:
		return uint32(d.Nr)
	case off == 4:
		return d.Arch
	case off == 8:
		return uint32(d.IP)
	case off == 12:
		return uint32(d.IP >> 32)
	case off%8 == 0:
		return uint32(d.Args[(off-16)/8])
	default:
		return uint32(d.Args[(off-16)/8] >> 32)
	}
}

type insn struct {
	code   uint16
	jt, jf uint8
	k      uint32
}

// Program is a checked filter. The zero value runs nothing.
type Program struct{ insns []insn }

// Len returns the number of instructions.
func (p Program) Len() int { return len(p.insns) }

// Parse checks an array of struct sock_filter as the kernel does.
func Parse(b []byte) (Program, error) {
	if len(b) == 0 || len(b)%insnBytes != 0 || len(b) > MaxInsns*insnBytes {
		return Program{}, fmt.Errorf("filter of %d bytes: want 1..%d instructions of %d bytes", len(b), MaxInsns, insnBytes)
	}
	p := Program{insns: make([]insn, 0, len(b)/insnBytes)}
	for ; len(b) > 0; b = b[insnBytes:] {
		p.insns = append(p.insns, insn{
			code: binary.LittleEndian.Uint16(b), jt: b[2], jf: b[3], k: binary.LittleEndian.Uint32(b[4:]),
		})
	}
	for i, in := range p.insns {
		if err := in.check(i, len(p.insns)); err != nil {
			return Program{}, fmt.Errorf("instruction %d (code %#04x): %w", i, in.code, err)
		}
	}
	if last := p.insns[len(p.insns)-1]; last.code&7 != unix.BPF_RET {
		return Program{}, errors.New("the last instruction does not return")
	}
	if err := p.checkMemory(); err != nil {
		return Program{}, err
	}
	return p, nil
}

// The instruction codes that seccomp accepts; the kernel's list is in
// kernel/seccomp.c:seccomp_check_filter.
const (
	ldAbs = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
	ldLen = unix.BPF_LD | unix.BPF_W | unix.BPF_LEN
	ldImm = unix.BPF_LD | unix.BPF_IMM
	ldMem = unix.BPF_LD | unix.BPF_MEM
	lxLen = unix.BPF_LDX | unix.BPF_W | unix.BPF_LEN
	lxImm = unix.BPF_LDX | unix.BPF_IMM
	lxMem = unix.BPF_LDX | unix.BPF_MEM
	st    = unix.BPF_ST
	stx   = unix.BPF_STX
	retK  = unix.BPF_RET | unix.BPF_K
	retA  = unix.BPF_RET | unix.BPF_A
	ja    = unix.BPF_JMP | unix.BPF_JA
	tax   = unix.BPF_MISC | unix.BPF_TAX
	txa   = unix.BPF_MISC | unix.BPF_TXA
	neg   = unix.BPF_ALU | unix.BPF_NEG
)

// check judges one instruction at index i of n.
func (in insn) check(i, n int) error {
	switch in.code {
	case ldAbs:
		if in.k >= dataBytes || in.k%4 != 0 {
			return fmt.Errorf("load at offset %d", in.k)
		}
		return nil
	case ldMem, lxMem, st, stx:
		if in.k >= memWords {
			return fmt.Errorf("memory word %d", in.k)
		}
		return nil
	case ldLen, lxLen, ldImm, lxImm, retK, retA, tax, txa, neg:
		return nil
	case ja:
		if in.k >= uint32(n-i-1) {
			return fmt.Errorf("jump by %d leaves the program", in.k)
		}
		return nil
	}
	switch in.code &^ unix.BPF_X {
	case unix.BPF_JMP | unix.BPF_JEQ, unix.BPF_JMP | unix.BPF_JGT, unix.BPF_JMP | unix.BPF_JGE, unix.BPF_JMP | unix.BPF_JSET:
		if int(in.jt) >= n-i-1 || int(in.jf) >= n-i-1 {
			return fmt.Errorf("jump by %d or %d leaves the program", in.jt, in.jf)
		}
		return nil
	case unix.BPF_ALU | unix.BPF_ADD, unix.BPF_ALU | unix.BPF_SUB, unix.BPF_ALU | unix.BPF_MUL,
		unix.BPF_ALU | unix.BPF_AND, unix.BPF_ALU | unix.BPF_OR, unix.BPF_ALU | unix.BPF_XOR:
		return nil
	case unix.BPF_ALU | unix.BPF_DIV:
		if in.code&unix.BPF_X == 0 && in.k == 0 {
			return errors.New("division by zero")
		}
		return nil
	case unix.BPF_ALU | unix.BPF_LSH, unix.BPF_ALU | unix.BPF_RSH:
		if in.code&unix.BPF_X == 0 && in.k >= 32 {
			return fmt.Errorf("shift by %d", in.k)
		}
		return nil
	}
	return errors.New("not an instruction of seccomp filters")
}

// checkMemory refuses programs that may read a memory word before they write
// it: net/core/filter.c:check_load_and_stores.
func (p Program) checkMemory() error {
	// masks[i] holds the words written on every path that jumps to i; valid
	// is the same for falling into i.
	masks := make([]uint16, len(p.insns))
	for i := range masks {
		masks[i] = 0xffff
	}
	valid := uint16(0)
	for i, in := range p.insns {
		valid &= masks[i]
		switch {
		case in.code == st || in.code == stx:
			valid |= 1 << in.k
		case in.code == ldMem || in.code == lxMem:
			if valid&(1<<in.k) == 0 {
				return fmt.Errorf("instruction %d reads memory word %d before it is written", i, in.k)
			}
		case in.code == ja:
			masks[i+1+int(in.k)] &= valid
			valid = 0xffff
		case in.code&7 == unix.BPF_JMP:
			masks[i+1+int(in.jt)] &= valid
			masks[i+1+int(in.jf)] &= valid
			valid = 0xffff
		}
	}
	return nil
}
