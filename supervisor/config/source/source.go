package source

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"clawjail/policy/strict"
	"clawjail/supervisor/config"
)

// The bounds of a configuration file, and what is wrong with one.
const (
	MaxBytes    = strict.MaxBytes
	MaxProblems = strict.MaxProblems
)

// Problem is one thing that is wrong with a configuration file.
type Problem = strict.Problem

// Problems is everything that is wrong with a file, in its order.
type Problems = strict.Problems

// Groups reports whether a unix group is known on this host. nil leaves that
// open, for a file that is meant for another.
type Groups func(name string) bool

// File is what a configuration file says, together with the defaults of what it
// leaves out.
type File struct {
	Config config.Config
	// Lines has where each setting that the file gives stands, by its key.
	Lines map[string]int
}

// Load reads a file. One that cannot be used or read is Problems.
func Load(path string, g Groups) (File, error) {
	data, err := strict.ReadFile(path)
	if err != nil {
		return File{}, err
	}
	return Parse(path, data, g)
}

// InForce reads the host's file, if there is one, and else gives the defaults.
func InForce(path string, g Groups) (f File, exists bool, err error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return File{Config: config.Default()}, false, nil
	}
	f, err = Load(path, g)
	return f, true, err
}

// Read reads a configuration from a stream, which is called file in problems.
func Read(file string, in io.Reader, g Groups) (File, error) {
	data, err := strict.ReadFrom(file, in)
	if err != nil {
		return File{}, err
	}
	return Parse(file, data, g)
}

// Parse reads a configuration from memory. file is its name in problems.
func Parse(file string, data []byte, g Groups) (File, error) {
	d := &document{
		Reader: strict.New(file, strict.Words{One: "configuration", Many: "configurations",
			Least: `the least one is "version: 1"`}),
		settings: settings(), nodes: make(map[string]*yaml.Node), out: config.Default(),
	}
	root := d.Tree(data)
	if root == nil {
		return File{}, d.Problems()
	}
	d.version(root)
	d.section(root, "")
	d.groups(g)
	d.validate(root)
	if d.Count() > 0 {
		return File{}, d.Problems()
	}
	f := File{Config: d.out, Lines: make(map[string]int, len(d.nodes))}
	for key, n := range d.nodes {
		f.Lines[key] = n.Line
	}
	return f, nil
}

// document is a file while it is read.
type document struct {
	*strict.Reader
	settings []setting
	nodes    map[string]*yaml.Node // what is given, by key, problems or not
	bad      []string              // keys of what has a problem
	out      config.Config
}

func (d *document) version(root *yaml.Node) {
	if root.Kind != yaml.MappingNode {
		return // reported by section
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		if root.Content[i].Value != "version" {
			continue
		}
		if n := root.Content[i+1]; n.Kind != yaml.ScalarNode || n.Value != "1" || n.Style != 0 {
			d.Problem(n, "this clawjail reads version 1", "unknown version %q", n.Value)
		}
		return
	}
	d.Problem(root, "add the line: version: 1", "version is missing")
}

// section reads what stands below a key; the whole file is below "".
func (d *document) section(n *yaml.Node, key string) {
	names := d.names(key)
	where := key
	if key == "" {
		where = "the configuration"
		names = append([]string{"version"}, names...)
	}
	if strict.KindName(n) == "nothing" {
		d.Problem(n, "remove it, or set one of "+strings.Join(names, ", "), "%s has nothing in it", where)
		return
	}
	if key == "auth" && n.Kind == yaml.MappingNode {
		d.noSecret(n)
	}
	fields := d.Fields(n, where, names...)
	for _, name := range names {
		child := strings.TrimPrefix(key+"."+name, ".")
		v := fields[name]
		if v == nil || child == "version" {
			continue
		}
		i := slices.IndexFunc(d.settings, func(s setting) bool { return s.key == child })
		if i < 0 {
			d.section(v, child)
			continue
		}
		before := d.Count()
		d.nodes[child] = v
		d.settings[i].read(d.Reader, v, d.settings[i], &d.out)
		if d.Count() != before {
			d.bad = append(d.bad, child)
		}
	}
}

// noSecret refuses a secret in the file itself: it is printed by explain, sent
// around and kept in repositories.
func (d *document) noSecret(auth *yaml.Node) {
	for i := 0; i+1 < len(auth.Content); i += 2 {
		if auth.Content[i].Value == "secret" {
			d.Problem(auth.Content[i], "put it into a file of root's with mode 0600 and name that in auth.secret_file; clawjail config init makes one",
				"auth.secret: a secret does not belong into the configuration")
		}
	}
}

