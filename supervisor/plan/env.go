package plan

import (
	"path"
	"slices"
	"strings"

	"clawjail/policy"
)

// standardPath ends every jail's PATH.
func standardPath() []string {
	return []string{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"}
}

// environment builds the jail's environment: what every program expects, then
// what the policy passes and sets, then what the command line names. Sorted.
func (l *lowering) environment() []string {
	caller := make(map[string]string, len(l.r.Env))
	for _, kv := range l.r.Env {
		if name, value, ok := strings.Cut(kv, "="); ok && name != "" {
			if _, twice := caller[name]; !twice { // getenv takes the first
				caller[name] = value
			}
		}
	}
	env := l.base(caller)
	for name, value := range caller {
		if policy.CheckVar(name, false) == nil && l.p.Env.Passes(name, value) {
			env[name] = value
		}
	}
	for _, v := range l.p.Env.Set {
		env[v.Name] = v.Value
	}
	for _, kv := range l.r.SetEnv {
		if name, value, ok := strings.Cut(kv, "="); ok && name != "" {
			env[name] = value
		} else {
			l.fail("environment: %q is not NAME=VALUE", kv)
		}
	}
	out := make([]string, 0, len(env))
	for name, value := range env {
		out = append(out, name+"="+value)
	}
	slices.Sort(out)
	return out
}

// base gives the variables that every jail has. The caller's value is taken
// where it is of the form that such a value has.
func (l *lowering) base(caller map[string]string) map[string]string {
	u := l.r.User
	env := map[string]string{
		"PATH":    strings.Join(l.searchPath(), ":"),
		"HOME":    u.Home,
		"USER":    u.Name,
		"LOGNAME": u.Name,
		"SHELL":   "/bin/sh",
		"LANG":    "C.UTF-8",
		"TMPDIR":  "/tmp",
		"PWD":     l.r.Workspace,
	}
	if l.r.Cwd != "" {
		env["PWD"] = l.r.Cwd
	}
	if fact, err := l.r.Stat("/bin/bash"); err == nil && l.shows(fact.Real) {
		env["SHELL"] = "/bin/bash"
	}
	if l.r.Terminal {
		env["TERM"] = "xterm-256color"
	}
	for name, value := range caller {
		switch {
		case name == "LANG", name == "LANGUAGE", name == "TZ", strings.HasPrefix(name, "LC_"):
			if policy.CheckVar(name, false) == nil && plainValue(value, "_.@/:+-") {
				env[name] = value
			}
		case name == "TERM" && plainValue(value, "-+._"):
			env[name] = value
		}
	}
	return env
}

// plainValue reports whether s is short and has letters, digits and extra only.
func plainValue(s, extra string) bool {
	if s == "" || len(s) > 128 || strings.Contains(s, "..") {
		return false
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune(extra, rune(c)) {
			return false
		}
	}
	return true
}

// searchPath gives the directories of the jail's PATH: the caller's that the
// jail shows, in the caller's order, then the standard ones. What lies in the
// workspace comes behind those: the agent can write there.
func (l *lowering) searchPath() []string {
	if l.search == nil {
		l.search = l.findSearchPath()
		if l.r.ActionClient != "" {
			l.search = append(l.search, ActionDir)
		}
	}
	return l.search
}

func (l *lowering) findSearchPath() []string {
	var first, last []string
	for _, kv := range l.r.Env {
		list, ok := strings.CutPrefix(kv, "PATH=")
		if !ok {
			continue
		}
		for _, dir := range strings.Split(list, ":") {
			switch {
			case !path.IsAbs(dir) || path.Clean(dir) != dir || strings.ContainsRune(dir, 0):
			case slices.Contains(first, dir) || slices.Contains(last, dir) || slices.Contains(standardPath(), dir):
			case !l.shows(dir):
			case policy.Below(dir, l.r.Workspace):
				last = append(last, dir)
			default:
				first = append(first, dir)
			}
		}
		break
	}
	return slices.Concat(first, standardPath(), last)
}

// shows reports whether the jail has a host path.
func (l *lowering) shows(p string) bool {
	rule, ok := l.p.FileRule(p)
	return ok && (rule.Access == policy.AccessRead || rule.Access == policy.AccessWrite)
}

// bindings finds what the names in a rule are links to on this host, where
// that can change what is permitted. Leaving a binding of a permission out only
// has the default judge instead, and costs a start hundreds of lookups less.
func (l *lowering) bindings(rule policy.ExecRule) []policy.Binding {
	var out []policy.Binding
	if rule.Then.Permits() && l.p.Exec.Default.Permits() {
		return nil
	}
	for _, name := range rule.Run {
		if strings.ContainsAny(name, `/*\`) {
			continue
		}
		for _, dir := range l.searchPath() {
			fact, err := l.r.Stat(dir + "/" + name)
			if err != nil {
				continue
			}
			if path.Base(fact.Real) != name {
				out = append(out, policy.Binding{Name: name, Path: fact.Real})
			}
			break
		}
	}
	return out
}
