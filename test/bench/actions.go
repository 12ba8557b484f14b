package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"clawjail/supervisor/client"
	"clawjail/supervisor/limit"
)

// checkLine asks about an action that a limit is about, so that it is counted
// wherever limits are.
const checkLine = `{"do":"check","type":"send_email","target":"ada@example.org","description":"the report of the week"}` + "\n"

// checkConns is how many connections ask at once.
const checkConns = 16

// checker is one connection of the jail's action socket.
type checker struct {
	net.Conn
	r *bufio.Reader
}

func dialChecker() (*checker, error) {
	c, err := net.Dial("unix", "/run/clawjail/action.sock")
	if err != nil {
		return nil, err
	}
	return &checker{c, bufio.NewReader(c)}, nil
}

// check asks once; an answer that names no limit would measure nothing.
func (c *checker) check() error {
	if _, err := io.WriteString(c, checkLine); err != nil {
		return err
	}
	line, err := c.r.ReadSlice('\n')
	if err != nil {
		return err
	}
	if !bytes.Contains(line, []byte(`"verdict":"ask"`)) || !bytes.Contains(line, []byte(`"uses":[{`)) {
		return fmt.Errorf("the answer counts nothing: %s", line)
	}
	return nil
}

// workChecks asks n times over checkConns connections.
func workChecks(n int) error {
	errs := make([]error, checkConns)
	var work sync.WaitGroup
	for i := range checkConns {
		work.Go(func() {
			c, err := dialChecker()
			if err != nil {
				errs[i] = err
				return
			}
			defer c.Close()
			for range n / checkConns {
				if errs[i] = c.check(); errs[i] != nil {
					return
				}
			}
		})
	}
	work.Wait()
	return errors.Join(errs...)
}

// medianCheck is the median of n checks, one after the other.
func medianCheck(n int) (time.Duration, error) {
	c, err := dialChecker()
	if err != nil {
		return 0, err
	}
	defer c.Close()
	var took sample
	for range n {
		begun := time.Now()
		if err := c.check(); err != nil {
			return 0, err
		}
		took = append(took, time.Since(begun))
	}
	return took.quantile(0.5), nil
}

// actions are checks through the socket, counted here and in a Redis, and what the
// keys of limits take of memory.
func (l *lab) actions() error {
	const n, n2 = 2000, 16_000
	t := newTable("check through the jail's socket, counted on this host", "one check, the median of 2,000", claw)
	if err := l.compare(t, l.rounds(10), func(way string) (time.Duration, error) { return l.work(way, "check-median", n) }); err != nil {
		return err
	}
	l.verdicts.check("p50", float64(t.samples[claw].quantile(0.5).Nanoseconds())/1000, 200, " µs")
	rate := func(title string, least float64) error {
		t := newTable(title, "all of them", claw)
		before, err := supervisorTime()
		if err != nil {
			return err
		}
		if err := l.compare(t, l.rounds(10), func(way string) (time.Duration, error) { return l.work(way, "checks", n2) }); err != nil {
			return err
		}
		after, err := supervisorTime()
		if err != nil {
			return err
		}
		got := n2 / t.samples[claw].quantile(0.5).Seconds()
		each := (after - before) / time.Duration(n2*len(t.samples[claw]))
		fmt.Printf("  %.0f checks a second; the supervisor's own processor time for one is %s, jails' starts included\n", got, round(each))
		l.verdicts.check(fmt.Sprintf("checks a second short of %.0f", least), max(0, least-got), 0, "")
		return nil
	}
	if err := rate("16,000 checks over 16 connections, counted on this host", 5000); err != nil {
		return err
	}
	err := l.withRedis(func() error { return rate("16,000 checks over 16 connections, counted in a Redis on loopback", 3000) })
	if err != nil {
		return err
	}
	return l.limitKeys()
}

// supervisorTime is the processor time that the supervisor has had.
func supervisorTime() (time.Duration, error) {
	ping, err := client.Client{Socket: client.DefaultSocket}.Ping(context.Background())
	if err != nil {
		return 0, err
	}
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", ping.PID))
	if err != nil || len(tasks) == 0 {
		return 0, fmt.Errorf("no threads of the supervisor %d: %w", ping.PID, err)
	}
	var all time.Duration
	for _, f := range tasks {
		var ns int64
		if b, err := os.ReadFile(f); err == nil { // a thread may end meanwhile
			_, _ = fmt.Sscan(string(b), &ns)
		}
		all += time.Duration(ns)
	}
	return all, nil
}

