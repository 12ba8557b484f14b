package supervisor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/audit"
	"clawjail/jail"
	"clawjail/policy"
	"clawjail/supervisor/api"
	"clawjail/supervisor/approval"
	"clawjail/supervisor/incident"
	"clawjail/supervisor/incident/evidence"
)

// How long the steps of an incident may take.
const (
	containTime  = 5 * time.Second
	preserveTime = 10 * time.Minute
)

// raise opens an incident about a jail that was just frozen, and does what can
// be done without a person. The jail stands still meanwhile.
func (s *Supervisor) raise(e *entry, t incident.Trigger, severity incident.Severity) {
	s.work.Go(func() {
		in, fresh, err := s.begin(e, t, incident.HoldJail, severity, false)
		if err != nil {
			s.log.Error("open an incident; the jail stands still all the same", "jail", e.jail.ID, "error", err)
			if in.ID == "" {
				return
			}
		}
		if fresh {
			s.pursue(e, in)
		}
	})
}

// begin opens an incident, which holds the jail from then on.
func (s *Supervisor) begin(e *entry, t incident.Trigger, scope incident.Scope, severity incident.Severity, drill bool) (incident.Incident, bool, error) {
	var j api.Jail
	s.loop.do(func(*table) { j = e.snapshot() })
	started := j.Created
	in, fresh, err := s.incidents.Begin(t, incident.Subject{
		Jail: j.ID, Name: j.Name, Agent: j.Policy, Digest: j.Digest, UID: j.UID, User: j.User, Workspace: j.Workspace,
		Argv: j.Argv, Started: started.UTC().Round(0)}, scope, severity, drill)
	if fresh {
		s.incidentRecord(in, "open", t.By, fmt.Sprintf("%s, %s: %s", in.Severity, t.Kind, t.What))
		s.tellIncident(in, "opened", "")
	}
	return in, fresh, err
}

// pursue contains, preserves and assesses.
func (s *Supervisor) pursue(e *entry, in incident.Incident) {
	if err := s.contain(e, in); err != nil {
		s.log.Error("contain an incident", "incident", in.ID, "error", err)
		return
	}
	// The commands of the first stage do not hold up the evidence.
	var plays sync.WaitGroup
	defer plays.Wait()
	plays.Go(func() { s.play(in.ID, incident.Contained) })
	if _, err := s.preserve(s.base, e, in.ID, "clawjail", nil); err != nil {
		s.log.Error("preserve evidence", "incident", in.ID, "error", err)
		s.incidentRecord(in, "preserve", "clawjail", "no evidence was written: "+err.Error())
		s.tellIncident(in, "unpreserved", "no evidence was written: "+err.Error())
		return
	}
	s.play(in.ID, incident.Preserved)
	if _, err := s.assess(in.ID, "clawjail"); err != nil {
		s.log.Error("assess an incident", "incident", in.ID, "error", err)
		return
	}
	s.play(in.ID, incident.Assessed)
}

// incidentRecord puts a step into the audit log.
func (s *Supervisor) incidentRecord(in incident.Incident, action, by, message string) {
	_ = s.audit.jail(in.Subject.Jail, "incident", "", audit.Subject{Name: in.Subject.Name,
		Message: fmt.Sprintf("%s %s by %s: %s", in.ID, action, by, message)})
}

// contain cuts the jail off, which is frozen already, and denies what it waits
// for. Executions that were let through and did not happen expire by themselves.
func (s *Supervisor) contain(e *entry, in incident.Incident) error {
	ctx, cancel := context.WithTimeout(context.Background(), containTime)
	defer cancel()
	var failed []string
	if err := s.egress.Cut(ctx, e.jail.ID); err != nil {
		failed = append(failed, err.Error())
	}
	denied := s.approvals.Contain(e.jail.ID, "incident "+in.ID)
	detail := fmt.Sprintf("frozen, cut off from the network, %d held requests denied", denied)
	in, err := s.incidents.Step(in.ID, "clawjail", incident.Contain, detail, strings.Join(failed, "; "))
	if err == nil {
		s.incidentRecord(in, "contain", "clawjail", detail)
	}
	return err
}

// preserve takes evidence of a jail; of one that has ended, what is left.
func (s *Supervisor) preserve(ctx context.Context, e *entry, id, by string, memory []int) (incident.Incident, error) {
	if err := s.incidents.Check(id, incident.Preserve); err != nil {
		return incident.Incident{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, preserveTime)
	defer cancel()
	in, err := s.incidents.Get(id)
	if err != nil {
		return in, err
	}
	now := time.Now().UTC().Round(0)
	path := filepath.Join(s.incidents.Dir(in.ID), fmt.Sprintf("evidence-%s.tar.zst", now.Format("20060102T150405.000Z")))
	w, err := evidence.Create(path, s.manifest(in, by, now))
	if err != nil {
		return in, unwritten(in, path, err)
	}
	// What the log has so far is signed, so that the slice proves itself.
	if err := s.audit.sealer.Seal(s.audit.log); err != nil {
		w.Fail("sign the audit log", err)
	}
	s.gather(ctx, w, e, in, memory)
	res, err := w.Close(s.audit.sealer, time.Now())
	if err != nil {
		return in, unwritten(in, path, err)
	}
	in, err = s.incidents.AddEvidence(in.ID, incident.Bundle{Time: now, By: by, Path: path, SHA256: res.SHA256, Bytes: res.Bytes, Files: res.Files, Failed: res.Failed})
	if err == nil {
		s.incidentRecord(in, "preserve", by, fmt.Sprintf("%s, %d files, %d bytes, sha256 %s, %d sources failed", path, res.Files, res.Bytes, res.SHA256, len(res.Failed)))
	}
	return in, err
}

// unwritten says what became of evidence, and what to do. The hold stays.
func unwritten(in incident.Incident, path string, err error) error {
	if errors.Is(err, unix.ENOSPC) {
		return fmt.Errorf("write evidence %s: %w; the jail stays held: make room there, then `clawjail incident preserve %s`", path, err, in.ID)
	}
	return fmt.Errorf("write evidence %s: %w; the jail stays held", path, err)
}

func (s *Supervisor) manifest(in incident.Incident, by string, now time.Time) evidence.Manifest {
	m := evidence.Manifest{Incident: in.ID, Jail: in.Subject.Jail, Version: s.opt.Version, Boot: bootID(), Begun: now, By: by}
	m.Host, _ = os.Hostname()
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		m.Kernel = unix.ByteSliceToString(u.Release[:]) + " " + unix.ByteSliceToString(u.Version[:])
	}
	return m
}

