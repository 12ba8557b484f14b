package supervisor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/audit"
	"clawjail/bpf"
	"clawjail/bpf/wire"
	"clawjail/policy"
)

// scope maps the cgroup of each jail to its view. It is replaced, never changed.
type scope struct {
	byCgroup map[uint64]*jailView
	byID     map[string]*jailView
}

func (s *Supervisor) addScope(cgroup uint64, v *jailView) {
	s.loop.do(func(*table) {
		old := s.scope.Load()
		next := &scope{byCgroup: maps.Clone(old.byCgroup), byID: maps.Clone(old.byID)}
		if next.byCgroup == nil {
			next.byCgroup, next.byID = map[uint64]*jailView{}, map[string]*jailView{}
		}
		next.byCgroup[cgroup], next.byID[v.id] = v, v
		s.scope.Store(next)
	})
}

func (s *Supervisor) dropScope(cgroup uint64) {
	s.loop.do(func(*table) {
		old := s.scope.Load()
		next := &scope{byCgroup: maps.Clone(old.byCgroup), byID: maps.Clone(old.byID)}
		if v := next.byCgroup[cgroup]; v != nil {
			delete(next.byCgroup, cgroup)
			delete(next.byID, v.id)
		}
		s.scope.Store(next)
	})
}

// judge reads the probes' events, holds each against its jail's policy and
// records it. One goroutine: records keep the order of the ring.
func (s *Supervisor) judge() {
	boot := bootID()
	notes := &notebook{audit: s.audit, lost: s.unwritten}
	late := &unsures{now: bootNow, record: func(x unsure) {
		x.v.execs.Add(1)
		s.conclude(x.v, x.ev, x.r, x.d, notes)
	}}
	s.probes.OnEmpty(func() {
		late.rest()
		notes.write()
	})
	for {
		ev, err := s.probes.Read()
		if errors.Is(err, bpf.ErrClosed) {
			notes.write()
			return
		}
		if err != nil {
			// An event that cannot be decoded is a lost one, and says so.
			s.unjudged(notes, "", "undecodable", err.Error())
			continue
		}
		v := s.scope.Load().byCgroup[ev.Jail]
		if v == nil {
			s.unjudged(notes, "", "unknown_jail", ev.Class.String()+" in a cgroup of no jail")
			continue
		}
		late.see(ev)
		s.judgeOne(v, ev, boot, late, notes)
	}
}

// unjudged records an event that nothing can be said about.
func (s *Supervisor) unjudged(notes *notebook, jail, class, message string) {
	s.metrics.lose(class, 1)
	notes.write()
	_ = s.audit.append(gap(jail, class, 1, message))
}

// unwritten counts a record of a jail that is not in the log.
func (s *Supervisor) unwritten(v *jailView) {
	v.lost.Add(1)
	s.metrics.lose("audit", 1)
}

