package vm_test

import (
	"encoding/binary"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"clawjail/seccomp/vm"
)

// in is one instruction: code, jt, jf, k.
type in [4]uint32

func program(ins ...in) []byte {
	var b []byte
	for _, i := range ins {
		b = binary.LittleEndian.AppendUint16(b, uint16(i[0]))
		b = append(b, byte(i[1]), byte(i[2]))
		b = binary.LittleEndian.AppendUint32(b, i[3])
	}
	return b
}

const (
	load  = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
	ldimm = unix.BPF_LD | unix.BPF_IMM
	ldmem = unix.BPF_LD | unix.BPF_MEM
	lximm = unix.BPF_LDX | unix.BPF_IMM
	lxmem = unix.BPF_LDX | unix.BPF_MEM
	jmp   = unix.BPF_JMP
	alu   = unix.BPF_ALU
	retA  = unix.BPF_RET | unix.BPF_A
	ret   = unix.BPF_RET
)

func TestParseRefusesWhatTheKernelRefuses(t *testing.T) {
	for _, c := range []struct {
		name string
		b    []byte
		want string
	}{
		{"nothing", nil, "0 bytes"},
		{"half an instruction", []byte{6, 0, 0, 0}, "4 bytes"},
		{"too long", make([]byte, 8*(vm.MaxInsns+1)), "bytes"},
		{"no return", program(in{load}), "does not return"},
		{"load beyond the data", program(in{load, 0, 0, 64}, in{ret}), "offset 64"},
		{"unaligned load", program(in{load, 0, 0, 2}, in{ret}), "offset 2"},
		{"byte load", program(in{unix.BPF_LD | unix.BPF_B | unix.BPF_ABS}, in{ret}), "not an instruction"},
		{"indirect load", program(in{unix.BPF_LD | unix.BPF_W | unix.BPF_IND}, in{ret}), "not an instruction"},
		{"modulo", program(in{alu | unix.BPF_MOD, 0, 0, 1}, in{ret}), "not an instruction"},
		{"jump over the end", program(in{jmp | unix.BPF_JA, 0, 0, 1}, in{ret}), "leaves the program"},
		{"jump far over the end", program(in{jmp | unix.BPF_JA, 0, 0, 0xffffffff}, in{ret}), "leaves the program"},
		{"true jump over the end", program(in{jmp | unix.BPF_JEQ, 1, 0, 0}, in{ret}), "leaves the program"},
		{"false jump over the end", program(in{jmp | unix.BPF_JEQ, 0, 1, 0}, in{ret}), "leaves the program"},
		{"memory word 16", program(in{unix.BPF_ST, 0, 0, 16}, in{ret}), "memory word 16"},
		{"memory before it is written", program(in{ldmem}, in{ret}), "before it is written"},
		{"memory written on one way only", program(in{jmp | unix.BPF_JEQ, 1, 0, 0}, in{unix.BPF_ST}, in{ldmem}, in{ret}), "before it is written"},
		{"division by zero", program(in{alu | unix.BPF_DIV}, in{ret}), "division by zero"},
		{"shift by 32", program(in{alu | unix.BPF_LSH, 0, 0, 32}, in{ret}), "shift by 32"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := vm.Parse(c.b); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestRun(t *testing.T) {
	data := vm.Data{Nr: -1, Arch: 0xc000003e, IP: 0x1122334455667788, Args: [6]uint64{1: 0xaabbccdd00112233}}
	op := func(code uint32, a, k uint32) []byte {
		return program(in{ldimm, 0, 0, a}, in{alu | code, 0, 0, k}, in{retA})
	}
	opX := func(code uint32, a, x uint32) []byte {
		return program(in{lximm, 0, 0, x}, in{ldimm, 0, 0, a}, in{alu | code | unix.BPF_X}, in{retA})
	}
	test := func(code, a, k uint32) []byte {
		return program(in{ldimm, 0, 0, a}, in{jmp | code, 1, 0, k}, in{ret, 0, 0, 0}, in{ret, 0, 0, 1})
	}
	for _, c := range []struct {
		name string
		b    []byte
		want uint32
	}{
		{"constant", program(in{ret, 0, 0, 7}), 7},
		{"number", program(in{load, 0, 0, 0}, in{retA}), 0xffffffff},
		{"architecture", program(in{load, 0, 0, 4}, in{retA}), 0xc000003e},
		{"pointer, low half", program(in{load, 0, 0, 8}, in{retA}), 0x55667788},
		{"pointer, high half", program(in{load, 0, 0, 12}, in{retA}), 0x11223344},
		{"argument, low half", program(in{load, 0, 0, 24}, in{retA}), 0x00112233},
		{"argument, high half", program(in{load, 0, 0, 28}, in{retA}), 0xaabbccdd},
		{"last argument", program(in{load, 0, 0, 60}, in{retA}), 0},
		{"length", program(in{unix.BPF_LD | unix.BPF_W | unix.BPF_LEN}, in{retA}), 64},
		{"length in x", program(in{unix.BPF_LDX | unix.BPF_W | unix.BPF_LEN}, in{unix.BPF_MISC | unix.BPF_TXA}, in{retA}), 64},
		{"add", op(unix.BPF_ADD, 0xffffffff, 2), 1},
		{"subtract", op(unix.BPF_SUB, 1, 2), 0xffffffff},
		{"multiply", op(unix.BPF_MUL, 0x10000, 0x10001), 0x10000},
		{"divide", op(unix.BPF_DIV, 7, 2), 3},
		{"and", op(unix.BPF_AND, 6, 3), 2},
		{"or", op(unix.BPF_OR, 6, 3), 7},
		{"xor", op(unix.BPF_XOR, 6, 3), 5},
		{"shift left", op(unix.BPF_LSH, 1, 31), 0x80000000},
		{"shift right", op(unix.BPF_RSH, 0x80000000, 31), 1},
		{"negate", op(unix.BPF_NEG, 1, 0), 0xffffffff},
		{"divide by x", opX(unix.BPF_DIV, 9, 3), 3},
		{"divide by a zero x", opX(unix.BPF_DIV, 9, 0), 0},
		{"shift by x beyond 31", opX(unix.BPF_LSH, 1, 33), 2},
		{"equal", test(unix.BPF_JEQ, 5, 5), 1},
		{"not equal", test(unix.BPF_JEQ, 5, 6), 0},
		{"greater, unsigned", test(unix.BPF_JGT, 0xffffffff, 1), 1},
		{"greater or equal", test(unix.BPF_JGE, 5, 5), 1},
		{"bit set", test(unix.BPF_JSET, 6, 2), 1},
		{"bit clear", test(unix.BPF_JSET, 6, 1), 0},
		{"jump", program(in{jmp | unix.BPF_JA, 0, 0, 1}, in{ret, 0, 0, 1}, in{ret, 0, 0, 2}), 2},
		{"memory", program(in{ldimm, 0, 0, 9}, in{unix.BPF_ST, 0, 0, 15}, in{ldimm}, in{ldmem, 0, 0, 15}, in{retA}), 9},
		{"memory by x", program(in{lximm, 0, 0, 9}, in{unix.BPF_STX, 0, 0, 3}, in{lximm}, in{lxmem, 0, 0, 3}, in{unix.BPF_MISC | unix.BPF_TXA}, in{retA}), 9},
		{"swap", program(in{ldimm, 0, 0, 4}, in{unix.BPF_MISC | unix.BPF_TAX}, in{ldimm}, in{unix.BPF_MISC | unix.BPF_TXA}, in{retA}), 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := vm.Parse(c.b)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := p.Run(data); err != nil || got != c.want {
				t.Errorf("got %#x, %v; want %#x", got, err, c.want)
			}
		})
	}
}

func TestZeroProgramHasNoVerdict(t *testing.T) {
	if v, err := (vm.Program{}).Run(vm.Data{}); err == nil {
		t.Errorf("verdict %#x", v)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(program(in{ret, 0, 0, 7}), int32(0), uint64(0))
	f.Add(program(in{load, 0, 0, 4}, in{jmp | unix.BPF_JEQ, 0, 1, 0xc000003e}, in{ret, 0, 0, 1}, in{ret}), int32(1), uint64(2))
	f.Add(program(in{lximm}, in{alu | unix.BPF_DIV | unix.BPF_X}, in{retA}), int32(1), uint64(2))
	f.Fuzz(func(t *testing.T, b []byte, nr int32, arg uint64) {
		p, err := vm.Parse(b)
		if err != nil {
			return
		}
		_, steps, err := p.Trace(vm.Data{Nr: nr, Args: [6]uint64{arg, arg, arg, arg, arg, arg}})
		if err != nil {
			t.Fatalf("a checked program has no verdict: %v", err)
		}
		if steps > p.Len() {
			t.Fatalf("%d steps in %d instructions", steps, p.Len())
		}
	})
}
