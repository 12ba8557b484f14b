package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/supervisor/api"
	"clawjail/supervisor/client"
)

// The ways in which the gate has something to decide.
const (
	byProgram = "exec rules"
	byArgs    = "exec rules on argv"
	audited   = "writes audited"
	counted   = "deletions counted"
	asking    = "exec asks"
)

// policies are what the ways of clawjail add to policyText.
func policies() map[string]string {
	const rules = `exec:
  default: deny
  rules:
    - {run: [curl, "/usr/bin/wget"], then: deny}
`
	const allow = `    - {run: ["/usr/**", "${WORKSPACE}/**"], then: allow}
`
	return map[string]string{
		claw:      "",
		byProgram: rules + allow,
		byArgs:    rules + `    - {run: [git, "true", sh], args: [push, "..."], then: ask}` + "\n" + allow,
		audited:   `files: [{path: "${WORKSPACE}", access: write, write: audit, exec: true}]` + "\n",
		counted:   "delete: {limit: 1000000/h, over: deny}\n",
		asking:    rules + `    - {run: ["true"], args: ["..."], then: ask}` + "\n" + allow,
	}
}

func policyFile(way string) string {
	return "/run/bench-" + strings.ReplaceAll(way, " ", "-") + ".yaml"
}

// trapping asserts that jails of these ways are whole, and that their filter
// hands to the gate what is about to be measured.
func (l *lab) trapping(what string, ways ...string) error {
	for _, way := range ways {
		var jail api.Jail
		end, err := detach(l.start(way, "sleep", "1000"), &jail)
		if err != nil {
			return err
		}
		end()
		p := jail.Protection
		if p.FilterBytes == 0 || !p.Listener || !p.Probes || p.LandlockABI == 0 || !slices.Contains(p.Traps, what) {
			return fmt.Errorf("%s: %q is not held, or the jail is not whole: %+v", way, what, p)
		}
	}
	return nil
}

func (l *lab) gatedExecs() error {
	if err := l.trapping("exec", byProgram, byArgs); err != nil {
		return err
	}
	t := newTable("1,000 execs of /bin/true in a shell loop, under rules", "the loop", bare, claw, byProgram, byArgs)
	if err := l.compare(t, l.rounds(15), func(way string) (time.Duration, error) { return l.work(way, "exec", 1000) }); err != nil {
		return err
	}
	for _, way := range []string{byProgram, byArgs} {
		l.verdicts.check(way+" / bare", t.ratio(way, bare), 1.10, "")
	}
	return nil
}

func (l *lab) gatedOpens() error {
	if err := errors.Join(l.trapping("exec", byProgram), l.trapping("metadata", audited), l.trapping("deletes", counted)); err != nil {
		return err
	}
	t := newTable("open and close for reading, whatever the policy", "100,000 times", bare, floor, claw, byProgram, audited, counted)
	if err := l.compare(t, l.rounds(20), func(way string) (time.Duration, error) { return l.work(way, "open", 100_000) }); err != nil {
		return err
	}
	for _, way := range t.variants[2:] {
		l.verdicts.check(way+" / bare", t.ratio(way, bare), 1.05, "")
	}
	return nil
}

// gatedWrites is what the gate adds to an open: where it only has to be told,
// and where the supervisor opens the file itself and hands it over.
func (l *lab) gatedWrites() error {
	if err := errors.Join(l.trapping("metadata", audited), l.trapping("deletes", counted)); err != nil {
		return err
	}
	const n = 2000
	per := func(kind string) func(string) (time.Duration, error) {
		return func(way string) (time.Duration, error) {
			d, err := l.work(way, kind, n)
			return d / n, err
		}
	}
	for _, c := range []struct {
		title, kind, way string
		most             float64
	}{
		{"open for writing and close, told to a human afterwards", "write", audited, 12},
		{"open that truncates and close, done by the supervisor", "cut", counted, 30},
	} {
		t := newTable(c.title, "once", bare, claw, c.way)
		if err := l.compare(t, l.rounds(20), per(c.kind)); err != nil {
			return err
		}
		more := t.samples[c.way].quantile(0.5) - t.samples[claw].quantile(0.5)
		l.verdicts.check("more than without the gate", float64(more)/1000, c.most, " µs")
	}
	return nil
}

