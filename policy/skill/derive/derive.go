package derive

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"

	"clawjail/policy"
	"clawjail/policy/skill"
	"clawjail/policy/skill/rule"
	"clawjail/policy/skill/trust"
	"clawjail/policy/source"
)

// DefaultMaxKinds is how many kinds of permissions a skill may have unless the
// operator says otherwise.
const DefaultMaxKinds = 5

// Program is a program on this host.
type Program struct {
	Path   string // links resolved
	SHA256 string
}

// ErrNoProgram is Lookup's answer for a program that the host does not have.
var ErrNoProgram = errors.New("this host has no such program")

// Options are the circumstances.
type Options struct {
	// Dir is where the skill's files are in the jail.
	Dir string
	// Grants are the operator's own.
	Grants []Grant
	// Kinds are what the signers allow; nil: all.
	Kinds []string
	// MaxKinds is 1 to 6.
	MaxKinds int
	// Lookup finds a program by name.
	Lookup func(name string) (Program, error)
	// Vars are those that the text is checked with.
	Vars source.Vars
}

// Line is one permission that the policy grants.
type Line struct {
	Grant
	Because string // in words: escaped, one line
	program Program
	path    string // of read and write, as the policy has it
}

// Denial is something that the skill wants and does not get.
type Denial struct {
	Grant
	Place skill.Place
	Why   string
}

// Policy is what was derived.
type Policy struct {
	// Text is the policy in YAML, Digest of exactly that.
	Text   string
	Digest trust.Digest
	Lines  []Line
	Denied []Denial
	// Kinds are the kinds of permissions that are granted.
	Kinds []string
}

