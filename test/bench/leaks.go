package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/audit"
	"clawjail/supervisor/client"
	"clawjail/supervisor/config"
)

// leaks runs 1,000 jails in a row and counts what is left. Everything counted
// is this small host's own, so that other jails of the machine do not disturb.
func (l *lab) leaks() error {
	runs := l.rounds(1000)
	// A first few fill caches and pools that are meant to stay.
	for range 10 {
		if _, err := l.wall(claw, "/bin/true"); err != nil {
			return err
		}
	}
	before, err := l.settled()
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
	var more []string
	// The last jail's remains may be on their way out still.
	last := until(func() bool {
		if after, err = l.count(); err != nil {
			return true
		}
		more = grown(before, after)
		return len(more) == 0
	})
	fmt.Printf("\n%d runs in a row: %s each; left of them\n", runs, (took / time.Duration(runs)).Round(10*time.Microsecond))
	for _, k := range slices.Sorted(maps.Keys(after)) {
		fmt.Printf("  %-32s before %5d, after %5d\n", k, before[k], after[k])
	}
	if err := errors.Join(err, last); err != nil {
		return fmt.Errorf("more than before: %s: %w", strings.Join(more, ", "), err)
	}
	return nil
}

// grown names what there is more of.
func grown(before, after map[string]int) (names []string) {
	for k, n := range after {
		if n > before[k] {
			names = append(names, k)
		}
	}
	slices.Sort(names)
	return names
}

// settled counts until two counts in a row are the same: what a jail had goes
// a moment after its end.
func (l *lab) settled() (map[string]int, error) {
	var last map[string]int
	var err error
	waited := until(func() bool {
		former := last
		if last, err = l.count(); err != nil {
			return true
		}
		return maps.Equal(former, last)
	})
	return last, errors.Join(err, waited)
}

// count is everything that a jail has and must give back.
func (l *lab) count() (map[string]int, error) {
	list, err := l.ours()
	if err != nil {
		return nil, err
	}
	ping, err := client.Client{Socket: client.DefaultSocket}.Ping(context.Background())
	if err != nil {
		return nil, err
	}
	n := map[string]int{}
	mine := map[int]bool{ping.PID: true}
	for name, pids := range list {
		for _, pid := range pids {
			n["processes"]++
			mine[pid] = true
			descriptors(n, strings.TrimPrefix(name, "clawjail-"), pid)
		}
	}
	n["children, zombies too"] = children(mine)
	n["namespaces"] = namespaces(mine)
	mounts, err := os.ReadFile(fmt.Sprintf("/proc/%d/mountinfo", ping.PID))
	if err != nil {
		return nil, err
	}
	n["mounts"] = strings.Count(string(mounts), "\n")
	sockets, err := os.ReadFile("/proc/net/unix") // of this network namespace
	if err != nil {
		return nil, err
	}
	n["unix sockets"] = strings.Count(string(sockets), "\n")
	if n["cgroups"], err = cgroups(); err != nil {
		return nil, err
	}
	c := config.Default()
	for _, dir := range []string{c.RunDir, c.StateDir} {
		_ = filepath.WalkDir(dir, func(path string, _ os.DirEntry, _ error) error {
			if filepath.Dir(path) != c.AuditDir() { // the record is meant to grow
				n["files in "+dir]++
			}
			return nil
		})
	}
	return n, nil
}

// descriptors counts a process's open files by kind. BPF programs, maps and
// links live as long as the supervisor's descriptors of them: it pins nothing
// and attaches nothing without a link.
func descriptors(n map[string]int, name string, pid int) {
	links, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil {
		return
	}
	for _, link := range links {
		target, err := os.Readlink(link)
		if err != nil {
			continue // closed since
		}
		kind, _, _ := strings.Cut(target, ":[")
		switch {
		case strings.HasPrefix(target, "anon_inode:"):
			kind = strings.Trim(strings.TrimPrefix(target, "anon_inode:"), "[]")
		case strings.HasPrefix(target, "/"):
			kind = "files"
		}
		n[name+" fds: "+kind]++
	}
}

// children counts the processes that have one of these as parent.
func children(of map[int]bool) (n int) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return -1
	}
	for _, path := range stats {
		b, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		// "pid (comm) state ppid …", and comm may contain anything.
		fields := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
		if len(fields) < 2 {
			continue
		}
		if ppid, err := strconv.Atoi(fields[1]); err == nil && of[ppid] {
			n++
		}
	}
	return n
}

// namespaces counts those of any kind that these processes are in.
func namespaces(of map[int]bool) int {
	set := map[string]bool{}
	for pid := range of {
		links, err := filepath.Glob(fmt.Sprintf("/proc/%d/ns/*", pid))
		if err != nil {
			return -1
		}
		for _, link := range links {
			if name, err := os.Readlink(link); err == nil {
				set[name] = true
			}
		}
	}
	return len(set)
}

// cgroups counts those of the jails that ever ran here, which the record names,
// on every hierarchy.
func cgroups() (int, error) {
	roots, err := filepath.Glob("/sys/fs/cgroup/*/clawjail")
	if err != nil {
		return 0, err
	}
	roots = append(roots, "/sys/fs/cgroup/clawjail")
	present := map[string]int{}
	for _, root := range roots {
		list, err := os.ReadDir(root)
		if err != nil && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, unix.ENOTDIR) {
			return 0, err
		}
		for _, e := range list {
			present[e.Name()]++
		}
	}
	n := 0
	for r, err := range audit.Query(config.Default().AuditDir(), audit.Filter{Gate: audit.GateJail}) {
		if err != nil {
			return 0, err
		}
		if r.Subject.Op == "start" {
			n += present[r.Jail]
		}
	}
	return n, nil
}