func (l *lab) gatedConnects() error {
	if err := l.trapping("exec", byProgram); err != nil {
		return err
	}
	const n = 20_000
	t := newTable("connect to the jail's own loopback", "20,000 times", bare, floor, bwrap, claw, byProgram)
	before := l.supervisorTime()
	if err := l.compare(t, l.rounds(20), func(way string) (time.Duration, error) { return l.work(way, "connect", n) }); err != nil {
		return err
	}
	jailed := len(t.samples[claw]) + len(t.samples[byProgram])
	fmt.Printf("  the supervisor's own processor time: %s for each, starts of the jails included\n",
		round((l.supervisorTime()-before)/time.Duration(jailed*n)))
	l.verdicts.check(byProgram+" / bare", t.ratio(byProgram, bare), 1.05, "")
	return nil
}

func (l *lab) gatedBuild() error {
	if err := l.trapping("exec", byProgram, byArgs); err != nil {
		return err
	}
	t := newTable("a C build of 50 files, under rules", "one build", bare, claw, byProgram, byArgs)
	if err := l.compare(t, l.rounds(10), func(way string) (time.Duration, error) { return l.work(way, "build", 1) }); err != nil {
		return err
	}
	for _, way := range []string{byProgram, byArgs} {
		l.verdicts.check(way+" / bare", t.ratio(way, bare), 1.05, "")
	}
	return nil
}

// approvals is the time from a human's answer, which goes through the control
// socket, to the held execution going on.
func (l *lab) approvals() error {
	n := l.rounds(200)
	c := l.start(asking, l.dir+"/worker", "worker", "ask", strconv.Itoa(n))
	stdout, err := c.StdoutPipe()
	if err != nil {
		return err
	}
	c.Stderr = os.Stderr
	if err := c.Start(); err != nil {
		return err
	}
	t := newTable("from a human's answer to the held execution going on", "one answer", asking)
	lines := bufio.NewScanner(stdout)
	for range n {
		answered, err := answer()
		if err != nil {
			return errors.Join(err, c.Process.Kill(), c.Wait())
		}
		if !lines.Scan() {
			return fmt.Errorf("the jail ended early: %w", errors.Join(lines.Err(), c.Wait()))
		}
		went, err := strconv.ParseInt(lines.Text(), 10, 64)
		if err != nil {
			return err
		}
		t.add(asking, time.Duration(went)-answered)
	}
	for lines.Scan() { // how long all of it took
	}
	if err := errors.Join(lines.Err(), c.Wait()); err != nil {
		return err
	}
	t.print(os.Stdout)
	l.verdicts.check("approval to going on", t.samples[asking].quantile(0.5).Seconds()*1000, 2, " ms")
	return nil
}

// answer waits for a request, approves it, and gives the time just before.
func answer() (at time.Duration, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cl := client.Client{Socket: client.DefaultSocket}
	var one client.Approval
	err = cl.WatchApprovals(ctx, func(ev client.ApprovalEvent) error {
		for _, a := range append(ev.List, ev.Approval) {
			if a.ID != "" && ev.Decision == nil {
				one = a
				return errAnswered
			}
		}
		return nil
	})
	if !errors.Is(err, errAnswered) {
		return 0, fmt.Errorf("wait for a request: %w", err)
	}
	at = monotonic()
	_, _, err = cl.Decide(ctx, one.ID, api.DecideRequest{Approve: true, Digest: one.Digest})
	return at, err
}

var errAnswered = errors.New("a request is there")

// monotonic is the clock that a jail and its host have in common.
func monotonic() time.Duration {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts)
	return time.Duration(ts.Nano())
}

// workAsk executes what has to be approved, and says when each went on.
func workAsk(n int) error {
	for i := range n {
		c := exec.Command("/bin/true", strconv.Itoa(i))
		if err := c.Start(); err != nil { // returns when execve(2) has succeeded
			return err
		}
		fmt.Println(monotonic().Nanoseconds())
		if err := c.Wait(); err != nil {
			return err
		}
	}
	return nil
}

// workCut opens a file that is empty already for writing from its beginning.
func workCut(n int) error {
	for range n {
		fd, err := unix.Open("bench.cut", unix.O_WRONLY|unix.O_CREAT|unix.O_TRUNC|unix.O_CLOEXEC, 0o600)
		if err != nil {
			return err
		}
		if err := unix.Close(fd); err != nil {
			return err
		}
	}
	return nil
}
