package source

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"clawjail/policy"
	"clawjail/policy/strict"
)

// layer is one document: what it says, and nothing of what it leaves open.
type layer struct {
	name        string
	extends     []string
	lacksBase   bool // extends names something that is not there
	files       []placed[policy.File]
	deletion    *policy.Delete
	execDefault *policy.Exec // Default and Origin
	exec        []placed[policy.ExecRule]
	netDefault  *policy.Network // Default and Origin
	netPrivate  *policy.Network // Private and PrivateOrigin
	network     []placed[policy.NetRule]
	limits      map[string]int64
	pass        []string
	set         []policy.Var
	timeout     time.Duration // 0: not given
	onViolation *policy.Response
	explain     *bool // on_refusal
	actions     actions
}

// placed is a rule with the node that problems with it point at.
type placed[T any] struct {
	rule T
	node *yaml.Node
	own  bool // of the document itself and not of a base
}

// topKeys are the keys of a policy.
func topKeys() []string {
	return []string{"version", "name", "extends", "files", "delete", "exec", "network", "limits", "env", "approval", "actions", "on_violation", "on_refusal"}
}

// origin labels a rule by its place and its line.
func (r *reader) origin(rule string, n *yaml.Node) policy.Origin {
	return policy.Origin{Rule: rule, At: fmt.Sprintf("%s:%d", r.at, n.Line)}
}

// layer reads a whole document.
func (r *reader) layer(root *yaml.Node, presets []string) layer {
	var l layer
	top := r.Fields(root, "a policy", topKeys()...)
	if top == nil {
		return l
	}
	r.header(&l, root, top, presets)
	for _, section := range []struct {
		key  string
		read func(*yaml.Node, *layer)
	}{
		{"files", r.readFiles}, {"delete", r.readDelete}, {"exec", r.readExec}, {"network", r.readNetwork},
		{"limits", r.readLimits}, {"env", r.readEnv}, {"approval", r.readApproval}, {"on_violation", r.readViolation},
		{"on_refusal", r.readRefusal}, {"actions", r.readActions},
	} {
		if n := top[section.key]; n != nil {
			section.read(n, &l)
		}
	}
	return l
}

func (r *reader) header(l *layer, root *yaml.Node, top map[string]*yaml.Node, presets []string) {
	switch n := top["version"]; {
	case n == nil:
		r.Problem(root, "add the line: version: 1", "version is missing")
	case n.Kind != yaml.ScalarNode || n.Value != "1" || n.Style != 0:
		r.Problem(n, "this clawjail reads version 1", "unknown version %q", n.Value)
	}
	if n := top["name"]; n == nil {
		r.Problem(root, "add a line like: name: my-agent", "name is missing")
	} else if s, ok := r.Str(n, "name"); ok {
		if err := policy.CheckName(s); err != nil {
			r.Problem(n, "", "%v", err)
		}
		l.name = s
	}
	n := top["extends"]
	if n == nil {
		return
	}
	if n.Kind != yaml.SequenceNode {
		l.lacksBase = true
	}
	for _, item := range r.Items(n, "extends", len(presets)) {
		s, ok := r.Str(item, "extends")
		switch {
		case !ok:
		case !slices.Contains(presets, s):
			hint := strict.DidYouMean(s, presets)
			if strings.ContainsAny(s, "./") {
				hint = "a policy extends presets, never files: " + strict.OneOf(presets)
			}
			r.Problem(item, hint, "unknown preset %q", s)
			l.lacksBase = true
		case slices.Contains(l.extends, s):
			r.Problem(item, "", "preset %q is extended twice", s)
		default:
			l.extends = append(l.extends, s)
		}
	}
}

