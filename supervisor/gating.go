package supervisor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"clawjail/audit"
	"clawjail/bpf"
	"clawjail/jail/hostns"
	"clawjail/policy"
	"clawjail/seccomp"
	"clawjail/seccomp/notify"
	"clawjail/seccomp/tracee"
	"clawjail/supervisor/approval"
	"clawjail/supervisor/gate"
	"clawjail/supervisor/gate/behalf"
	"clawjail/supervisor/limit"
)

// tokenTTL is how long an execution that was let through may take to begin.
const tokenTTL = 10 * time.Second

// tokens puts the gate's tokens where the probes look for them.
type tokens struct {
	probes *bpf.Probes
	jail   *bpf.Jail

	mu    sync.Mutex
	plain map[uint64]bool // by device: stat(2) shows what the verifier will see
}

// maxPlain bounds the file systems that are remembered.
const maxPlain = 256

func (t *tokens) PutExec(tok gate.Token) (gate.Origin, error) {
	out := bpf.ExecToken{TGID: tok.TGID, TID: tok.TID, AnyArgs: tok.AnyArgs, Argv: tok.Argv, Env: tok.Env, TTL: tokenTTL}
	if tok.Cwd != (gate.Pinned{}) {
		cwd, err := t.fileID(tok.Cwd)
		if err != nil {
			return gate.Origin{}, err
		}
		out.CwdDev, out.CwdIno = cwd.Dev, cwd.Ino
	}
	for _, f := range tok.Files {
		id, err := t.fileID(f)
		if err != nil {
			return gate.Origin{}, err
		}
		out.Files = append(out.Files, id)
	}
	return origin(t.jail.PutExec(out))
}

func (t *tokens) Origin(tid int32) (gate.Origin, error) { return origin(t.probes.Origin(tid)) }

func origin(o bpf.Origin, err error) (gate.Origin, error) {
	return gate.Origin{TGID: o.TGID, Start: o.Start, Image: o.Image}, err
}

func (t *tokens) Used(tgid, tid int32) bool { return t.jail.UsedExec(tgid, tid) }

func (t *tokens) DropExec(tgid, tid int32) (bool, error) { return t.jail.DropExec(tgid, tid) }

// fileID is a file as the verifier will see it. Where stat(2) gives other numbers
// than the inode has, as on overlayfs and btrfs, device and inode are asked of
// the kernel; time and size are those of the moment when the file was judged.
func (t *tokens) fileID(f gate.Pinned) (bpf.FileID, error) {
	plain, err := t.isPlain(f)
	if err != nil {
		return bpf.FileID{}, fmt.Errorf("identify a file: %w", err)
	}
	id := bpf.FileID{Dev: f.ID.Dev, Ino: f.ID.Ino}
	if !plain {
		if id, err = t.probes.IdentifyFD(f.FD); err != nil {
			return bpf.FileID{}, fmt.Errorf("identify a file: %w", err)
		}
	}
	id.CtimeNS, id.Size = f.ID.CtimeNS, f.ID.Size
	return id, nil
}

// isPlain asks a file system once. A device number that another one gets later
// makes tokens that nothing fits.
func (t *tokens) isPlain(f gate.Pinned) (bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if plain, ok := t.plain[f.ID.Dev]; ok {
		return plain, nil
	}
	plain, err := bpf.Plain(f.FD)
	if err != nil {
		return false, err
	}
	if t.plain == nil || len(t.plain) >= maxPlain {
		t.plain = map[uint64]bool{}
	}
	t.plain[f.ID.Dev] = plain
	return plain, nil
}

// openGate puts an engine behind a listener of the jail, if its filter traps
// anything. A listener that is closed here leaves the shim's copy: nothing is
// trapped, so nothing waits for it.
func (b *build) openGate(listener, ledger *os.File) error {
	if b.plan.Gates == (seccomp.Gates{}) {
		return listener.Close()
	}
	l, err := notify.OpenKept(listener, ledger)
	if err != nil {
		return fmt.Errorf("open the jail's listener: %w", err)
	}
	s, e, v := b.s, b.entry, b.view
	files, closeFiles, err := b.files()
	if err != nil {
		return errors.Join(err, l.Close())
	}
	v.traps.Store(true)
	v.gated.Store(b.plan.Gates.Exec)
	engine := gate.New(gate.Config{
		Jail: e.jail.ID, Name: e.jail.Name, Agent: e.jail.Argv[0], StartedBy: e.jail.By,
		Policy: b.plan.Policy, Tokens: &tokens{probes: s.probes, jail: b.probe}, Files: files, Logger: s.log,
		Hold: func(ctx context.Context, r approval.Request) (approval.Decision, error) {
			d, err := s.approvals.Submit(ctx, r)
			if err == nil {
				s.metrics.hold.observe(d.Held)
			}
			return d, err
		},
		Record: func(o gate.Outcome) error { return s.recordOutcome(v, o) },
		Opened: func(id tracee.Identity, path string, d *approval.Decision) {
			v.opened(id, path, decisionRecord(d))
		},
		Violation: func(tgid int32, what string) { s.violation(v, tgid, what) },
		Freeze:    func(reason string) { s.freezeByID(e.jail.ID, triggerPolicy, reason) },
		CloseCode: b.closer(),
	}, l)
	b.mu.Lock()
	b.gates = append(b.gates, engine)
	b.mu.Unlock()
	s.work.Go(func() {
		engine.Run()
		closeFiles()
		b.mu.Lock()
		defer b.mu.Unlock()
		b.gates = slices.DeleteFunc(b.gates, func(e *gate.Engine) bool { return e == engine })
	})
	if !b.plan.Gates.Exec || b.adopted {
		return nil // none, or judged already
	}
	if err := b.probe.Gate(true); err != nil {
		return fmt.Errorf("judge executions in the kernel: %w", err)
	}
	return b.closeNamed()
}

