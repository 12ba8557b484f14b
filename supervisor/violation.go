package supervisor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/audit"
	"clawjail/bpf/wire"
	"clawjail/policy"
	"clawjail/supervisor/incident"
)

// violate answers an operation that the policy refuses and that happened all
// the same. Until the gate holds operations before they happen, this is the
// second line: what runs is stopped as soon as it was seen.
func (s *Supervisor) violate(v *jailView, ev wire.Event, d policy.Decision) {
	what := fmt.Sprintf("%s of %q refused by %s", opOf(ev), ev.Path, d.Rule)
	if d.Verdict == policy.Freeze || v.policy.OnViolation == policy.RespondFreeze {
		s.freezeByID(v.id, triggerPolicy, what)
		return
	}
	if v.policy.OnViolation == policy.RespondDeny && d.Verdict != policy.Kill {
		return // recorded, as the operator chose
	}
	s.killOrFreeze(v, ev.Pid, what, d.Rule)
}

// violation answers something that runs and must not, whatever the policy says
// about responses: it went past a gate.
func (s *Supervisor) violation(v *jailView, tgid int32, what string) {
	v.refused.Add(1)
	s.metrics.mismatch("exec")
	if v.policy.OnViolation == policy.RespondFreeze {
		s.freezeByID(v.id, triggerMismatch, what)
		return
	}
	s.killOrFreeze(v, tgid, what, "gate")
}

// mismatch answers an execution that was not what was let through: the probes
// have killed it before its first instruction, or in the lsm tier the call has
// failed. Its program is gone; what tried this is somewhere else in the jail, or
// the caller itself, and a policy can stop that, too.
func (s *Supervisor) mismatch(v *jailView, ev wire.Event, r audit.Record) {
	v.refused.Add(1)
	s.metrics.mismatch("exec")
	what := fmt.Sprintf("execution of %q is not what was let through: %s", ev.Path, ev.Reason)
	if v.policy.OnViolation == policy.RespondFreeze {
		s.freezeByID(v.id, triggerMismatch, what)
	}
	// Where the kernel refused the call itself, nothing has to be stopped unless
	// the policy wants whoever tried this dead.
	refused := ev.Ret == wire.NotBegun && v.policy.OnViolation != policy.RespondKill
	r.Gate, r.Verdict, r.Rule = audit.GateExec, policy.Kill.String(), "gate"
	if refused {
		r.Verdict = policy.Deny.String()
	}
	r.Subject.Op, r.Subject.Message = "exec", what
	if err := s.audit.append(r); err != nil {
		v.lost.Add(1)
		s.metrics.lose("audit", 1)
	}
	if !ev.Killed && !refused {
		s.killOrFreeze(v, ev.Pid, what, "gate")
	}
}

// killOrFreeze kills a process of the jail, and stops everything when that
// does not work.
func (s *Supervisor) killOrFreeze(v *jailView, pid int32, what, rule string) {
	err := s.killOne(pid, s.cgroupOf(v.id))
	message := "killed: " + what
	switch {
	case errors.Is(err, unix.ESRCH):
		message = "had ended by itself: " + what
		err = nil
	case err != nil:
		message = fmt.Sprintf("could not be killed (%v): %s", err, what)
		s.log.Error("a process that must not run could not be killed; its jail is frozen", "jail", v.id, "pid", pid, "error", err)
	}
	_ = s.audit.append(audit.Record{Time: time.Now(), Jail: v.id, Gate: audit.GateJail,
		Subject: audit.Subject{Op: "violation", Pid: pid, Message: message}, Verdict: "kill", Rule: rule})
	if err != nil {
		// Something forbidden runs and does not go away: stop everything.
		s.freezeByID(v.id, triggerMismatch, message)
	}
}

// The kinds of what freezes a jail and opens an incident.
const (
	triggerPolicy   = "freeze"   // the policy says so
	triggerMismatch = "mismatch" // something went past a gate
	triggerPerson   = "person"
	triggerLog      = "log" // not an incident: the audit log cannot be written
)

// freezeByID stops a jail, and then opens an incident about it.
func (s *Supervisor) freezeByID(id, kind, reason string) {
	var e *entry
	s.loop.do(func(t *table) { e = t.live[id] })
	if e == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	// Should this process be killed from here on, the next one goes on with it.
	s.loop.do(func(*table) { e.intent = intent{kind, reason} })
	if err := s.freeze(ctx, e, true, reason); err != nil {
		s.log.Error("freeze after a violation; the jail is killed instead", "jail", id, "error", err)
		_ = s.kill(ctx, e, "could not be frozen after a violation: "+reason)
		return
	}
	s.raise(e, incident.Trigger{Kind: kind, What: reason, By: "clawjail"}, severity(kind))
}

// severity is what an incident begins with.
func severity(kind string) incident.Severity {
	if kind == triggerMismatch {
		return incident.Critical
	}
	return incident.High
}

func (s *Supervisor) cgroupOf(id string) string {
	var path string
	s.loop.do(func(t *table) {
		if e := t.live[id]; e != nil {
			path = e.jail.Cgroup
		}
	})
	return path
}

// killInCgroup kills a process of the jail, and never another: the pidfd
// pins whoever has the pid now, and only then is it looked up whether that one
// is in the jail.
func killInCgroup(pid int32, cgroup string) error {
	if cgroup == "" {
		return unix.ESRCH
	}
	fd, err := unix.PidfdOpen(int(pid), 0)
	if err != nil {
		return os.NewSyscallError("pidfd_open", err)
	}
	defer unix.Close(fd)
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	if err != nil {
		return unix.ESRCH
	}
	if !inCgroup(string(b), cgroup) {
		return unix.ESRCH
	}
	return os.NewSyscallError("pidfd_send_signal", unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0))
}

// inCgroup reports whether the text of /proc/PID/cgroup puts the process into
// the cgroup v2 directory dir or below it.
func inCgroup(text, dir string) bool {
	for _, line := range strings.Split(text, "\n") {
		path, ok := strings.CutPrefix(line, "0::")
		if ok && strings.Contains(path+"/", lastTwo(dir)+"/") {
			return true
		}
	}
	return false
}

// lastTwo gives "clawjail/ID", which names a jail's cgroup wherever cgroup2 is
// mounted and however deep the supervisor's own cgroup is.
func lastTwo(dir string) string {
	parts := strings.Split(strings.TrimRight(dir, "/"), "/")
	if len(parts) < 2 {
		return "/" + dir // in no path: nothing matches
	}
	return "/" + strings.Join(parts[len(parts)-2:], "/")
}
