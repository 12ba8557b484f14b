package probe

import (
	"net"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// This test is in no jail that holds everything: what the probe says of it must
// not be that of one.
func TestOpenDoorsAreSeen(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for name, a := range map[string]attempt{
		"a file that can be read":  try(func() error { return read("/proc/self/status") }),
		"a file that can be made":  try(func() error { return create(filepath.Join(t.TempDir(), "x")) }),
		"a call that is there":     call(unix.SYS_GETPID, 0, 0, 0),
		"a call with bad argument": call(unix.SYS_CLOSE, ^uintptr(0), 0, 0),
		"a socket that answers":    dial(t.Context(), "unix", socket),
		"a family that is there":   socketOf(unix.AF_UNIX),
		"no filter":                privileges(),
	} {
		if d := door(name, false, a); !d.Open || d.What == "" {
			t.Errorf("%+v", d)
		}
	}
	for name, a := range map[string]attempt{
		"no such file":   try(func() error { return read("/nonexistent") }),
		"no such socket": dial(t.Context(), "unix", socket+"x"),
		"no such call":   call(^uintptr(0), 0, 0, 0),
	} {
		if d := door(name, true, a); d.Open || d.What == "" || !d.Net {
			t.Errorf("%+v", d)
		}
	}
}

func socketOf(family int) attempt { return socket(family, unix.SOCK_STREAM, 0) }
