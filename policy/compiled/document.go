package compiled

import (
	"fmt"
	"time"

	"clawjail/policy"
)

// document is the form. Its field order is the key order; lists are never
// null, so that one policy has one form.
type document struct {
	Format      int      `json:"format"`
	Version     int      `json:"version"`
	Name        string   `json:"name"`
	Files       []file   `json:"files"`
	Delete      *limit   `json:"delete,omitempty"`
	Exec        exec     `json:"exec"`
	Network     network  `json:"network"`
	Limits      limits   `json:"limits"`
	Env         env      `json:"env"`
	Approval    approval `json:"approval"`
	OnViolation string   `json:"on_violation"`
	Actions     *actions `json:"actions,omitempty"`
	Explain     bool     `json:"explain_refusals,omitempty"`
}

type origin struct {
	Rule     string `json:"rule"`
	At       string `json:"at,omitempty"`
	Category string `json:"category,omitempty"`
}

func fromOrigin(o policy.Origin) origin { return origin{o.Rule, o.At, o.Category.String()} }

func (r *reader) origin(o origin) policy.Origin {
	return policy.Origin{Rule: o.Rule, At: o.At, Category: read(r, o.Rule, o.Category, policy.ParseCategory)}
}

type file struct {
	Path     string `json:"path"`
	Access   string `json:"access"`
	Write    string `json:"write"`
	Exec     bool   `json:"exec,omitempty"`
	Create   bool   `json:"create,omitempty"`
	Optional bool   `json:"optional,omitempty"`
	Size     int64  `json:"size,omitempty"`
	Origin   origin `json:"origin"`
}

type limit struct {
	Limit  int64  `json:"limit"`
	Per    int64  `json:"per_ns"`
	Over   string `json:"over"`
	Origin origin `json:"origin"`
}

type exec struct {
	Default string     `json:"default"`
	Rules   []execRule `json:"rules"`
	Origin  origin     `json:"origin"`
}

type execRule struct {
	Run    []string  `json:"run"`
	Args   *[]string `json:"args,omitempty"` // absent: any
	SHA256 string    `json:"sha256,omitempty"`
	Then   string    `json:"then"`
	Origin origin    `json:"origin"`
}

type network struct {
	Default       string    `json:"default"`
	Rules         []netRule `json:"rules"`
	Private       string    `json:"private"`
	Origin        origin    `json:"origin"`
	PrivateOrigin origin    `json:"private_origin"`
}

type netRule struct {
	Host     string `json:"host"`
	Port     uint16 `json:"port,omitempty"`
	Protocol string `json:"protocol,omitempty"`
	Then     string `json:"then"`
	Needs    string `json:"needs,omitempty"`
	Origin   origin `json:"origin"`
}

type limits struct {
	Memory    int64 `json:"memory"`
	MilliCPUs int64 `json:"milli_cpus"`
	Pids      int64 `json:"pids"`
	OpenFiles int64 `json:"open_files"`
	FileSize  int64 `json:"file_size"`
	Wall      int64 `json:"wall_ns"`
	Tmp       int64 `json:"tmp"`
	Shm       int64 `json:"shm"`
}

type env struct {
	Pass []string   `json:"pass"`
	Set  []variable `json:"set"`
}

type variable struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type approval struct {
	Timeout int64 `json:"timeout_ns"`
}

// each maps a list to one that is never nil.
func each[A, B any](in []A, f func(A) B) []B {
	out := make([]B, 0, len(in))
	for _, a := range in {
		out = append(out, f(a))
	}
	return out
}

func same(s string) string { return s }

func fromPolicy(p *policy.Policy) document {
	d := document{
		Format:  Format,
		Version: p.Version,
		Name:    p.Name,
		Files: each(p.Files, func(f policy.File) file {
			return file{f.Path, f.Access.String(), f.Write.String(), f.Exec, f.Create, f.Optional, f.SizeBytes, fromOrigin(f.Origin)}
		}),
		Exec: exec{
			Default: p.Exec.Default.String(),
			Rules:   each(p.Exec.Rules, fromExecRule),
			Origin:  fromOrigin(p.Exec.Origin),
		},
		Network: network{
			Default: p.Network.Default.String(),
			Rules: each(p.Network.Rules, func(r policy.NetRule) netRule {
				return netRule{r.Host, r.Port, r.Protocol.String(), r.Then.String(), r.Needs, fromOrigin(r.Origin)}
			}),
			Private:       p.Network.Private.String(),
			Origin:        fromOrigin(p.Network.Origin),
			PrivateOrigin: fromOrigin(p.Network.PrivateOrigin),
		},
		Limits: limits{
			p.Limits.MemoryBytes, p.Limits.MilliCPUs, p.Limits.Pids, p.Limits.OpenFiles,
			p.Limits.FileSizeBytes, int64(p.Limits.Wall), p.Limits.TmpBytes, p.Limits.ShmBytes,
		},
		Env: env{
			Pass: each(p.Env.Pass, same),
			Set:  each(p.Env.Set, func(v policy.Var) variable { return variable(v) }),
		},
		Approval:    approval{int64(p.Approval.Timeout)},
		OnViolation: p.OnViolation.String(),
		Explain:     p.ExplainRefusals,
	}
	d.Actions = fromActions(p.Actions)
	if p.Delete.Limit != 0 {
		d.Delete = &limit{p.Delete.Limit, int64(p.Delete.Per), p.Delete.Over.String(), fromOrigin(p.Delete.Origin)}
	}
	return d
}

