package compiler_test

import (
	"math/rand/v2"
	"testing"

	"golang.org/x/sys/unix"

	"clawjail/seccomp"
)

func TestGatedBytesMeanTheRules(t *testing.T) {
	edges := []uint64{0, 1, unix.O_RDWR, unix.O_CREAT, unix.O_TRUNC, unix.O_TMPFILE, unix.O_WRONLY | unix.O_CREAT | unix.O_TRUNC,
		0o644, 0o2755, 0o4755, 0o6777, 1 << 32, ^uint64(0), ^uint64(99)}
	random := rand.New(rand.NewPCG(1, 2))
	for _, g := range []seccomp.Gates{{}, {Exec: true}, {Files: true}, {Deletes: true}, {Exec: true, Files: true}, {Exec: true, Deletes: true},
		{Metadata: true}, {Exec: true, Deletes: true, Metadata: true}} {
		r := seccomp.Gated(g)
		p := compiled(t, r)
		for nr := range int32(1024) {
			for range 32 {
				c := seccomp.Call{Nr: nr, Arch: seccomp.Arch()}
				for i := range c.Args {
					c.Args[i] = edges[random.IntN(len(edges))]
				}
				same(t, r, p, c)
			}
		}
	}
}
