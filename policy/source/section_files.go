package source

import (
	"fmt"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"

	"clawjail/policy"
	"clawjail/policy/strict"
)

func (r *reader) readFiles(n *yaml.Node, l *layer) {
	seen := make(map[string]*yaml.Node)
	for i, item := range r.Items(n, "files", policy.MaxFiles) {
		f, ok := r.fileRule(item, fmt.Sprintf("files[%d]", i))
		if !ok {
			continue
		}
		if first := seen[f.Path]; first != nil {
			if sameByVariable(first, item) {
				l.files = preferWorkspace(l.files, f, item)
				continue
			}
			r.Problem(item, fmt.Sprintf("it is listed on line %d", first.Line), "rule can never match: path %q is listed already", f.Path)
			continue
		}
		seen[f.Path] = item
		l.files = append(l.files, placed[policy.File]{rule: f, node: item, own: true})
	}
}

// rawPath gives the text of a rule's path, before variables are replaced.
func rawPath(n *yaml.Node) string {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == "path" {
			return n.Content[i+1].Value
		}
	}
	return ""
}

// sameByVariable reports that two rules are for one path only because of where
// the agent works: somebody runs it in the home directory itself.
func sameByVariable(a, b *yaml.Node) bool {
	pa, pb := rawPath(a), rawPath(b)
	return pa != pb && strings.Contains(pa, "${WORKSPACE}") != strings.Contains(pb, "${WORKSPACE}")
}

// preferWorkspace keeps, of two rules for one path, the one that names the
// workspace: that is where the operator sent the agent.
func preferWorkspace(files []placed[policy.File], f policy.File, n *yaml.Node) []placed[policy.File] {
	if !strings.Contains(rawPath(n), "${WORKSPACE}") {
		return files
	}
	for i := range files {
		if files[i].rule.Path == f.Path {
			files[i] = placed[policy.File]{rule: f, node: n, own: true}
		}
	}
	return files
}

func (r *reader) fileRule(n *yaml.Node, where string) (policy.File, bool) {
	fields := r.Fields(n, where, "path", "access", "write", "exec", "create", "optional", "size")
	if fields == nil {
		return policy.File{}, false
	}
	before := r.Count()
	f := policy.File{Origin: r.origin(where, n)}
	if p := fields["path"]; p == nil {
		r.Problem(n, "", "%s has no path", where)
	} else {
		f.Path = r.path(p, where)
	}
	if a := fields["access"]; a == nil {
		r.Problem(n, "add access: read, write, private or none", "%s has no access", where)
		return f, false
	} else if v, ok := strict.OneWord(r.Reader, a, "access", policy.Accesses(), policy.ParseAccess); ok {
		f.Access = v
	} else {
		return f, false
	}
	r.fileKeys(&f, fields)
	if f.Path != "" && r.Count() == before {
		if err := policy.CheckShown(f.Path, f.Access); err != nil {
			r.Problem(fields["path"], r.placeHint(fields["path"]), "%v", err)
		}
	}
	return f, r.Count() == before
}

// placeHint says what to do when it is not the policy that is wrong but where
// it is used.
func (r *reader) placeHint(n *yaml.Node) string {
	switch {
	case strings.HasPrefix(n.Value, "${WORKSPACE}"):
		return fmt.Sprintf("the workspace is %q: name another with --workspace", r.vars["WORKSPACE"])
	case strings.HasPrefix(n.Value, "${HOME}"):
		return fmt.Sprintf("the home is %q: name another user with --user", r.vars["HOME"])
	}
	return ""
}