// engines are those that serve the jail now.
func (b *build) engines() []*gate.Engine {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.gates)
}

// files opens what the gate needs to change files for the jail.
func (b *build) files() (gate.Files, func(), error) {
	g, s := b.plan.Gates, b.s
	if !g.Files && !g.Deletes {
		return gate.Files{}, func() {}, nil
	}
	worker, err := behalf.NewWorker()
	if err != nil {
		return gate.Files{}, nil, fmt.Errorf("start a worker for files: %w", err)
	}
	f := gate.Files{Worker: worker, FileSize: b.plan.Jail.Limits.FileSizeBytes, Unseen: s.tier == bpf.TierLSM}
	closeAll := func() { _ = worker.Close() }
	if f.Roots, err = b.askRoots(); err != nil {
		closeAll()
		return gate.Files{}, nil, err
	}
	if d := b.plan.Policy.Delete; g.Deletes {
		key := "delete/" + b.entry.jail.Name
		f.Deleting = &b.view.deleting
		f.TakeDeletion = func() (bool, error) {
			ok, _, err := s.limits.Take(key, limit.Limit{Max: d.Limit, Per: d.Per}, 1)
			return ok, err
		}
	}
	return f, closeAll, nil
}

// askRoots opens the trees that are written on approval, once for the jail: what
// a process has open through one is known by its mount, in every engine.
func (b *build) askRoots() ([]*behalf.Root, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	user := b.plan.Jail.User
	for _, a := range b.plan.Asks[len(b.roots):] {
		var idmap *behalf.Idmap
		if a.Idmap {
			idmap = &behalf.Idmap{UID: user.UID, GID: user.GID}
		}
		var root *behalf.Root
		// As the jail's own mounts: a service may see the host read-only.
		err := b.s.opt.Namespaces.Do(hostns.Mounts, func() (err error) {
			root, err = behalf.OpenRoot(a.Path, a.Path, idmap)
			return err
		})
		if err != nil {
			return nil, err
		}
		b.roots = append(b.roots, root)
	}
	return slices.Clone(b.roots), nil
}

// adoptRoot takes over a tree that a former supervisor has opened.
func (b *build) adoptRoot(path string, dir *os.File) error {
	mine, err := duplicateFile(dir)
	if err != nil {
		return err
	}
	root, err := behalf.AdoptRoot(path, mine)
	if err != nil {
		return errors.Join(err, mine.Close())
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.roots = append(b.roots, root)
	return nil
}

// trap puts an engine behind the listener of a process that was added to the
// jail. Without one, what it executes would wait for ever. It is called by the
// reader of the shim's messages, which killing needs too: that goes beside it.
func (b *build) trap(listener, ledger *os.File) {
	defer ledger.Close()
	if err := b.openGate(listener, ledger); err != nil {
		b.s.log.Error("open the gate of an added process; the jail is killed", "jail", b.entry.jail.ID, "error", err)
		b.s.work.Go(func() {
			_ = b.s.kill(context.Background(), b.entry, "a process was added to it that nobody could watch")
		})
	}
}

// recordOutcome writes what the gate decided by itself. What a human decided was
// recorded before anybody learned of it, and what was let through is recorded
// by the probes, when it happens.
func (s *Supervisor) recordOutcome(v *jailView, o gate.Outcome) error {
	if o.Errno != 0 || o.Verdict == policy.Kill {
		v.refused.Add(1)
	}
	if d := o.Decision; d != nil {
		s.metrics.decide(o.Gate.String(), policy.Ask.String())
		if d.Allowed() && o.Gate == policy.GateExec {
			v.permitted(o.PID, permission{by: decisionRecord(d), verdict: policy.Allow, rule: o.Rule, hash: o.SHA256})
		}
		return nil
	}
	if o.Gate == policy.GateExec && o.Errno == 0 && o.Verdict.Permits() {
		v.permitted(o.PID, permission{verdict: o.Verdict, rule: o.Rule, hash: o.SHA256})
		return nil
	}
	s.metrics.decide(o.Gate.String(), o.Verdict.String())
	r := audit.Record{Time: time.Now(), Jail: v.id, Gate: o.Gate.String(), Verdict: o.Verdict.String(), Rule: o.Rule,
		Subject: audit.Subject{Op: o.Op, Path: o.Path, Path2: o.Path2, Argv: o.Argv, SHA256: o.SHA256, Pid: o.PID,
			Errno: int32(o.Errno), Message: o.Message}}
	if err := s.audit.append(r); err != nil {
		return err
	}
	if o.Verdict == policy.Audit && o.Errno == 0 && !gate.Probed(o.Op) {
		s.tell(v, r)
	}
	return nil
}

// decisionRecord is a human's decision as records have it; nil stays nil.
func decisionRecord(d *approval.Decision) *audit.Decision {
	if d == nil {
		return nil
	}
	return &audit.Decision{ID: d.ID, By: d.By.String(), HeldMS: milliseconds(d.Held), Digest: d.Digest, Reason: d.String()}
}
