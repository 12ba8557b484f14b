//go:build kernel

package stage

import (
	"runtime"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/seccomp"
	"clawjail/seccomp/compiler"
)

// onThread runs do on a thread that ends with it, filter and all.
func onThread(do func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked
		if err := noNewPrivileges(); err != nil {
			done <- err
			return
		}
		done <- do()
	}()
	return <-done
}

func TestSecondListenerIsBusy(t *testing.T) {
	filter, err := compiler.Compile(seccomp.Base())
	if err != nil {
		t.Fatal(err)
	}
	if err := onThread(func() error {
		fd, err := loadFilter(filter)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		_, err = loadFilter(filter)
		return err
	}); err != unix.EBUSY {
		t.Errorf("second listener: %v, want EBUSY", err)
	}
}

// BenchmarkLoad is the time of seccomp(2): the kernel translates the program
// and runs it once per system call number.
func BenchmarkLoad(b *testing.B) {
	filter, err := compiler.Compile(seccomp.Base())
	if err != nil {
		b.Fatal(err)
	}
	var all []time.Duration
	for range 200 {
		if err := onThread(func() error {
			began := time.Now()
			fd, err := loadFilter(filter)
			all = append(all, time.Since(began))
			if err != nil {
				return err
			}
			return unix.Close(fd)
		}); err != nil {
			b.Fatal(err)
		}
	}
	slices.Sort(all)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(all[0].Microseconds()), "min-us")
	b.ReportMetric(float64(all[100].Microseconds()), "p50-us")
	b.ReportMetric(float64(all[180].Microseconds()), "p90-us")
}
