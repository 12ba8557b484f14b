package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"clawjail/supervisor/api"
	"clawjail/supervisor/client"
)

// section is one group of figures.
type section struct {
	name string
	run  func(*lab) error
}

func sections() []section {
	return []section{
		{"cold", (*lab).cold}, {"assert", (*lab).protected}, {"start", (*lab).startToExit},
		{"exec", (*lab).execs}, {"open", (*lab).opens}, {"build", (*lab).build}, {"outside", (*lab).outside},
		{"gated-exec", (*lab).gatedExecs}, {"gated-open", (*lab).gatedOpens}, {"gated-write", (*lab).gatedWrites},
		{"gated-connect", (*lab).gatedConnects}, {"gated-build", (*lab).gatedBuild}, {"approval", (*lab).approvals},
		{"actions", (*lab).actions}, {"egress", (*lab).egress}, {"freeze", (*lab).freeze}, {"memory", (*lab).memory},
		{"crowd", (*lab).crowd}, {"leaks", (*lab).leaks},
	}
}

// cold is the first run, which has to start a supervisor. It comes first.
func (l *lab) cold() error {
	t := newTable("start to exit of /bin/true, no supervisor running", "one run", claw)
	for range l.rounds(10) {
		if err := l.endSupervisor(); err != nil {
			return err
		}
		d, err := l.wall(claw, "/bin/true")
		if err != nil {
			return err
		}
		t.add(claw, d)
	}
	t.print(os.Stdout)
	l.verdicts.check("cold start", t.samples[claw].quantile(0.5).Seconds()*1000, 300, " ms")
	return nil
}

// endSupervisor ends the private supervisor of this small host, if one runs.
func (l *lab) endSupervisor() error {
	cl := client.Client{Socket: client.DefaultSocket}
	ping, err := cl.Ping(context.Background())
	if err != nil {
		return nil // none runs
	}
	p, err := os.FindProcess(ping.PID)
	if err != nil {
		return err
	}
	if err := p.Signal(os.Interrupt); err != nil {
		return err
	}
	return until(func() bool {
		_, err := os.Stat(fmt.Sprintf("/proc/%d", ping.PID))
		return err != nil
	})
}

// supervisorTime is the processor time that the supervisor has used, 0 if none
// runs.
func (l *lab) supervisorTime() time.Duration {
	cl := client.Client{Socket: client.DefaultSocket}
	ping, err := cl.Ping(context.Background())
	if err != nil {
		return 0
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", ping.PID))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	const tick = time.Second / 100 // USER_HZ
	return time.Duration(user+system) * tick
}

// until polls, bounded.
func until(done func() bool) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// protected asserts that what is measured is protected.
func (l *lab) protected() error {
	out, err := l.start(claw, "cat", "/proc/self/status").Output()
	if err != nil {
		return fmt.Errorf("a jailed cat: %w", err)
	}
	for _, line := range []string{"NoNewPrivs:\t1", "Seccomp:\t2", "CapBnd:\t0000000000000000"} {
		if !strings.Contains(string(out), line) {
			return fmt.Errorf("the jail has no %q; nothing measured would count", line)
		}
	}
	jail, end, err := l.background("sleep", "1000")
	if err != nil {
		return err
	}
	defer end()
	p := jail.Protection
	if p.FilterBytes == 0 || !p.Listener || !p.Probes || !p.Egress || p.LandlockABI == 0 {
		return fmt.Errorf("the jail is not whole: %+v", p)
	}
	fmt.Printf("protected: tier %s, filter %d bytes, listener, probes, egress, Landlock ABI %d, user namespace %v\n",
		jail.Tier, p.FilterBytes, p.LandlockABI, p.UserNS)
	return nil
}

// background starts a detached jail; end kills it.
func (l *lab) background(argv ...string) (jail api.Jail, end func(), err error) {
	end, err = detach(l.start(claw, argv...), &jail)
	return jail, end, err
}

// detach starts a command of clawjail in the background.
func detach(c *exec.Cmd, jail *api.Jail) (end func(), err error) {
	c.Args = slices.Insert(c.Args, 2, "--detach", "-o", "json")
	out, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("a detached jail: %w", err)
	}
	if err := json.Unmarshal(out, jail); err != nil {
		return nil, err
	}
	cl := client.Client{Socket: client.DefaultSocket}
	return func() {
		_, _ = cl.Kill(context.Background(), jail.ID)
		_, _ = cl.Wait(context.Background(), jail.ID, false)
	}, nil
}

func (l *lab) startToExit() error {
	t := newTable("start to exit of /bin/true, supervisor running", "one run", bare, bwrap, runc, claw)
	if err := l.compare(t, l.rounds(100), func(way string) (time.Duration, error) { return l.wall(way, "/bin/true") }); err != nil {
		return err
	}
	if t.samples[runc] != nil {
		l.verdicts.check("clawjail / runc", t.ratio(claw, runc), 1, "")
	}
	return l.phases()
}

