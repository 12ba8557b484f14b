//go:build kernel

package egress_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"clawjail/jail/egress"
)

// sockets makes a jail's sockets and steers its connections to them.
func (w *world) sockets(tb testing.TB) egress.Sockets {
	tb.Helper()
	if w.made.TCP4 != nil {
		return w.made
	}
	var s egress.Sockets
	w.jail.do(func() {
		s.TCP4 = listener(tb, "tcp4", "0.0.0.0:0")
		s.TCP6 = listener(tb, "tcp6", "[::]:0")
		s.UDP4 = packets(tb, "udp4", "0.0.0.0:53")
		s.UDP6 = packets(tb, "udp6", "[::]:53")
		steer(tb, w.jail.tid, s.TCP4, s.TCP6)
	})
	w.made = s
	return s
}

func listener(tb testing.TB, network, addr string) *os.File {
	tb.Helper()
	lc := net.ListenConfig{}
	lc.SetMultipathTCP(false)
	l, err := lc.Listen(context.Background(), network, addr)
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { f.Close() })
	return f
}

func packets(tb testing.TB, network, addr string) *os.File {
	tb.Helper()
	pc, err := net.ListenPacket(network, addr)
	if err != nil {
		tb.Fatal(err)
	}
	defer pc.Close()
	f, err := pc.(*net.UDPConn).File()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { f.Close() })
	return f
}

// steer attaches a program that gives every TCP connection of a namespace to
// the listener of its family. It stands in for the real one, which also spares
// loopback.
func steer(tb testing.TB, tid int, tcp4, tcp6 *os.File) {
	tb.Helper()
	m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.SockMap, KeySize: 4, ValueSize: 8, MaxEntries: 2})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { m.Close() })
	for i, f := range []*os.File{tcp4, tcp6} {
		if err := m.Put(uint32(i), uint64(f.Fd())); err != nil {
			tb.Fatal(err)
		}
	}
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type: ebpf.SkLookup, AttachType: ebpf.AttachSkLookup, License: "GPL",
		Instructions: asm.Instructions{
			asm.Mov.Reg(asm.R6, asm.R1),
			asm.LoadMem(asm.R2, asm.R6, 12, asm.Word), // protocol
			asm.JNE.Imm(asm.R2, unix.IPPROTO_TCP, "pass"),
			asm.StoreImm(asm.RFP, -4, 0, asm.Word),
			asm.LoadMem(asm.R2, asm.R6, 8, asm.Word), // family
			asm.JNE.Imm(asm.R2, unix.AF_INET6, "lookup"),
			asm.StoreImm(asm.RFP, -4, 1, asm.Word),
			asm.LoadMapPtr(asm.R1, m.FD()).WithSymbol("lookup"),
			asm.Mov.Reg(asm.R2, asm.RFP),
			asm.Add.Imm(asm.R2, -4),
			asm.FnMapLookupElem.Call(),
			asm.JEq.Imm(asm.R0, 0, "pass"),
			asm.Mov.Reg(asm.R7, asm.R0),
			asm.Mov.Reg(asm.R1, asm.R6),
			asm.Mov.Reg(asm.R2, asm.R7),
			asm.Mov.Imm(asm.R3, 0),
			asm.FnSkAssign.Call(),
			asm.Mov.Reg(asm.R1, asm.R7),
			asm.FnSkRelease.Call(),
			asm.Mov.Imm(asm.R0, 1).WithSymbol("pass"),
			asm.Return(),
		},
	})
	if err != nil {
		tb.Fatalf("load sk_lookup: %v", err)
	}
	tb.Cleanup(func() { p.Close() })
	ns, err := os.Open(fmt.Sprintf("/proc/self/task/%d/ns/net", tid))
	if err != nil {
		tb.Fatal(err)
	}
	defer ns.Close()
	l, err := link.AttachNetNs(int(ns.Fd()), p)
	if err != nil {
		tb.Fatalf("attach sk_lookup: %v", err)
	}
	tb.Cleanup(func() { l.Close() })
}
