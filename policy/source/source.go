package source

import (
	"path"
	"strings"

	"go.yaml.in/yaml/v3"

	"clawjail/policy"
	"clawjail/policy/strict"
)

// Features says what the clawjail that is to enforce a policy can do. What it
// cannot do is an error in the policy that asks for it.
type Features struct {
	// Gate says that operations can be held: ask, freeze in rules, delete.limit.
	Gate bool
}

// Load reads the policy file at path. A policy that cannot be used, and a file
// that cannot be read, is Problems.
func Load(path string, v Vars, f Features) (*policy.Policy, error) {
	data, err := strict.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, data, v, f)
}

// Parse reads a policy from memory. file is its name in problems, and the last
// element of it the name in the origins of rules.
func Parse(file string, data []byte, v Vars, f Features) (*policy.Policy, error) {
	return parse(document{file: file, at: path.Base(file), data: data, extends: presetNames()}, v, f)
}

// document is a policy's text and where it came from.
type document struct {
	file, at string
	data     []byte
	extends  []string // what it may extend
}

func parse(d document, v Vars, f Features) (*policy.Policy, error) {
	r := newReader(d.file, d.at, v, f)
	l, root := r.document(d)
	if root == nil {
		return nil, r.Problems()
	}
	for _, name := range l.extends {
		base, err := presetLayer(name, v, f)
		if err != nil {
			return nil, append(r.Problems(), err...)
		}
		l = l.under(base)
	}
	r.checkMerged(l, root)
	if r.Count() > 0 {
		return nil, r.Problems()
	}
	p := l.resolve()
	// Nothing is left to find: a finding here is a check that this package
	// lacks, and it stops the policy all the same.
	if err := p.Validate(); err != nil {
		for _, line := range strings.Split(err.Error(), "\n") {
			r.Problem(root, "", "%s", line)
		}
		return nil, r.Problems()
	}
	return p, nil
}

// document reads one document by itself.
func (r *reader) document(d document) (layer, *yaml.Node) {
	root := r.Tree(d.data)
	if root == nil {
		return layer{}, nil
	}
	return r.layer(root, d.extends), root
}

// checkMerged checks what only shows once the bases are in.
func (r *reader) checkMerged(l layer, root *yaml.Node) {
	r.checkNetwork(l)
	if len(l.files) > policy.MaxFiles {
		r.Problem(root, "", "files has %d entries with those of the bases, at most %d", len(l.files), policy.MaxFiles)
	}
	names := 0
	for _, e := range l.exec {
		names += len(e.rule.Run)
	}
	if names > policy.MaxNames && r.Count() == 0 {
		r.Problem(root, "", "exec.rules has %d names with those of the bases, at most %d", names, policy.MaxNames)
	}
	if len(l.exec) > policy.MaxRules || len(l.network) > policy.MaxRules {
		r.Problem(root, "", "exec or network has more than %d rules with those of the bases", policy.MaxRules)
	}
	if l.execDefault == nil && !l.lacksBase {
		r.Problem(root, "add exec: {default: audit}, or extend a preset", "exec has no default")
	}
	for _, e := range l.exec {
		if e.own {
			r.reachable(e, l.files)
		}
	}
}

// reachable reports a program that the policy names by a path it does not show.
func (r *reader) reachable(e placed[policy.ExecRule], files []placed[policy.File]) {
	p := policy.Policy{Files: rules(files)}
	for _, program := range e.rule.Run {
		if !strings.HasPrefix(program, "/") || strings.ContainsAny(program, `*\`) {
			continue
		}
		if f, ok := p.FileRule(program); ok && f.Access != policy.AccessNone || shownAnyway(p, program) {
			continue
		}
		r.Problem(e.node, "list the path under files, or use the program's name", "%s can never match: the jail does not see %q", e.rule.Origin.Rule, program)
	}
}

// shownAnyway accounts for /bin and its like, which are part of /usr on merged
// systems, and for what every jail has.
func shownAnyway(p policy.Policy, program string) bool {
	if policy.Below(program, "/tmp") || policy.Below(program, "/dev/shm") {
		return true
	}
	f, ok := p.FileRule(policy.UsrMerged(program))
	return ok && f.Access != policy.AccessNone
}
