//go:build kernel

package bpf

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// costs are the calls that BenchmarkCost measures, run by the victim.
var costs = []struct {
	name string
	n    int // calls in one round
	call func(dir string) error
}{
	{"getppid", 5000, func(string) error { unix.Getppid(); return nil }},
	{"open_read", 1000, func(string) error { return openClose("/etc/passwd", unix.O_RDONLY) }},
	{"open_write", 1000, func(dir string) error { return openClose(dir+"/w", unix.O_WRONLY|unix.O_CREAT) }},
	{"open_fail", 1000, func(string) error { openClose("/etc/none", unix.O_RDONLY); return nil }},
	{"stat", 2000, func(string) error { var st unix.Stat_t; return unix.Stat("/etc/passwd", &st) }},
	{"create_unlink", 200, func(dir string) error {
		if err := openClose(dir+"/u", unix.O_WRONLY|unix.O_CREAT); err != nil {
			return err
		}
		return unix.Unlink(dir + "/u")
	}},
	{"connect", 1000, func(string) error {
		return reachLoopback()
	}},
	{"exec", 5, func(string) error { return exec.Command("/bin/true").Run() }},
}

func openClose(path string, flags int) error {
	fd, err := unix.Open(path, flags|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return err
	}
	return unix.Close(fd)
}

func reachLoopback() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return unix.Connect(fd, &unix.SockaddrInet4{Port: 9, Addr: [4]byte{127, 0, 0, 1}})
}

// victimCosts prints the least nanoseconds a call of each kind took: everything
// else on the machine only ever adds to it.
func victimCosts(dir string) int {
	runtime.LockOSThread()
	for _, c := range costs {
		best := time.Duration(1 << 62)
		for range 12 {
			start := clock(c.name)
			for range c.n {
				if err := c.call(dir); err != nil {
					fmt.Fprintln(os.Stderr, c.name, err)
					return 1
				}
			}
			best = min(best, (clock(c.name)-start)/time.Duration(c.n))
		}
		fmt.Print(best.Nanoseconds(), " ")
	}
	return 0
}

// clock is the thread's processor time, which other load does not advance; an
// execution happens in another process and takes the time on the wall.
func clock(name string) time.Duration {
	id := int32(unix.CLOCK_THREAD_CPUTIME_ID)
	if name == "exec" {
		id = unix.CLOCK_MONOTONIC
	}
	var ts unix.Timespec
	if err := unix.ClockGettime(id, &ts); err != nil {
		panic(err)
	}
	return time.Duration(ts.Nano())
}

// BenchmarkCost compares the same calls of one program without probes, with
// probes but outside the jail, and inside, in turns within one run. It prints
// ratios: the medians of seven turns.
func BenchmarkCost(b *testing.B) {
	const turns = 7
	kinds := []string{"bare", "outside", "inside", "inside without files"}
	times := make([][][]float64, len(kinds))
	dir := b.TempDir()
	for range turns {
		for i := range kinds {
			times[i] = append(times[i], measure(b, i, dir))
		}
	}
	for k, c := range costs {
		bare := median(times[0], k)
		line := fmt.Sprintf("%-14s bare %8.0f ns", c.name, bare)
		for i := 1; i < len(kinds); i++ {
			m := median(times[i], k)
			line += fmt.Sprintf("   %s %.3f (%+.0f ns)", kinds[i], m/bare, m-bare)
			b.ReportMetric(m/bare, c.name+"-"+strings.ReplaceAll(kinds[i], " ", "-")+"/bare")
		}
		b.Log(line)
	}
}

// measure runs the victim: 0 without probes, 1 beside a jail, 2 in it, 3 in one
// without file events. Reading goes on as in the supervisor.
func measure(b *testing.B, kind int, dir string) []float64 {
	f := &fixture{t: b, thread: newThread(b), cgroup: newCgroup(b, "")}
	env := []string{"BPF_VICTIM=costs", "GOMAXPROCS=1"}
	cgroup := f.cgroup
	if kind > 0 {
		p := loadProbes(b, Options{Linger: -1})
		c := jailConfig()
		c.NoFiles = kind == 3
		f = newFixture(b, p, c)
		go func() {
			for {
				if _, err := p.Read(); err != nil {
					return
				}
			}
		}()
		if kind > 1 {
			cgroup = f.cgroup
		}
		defer p.Close()
	}
	cmd := f.command(cgroup, env, "/proc/self/exe", dir)
	out, _ := f.run(cmd)
	var row []float64
	for _, s := range strings.Fields(out) {
		var ns float64
		if _, err := fmt.Sscan(s, &ns); err != nil {
			b.Fatalf("victim: %s", out)
		}
		row = append(row, ns)
	}
	if len(row) != len(costs) {
		b.Fatalf("victim: %s", out)
	}
	return row
}

func median(rows [][]float64, k int) float64 {
	var col []float64
	for _, r := range rows {
		col = append(col, r[k])
	}
	slices.Sort(col)
	return col[len(col)/2]
}
