package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
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