// under gives what own and its base say together: own first.
func (own layer) under(base layer) layer {
	out := own
	listed := make(map[string]bool, len(own.files))
	for _, f := range own.files {
		listed[f.rule.Path] = true
	}
	out.files = slices.Clone(own.files)
	for _, f := range base.files {
		if !listed[f.rule.Path] {
			out.files = append(out.files, inherited(f))
		}
	}
	out.exec = slices.Clone(own.exec)
	for _, e := range base.exec {
		out.exec = append(out.exec, inherited(e))
	}
	out.network = slices.Clone(own.network)
	for _, e := range base.network {
		out.network = append(out.network, inherited(e))
	}
	out.deletion = cmp.Or(own.deletion, base.deletion)
	out.execDefault = cmp.Or(own.execDefault, base.execDefault)
	out.netDefault = cmp.Or(own.netDefault, base.netDefault)
	out.netPrivate = cmp.Or(own.netPrivate, base.netPrivate)
	out.onViolation = cmp.Or(own.onViolation, base.onViolation)
	out.explain = cmp.Or(own.explain, base.explain)
	out.timeout = cmp.Or(own.timeout, base.timeout)
	out.actions = own.actions.under(base.actions)
	out.limits = make(map[string]int64, len(own.limits)+len(base.limits))
	for _, m := range []map[string]int64{base.limits, own.limits} {
		for k, v := range m {
			out.limits[k] = v
		}
	}
	out.pass = slices.Clone(own.pass)
	for _, s := range base.pass {
		if !slices.Contains(out.pass, s) {
			out.pass = append(out.pass, s)
		}
	}
	out.set = slices.Clone(own.set)
	for _, v := range base.set {
		if !slices.ContainsFunc(own.set, func(o policy.Var) bool { return o.Name == v.Name }) {
			out.set = append(out.set, v)
		}
	}
	return out
}

func inherited[T any](p placed[T]) placed[T] {
	p.own = false
	return p
}

// resolve fills what nobody said with the built-in values.
func (l layer) resolve() *policy.Policy {
	p := &policy.Policy{
		Version:     policy.Version,
		Name:        l.name,
		Files:       rules(l.files),
		Exec:        policy.Exec{Rules: rules(l.exec)},
		Network:     policy.Network{Rules: rules(l.network)},
		Limits:      policy.DefaultLimits(),
		Env:         policy.Env{Pass: l.pass, Set: slices.Clone(l.set)},
		Approval:    policy.DefaultApproval(),
		OnViolation: policy.RespondKill,
		Actions:     l.actions.resolve(),
	}
	slices.SortFunc(p.Env.Set, func(a, b policy.Var) int { return cmp.Compare(a.Name, b.Name) })
	if l.deletion != nil {
		p.Delete = *l.deletion
	}
	if l.execDefault != nil {
		p.Exec.Default, p.Exec.Origin = l.execDefault.Default, l.execDefault.Origin
	}
	if l.netDefault != nil {
		p.Network.Default, p.Network.Origin = l.netDefault.Default, l.netDefault.Origin
	}
	if l.netPrivate != nil {
		p.Network.Private, p.Network.PrivateOrigin = l.netPrivate.Private, l.netPrivate.PrivateOrigin
	}
	if l.timeout != 0 {
		p.Approval.Timeout = l.timeout
	}
	if l.onViolation != nil {
		p.OnViolation = *l.onViolation
	}
	if l.explain != nil {
		p.ExplainRefusals = *l.explain
	}
	for name, field := range limitFields(&p.Limits) {
		if v, ok := l.limits[name]; ok {
			*field = v
		}
	}
	p.Limits.Wall = time.Duration(cmp.Or(l.limits["wall"], int64(p.Limits.Wall)))
	return p
}

func rules[T any](in []placed[T]) []T {
	out := make([]T, 0, len(in))
	for _, p := range in {
		out = append(out, p.rule)
	}
	return out
}

// limitFields gives the limits that are numbers, by their key.
func limitFields(l *policy.Limits) map[string]*int64 {
	return map[string]*int64{
		"memory": &l.MemoryBytes, "cpus": &l.MilliCPUs, "pids": &l.Pids, "open_files": &l.OpenFiles,
		"file_size": &l.FileSizeBytes, "tmp": &l.TmpBytes, "shm": &l.ShmBytes,
	}
}
