//go:build kernel

package supervisor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"clawjail/audit"
	"clawjail/jail"
	"clawjail/policy"
	"clawjail/supervisor/api"
	"clawjail/supervisor/config"
	"clawjail/supervisor/incident"
	"clawjail/test/kernel"
)

// fixture is a supervisor without probes and proxy, whose jails are a sleeping
// process in a cgroup each.
type fixture struct {
	*Supervisor
	t      *testing.T
	disk   string // a small one that the audit log is on
	parent string // of the cgroups
	log    *bytes.Buffer
}

func newFixture(t *testing.T, loss config.OnAuditLoss) *fixture {
	t.Helper()
	f := &fixture{t: t, disk: kernel.SmallDisk(t, 256<<10), log: &bytes.Buffer{}}
	c := config.Default()
	c.RunDir, c.StateDir, c.OnAuditLoss = t.TempDir(), f.disk, loss
	log := slog.New(slog.NewTextHandler(f.log, nil))
	a, err := openAuditor(c, "notify", log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.close() })
	f.Supervisor = &Supervisor{opt: Options{Config: c}, log: log, loop: newLoop(8), audit: a, metrics: newMetrics(), killOne: killInCgroup, base: t.Context()}
	if f.incidents, err = incident.OpenStore(filepath.Join(t.TempDir(), "incidents")); err != nil {
		t.Fatal(err)
	}
	f.sinks = f.openSinks()
	if f.herald, err = f.openHerald(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.work.Wait)
	go f.loop.run()
	t.Cleanup(f.loop.close)
	f.makeParent()
	if f.haste, err = jail.NewHaste(filepath.Base(f.parent)); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *fixture) makeParent() {
	h, err := jail.FindHierarchies()
	if err != nil {
		f.t.Fatal(err)
	}
	f.parent, err = os.MkdirTemp(h.Unified, "clawjail-test-")
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() {
		if err := os.Remove(f.parent); err != nil && !errors.Is(err, fs.ErrNotExist) {
			f.t.Error(err)
		}
	})
}

// jail adds a running jail with one process, which is returned.
func (f *fixture) jail(id string) (*entry, *exec.Cmd) {
	f.t.Helper()
	dir := filepath.Join(f.parent, id)
	if err := os.Mkdir(dir, 0o755); err != nil {
		f.t.Fatal(err)
	}
	cg, err := jail.OpenCgroup(dir)
	if err != nil {
		f.t.Fatal(err)
	}
	d, err := os.Open(dir)
	if err != nil {
		f.t.Fatal(err)
	}
	defer d.Close()
	c := exec.Command("sleep", "1000")
	c.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(d.Fd())}
	if err := c.Start(); err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() {
		_ = cg.Kill()
		_ = c.Wait()
		_ = cg.AwaitEmpty(context.Background())
		_ = cg.Close()
		_ = os.Remove(dir)
	})
	// There is one about it already, so that nobody goes on to cut off and to
	// preserve: that takes a whole supervisor.
	if _, _, err := f.incidents.Begin(incident.Trigger{Kind: "test"}, incident.Subject{Jail: id}, incident.HoldJail, incident.High, true); err != nil {
		f.t.Fatal(err)
	}
	e := newEntry(id, id)
	e.view.policy = &policy.Policy{}
	f.loop.do(func(tab *table) {
		e.cgroup, e.jail.Cgroup = cg, dir
		if apiErr := tab.reserve(e, nil); apiErr != nil {
			f.t.Error(apiErr)
		}
		if apiErr := e.move(api.StateRunning); apiErr != nil {
			f.t.Error(apiErr)
		}
	})
	return e, c
}

// state is what the supervisor and what the kernel say of a jail.
func (f *fixture) state(e *entry) (state api.State, frozen bool) {
	f.t.Helper()
	f.loop.do(func(*table) { state = e.jail.State })
	frozen, err := e.cgroup.Frozen()
	if err != nil {
		f.t.Fatal(err)
	}
	return state, frozen
}

// fill takes the space of the audit log's disk.
func (f *fixture) fill() {
	f.t.Helper()
	kernel.Fill(f.t, f.ballast())
	// What is left of the log's last page is used up by records.
	for i := 0; f.audit.err() == nil; i++ {
		if i > 1000 {
			f.t.Fatal("the disk does not fill")
		}
		_ = f.audit.append(audit.Record{Gate: audit.GateExec, Subject: audit.Subject{Path: "/fill"}})
	}
}

func (f *fixture) ballast() string { return filepath.Join(f.disk, "ballast") }

// room makes space again, and has the supervisor notice.
func (f *fixture) room() {
	f.t.Helper()
	if err := os.Remove(f.ballast()); err != nil {
		f.t.Fatal(err)
	}
	f.audit.retry()
}

// followed does what followAudit would do now.
func (f *fixture) followed() {
	f.t.Helper()
	select {
	case <-f.audit.changed:
		f.settleAudit()
	default:
		f.t.Fatal("nobody was told that the log changed")
	}
}

// records are the log's, as text.
func (f *fixture) records() (list []string) {
	f.t.Helper()
	for r, err := range audit.Query(f.opt.Config.AuditDir(), audit.Filter{}) {
		if err != nil {
			f.t.Fatal(err)
		}
		list = append(list, fmt.Sprintf("%s %s %s %s", r.Gate, r.Jail, r.Subject.Op, r.Subject.Message))
	}
	return list
}

// release ends the incident that jail opened for a jail.
func (f *fixture) release(id string) {
	f.t.Helper()
	in, err := f.incidents.Get(id)
	if err == nil {
		_, err = f.incidents.Step(in.ID, "test", incident.Contain, "", "")
	}
	if err == nil {
		_, err = f.incidents.Decide(in.ID, "test", incident.Release, "not part of this test")
	}
	if err != nil {
		f.t.Fatal(err)
	}
}
