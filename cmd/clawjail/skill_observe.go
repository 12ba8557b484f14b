package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"path"
	"slices"
	"strings"

	"clawjail/audit"
	"clawjail/policy"
	"clawjail/policy/skill"
	"clawjail/policy/skill/derive"
	"clawjail/policy/skill/store"
	"clawjail/supervisor/api"
)

// unpredicted is something that a skill did, or tried, and that the audit did
// not see in it.
type unpredicted struct {
	Kind    string `json:"kind"` // of skill.Capability
	Value   string `json:"value"`
	Verdict string `json:"verdict"`
	Times   int    `json:"times"`
}

// maxUnpredicted bounds the report of one run.
const maxUnpredicted = 200

// observe holds the records of a run against the audit of its skill.
func (s *skills) observe(ended api.Jail, r store.Record, dir, output string) error {
	o := observer{report: r.Report, dir: dir, workspace: ended.Workspace}
	for rec, err := range audit.Query(defaultAuditDir, audit.Filter{Jail: ended.ID}) {
		var corrupt *audit.CorruptError
		if errors.As(err, &corrupt) {
			continue // clawjail audit query reports it; what can be read counts
		}
		if err != nil {
			return fmt.Errorf("the records of the run: %w\n  they are root's: run it with sudo", err)
		}
		o.record(&rec)
	}
	slices.SortFunc(o.found, func(a, b unpredicted) int { return strings.Compare(a.Kind+a.Value, b.Kind+b.Value) })
	if output == "json" {
		return json.NewEncoder(s.e.stdout).Encode(struct {
			Skill       string        `json:"skill"`
			Jail        string        `json:"jail"`
			Observed    int           `json:"observed"`
			Unpredicted []unpredicted `json:"unpredicted"`
		}{r.Name, ended.ID, o.seen, append([]unpredicted{}, o.found...)})
	}
	o.print(s.e.stderr, r.Name)
	return nil
}

// observer collects what was not predicted.
type observer struct {
	report         skill.Report
	dir, workspace string
	seen           int
	found          []unpredicted
}

// record judges one record of the jail.
func (o *observer) record(r *audit.Record) {
	switch r.Gate {
	case audit.GateExec:
		if len(r.Subject.Argv) > 0 && r.Subject.Op != "exit" && r.Subject.Op != "fork" {
			o.see(skill.CapExec, r.Subject.Path, r.Verdict, o.program(r.Subject.Path))
		}
	case audit.GateEgress, audit.GateDNS:
		if r.Subject.Host == "" {
			return
		}
		host := r.Subject.Host
		if r.Gate == audit.GateEgress && r.Subject.Port != 0 {
			host = net.JoinHostPort(host, fmt.Sprint(r.Subject.Port))
		}
		o.see(skill.CapNet, host, r.Verdict, o.host(r.Subject.Host))
	case audit.GateConnect:
		if r.Subject.Addr != "" && r.Verdict == "deny" {
			o.see(skill.CapNet, net.JoinHostPort(r.Subject.Addr, fmt.Sprint(r.Subject.Port)), r.Verdict, o.host(r.Subject.Addr))
		}
	case audit.GateFile, audit.GateDelete:
		kind := skill.CapWrite
		if r.Gate == audit.GateFile && r.Subject.Op == "open" && r.Verdict == "deny" {
			kind = skill.CapRead // a reading that failed, or a writing that was refused
		}
		o.see(kind, r.Subject.Path, r.Verdict, o.file(r.Subject.Path))
	}
}

func (o *observer) see(kind, value, verdict string, predicted bool) {
	o.seen++
	if predicted || value == "" {
		return
	}
	for i := range o.found {
		if f := &o.found[i]; f.Kind == kind && f.Value == value && f.Verdict == verdict {
			f.Times++
			return
		}
	}
	if len(o.found) < maxUnpredicted {
		o.found = append(o.found, unpredicted{kind, value, verdict, 1})
	}
}

// program reports whether the audit saw that a program would be run, or
// whether none would say anything about it.
func (o *observer) program(p string) bool {
	if policy.Below(p, o.dir) || derive.Ordinary(path.Base(p)) {
		return true
	}
	return slices.ContainsFunc(o.report.Capabilities, func(c skill.Capability) bool {
		if c.Kind != skill.CapExec {
			return false
		}
		base := path.Base(c.Value)
		if base == path.Base(p) {
			return true
		}
		real, err := lookupProgram(base) // python3 is python3.11 to the kernel
		return err == nil && real.Path == p
	})
}

func (o *observer) host(h string) bool {
	h = policy.NormalHost(h)
	return slices.ContainsFunc(o.report.Capabilities, func(c skill.Capability) bool {
		name := c.Value
		if host, _, err := net.SplitHostPort(c.Value); err == nil {
			name = host
		}
		return c.Kind == skill.CapNet && policy.MatchHost(policy.NormalHost(name), h)
	})
}

// file reports whether the audit saw that a file would be touched. What is the
// jail's own, or part of the skill, needs no prediction.
func (o *observer) file(p string) bool {
	for _, own := range []string{"/tmp", "/dev", "/proc", "/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/ld.so.preload", o.dir} {
		if policy.Below(p, own) {
			return true
		}
	}
	return slices.ContainsFunc(o.report.Capabilities, func(c skill.Capability) bool {
		if c.Kind != skill.CapRead && c.Kind != skill.CapWrite {
			return false
		}
		relative := !strings.HasPrefix(c.Value, "/") && !strings.HasPrefix(c.Value, "~") && !strings.HasPrefix(c.Value, "$")
		if relative && o.workspace != "" && policy.Below(p, o.workspace) {
			return true
		}
		return path.Base(c.Value) == path.Base(p) || policy.Below(p, path.Clean(c.Value))
	})
}

func (o *observer) print(w io.Writer, name string) {
	if len(o.found) == 0 {
		fmt.Fprintf(w, "clawjail: skill %s did nothing that the audit had not seen (%d records)\n", name, o.seen)
		return
	}
	fmt.Fprintf(w, "clawjail: skill %s did what the audit had not seen, a gap in its coverage:\n", name)
	for _, f := range o.found {
		fmt.Fprintf(w, "  %-5s %s (%s, %d times)\n", f.Kind, readable(f.Value), f.Verdict, f.Times)
	}
}