// fileKeys reads what goes with the access of a rule.
func (r *reader) fileKeys(f *policy.File, fields map[string]*yaml.Node) {
	writable := f.Access == policy.AccessWrite || f.Access == policy.AccessPrivate
	allowed := map[string]bool{
		"write":    f.Access != policy.AccessNone,
		"exec":     f.Access != policy.AccessNone,
		"create":   f.Access == policy.AccessWrite,
		"optional": f.Access == policy.AccessWrite,
		"size":     f.Access == policy.AccessPrivate,
	}
	for _, key := range []string{"write", "exec", "create", "optional", "size"} {
		if n := fields[key]; n != nil && !allowed[key] {
			hint := ""
			if key == "optional" && f.Access == policy.AccessRead {
				hint = "leave it out: a missing path that is only read is always optional"
			}
			r.Problem(n, hint, "%q has no meaning with access %s", key, f.Access)
			delete(fields, key)
		}
	}
	f.Exec = f.Access == policy.AccessRead
	if n := fields["exec"]; n != nil {
		f.Exec = r.Boolean(n, "exec")
	}
	if n := fields["create"]; n != nil {
		f.Create = r.Boolean(n, "create")
	}
	if n := fields["optional"]; n != nil {
		f.Optional = r.Boolean(n, "optional")
		if f.Optional && f.Create {
			r.Problem(n, "create makes it, so it is never missing", `"optional" contradicts create`)
		}
	}
	if n := fields["size"]; n != nil {
		f.SizeBytes, _ = r.size(n, "size", "size")
	}
	f.Write = policy.Deny
	some := []policy.Verdict{policy.Deny, policy.Ask, policy.Kill, policy.Freeze}
	if writable {
		f.Write = policy.Allow
		some = []policy.Verdict{policy.Allow, policy.Audit}
	}
	if n := fields["write"]; n != nil {
		if v, ok := r.verdict(n, "writing with access "+f.Access.String(), &f.Origin, some...); ok {
			f.Write = v
		}
	}
}

// path reads a path of the host.
func (r *reader) path(n *yaml.Node, where string) string {
	s, ok := r.Str(n, where+".path")
	if !ok {
		return ""
	}
	s, ok = r.expand(n, s, where+".path", nil)
	if !ok {
		return ""
	}
	if strings.HasPrefix(n.Value, "${") && strings.HasPrefix(s, "//") {
		s = s[1:] // the variable is "/", and that alone is what is wrong
	}
	hint := ""
	switch {
	case strings.HasPrefix(s, "~"):
		hint = fmt.Sprintf("did you mean %q?", "${HOME}"+strings.TrimPrefix(s, "~"))
	case s != "" && s[0] != '/':
		hint = fmt.Sprintf("did you mean %q?", "${WORKSPACE}/"+path.Clean(s))
	case strings.ContainsAny(s, "*?"):
		hint = "paths have no patterns: a directory stands for everything below it"
	}
	if err := policy.CheckPath(s); err != nil {
		r.Problem(n, hint, "%v", err)
		return ""
	}
	if strings.Contains(s, "*") {
		r.Problem(n, hint, "path %q has a star", s)
		return ""
	}
	return s
}

func (r *reader) readDelete(n *yaml.Node, l *layer) {
	fields := r.Fields(n, "delete", "limit", "over")
	if fields == nil {
		return
	}
	limit, over := fields["limit"], fields["over"]
	if limit == nil {
		r.Problem(n, "add a limit, as in 50/h", "delete has no limit")
		return
	}
	if !r.features.Gate {
		r.Problem(limit, "leave delete out until then", "delete.limit needs the gate that holds operations, which this clawjail does not have yet")
		return
	}
	d := policy.Delete{Over: policy.Deny, Origin: r.origin("delete", n)}
	s, ok := r.Word(limit, "delete.limit")
	if !ok {
		return
	}
	num, per, cut := strings.Cut(s, "/")
	unit := policy.UnitDuration(per)
	if !cut || unit == 0 || num == "" || len(num) > 9 || strings.Trim(num, "0123456789") != "" {
		r.Problem(limit, "write it as in 50/h; "+strict.TimeUnits, "delete.limit is a number per unit of time, not %q", s)
		return
	}
	for _, c := range num {
		d.Limit = d.Limit*10 + int64(c-'0')
	}
	d.Per = unit
	if !r.Within(limit, "delete.limit", span("limit"), d.Limit, func(v int64) string { return fmt.Sprint(v) }) {
		return
	}
	if over != nil {
		d.Over, _ = r.verdict(over, "delete.over", &d.Origin, policy.Ask, policy.Deny, policy.Kill, policy.Freeze)
	}
	l.deletion = &d
}
