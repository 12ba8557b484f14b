package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"clawjail/audit/escape"
	"clawjail/supervisor/direct"
)

// spoolDir is where notes for the supervisor are left.
const spoolDir = "/var/lib/clawjail/spool"

// freezeDirect freezes jails on their cgroups, without a supervisor.
func freezeDirect(ctx context.Context, e *env, keys []string, all bool, reason string) error {
	switch {
	case os.Geteuid() != 0:
		return errors.New("freezing without the supervisor needs root\n  run the command with sudo")
	case strings.TrimSpace(reason) == "":
		reason = "no reason was given"
	}
	jails, err := direct.Jails(direct.Parent)
	if err != nil {
		return err
	}
	chosen, errs := chooseJails(jails, keys, all)
	for _, j := range chosen {
		stands, err := direct.Freeze(ctx, j)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", j.ID, err))
			continue
		}
		what := "stands still"
		if !stands {
			what = "is ordered to stand still; what waits for the supervisor stands when it is answered"
		}
		reset, err := direct.Sever(j)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s is frozen, but what it had sent before may still go out: %w", j.ID, err))
		} else if reset > 0 {
			what += fmt.Sprintf("; sockets of its connections reset: %d", reset)
		}
		fmt.Fprintf(e.stdout, "%s %s: %s\n", j.ID, escape.String(j.Name), what)
		note := direct.Note{Time: time.Now().UTC().Round(0), Boot: bootID(), Jail: j.ID, Name: j.Name, Stands: stands, By: byWhom(), Reason: reason}
		if err := direct.Leave(spoolDir, note); err != nil {
			errs = append(errs, fmt.Errorf("%s is frozen, but the note for its record could not be left, so write it down: %w", j.ID, err))
		}
	}
	return errors.Join(errs...)
}

// chooseJails finds jails by id or name; a name can be that of several.
func chooseJails(jails []direct.Jail, keys []string, all bool) (chosen []direct.Jail, errs []error) {
	if all {
		return jails, nil
	}
	for _, k := range keys {
		found := false
		for _, j := range jails {
			if j.ID == k || j.Name == k {
				chosen, found = append(chosen, j), true
			}
		}
		if !found {
			errs = append(errs, fmt.Errorf("no cgroup of a jail %q is there\n  clawjail freeze --direct --all freezes every jail of this host", k))
		}
	}
	return chosen, errs
}

func bootID() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// byWhom is who does this, as the kernel has it: the user of the login session
// is kept through sudo.
func byWhom() string {
	b, err := os.ReadFile("/proc/self/loginuid")
	uid := strings.TrimSpace(string(b))
	if err != nil || uid == "" || uid == "4294967295" { // -1: no login session
		return fmt.Sprintf("uid %d", os.Geteuid())
	}
	return fmt.Sprintf("uid %d, logged in as uid %s", os.Geteuid(), uid)
}