// names are the keys that a section can have, each once.
func (d *document) names(section string) []string {
	var out []string
	for _, s := range d.settings {
		rest, below := s.key, true
		if section != "" {
			rest, below = strings.CutPrefix(s.key, section+".")
		}
		name, _, _ := strings.Cut(rest, ".")
		if below && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// groups looks up the groups that are named.
func (d *document) groups(known Groups) {
	for key, name := range map[string]string{"access.group": d.out.Group, "hitl.approvers": d.out.Approvers} {
		n := d.nodes[key]
		if known == nil || n == nil || name == "" || slices.Contains(d.bad, key) || known(name) {
			continue
		}
		if !groupNamed(name) {
			continue // no name at all, as validate says
		}
		d.Problem(n, "make it: groupadd "+name, "%s: this host has no group %q", key, name)
	}
	for i, g := range d.out.Groups {
		if n := d.nodes["hitl.groups"]; known != nil && n != nil && !slices.Contains(d.bad, "hitl.groups") && groupNamed(g.Unix) && !known(g.Unix) {
			d.Problem(descend(n, []string{strconv.Itoa(i), "unix"}), "make it: groupadd "+g.Unix, "hitl.groups[%d].unix: this host has no group %q", i, g.Unix)
		}
	}
}

// groupNamed reports whether a name can be a group's; config.Validate says why not.
func groupNamed(name string) bool {
	ps := (config.Config{Group: name}).Problems()
	return name != "" && !slices.ContainsFunc(ps, func(p config.Problem) bool { return p.Fields[0] == "group" })
}

// validate puts what config.Validate finds at the lines that it is about.
func (d *document) validate(root *yaml.Node) {
	key := make(map[string]string, len(d.settings))
	for _, s := range d.settings {
		key[s.field] = s.key
	}
	for _, p := range d.out.Problems() {
		var at *yaml.Node
		read := true
		for _, f := range p.Fields {
			read = read && !slices.Contains(d.bad, key[f])
			// Of several values the last in the file is the one too many.
			if n := d.nodes[key[f]]; n != nil && (at == nil || n.Line > at.Line || n.Line == at.Line && n.Column > at.Column) {
				at = n
			}
		}
		if !read {
			continue // what is checked is not what was written
		}
		if at == nil {
			at = root // nothing but the defaults: a test holds that they are good
		}
		if n := d.nodes[key[p.Fields[0]]]; n != nil && len(p.Path) > 0 {
			at = descend(n, p.Path)
		}
		msg := d.inKeys(p.Msg)
		if len(p.Fields) == 1 || len(p.Path) > 0 {
			msg = key[p.Fields[0]] + p.Place() + ": " + msg
		}
		hint := p.Hint
		if len(p.Known) > 0 {
			hint = strict.DidYouMean(p.Word, p.Known)
		}
		d.Problem(at, hint, "%s", msg)
	}
}

// inKeys calls fields by their place in the file.
func (d *document) inKeys(msg string) string {
	for _, s := range d.settings {
		if s.field != s.key && strings.Contains(s.field, "_") {
			msg = strings.ReplaceAll(msg, s.field, s.key)
		}
	}
	return msg
}

// Text writes the configuration that is in force as a file that says the same,
// with a remark at every value: its line in the file, or that it is a default.
func (f File) Text() string {
	var b strings.Builder
	b.WriteString("version: 1\n")
	var open []string
	for _, s := range settings() {
		path := strings.Split(s.key, ".")
		depth := len(path) - 1
		same := 0
		for same < min(depth, len(open)) && open[same] == path[same] {
			same++
		}
		for i := same; i < depth; i++ {
			fmt.Fprintf(&b, "%s%s:\n", strings.Repeat("  ", i), path[i])
		}
		open = path[:depth]
		from := "default"
		if line, given := f.Lines[s.key]; given {
			from = fmt.Sprintf("line %d", line)
		}
		line := fmt.Sprintf("%s%s: %s", strings.Repeat("  ", depth), path[depth], s.show(f.Config))
		fmt.Fprintf(&b, "%-40s # %s\n", line, from)
	}
	return b.String()
}

// Setting is one value that is in force.
type Setting struct {
	Key     string `json:"key"`            // its place in the file: "audit.segment"
	Value   string `json:"value"`          // as it would be written
	Default bool   `json:"default"`        // not from the file
	Line    int    `json:"line,omitempty"` // in the file
}

// Settings lists every value that is in force, in a fixed order.
func (f File) Settings() []Setting {
	var out []Setting
	for _, s := range settings() {
		line, given := f.Lines[s.key]
		out = append(out, Setting{Key: s.key, Value: s.show(f.Config), Default: !given, Line: line})
	}
	return out
}