// Permissions are what is granted, one a line, sorted; to compare versions.
func (p Policy) Permissions() []string {
	out := []string{}
	for _, l := range p.Lines {
		out = append(out, l.Grant.String())
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// TooManyError says that a skill wants more kinds of permissions than it may
// have.
type TooManyError struct {
	Kinds []string
	Max   int
}

func (e *TooManyError) Error() string {
	return fmt.Sprintf("the skill needs %d kinds of permissions (%s), at most %d are allowed\n  raise skills.max_permissions in the configuration if that is what you want",
		len(e.Kinds), strings.Join(e.Kinds, ", "), e.Max)
}

// Derive makes the policy. The error is a *TooManyError, with the policy beside
// it, or says that what was made is no policy.
func Derive(r skill.Report, o Options) (Policy, error) {
	d := deriver{o: o, seen: map[Grant]int{}}
	for _, c := range r.Capabilities {
		d.capability(c)
	}
	for _, g := range o.Grants {
		d.operator(g)
	}
	p := Policy{Lines: d.lines, Denied: d.denied}
	slices.SortStableFunc(p.Lines, func(a, b Line) int {
		if k := slices.Index(kinds(), a.Kind) - slices.Index(kinds(), b.Kind); k != 0 {
			return k
		}
		return strings.Compare(a.Value, b.Value)
	})
	for _, k := range kinds() {
		if slices.ContainsFunc(p.Lines, func(l Line) bool { return l.Kind == k }) {
			p.Kinds = append(p.Kinds, k)
		}
	}
	p.Text = text(r, o, p)
	p.Digest = sha256.Sum256([]byte(p.Text))
	if _, err := source.Parse("derived.yaml", []byte(p.Text), o.Vars, source.Features{Gate: true}); err != nil {
		return p, fmt.Errorf("the derived policy cannot be used, which is a defect of clawjail: %w", err)
	}
	if o.MaxKinds > 0 && len(p.Kinds) > o.MaxKinds {
		return p, &TooManyError{p.Kinds, o.MaxKinds}
	}
	return p, nil
}

// deriver collects what is granted and what is not.
type deriver struct {
	o      Options
	lines  []Line
	denied []Denial
	seen   map[Grant]int // index in lines
}

// maxLines bounds what one skill can be granted, and maxDenied what is said
// about what it is not; nobody would read more.
const (
	maxLines  = 256
	maxDenied = 256
)

func (d *deriver) deny(g Grant, at skill.Place, format string, args ...any) {
	if len(d.denied) < maxDenied {
		d.denied = append(d.denied, Denial{Grant{g.Kind, rule.Escape(g.Value, 200)}, at, fmt.Sprintf(format, args...)})
	}
}

// capability grants one that is declared and can be granted without a person's
// own word.
func (d *deriver) capability(c skill.Capability) {
	g := Grant{c.Kind, c.Value}
	l, why := d.place(g, false)
	switch {
	case why != "":
		d.deny(g, c.Place, "%s", why)
		return
	case l.Kind == "":
		return // everybody may
	case !c.Declared && l.path != "${WORKSPACE}": // which is there to be worked in
		d.deny(l.Grant, c.Place, "the skill does it and does not declare it (CJS-MAN-002)")
		return
	case d.o.Kinds != nil && !slices.Contains(d.o.Kinds, l.Kind):
		d.deny(l.Grant, c.Place, "a skill of this signer may not have permissions of the kind %s", l.Kind)
		return
	}
	l.Because = because(c)
	d.add(l, c.Place)
}

// operator grants what the operator said.
func (d *deriver) operator(g Grant) {
	l, why := d.place(g, true)
	if why != "" {
		d.deny(g, skill.Place{}, "%s", why)
		return
	}
	if l.Kind == "" {
		return
	}
	l.Because = "granted by the operator"
	d.add(l, skill.Place{})
}

func (d *deriver) add(l Line, at skill.Place) {
	if i, dup := d.seen[l.Grant]; dup {
		if old := &d.lines[i]; !strings.Contains(old.Because, l.Because) && len(old.Because) < 200 {
			old.Because += ", " + l.Because
		}
		return
	}
	if len(d.lines) >= maxLines {
		d.deny(l.Grant, at, "the skill has more than %d permissions already", maxLines)
		return
	}
	d.seen[l.Grant] = len(d.lines)
	d.lines = append(d.lines, l)
}

// because names the places that a capability comes from.
func because(c skill.Capability) string {
	var out []string
	for _, p := range append([]skill.Place{c.Place}, c.Because...) {
		s := rule.Escape(p.File, 80)
		if p.Line > 0 {
			s = fmt.Sprintf("%s:%d", s, p.Line)
		}
		if s != "" && !slices.Contains(out, s) && len(out) < 4 {
			out = append(out, s)
		}
	}
	if len(out) == 0 {
		return "the audit"
	}
	return strings.Join(out, ", ")
}

// place brings a permission into the form that the policy has it in. A Line
// without a kind needs no grant; why says what stands against it.
func (d *deriver) place(g Grant, operator bool) (l Line, why string) {
	switch g.Kind {
	case skill.CapNet:
		return host(g.Value, operator)
	case skill.CapListen:
		return Line{Grant: Grant{g.Kind, rule.Escape(g.Value, 60)}}, ""
	case skill.CapExec:
		return d.program(g.Value)
	case skill.CapRead, skill.CapWrite:
		return file(g, operator)
	case skill.CapEnv:
		if g.Value == "SKILL_DIR" {
			return l, "" // every skill has it: where its files are
		}
		if err := policy.CheckVar(g.Value, false); err != nil {
			return l, err.Error()
		}
		if reservedVar(g.Value) {
			return l, "the jail sets this variable itself"
		}
		return Line{Grant: g}, ""
	}
	return l, fmt.Sprintf("there is no kind of permission %q", rule.Escape(g.Kind, 20))
}

// reservedVar names variables that decide what programs are or load: no skill
// gets the caller's.
func reservedVar(name string) bool {
	return slices.Contains([]string{"PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "PWD", "BASH_ENV", "ENV", "IFS", "NODE_OPTIONS", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONHOME", "PERL5OPT", "RUBYOPT"}, name) ||
		strings.HasPrefix(name, "LD_") || strings.HasPrefix(name, "BASH_FUNC_") || strings.HasPrefix(name, "CLAWJAIL")
}
