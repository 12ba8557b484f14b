package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"clawjail/audit"
	"clawjail/audit/escape"
	"clawjail/supervisor/api"
	"clawjail/supervisor/client"
	"clawjail/supervisor/client/launch"
	"clawjail/supervisor/incident"
	"clawjail/supervisor/incident/evidence/verify"
	incidentreport "clawjail/supervisor/incident/report"
)

func newIncidentDrillCommand(e *env) *cobra.Command {
	var last bool
	c := &cobra.Command{
		Use:   "drill",
		Short: "Go through a whole incident with a harmless jail of its own",
		Long: `Starts a jail that does nothing, opens an incident about it, and goes the whole
way: contain, preserve, assess, notify, report, recover, close. Every step is
held against what it must have done, the evidence and the log are verified, and
channels get a message that is marked as a drill. Commands of the playbook run
if they are marked "drill: true". The exit code is 0 when everything worked.

The incident stays in the list as an exercise, and the log says when it was.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if last {
				return lastDrill(c, e)
			}
			return (&drill{c: c, e: e, cl: client.Client{Socket: e.socket}}).run()
		},
	}
	c.Flags().BoolVar(&last, "last", false, "say when the last drill was, and how long ago")
	return c
}

// lastDrill says when an exercise last went its whole way.
func lastDrill(c *cobra.Command, e *env) error {
	list, err := incidents(c, e)
	if err != nil {
		return err
	}
	for _, in := range list { // the newest first
		if in.Drill && in.State == incident.Closed {
			at := in.Steps[len(in.Steps)-1].Time
			fmt.Fprintf(e.stdout, "%s  incident %s, %d days ago\n", at.Local().Format(time.DateTime), in.ID, int(time.Since(at).Hours()/24))
			return nil
		}
	}
	return errors.New("no drill was ever done on this host: clawjail incident drill")
}

// drill is an exercise while it is done.
type drill struct {
	c  *cobra.Command
	e  *env
	cl client.Client
	in api.Incident
}

func (d *drill) run() error {
	begun := time.Now()
	j, done, err := d.start()
	if err != nil {
		return fmt.Errorf("start a harmless jail: %w", err)
	}
	defer done()
	d.say("start", "jail %s", escape.String(j.Name))
	steps := []func() error{
		func() error { return d.open(j) }, d.evidence, d.log, d.notify, d.report, d.recover, d.close,
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return fmt.Errorf("the drill failed: %w\n  clawjail incident show %s", err, d.in.ID)
		}
	}
	if err := d.cl.TaskDone(d.c.Context(), "incident-drill", "incident "+d.in.ID); err != nil {
		return fmt.Errorf("the drill went its whole way and could not be written down: %w", err)
	}
	fmt.Fprintf(d.e.stdout, "the drill is done: incident %s, %s\n", d.in.ID, time.Since(begun).Round(time.Millisecond))
	return nil
}

func (d *drill) say(step, format string, args ...any) {
	fmt.Fprintf(d.e.stdout, "%-9s %s\n", step, fmt.Sprintf(format, args...))
}

// start runs a jail that does nothing, in a directory of its own.
func (d *drill) start() (api.Jail, func(), error) {
	dir, err := os.MkdirTemp("", "clawjail-drill-")
	if err != nil {
		return api.Jail{}, nil, err
	}
	remove := func() { _ = os.RemoveAll(dir) }
	if err := os.Chmod(dir, 0o755); err != nil { // the jail's user is another
		remove()
		return api.Jail{}, nil, err
	}
	ensure := d.cl.Approach(d.c.Context())
	req, err := launch.Prepare(launch.Options{Policy: "locked", Workspace: dir, Name: "drill-" + time.Now().UTC().Format("20060102-150405"),
		Argv: []string{"/bin/sleep", "600"}})
	if err == nil {
		req.Detach, req.Remove, req.Timeout = true, true, 10*time.Minute
		_, err = ensure(d.c.Context())
	}
	if err != nil {
		remove()
		return api.Jail{}, nil, err
	}
	j, _, err := d.cl.Run(d.c.Context(), req)
	if err != nil {
		remove()
		return j, nil, err
	}
	return j, remove, nil
}

func (d *drill) open(j api.Jail) error {
	began := time.Now()
	in, err := d.cl.OpenIncident(d.c.Context(), api.OpenIncidentRequest{Jail: j.ID, Reason: "a drill", Severity: string(incident.Critical), Drill: true})
	if err != nil {
		return err
	}
	d.in = in
	if in.State != incident.Assessed || len(in.Evidence) == 0 || in.Assessment == nil {
		return fmt.Errorf("incident %s only came to %s", in.ID, in.State)
	}
	for _, s := range in.Steps {
		if s.Failed != "" && s.Action != incident.Preserve {
			return fmt.Errorf("%s: %s", s.Action, escape.String(s.Failed))
		}
		d.say(string(s.Action), "after %s: %s", s.Time.Sub(began).Round(time.Millisecond), escape.String(s.Detail))
	}
	now, err := d.cl.Jail(d.c.Context(), j.ID)
	if err != nil {
		return err
	}
	if now.State != api.StateFrozen {
		return fmt.Errorf("the jail is %s, not frozen", now.State)
	}
	return nil
}

func (d *drill) evidence() error {
	path := d.in.Evidence[0].Path
	o, err := (&verifyFlags{}).options()
	if err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	m, err := verify.Bundle(f, anyKey(o.Keys), nil)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	d.say("verify", "%d files of evidence fit their signature", len(m.Files))
	return nil
}

// log holds the records of the incident against what was done.
func (d *drill) log() error {
	found := 0
	for r, err := range audit.Query(defaultAuditDir, audit.Filter{Jail: d.in.Subject.Jail, Gate: audit.GateJail}) {
		if err != nil {
			return err
		}
		if r.Subject.Op == "incident" {
			found++
		}
	}
	if found < len(d.in.Steps) {
		return fmt.Errorf("the audit log has %d records of %d steps", found, len(d.in.Steps))
	}
	d.say("log", "%d records of the incident", found)
	return nil
}

// notify says who is told, and tells it when nobody is.
func (d *drill) notify() error {
	n, err := d.cl.Notifications(d.c.Context())
	if err != nil {
		return err
	}
	told := 0
	for _, ch := range n.Channels {
		for _, c := range ch.Categories {
			if c == "incident" {
				told++
			}
		}
	}
	d.say("notify", "%d channels are told of incidents", told)
	for _, ch := range n.Channels {
		if ch.Error != "" {
			d.say("notify", "channel %s does not work: %s", ch.Name, escape.String(ch.Error))
		}
	}
	return nil
}

func (d *drill) report() error {
	b := incidentreport.New(d.in, time.Now())
	for r, err := range audit.Query(defaultAuditDir, audit.Filter{Jail: d.in.Subject.Jail}) {
		if err == nil {
			b.Add(&r)
		}
	}
	var html bytes.Buffer
	if err := b.Report().HTML(io.Writer(&html)); err != nil {
		return err
	}
	d.say("report", "%d bytes of HTML; clawjail incident report %s", html.Len(), d.in.ID)
	return nil
}

func (d *drill) recover() error {
	in, err := d.cl.KillIncident(d.c.Context(), d.in.ID, "the drill is over")
	if err != nil {
		return err
	}
	for _, p := range in.Played {
		what := "done"
		if p.Failed != "" {
			what = p.Failed
		} else if p.Took == 0 {
			what = p.Output
		}
		d.say("playbook", "%s at %s: %s", p.Name, p.At, escape.String(what))
	}
	d.say("recover", "the jail was ended")
	d.in = in
	return nil
}

func (d *drill) close() error {
	in, err := d.cl.CloseIncident(d.c.Context(), d.in.ID, "a drill: everything worked")
	if err != nil {
		return err
	}
	if in.State != incident.Closed {
		return fmt.Errorf("incident %s is %s", in.ID, in.State)
	}
	for _, p := range in.Played {
		if p.Failed != "" {
			return fmt.Errorf("%s of the playbook: %s", p.Name, escape.String(p.Failed))
		}
	}
	d.say("close", "incident %s", in.ID)
	return nil
}
