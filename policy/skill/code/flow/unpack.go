package flow

import (
	"path"
	"strings"

	"clawjail/policy/skill/code/ir"
)

// unpackInto remembers that a directory holds what an archive held, when the
// archive came from the network: which names are in it nobody can tell from
// here, so that every program in the directory may be one of them.
func (m *machine) unpackInto(f *frame, c *cmdCall, args []*value) {
	var marks []*mark
	for _, a := range args {
		if made, ok := m.shared.made[fileKey(a)]; ok {
			marks = joinMarks(marks, allMarks(made.v))
		}
	}
	if c.in != nil {
		marks = joinMarks(marks, allMarks(c.in))
	}
	k := find(marks, netIn)
	if k == nil || len(m.shared.unpacked) > maxStore {
		return
	}
	dir := "."
	for _, flag := range []string{"-C", "--directory", "-d", "-o"} {
		if v := c.value(flag); v != nil {
			dir = cleanPath(v)
		}
	}
	dir = strings.TrimSuffix(strings.TrimPrefix(dir, "./"), "/")
	if _, ok := m.shared.unpacked[dir]; !ok {
		m.shared.unpacked[dir] = event{f, c.at, unknown(k)}
	}
}

// unpackedRun reports programs that are run out of such a directory.
func (m *machine) unpackedRun() {
	for key, run := range m.shared.run {
		if _, made := m.shared.made[key]; made || !strings.Contains(run.v.shape(), "/") || m.ownFile(run.f, key) != nil {
			continue
		}
		for dir := path.Dir(key); ; dir = path.Dir(dir) {
			if from, ok := m.shared.unpacked[dir]; ok && !(dir == "." && path.IsAbs(key)) && inReach(dir, key) {
				k := find(allMarks(from.v), netIn)
				m.emit(run.f, "CJS-FLOW-004", run.pos, "runs "+key+", out of an archive that comes from "+nonEmpty(k.name, "the network"), medium, via(k))
				break
			}
			if dir == "." || dir == "/" || dir == "~" {
				break
			}
		}
	}
}

// inReach says that a file below the directory may be one of the archive's: not
// what the system or the user has below the root or the home.
func inReach(dir, key string) bool {
	switch dir {
	case "/", "~", "/usr", "/usr/local", "/usr/local/bin", "/opt":
		return false
	case ".":
		return !strings.HasPrefix(key, "~") && !strings.HasPrefix(key, "*")
	}
	return true
}

// replaced says that a function or alias of a shell takes the place of a program
// which is given passwords.
func (m *machine) replaced(f *frame, pos ir.Pos, name, with string) {
	switch name {
	case "sudo", "su", "doas", "ssh", "passwd", "gpg", "login", "pkexec", "scp", "sftp", "op", "pass":
		if first, _, _ := strings.Cut(strings.TrimSpace(with), " "); first == name {
			return // "alias sudo='sudo '" and the like add to it
		}
		m.emit(f, "CJS-FS-002", pos, "takes the place of "+name+", which is given passwords")
	}
}

// cmdAlias looks at what the aliases of a shell replace.
func cmdAlias(m *machine, f *frame, c *cmdCall) *value {
	for _, a := range c.args {
		if name, with, ok := strings.Cut(a.shape(), "="); ok {
			m.replaced(f, c.at, name, with)
		}
	}
	return nil
}