// gather puts everything into a bundle.
func (s *Supervisor) gather(ctx context.Context, w *evidence.Writer, e *entry, in incident.Incident, memory []int) {
	w.AddJSON("incident.json", in)
	var j api.Jail
	var pol *policy.Policy
	var cgroup *jail.Cgroup
	s.loop.do(func(*table) { j, pol, cgroup = e.snapshot(), e.view.policy, e.cgroup })
	var pids []int
	if cgroup != nil && j.State != api.StateExited {
		var err error
		pids, err = cgroup.Procs()
		w.Fail("processes", err)
	}
	w.AddJSON("jail.json", j)
	if pol != nil {
		w.AddJSON("policy.json", pol)
	}
	w.AddJSON("approvals.json", slices.DeleteFunc(s.approvals.List(), func(v approval.View) bool { return v.Jail != j.ID }))
	p := evidence.Processes{Redact: s.audit.redact.Text, Memory: memory}
	p.Take(w, pids)
	first, written := s.history(j.ID)
	if root, err := jailRoot(pids); err == nil {
		p.Changed(w, root, written)
		root.Close()
	} else {
		w.Fail("changed files", err)
	}
	evidence.AuditSlice(ctx, w, s.incidents.Dir(in.ID), s.opt.Config.AuditDir(), max(first, 1))
}

// jailRoot opens the root of one of the processes.
func jailRoot(pids []int) (*os.File, error) {
	err := errors.New("no process of the jail is left")
	for _, pid := range pids {
		var fd int
		fd, err = unix.Open(fmt.Sprintf("/proc/%d/root", pid), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err == nil {
			return os.NewFile(uintptr(fd), "root"), nil
		}
	}
	return nil, err
}

// history gives the first record of a jail and the files that it wrote.
func (s *Supervisor) history(id string) (first uint64, written []string) {
	seen := make(map[string]bool)
	for r, err := range audit.Query(s.opt.Config.AuditDir(), audit.Filter{Jail: id}) {
		if err != nil {
			continue // the slice has it as it stands, and verifying it says how
		}
		if first == 0 {
			first = r.Seq
		}
		if p := r.Subject.Path; r.Gate == audit.GateFile && strings.HasPrefix(p, "/") && !seen[p] && len(seen) < evidence.MaxChanged {
			seen[p] = true
			written = append(written, p)
		}
	}
	return first, written
}

// assess judges what the jail did by the log.
func (s *Supervisor) assess(id, by string) (incident.Incident, error) {
	if err := s.incidents.Check(id, incident.Assess); err != nil {
		return incident.Incident{}, err
	}
	in, err := s.incidents.Get(id)
	if err != nil {
		return in, err
	}
	a := incident.NewAssessor(s.secretsOf(in.Subject.Jail), credentialPath)
	for r, err := range audit.Query(s.opt.Config.AuditDir(), audit.Filter{Jail: in.Subject.Jail}) {
		if err == nil {
			a.Add(&r)
		}
	}
	out, severity := a.Result(in.Trigger, by, time.Now())
	in, err = s.incidents.SetAssessment(in.ID, out, severity)
	if err == nil {
		s.incidentRecord(in, "assess", by, fmt.Sprintf("severity %s, %d findings", in.Severity, len(out.Findings)))
		s.tellIncident(in, "assessed", "")
	}
	return in, err
}

// credentialPath says whether a path or an argument names where credentials are,
// in whoever's home.
func credentialPath(path string) bool {
	return slices.ContainsFunc(policy.Credentials(), func(c string) bool {
		return strings.HasSuffix(path, "/"+c) || strings.Contains(path, "/"+c+"/")
	})
}

// secretsOf names the variables of a jail's command that look like credentials.
func (s *Supervisor) secretsOf(id string) []string {
	var out []string
	s.loop.do(func(t *table) {
		e := t.find(id)
		if e == nil {
			return
		}
		for _, v := range e.env {
			if name, value, ok := strings.Cut(v, "="); ok && policy.LooksSecret(name, value) {
				out = append(out, name)
			}
		}
	})
	return out
}

// let lets a jail go on after its release.
func (s *Supervisor) let(ctx context.Context, in incident.Incident) (string, *api.Error) {
	var e *entry
	s.loop.do(func(t *table) { e = t.live[in.Subject.Jail] })
	if e == nil {
		return "the jail had ended", nil
	}
	if err := s.egress.Join(ctx, e.jail.ID); err != nil {
		return "", api.Errorf(http.StatusInternalServerError, "%v", err)
	}
	if apiErr := s.mayThaw(); apiErr != nil {
		return "", apiErr
	}
	if apiErr := s.freeze(ctx, e, false, "released from incident "+in.ID); apiErr != nil {
		return "", apiErr
	}
	s.endUnleased(e) // its client may be gone by now
	return "the jail goes on", nil
}