func (s *Supervisor) judgeOne(v *jailView, ev wire.Event, boot string, late *unsures, notes *notebook) {
	r := audit.Record{Time: notes.time(ev.Time), Jail: v.id, ExecID: execID(boot, ev), Subject: subjectOf(ev)}
	var d policy.Decision
	switch ev.Class {
	case wire.Exec:
		if ev.Ret < 0 && v.gated.Load() {
			return // the gate refused it, and has said so
		}
		r.Gate = audit.GateExec
		d = v.policy.Evaluate(policy.Request{Gate: policy.GateExec, Path: ev.Path, Argv: ev.Argv, Op: "exec"})
		p, ok := v.permission(ev.Pid)
		switch {
		case !ok:
		case p.hash != "":
			d = policy.Decision{Verdict: p.verdict, Rule: p.rule}
			r.Decision, r.Subject.SHA256 = p.by, p.hash
		case d.Verdict == policy.Ask:
			d.Verdict, r.Decision = policy.Allow, p.by
		default:
			r.Decision = p.by
		}
		if v.gated.Load() {
			late.keep(unsure{v, ev, r, d})
			return
		}
		v.execs.Add(1)
	case wire.ExecRefused:
		notes.write()
		if ev.Reason == wire.Mapped {
			s.mapped(v, ev, r)
		} else {
			s.mismatch(v, ev, r)
		}
		return
	case wire.Exit, wire.Fork:
		r.Gate = audit.GateExec
		notes.note(v, r) // a fact, nothing to judge
		return
	case wire.Open:
		// Opening for reading that failed. Programs look for files that are
		// not there all day; what matters is what the policy does not show.
		r.Gate = audit.GateFile
		d = v.policy.Evaluate(policy.Request{Gate: policy.GateOpen, Path: ev.Path, Op: r.Subject.Op})
		if v.credential(ev.Path) {
			d = policy.Decision{Verdict: policy.Deny, Rule: "credentials are not in the jail"}
		}
		if d.Verdict.Permits() || !concealed(ev.Path, ev.Ret) {
			return
		}
	case wire.OpenWrite, wire.Rename, wire.Truncate:
		v.writes.Add(1)
		r.Gate = audit.GateFile
		d = v.policy.Evaluate(policy.Request{Gate: policy.GateOpen, Path: ev.Path, Write: true, Op: r.Subject.Op})
		if path, by, ok := v.given(ev.Dev, ev.Ino); ok && ev.Class != wire.Rename {
			// Opened by the gate: the file is the one that was decided about,
			// whatever the mount calls it that it came from.
			exact := true
			r.Subject.Path, r.Subject.PathExact, r.Decision = path, &exact, by
			d = v.policy.Evaluate(policy.Request{Gate: policy.GateOpen, Path: path, Write: true, Op: r.Subject.Op})
			d.Verdict = policy.Allow
		}
		if ev.Class == wire.Rename {
			d = stricter(d, v.policy.Evaluate(policy.Request{Gate: policy.GateOpen, Path: ev.Path2, Write: true, Op: r.Subject.Op}))
		}
	case wire.Unlink:
		v.deletes.Add(1)
		r.Gate = audit.GateDelete
		d = v.policy.Evaluate(policy.Request{Gate: policy.GateDelete, Path: ev.Path, Op: r.Subject.Op})
	case wire.Connect, wire.Send, wire.Sock:
		if sortsAddresses(ev) {
			return
		}
		r.Gate = audit.GateConnect
		d = connectDecision(ev)
	default:
		s.unjudged(notes, v.id, "unknown_class", ev.Class.String())
		return
	}
	s.conclude(v, ev, r, d, notes)
}

// conclude writes the record and answers what the policy refuses and the
// kernel did not: those are violations.
func (s *Supervisor) conclude(v *jailView, ev wire.Event, r audit.Record, d policy.Decision, notes *notebook) {
	refused := ev.Denied || ev.Ret < 0
	violation := !refused && !d.Verdict.Permits()
	if refused && d.Verdict.Permits() {
		// The kernel was stricter than the rules: a missing file, a read-only
		// mount, the user's own permissions. The record tells what happened.
		if isRefusal(ev.Ret) || ev.Denied {
			d = policy.Decision{Verdict: policy.Deny, Rule: "kernel"}
		}
	}
	r.Verdict, r.Rule = d.Verdict.String(), d.Rule
	s.metrics.decide(r.Gate, r.Verdict)
	if !d.Verdict.Permits() {
		v.refused.Add(1)
	}
	told := d.Verdict == policy.Audit && !refused
	if !told && !violation {
		notes.note(v, r)
		return
	}
	notes.write()
	if err := s.audit.append(r); err != nil {
		s.unwritten(v)
	}
	if told {
		s.tell(v, r)
	}
	if violation {
		s.violate(v, ev, d)
	}
}

// concealed tells an open that failed because the jail does not show the file,
// or does not let it be read, from one that failed for another reason. What
// every C library and language runtime looks for at its start, and finds
// missing on many hosts, is not worth a record.
func concealed(path string, ret int32) bool {
	if isRefusal(ret) {
		return true
	}
	if unix.Errno(-ret) != unix.ENOENT {
		return false
	}
	for _, dir := range []string{"/sys/", "/proc/", "/dev/", "/usr/", "/lib/", "/lib64/", "/etc/ld.so.", "/etc/host.conf", "/etc/gai.conf"} {
		if strings.HasPrefix(path, dir) {
			return false
		}
	}
	return true
}

// isRefusal tells a refusal from an operation that merely did not work out.
func isRefusal(ret int32) bool {
	switch unix.Errno(-ret) {
	case unix.EPERM, unix.EACCES, unix.EROFS:
		return true
	}
	return false
}

// stricter picks the decision that permits less.
func stricter(a, b policy.Decision) policy.Decision {
	if a.Verdict.Permits() && !b.Verdict.Permits() {
		return b
	}
	if a.Verdict == policy.Allow && b.Verdict == policy.Audit {
		return b
	}
	return a
}

