package source

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"clawjail/policy"
)

func allVerdicts() []policy.Verdict {
	return []policy.Verdict{policy.Allow, policy.Audit, policy.Ask, policy.Deny, policy.Kill, policy.Freeze}
}

func (r *reader) readExec(n *yaml.Node, l *layer) {
	fields := r.Fields(n, "exec", "default", "rules")
	if d := fields["default"]; d != nil {
		e := policy.Exec{Origin: r.origin("exec.default", d)}
		e.Default, _ = r.verdict(d, "exec.default", &e.Origin, allVerdicts()...)
		l.execDefault = &e
	}
	list := fields["rules"]
	if list == nil {
		return
	}
	names := 0
	for i, item := range r.Items(list, "exec.rules", policy.MaxRules) {
		rule, runs, ok := r.execRule(item, fmt.Sprintf("exec.rules[%d]", i))
		if !ok {
			continue
		}
		if names += len(rule.Run); names > policy.MaxNames {
			r.Problem(item, "use patterns", "exec.rules has more than %d names", policy.MaxNames)
			return
		}
		r.shadowed(rule, item, runs, l.exec)
		l.exec = append(l.exec, placed[policy.ExecRule]{rule: rule, node: item, own: true})
	}
}

// execRule reads one rule. runs are the nodes of the rule's Run.
func (r *reader) execRule(n *yaml.Node, where string) (rule policy.ExecRule, runs []*yaml.Node, ok bool) {
	fields := r.Fields(n, where, "run", "args", "sha256", "then")
	if fields == nil {
		return rule, nil, false
	}
	before := r.Count()
	rule.Origin = r.origin(where, n)
	if run := fields["run"]; run != nil {
		rule.Run, runs = r.programs(run, where+".run")
	}
	if args := fields["args"]; args != nil {
		rule.Args = r.args(args, where+".args")
	}
	if sum := fields["sha256"]; sum != nil {
		if s, ok := r.Word(sum, where+".sha256"); ok {
			rule.SHA256 = strings.ToLower(s)
			if err := policy.CheckSHA256(rule.SHA256); err != nil {
				r.Problem(sum, "sha256sum prints it", "%v", err)
			}
		}
	}
	if fields["run"] == nil && fields["sha256"] == nil {
		r.Problem(n, "add run, or sha256, or both", "%s names no program", where)
	}
	if then := fields["then"]; then == nil {
		r.Problem(n, "add then: and a verdict", "%s has no verdict", where)
	} else {
		rule.Then, _ = r.verdict(then, where, &rule.Origin, allVerdicts()...)
	}
	return rule, runs, r.Count() == before
}

// programs reads one name or a list of names.
func (r *reader) programs(n *yaml.Node, where string) (names []string, nodes []*yaml.Node) {
	items := []*yaml.Node{n}
	if n.Kind != yaml.ScalarNode {
		items = r.Items(n, where, policy.MaxRun)
		if n.Kind == yaml.SequenceNode && len(items) == 0 {
			r.Problem(n, "name a program, or remove the rule", "rule can never match: %s is empty", where)
		}
	}
	for _, item := range items {
		s, ok := r.Str(item, where)
		if !ok {
			continue
		}
		if s, ok = r.expand(item, s, where, quotePattern); !ok {
			continue
		}
		if err := policy.CheckRun(s); err != nil {
			hint := ""
			if strings.Contains(s, "/") && s[0] != '/' {
				hint = fmt.Sprintf("use the name alone (%q) or an absolute path", s[strings.LastIndexByte(s, '/')+1:])
			}
			r.Problem(item, hint, "%v", err)
			continue
		}
		if strings.ContainsAny(s, " \t") && !strings.Contains(s, "/") {
			first, rest, _ := strings.Cut(s, " ")
			r.Problem(item, fmt.Sprintf("did you mean run: %s with args: [%s, ...]?", first, rest), "rule can never match: no program is called %q", s)
			continue
		}
		for i, seen := range names {
			if policy.CoversProgram(seen, s) {
				r.Problem(item, "", "%q is named already by %q in the same rule (line %d)", s, seen, nodes[i].Line)
			}
		}
		names, nodes = append(names, s), append(nodes, item)
	}
	return names, nodes
}

// args reads patterns of arguments.
func (r *reader) args(n *yaml.Node, where string) []string {
	out := []string{}
	for _, item := range r.Items(n, where, policy.MaxArgs) {
		s, ok := r.Word(item, where) // an argument is text: -1 needs no quotes
		if !ok {
			continue
		}
		if s, ok = r.expand(item, s, where, quotePattern); !ok {
			continue
		}
		if err := policy.CheckArg(s); err != nil {
			r.Problem(item, "", "%v", err)
			continue
		}
		if s == policy.AnyArgs && len(out) > 0 && out[len(out)-1] == policy.AnyArgs {
			r.Problem(item, "one stands for any number of arguments", `"..." follows "..."`)
			continue
		}
		out = append(out, s)
	}
	return out
}

// shadowed reports what an earlier rule of the same document decides already.
func (r *reader) shadowed(rule policy.ExecRule, n *yaml.Node, runs []*yaml.Node, earlier []placed[policy.ExecRule]) {
	for _, e := range earlier {
		if e.rule.Covers(rule) {
			r.Problem(n, "put the narrower rule first, or remove it", "rule can never be reached: the rule on line %d matches all of it", e.node.Line)
			return
		}
	}
	for i, name := range rule.Run {
		for _, e := range earlier {
			if e.rule.CoversShape(rule) && e.rule.CoversName(name) {
				r.Problem(runs[i], "", "%q can never be reached here: the rule on line %d decides it", name, e.node.Line)
				break
			}
		}
	}
}
