//go:build kernel

package stage_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/jail"
	"clawjail/jail/stage"
)

// loopVariable makes the test binary a loop of system calls that prints
// nanoseconds per round, one line per batch.
const loopVariable = "CLAWJAIL_STAGE_LOOP"

const (
	batches = 21
	rounds  = 1000
)

// rounds of each loop.
func loops() map[string]func() error {
	return map[string]func() error{
		"open+close": func() error {
			fd, err := unix.Open("/etc/hostname", unix.O_RDONLY|unix.O_CLOEXEC, 0)
			if err != nil {
				return err
			}
			return unix.Close(fd)
		},
		"getppid": func() error { unix.Getppid(); return nil },
		"ioctl": func() error {
			if _, err := unix.IoctlGetWinsize(0, unix.TIOCGWINSZ); err != unix.ENOTTY {
				return fmt.Errorf("stdin is a terminal: %v", err)
			}
			return nil
		},
		"socket+close": func() error {
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				return err
			}
			return unix.Close(fd)
		},
		"stat": func() error { var st unix.Stat_t; return unix.Stat("/etc/hostname", &st) },
	}
}

func loop(name string) error {
	runtime.LockOSThread()
	do := loops()[name]
	if do == nil {
		return fmt.Errorf("no loop %q", name)
	}
	for range batches {
		// This thread's processor time: other load on the machine then
		// counts only through caches.
		var began, ended unix.Timespec
		if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &began); err != nil {
			return err
		}
		for range rounds {
			if err := do(); err != nil {
				return err
			}
		}
		if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ended); err != nil {
			return err
		}
		fmt.Println(float64(ended.Nano()-began.Nano()) / rounds)
	}
	return nil
}

// numbers parses a loop's output, and sorts it.
func numbers(b *testing.B, out []byte) []float64 {
	b.Helper()
	var all []float64
	for line := range bytes.Lines(out) {
		v, err := strconv.ParseFloat(string(bytes.TrimSpace(line)), 64)
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, v)
	}
	if len(all) == 0 {
		b.Fatal("no numbers")
	}
	slices.Sort(all)
	return all
}

// BenchmarkSystemCalls prints what the filter and Landlock cost per call, as
// ratios to the same loop outside. It runs the variants in turn, several times.
func BenchmarkSystemCalls(b *testing.B) {
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		b.Fatal(err)
	}
	program := binaries.dir + "/loop"
	if err := os.WriteFile(program, self, 0o755); err != nil {
		b.Fatal(err)
	}
	allowAll := []byte{6, 0, 0, 0, 0, 0, 0xff, 0x7f}
	jailed := func(filter []byte, abi int, name string) []byte {
		c := config(b, binaries.dir, program)
		c.Env = append(c.Env, loopVariable+"="+name)
		c.Landlock = append(c.Landlock, manyRules()...)
		if filter != nil {
			c.Filter = filter
		}
		if c.LandlockABI = abi; abi == 0 {
			c.Landlock = nil
		}
		l, _ := released(b, c)
		if status := l.wait(b); status != 0 {
			b.Fatalf("status %d: %s", status, l.errOut.String())
		}
		return l.out.Bytes()
	}
	names := make([]string, 0, 5)
	for name := range loops() {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		b.Run(name, func(b *testing.B) {
			variants := map[string]func() []byte{
				"bare": func() []byte {
					cmd := exec.Command(program)
					cmd.Env = []string{loopVariable + "=" + name}
					out, err := cmd.Output()
					if err != nil {
						b.Fatal(err)
					}
					return out
				},
				"filter":   func() []byte { return jailed(nil, 0, name) },
				"landlock": func() []byte { return jailed(allowAll, abi(b), name) },
				"both":     func() []byte { return jailed(nil, abi(b), name) },
			}
			all := map[string][]float64{}
			for range 8 {
				for _, v := range []string{"bare", "filter", "landlock", "both"} {
					all[v] = append(all[v], numbers(b, variants[v]())...)
				}
			}
			compare(b, all)
		})
	}
}

// compare reports p50 and p90 of each variant against "bare".
func compare(b *testing.B, all map[string][]float64) {
	b.Helper()
	at := func(v string, q float64) float64 {
		slices.Sort(all[v])
		return all[v][int(q*float64(len(all[v])-1))]
	}
	b.ReportMetric(0, "ns/op")
	for v := range all {
		if v == "bare" {
			b.ReportMetric(at(v, .5), "bare-ns")
			continue
		}
		b.ReportMetric(at(v, .5)/at("bare", .5), v+"-p50-x")
		b.ReportMetric(at(v, .9)/at("bare", .9), v+"-p90-x")
		b.ReportMetric(at(v, 0)/at("bare", 0), v+"-min-x")
	}
}

// manyRules are as many as a real policy has.
func manyRules() []jail.PathRule {
	var rules []jail.PathRule
	for _, dir := range []string{"/usr", "/etc", "/proc", "/tmp", "/usr/bin", "/usr/lib", "/usr/share", "/var", "/run", "/etc/ssl"} {
		rules = append(rules, jail.PathRule{Path: dir, Exec: true, Dir: true})
	}
	return rules
}

// BenchmarkStart prints what the stage adds to fork and exec of /bin/true.
func BenchmarkStart(b *testing.B) {
	all := map[string][]float64{}
	c := config(b, binaries.dir, "/bin/true")
	c.Landlock = append(c.Landlock, manyRules()...)
	for range 60 {
		began := time.Now()
		if err := exec.Command("/bin/true").Run(); err != nil {
			b.Fatal(err)
		}
		all["bare"] = append(all["bare"], float64(time.Since(began).Nanoseconds()))

		began = time.Now()
		l := start(b, c)
		_, listener, err := stage.Await(l.conn)
		if err != nil {
			b.Fatal(err)
		}
		ready := time.Since(began)
		if err := stage.Release(l.conn); err != nil {
			b.Fatal(err)
		}
		l.wait(b)
		all["stage"] = append(all["stage"], float64(time.Since(began).Nanoseconds()))
		all["ready"] = append(all["ready"], float64(ready.Nanoseconds()))
		listener.Close()
		l.conn.Close()
	}
	compare(b, all)
	slices.Sort(all["stage"])
	b.ReportMetric(all["stage"][30]-all["bare"][30], "added-ns")
}