func fromExecRule(r policy.ExecRule) execRule {
	out := execRule{Run: each(r.Run, same), SHA256: r.SHA256, Then: r.Then.String(), Origin: fromOrigin(r.Origin)}
	if r.Args != nil {
		args := each(r.Args, same)
		out.Args = &args
	}
	return out
}

// reader turns names back into constants and remembers the first that is none.
type reader struct{ err error }

func read[T any](r *reader, where, name string, parse func(string) (T, error)) T {
	v, err := parse(name)
	if err != nil && r.err == nil {
		r.err = fmt.Errorf("%s: %w", where, err)
	}
	return v
}

func (d document) policy() (*policy.Policy, error) {
	var r reader
	p := &policy.Policy{
		Version: d.Version,
		Name:    d.Name,
		Files:   each(d.Files, r.file),
		Exec: policy.Exec{
			Default: read(&r, "exec.default", d.Exec.Default, policy.ParseVerdict),
			Rules:   each(d.Exec.Rules, r.execRule),
			Origin:  r.origin(d.Exec.Origin),
		},
		Network: policy.Network{
			Default:       read(&r, "network.default", d.Network.Default, policy.ParseVerdict),
			Rules:         each(d.Network.Rules, r.netRule),
			Private:       read(&r, "network.private", d.Network.Private, policy.ParseVerdict),
			Origin:        r.origin(d.Network.Origin),
			PrivateOrigin: r.origin(d.Network.PrivateOrigin),
		},
		Limits: policy.Limits{
			MemoryBytes: d.Limits.Memory, MilliCPUs: d.Limits.MilliCPUs, Pids: d.Limits.Pids,
			OpenFiles: d.Limits.OpenFiles, FileSizeBytes: d.Limits.FileSize, Wall: time.Duration(d.Limits.Wall),
			TmpBytes: d.Limits.Tmp, ShmBytes: d.Limits.Shm,
		},
		Env: policy.Env{
			Pass: each(d.Env.Pass, same),
			Set:  each(d.Env.Set, func(v variable) policy.Var { return policy.Var(v) }),
		},
		Approval:        policy.Approval{Timeout: time.Duration(d.Approval.Timeout)},
		OnViolation:     read(&r, "on_violation", d.OnViolation, policy.ParseResponse),
		ExplainRefusals: d.Explain,
	}
	p.Actions = r.actions(d.Actions)
	if l := d.Delete; l != nil {
		if l.Limit == 0 && r.err == nil {
			r.err = fmt.Errorf("delete: limit 0 is no limit and is left out")
		}
		p.Delete = policy.Delete{
			Limit: l.Limit, Per: time.Duration(l.Per), Origin: r.origin(l.Origin),
			Over: read(&r, "delete.over", l.Over, policy.ParseVerdict),
		}
	}
	return p, r.err
}

func (r *reader) file(f file) policy.File {
	return policy.File{
		Path: f.Path, Exec: f.Exec, Create: f.Create, Optional: f.Optional, SizeBytes: f.Size,
		Access: read(r, f.Path, f.Access, policy.ParseAccess),
		Write:  read(r, f.Path, f.Write, policy.ParseVerdict),
		Origin: r.origin(f.Origin),
	}
}

func (r *reader) execRule(e execRule) policy.ExecRule {
	out := policy.ExecRule{
		Run: each(e.Run, same), SHA256: e.SHA256, Origin: r.origin(e.Origin),
		Then: read(r, "exec rule", e.Then, policy.ParseVerdict),
	}
	if e.Args != nil {
		out.Args = each(*e.Args, same)
	}
	return out
}

func (r *reader) netRule(n netRule) policy.NetRule {
	return policy.NetRule{
		Host: n.Host, Port: n.Port, Needs: n.Needs, Origin: r.origin(n.Origin),
		Protocol: read(r, "network rule", n.Protocol, policy.ParseProtocol),
		Then:     read(r, "network rule", n.Then, policy.ParseVerdict),
	}
}
