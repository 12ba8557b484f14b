package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"clawjail/supervisor/client"
)

// pss is the proportional memory of a process, in bytes.
func pss(pid int) (int64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "Pss:"); ok {
			kib, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return kib << 10, err
		}
	}
	return 0, fmt.Errorf("no Pss of %d", pid)
}

// ours lists our processes in this small host: the programs of bin/.
func (l *lab) ours() (map[string][]int, error) {
	list := map[string][]int{}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	mine, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
		net, err2 := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", pid))
		if err != nil || err2 != nil || net != mine || filepath.Dir(exe) != filepath.Dir(l.clawjail) {
			continue
		}
		name := filepath.Base(exe)
		list[name] = append(list[name], pid)
	}
	return list, nil
}

// memory is what ten idle jails cost each: the shim, and a tenth of the rest.
func (l *lab) memory() error {
	const jails = 10
	var ends []func()
	defer func() {
		for _, end := range ends {
			end()
		}
	}()
	for range jails {
		_, end, err := l.background("sleep", "1000")
		if err != nil {
			return err
		}
		ends = append(ends, end)
	}
	list, err := l.ours()
	if err != nil {
		return err
	}
	fmt.Printf("\nmemory of %d idle jails (proportional set size)\n", jails)
	total := int64(0)
	for name, pids := range list {
		sum := int64(0)
		for _, pid := range pids {
			n, err := pss(pid)
			if err != nil {
				return err
			}
			sum += n
		}
		total += sum
		fmt.Printf("  %-24s %3d processes %8.1f MiB\n", name, len(pids), float64(sum)/(1<<20))
	}
	l.verdicts.check("memory per jail", float64(total)/jails/(1<<20), 25, " MiB")
	return nil
}

// crowd starts 100 jails at once; each works and ends.
func (l *lab) crowd() error {
	const jails = 100
	var wg sync.WaitGroup
	errs := make([]error, jails)
	start := time.Now()
	for i := range jails {
		wg.Go(func() {
			_, errs[i] = l.wall(claw, "sh", "-c", "ls /usr/bin | wc -l; echo done")
		})
	}
	wg.Wait()
	failed := 0
	for _, err := range errs {
		if err != nil {
			failed++
			if failed == 1 {
				fmt.Fprintln(os.Stderr, err)
			}
		}
	}
	fmt.Printf("\n%d jails at once: %s, %d failed\n", jails, time.Since(start).Round(time.Millisecond), failed)
	if failed > 0 {
		return fmt.Errorf("%d of %d jails failed", failed, jails)
	}
	return nil
}

// leaks runs 1,000 jails in a row and counts what is left.
func (l *lab) leaks() error {
	runs := l.rounds(1000)
	// A first few fill caches and pools that are meant to stay.
	for range 10 {
		if _, err := l.wall(claw, "/bin/true"); err != nil {
			return err
		}
	}
	before, err := l.count()
	if err != nil {
		return err
	}
	start := time.Now()
	for range runs {
		if _, err := l.wall(claw, "/bin/true"); err != nil {
			return err
		}
	}
	took := time.Since(start)
	var after map[string]int
	// The last jail's remains may be on their way out still.
	err = until(func() bool {
		after, err = l.count()
		return err != nil || fmt.Sprint(after) == fmt.Sprint(before)
	})
	fmt.Printf("\n%d runs in a row: %s each; left of them\n", runs, (took / time.Duration(runs)).Round(10*time.Microsecond))
	for _, k := range []string{"processes", "cgroups", "mounts", "supervisor fds", "egress fds", "files in /run/clawjail", "network namespaces"} {
		fmt.Printf("  %-24s before %5d, after %5d\n", k, before[k], after[k])
	}
	if err != nil {
		return fmt.Errorf("something is left: %v before, %v after: %w", before, after, err)
	}
	return nil
}

// count is everything that a jail has and must give back.
func (l *lab) count() (map[string]int, error) {
	list, err := l.ours()
	if err != nil {
		return nil, err
	}
	n := map[string]int{}
	for _, pids := range list {
		n["processes"] += len(pids)
	}
	ping, err := client.Client{Socket: client.DefaultSocket}.Ping(context.Background())
	if err != nil {
		return nil, err
	}
	// BPF programs, maps and links are descriptors of the supervisor.
	n["supervisor fds"] = entries(fmt.Sprintf("/proc/%d/fd", ping.PID))
	for _, pid := range list["clawjail-egress"] {
		n["egress fds"] += entries(fmt.Sprintf("/proc/%d/fd", pid))
	}
	mounts, err := os.ReadFile(fmt.Sprintf("/proc/%d/mountinfo", ping.PID))
	if err != nil {
		return nil, err
	}
	n["mounts"] = strings.Count(string(mounts), "\n")
	n["cgroups"] = cgroups()
	_ = filepath.WalkDir("/run/clawjail", func(string, os.DirEntry, error) error { n["files in /run/clawjail"]++; return nil })
	n["network namespaces"] = namespaces()
	return n, nil
}

func entries(dir string) int {
	list, err := os.ReadDir(dir)
	if err != nil {
		return -1
	}
	return len(list)
}

// cgroups counts ours on every hierarchy.
func cgroups() int {
	n := 0
	for _, pattern := range []string{"/sys/fs/cgroup/clawjail", "/sys/fs/cgroup/*/clawjail"} {
		roots, err := filepath.Glob(pattern)
		if err != nil {
			continue
		}
		for _, root := range roots {
			_ = filepath.WalkDir(root, func(_ string, d os.DirEntry, err error) error {
				if err == nil && d.IsDir() {
					n++
				}
				return nil
			})
		}
	}
	return n
}

// namespaces counts the network namespaces that processes are in.
func namespaces() int {
	links, err := filepath.Glob("/proc/[0-9]*/ns/net")
	if err != nil {
		return -1
	}
	set := map[string]bool{}
	for _, link := range links {
		if name, err := os.Readlink(link); err == nil {
			set[name] = true
		}
	}
	return len(set)
}