// phases prints where the milliseconds of a start go: of each step the median and
// the least. Steps of the supervisor are times since the request, those of the
// shim last as long as they say, and several run side by side.
func (l *lab) phases() error {
	steps := map[string]sample{}
	for range l.rounds(30) {
		jail, end, err := l.background("sleep", "1000")
		if err != nil {
			return err
		}
		end()
		for name, ms := range jail.StartMS {
			steps[name] = append(steps[name], time.Duration(ms*float64(time.Millisecond)))
		}
	}
	fmt.Printf("  where the milliseconds go (%d starts)%20s %12s\n", l.rounds(30), "p50", "least")
	for _, name := range slices.Sorted(mapKeys(steps)) {
		fmt.Printf("    %-44s %8.2f ms %8.2f ms\n", name, steps[name].quantile(0.5).Seconds()*1000, steps[name].quantile(0).Seconds()*1000)
	}
	return nil
}

func (l *lab) execs() error {
	const n = 1000
	t := newTable("1,000 execs of /bin/true in a shell loop", "the loop", bare, floor, bwrap, claw)
	before := l.supervisorTime()
	if err := l.compare(t, l.rounds(15), func(way string) (time.Duration, error) { return l.work(way, "exec", n) }); err != nil {
		return err
	}
	fmt.Printf("  the supervisor's own processor time: %s for each, starts of the jails included\n",
		round((l.supervisorTime()-before)/time.Duration(len(t.samples[claw])*n)))
	l.verdicts.check("clawjail / bare", t.ratio(claw, bare), 1.10, "")
	return nil
}

func (l *lab) opens() error {
	t := newTable("open and close for reading", "100,000 times", bare, floor, bwrap, claw)
	if err := l.compare(t, l.rounds(20), func(way string) (time.Duration, error) { return l.work(way, "open", 100_000) }); err != nil {
		return err
	}
	l.verdicts.check("clawjail / bare", t.ratio(claw, bare), 1.05, "")
	return nil
}

func (l *lab) build() error {
	t := newTable("a C build of 50 files", "one build", bare, floor, bwrap, claw)
	if err := l.compare(t, l.rounds(10), func(way string) (time.Duration, error) { return l.work(way, "build", 1) }); err != nil {
		return err
	}
	l.verdicts.check("clawjail / bare", t.ratio(claw, bare), 1.05, "")
	return nil
}

// outside is what processes outside of jails pay: the same bare work with and
// without a supervisor and a jail, and with nothing but an empty program where
// the probes have theirs.
func (l *lab) outside() error {
	kinds := []struct {
		name string
		n    int
	}{{"getpid", 1_000_000}, {"stat", 200_000}, {"open", 100_000}, {"write", 100_000}, {"connect", 20_000}, {"exec", 300}}
	beside := []func() (func(), error){
		func() (func(), error) { return func() {}, nil },
		emptyProbe,
		func() (func(), error) {
			_, end, err := l.background("sleep", "1000")
			return end, err
		},
	}
	took := [3]map[string]sample{{}, {}, {}}
	rounds := l.rounds(10)
	for range rounds {
		for i, begin := range beside {
			if err := l.endSupervisor(); err != nil {
				return err
			}
			end, err := begin()
			if err != nil {
				return err
			}
			for _, k := range kinds {
				d, err := l.work(bare, k.name, k.n)
				if err != nil {
					return err
				}
				took[i][k.name] = append(took[i][k.name], d/time.Duration(k.n))
			}
			end()
		}
	}
	fmt.Printf("\nprocesses outside of jails (per call; %d rounds)\n  %-16s %12s %16s %12s %12s %12s\n", rounds, "",
		"alone", "empty program", "with jails", "jails/alone", "jails/empty")
	for _, k := range kinds {
		least := [3]time.Duration{took[0][k.name].quantile(0), took[1][k.name].quantile(0), took[2][k.name].quantile(0)}
		fmt.Printf("  %-16s %12s %16s %12s %12.3f %12.3f\n", k.name, round(least[0]), round(least[1]), round(least[2]),
			float64(least[2])/float64(least[0]), float64(least[2])/float64(least[1]))
	}
	return nil
}

func (l *lab) egress() error {
	t := newTable("100 new TLS connections, a request on each", "all of them", bare, claw)
	if err := l.compare(t, l.rounds(20), func(way string) (time.Duration, error) { return l.work(way, "tls", 100) }); err != nil {
		return err
	}
	l.verdicts.check("clawjail / direct", t.ratio(claw, bare), 2.5, "")
	const mib = 2048
	t = newTable("2 GiB over one connection", "all of it", bare, claw)
	if err := l.compare(t, l.rounds(10), func(way string) (time.Duration, error) { return l.work(way, "bulk", mib) }); err != nil {
		return err
	}
	rate := func(way string) float64 {
		return float64(mib) / 1024 * 1.073741824 / t.samples[way].quantile(0.5).Seconds()
	}
	fmt.Printf("  direct %.2f GB/s, through egress %.2f GB/s\n", rate(bare), rate(claw))
	l.verdicts.check("GB/s short of 1 or of 0.4 of direct", max(0, min(1, 0.4*rate(bare))-rate(claw)), 0, "")
	return nil
}

func mapKeys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}