// withRedis runs measure with a supervisor that counts in a real Redis, and asserts
// that it did.
func (l *lab) withRedis(measure func() error) error {
	server := exec.Command("redis-check-rdb") // Debian's: the server goes by the name that it is called by
	if server.Err != nil {
		return fmt.Errorf("%w: apt-get install redis-tools", server.Err)
	}
	dir, err := os.MkdirTemp("", "bench-redis-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	const port = "16379"
	server.Args = []string{"redis-server", "--bind", "127.0.0.1", "--port", port, "--dir", dir, "--appendonly", "yes", "--save", ""}
	server.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := server.Start(); err != nil {
		return err
	}
	defer func() { _ = server.Process.Kill(); _ = server.Wait() }()
	if err := until(func() bool { _, err := scriptsRun(port); return err == nil }); err != nil {
		return fmt.Errorf("redis does not answer: %w", err)
	}
	if err := l.endSupervisor(); err != nil {
		return err
	}
	const file = "/etc/clawjail/config.yaml"
	if err := os.WriteFile(file, []byte("version: 1\naction_limits: {redis: [\"127.0.0.1:"+port+"\"]}\n"), 0o600); err != nil {
		return err
	}
	defer os.Remove(file)
	// A first one begins the store.
	if _, err := l.work(claw, "check-median", 1); err != nil {
		return err
	}
	before, err := scriptsRun(port)
	if err != nil {
		return err
	}
	if err := measure(); err != nil {
		return err
	}
	after, err := scriptsRun(port)
	if err != nil {
		return err
	}
	if after-before < 16_000 {
		return fmt.Errorf("the Redis ran %d scripts: what was measured is not counted there", after-before)
	}
	return l.endSupervisor()
}

// scriptsRun is how many scripts a Redis has run.
func scriptsRun(port string) (int, error) {
	c, err := net.Dial("tcp", "127.0.0.1:"+port)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	if _, err := io.WriteString(c, "INFO commandstats\r\nQUIT\r\n"); err != nil {
		return 0, err
	}
	b, err := io.ReadAll(io.LimitReader(c, 1<<20))
	if err != nil || !strings.Contains(string(b), "# Commandstats") {
		return 0, fmt.Errorf("INFO: %q, %v", b, err)
	}
	m := regexp.MustCompile(`cmdstat_evalsha:calls=(\d+)`).FindSubmatch(b)
	if m == nil {
		return 0, nil
	}
	return strconv.Atoi(string(m[1]))
}

// limitKeys is the memory of 100,000 keys, each used.
func (l *lab) limitKeys() error {
	const keys = 100_000
	dir, err := os.MkdirTemp("", "bench-limits-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "limits.db")
	of := limit.Limit{Max: 10, Per: time.Hour}
	s, err := limit.Open(path)
	if err != nil {
		return err
	}
	errs := make([]error, 1000)
	var work sync.WaitGroup
	for i := range errs {
		work.Go(func() {
			for k := i; k < keys && errs[i] == nil; k += len(errs) {
				_, _, errs[i] = s.Take(fmt.Sprintf("act/send_email/1h/user/%d", k), of, 1)
			}
		})
	}
	work.Wait()
	if err := errors.Join(append(slices.Compact(errs), s.Close())...); err != nil {
		return err
	}
	s = nil
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	if s, err = limit.Open(path); err != nil {
		return err
	}
	defer s.Close()
	runtime.GC()
	runtime.ReadMemStats(&after)
	if used, err := s.Used("act/send_email/1h/user/99999", of); used != 1 || err != nil {
		return fmt.Errorf("the last of %d keys has %d used: %w", keys, used, err)
	}
	fmt.Printf("\n100,000 keys of limits\n")
	l.verdicts.check("heap", float64(after.HeapAlloc-before.HeapAlloc)/(1<<20), 100, " MiB")
	return nil
}
