package supervisor

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"clawjail/audit"
	"clawjail/audit/escape"
	"clawjail/supervisor/api"
	"clawjail/supervisor/canary"
)

// The kinds of what opens an incident besides the policy's own.
const (
	triggerDenials = "denials" // more refusals than a window allows
	triggerCanary  = "canary"  // a file or a host that nothing has a reason to touch
)

// opCanary is the operation of the record of a canary file that was opened.
const opCanary = "canary"

// triggers look at what is recorded, and freeze jails for what a single verdict
// does not show.
type triggers struct {
	count  int // of refusals within window; 0: none
	window time.Duration
	files  []string
	hosts  []string
	freeze func(jail, kind, what string) // does not block

	mu   sync.Mutex
	jail map[string]*refusals // of running jails
}

// refusals are counted in two halves of a window, of which the older fades.
type refusals struct {
	since     time.Time
	now, past int
}

func (s *Supervisor) newTriggers() *triggers {
	c := s.opt.Config
	return &triggers{count: c.DenialCount, window: time.Duration(c.DenialWindow), files: c.CanaryFiles, hosts: c.CanaryHosts, jail: make(map[string]*refusals),
		freeze: func(jail, kind, what string) {
			if s.base.Err() == nil {
				s.work.Go(func() { s.freezeSoon(jail, kind, what) })
			}
		}}
}

// see takes a record that is in the log. It is called for every one of them, and
// does next to nothing for most.
func (t *triggers) see(r *audit.Record) {
	if t == nil || r.Jail == "" || r.Subject.Op == opCanary { // that one is told by who wrote it
		return
	}
	if len(t.hosts) > 0 && r.Subject.Host != "" && (r.Gate == audit.GateDNS || r.Gate == audit.GateEgress || r.Gate == audit.GateConnect) {
		if h := t.canaryHost(r.Subject.Host); h != "" {
			t.freeze(r.Jail, triggerCanary, fmt.Sprintf("%s of canary host %s", r.Gate, escape.String(h)))
		}
	}
	if len(t.files) > 0 && r.Gate == audit.GateFile && (slices.Contains(t.files, r.Subject.Path) || slices.Contains(t.files, r.Subject.Path2)) {
		t.freeze(r.Jail, triggerCanary, fmt.Sprintf("%s of canary file %s", r.Subject.Op, escape.String(r.Subject.Path)))
	}
	switch {
	case r.Gate == audit.GateJail && r.Subject.Op == "stop":
		t.mu.Lock()
		delete(t.jail, r.Jail)
		t.mu.Unlock()
	case t.count > 0 && r.Verdict == "deny" && r.Gate != audit.GateJail:
		if n := t.refused(r.Jail, time.Now()); n > 0 {
			t.freeze(r.Jail, triggerDenials, fmt.Sprintf("%d refusals within %s, the last of %s", n, t.window, r.Gate))
		}
	}
}

// canaryHost gives the entry that a name is of: the name itself, or one below
// "*.name".
func (t *triggers) canaryHost(name string) string {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	for _, h := range t.hosts {
		if h == name || strings.HasPrefix(h, "*.") && strings.HasSuffix(name, h[1:]) {
			return h
		}
	}
	return ""
}

// refused counts a refusal, and gives how many there are when that is too many.
// The count begins anew then.
func (t *triggers) refused(jail string, now time.Time) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.jail[jail]
	if n == nil {
		n = &refusals{since: now}
		t.jail[jail] = n
	}
	switch age := now.Sub(n.since); {
	case age >= 2*t.window || age < 0:
		*n = refusals{since: now}
	case age >= t.window:
		*n = refusals{since: n.since.Add(t.window), past: n.now}
	}
	n.now++
	// The share of the past window that the sliding one still covers.
	left := 1 - float64(now.Sub(n.since))/float64(t.window)
	total := n.now + int(left*float64(n.past))
	if total < t.count {
		return 0
	}
	delete(t.jail, jail)
	return total
}

// watchCanaries watches files on the host, whatever mount a jail sees them
// through, until everything ends.
func (s *Supervisor) watchCanaries(w *canary.Watch) {
	s.work.Go(func() {
		<-s.base.Done()
		if err := w.Close(); err != nil {
			s.log.Error("stop watching canary files", "error", err)
		}
	})
	w.Run(func(pid int, file string) bool {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
		if err != nil {
			return true // it waits for this answer, so it is there: something is wrong
		}
		id := jailOf(string(b))
		if id == "" {
			return false
		}
		s.work.Go(func() {
			what := fmt.Sprintf("canary file %s was opened by process %d", escape.String(file), pid)
			_ = s.audit.append(audit.Record{Time: time.Now(), Jail: id, Gate: audit.GateFile, Verdict: "deny", Rule: "incidents.canary_files",
				Subject: audit.Subject{Op: opCanary, Pid: int32(pid), Path: file, Message: what}})
			s.freezeSoon(id, triggerCanary, what)
		})
		return true
	}, func(err error) { s.log.Error("watch canary files", "error", err) })
}

// jailOf gives the jail that the text of /proc/PID/cgroup names; "" is none.
func jailOf(cgroups string) string {
	for line := range strings.Lines(cgroups) {
		_, rest, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "/"+cgroupParent+"/")
		if id, _, _ := strings.Cut(rest, "/"); ok && idForm.MatchString(id) {
			return id
		}
	}
	return ""
}

// freezeSoon freezes a jail as soon as it is no longer being made: its first
// program can touch a canary before whoever makes it has said that it runs.
func (s *Supervisor) freezeSoon(id, kind, what string) {
	ctx, cancel := context.WithTimeout(s.base, containTime)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for creating := true; creating && ctx.Err() == nil; {
		s.loop.do(func(t *table) {
			e := t.live[id]
			creating = e != nil && e.jail.State == api.StateCreating
		})
		if creating {
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
		}
	}
	s.freezeByID(id, kind, what)
}

// openCanaries begins to watch files; nil when there are none to watch.
func (s *Supervisor) openCanaries() (*canary.Watch, error) {
	if len(s.opt.Config.CanaryFiles) == 0 {
		return nil, nil
	}
	return canary.Open(s.opt.Config.CanaryFiles)
}