// connectDecision gives the verdict of the cgroup programs, which hold the
// policy's addresses; names are judged by egress.
func connectDecision(ev wire.Event) policy.Decision {
	if ev.Denied {
		return policy.Decision{Verdict: policy.Deny, Rule: "network"}
	}
	return policy.Decision{Verdict: policy.Allow, Rule: "network"}
}

// sortsAddresses tells a UDP connect that was refused and is no attempt to
// reach anything. C libraries make one to each address of a name that they
// looked up, which sends nothing, to see which source address it would have
// (RFC 6724). Whoever does send is seen sending.
func sortsAddresses(ev wire.Event) bool {
	return ev.Class == wire.Connect && ev.Denied && ev.Proto == unix.IPPROTO_UDP && virtual(ev.Addr.Addr())
}

// execID names one execution for good: boot, process, its start, how often it
// executed something.
func execID(boot string, ev wire.Event) string {
	b := boot
	if len(b) > 8 {
		b = b[:8]
	}
	return b + ":" + strconv.Itoa(int(ev.Pid)) + ":" + strconv.FormatUint(ev.StartTime, 10) + ":" + strconv.FormatUint(uint64(ev.ExecCount), 10)
}

// subjectOf turns an event into the record's subject.
func subjectOf(ev wire.Event) audit.Subject {
	s := audit.Subject{Op: opOf(ev), Path: ev.Path, Path2: ev.Path2, Argv: ev.Argv, Dev: ev.Dev, Ino: ev.Ino,
		Pid: ev.Pid, PPid: ev.PPid, Truncated: ev.PathTruncated || ev.ArgvTruncated}
	if ev.Path != "" {
		exact := ev.PathExact
		s.PathExact = &exact
	}
	if ev.Addr.IsValid() {
		s.Addr, s.Port = ev.Addr.Addr().String(), ev.Addr.Port()
	}
	switch ev.Class {
	case wire.Connect, wire.Send, wire.Sock:
		s.Proto = protoName(ev.Proto)
	case wire.Exit:
		code := int(ev.ExitCode >> 8 & 0xff)
		s.ExitCode = &code
		if sig := ev.ExitCode & 0x7f; sig != 0 {
			s.Signal = unix.SignalName(unix.Signal(sig))
		}
	}
	if ev.Ret < 0 {
		s.Errno = -ev.Ret
	}
	return s
}

func opOf(ev wire.Event) string {
	switch ev.Class {
	case wire.OpenWrite, wire.Open:
		return "open"
	case wire.Unlink:
		if ev.Dir {
			return "rmdir"
		}
		return "unlink"
	}
	return ev.Class.String()
}

func protoName(p uint8) string {
	switch p {
	case unix.IPPROTO_TCP:
		return "tcp"
	case unix.IPPROTO_UDP:
		return "udp"
	case 0:
		return ""
	}
	return fmt.Sprintf("proto-%d", p)
}

func gap(jail, class string, lost uint64, message string) audit.Record {
	return audit.Record{Jail: jail, Gate: audit.GateGap, Subject: audit.Subject{Class: class, Lost: lost, Message: message}}
}

// lossInterval is how often lost events are looked for.
const lossInterval = time.Second

// watchLoss turns what the probes lost into gap records.
func (s *Supervisor) watchLoss() {
	last := map[string]uint64{}
	tick := time.NewTicker(lossInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-s.base.Done():
			return
		}
		s.audit.retry()
		s.noteAll()
		stats, err := s.probes.Stats()
		if err != nil {
			continue
		}
		for class, n := range stats.Lost {
			if n <= last[class] {
				continue
			}
			lost := n - last[class]
			last[class] = n
			s.metrics.lose(class, lost)
			s.log.Warn("the probes lost events", "class", class, "lost", lost)
			_ = s.audit.append(gap("", class, lost, "the kernel could not deliver these events"))
		}
	}
}

// noteAll tells the shims what has changed.
func (s *Supervisor) noteAll() {
	var all []*build
	s.loop.do(func(t *table) {
		for _, e := range t.live {
			all = append(all, e.build)
		}
	})
	for _, b := range all {
		b.noted()
	}
}

// settleTimeout bounds the wait for a jail's last events; a jail that floods
// the ring while another one ends must not hold that one up for long.
const settleTimeout = 2 * time.Second

// settle waits until everything that the probes saw so far was judged.
func (s *Supervisor) settle() {
	ctx, cancel := context.WithTimeout(s.base, settleTimeout)
	defer cancel()
	if err := s.probes.Settle(ctx); err != nil {
		s.log.Warn("the last events of a jail may be recorded after its end", "error", err)
	}
}
