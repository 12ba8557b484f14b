package rule

import (
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf8"

	"clawjail/policy/source/edit"
	"clawjail/supervisor/approval"
)

// ErrNoRule means that no rule can say what was approved.
var ErrNoRule = errors.New("no rule can say this")

// maxRuleBytes bounds one rule: a line of a policy that nobody can read is no
// rule that anybody agreed to.
const maxRuleBytes = 2 << 10

// place is where a rule goes and what it says.
type place struct {
	keys []string // "exec", "rules"
	item string   // in YAML, on one line
	// moves are other lists that the same item leaves.
	moves [][]string
	text  string // of the item that moves
}

// into gives the text of a policy file with the rule in it.
func (p place) into(text string) (string, error) {
	for _, from := range p.moves {
		var err error
		if text, err = edit.Remove(text, from, p.text); err != nil {
			return "", err
		}
	}
	return edit.Insert(text, p.keys, p.item)
}

// ruleOf gives the rule that allows a request.
func ruleOf(r approval.Request) (place, error) {
	var p place
	var err error
	switch r.Gate {
	case approval.GateExec:
		p, err = execRule(r)
	case approval.GateFile:
		p, err = fileRule(r)
	case approval.GateConnect:
		p, err = connectRule(r)
	case approval.GateSkill:
		return p, fmt.Errorf("%w: each version of a skill is asked about", ErrNoRule)
	case approval.GateAction:
		return p, fmt.Errorf("%w: give the type another category under actions.types, or raise its limit, in the policy", ErrNoRule)
	default:
		return p, fmt.Errorf("%w: what asked is a limit; raise delete.limit in the policy", ErrNoRule)
	}
	if err == nil && len(p.item) > maxRuleBytes {
		err = fmt.Errorf("%w: it would have %d bytes, at most %d", ErrNoRule, len(p.item), maxRuleBytes)
	}
	return p, err
}

func execRule(r approval.Request) (place, error) {
	if r.ArgvSHA256 != "" {
		return place{}, fmt.Errorf("%w: the command line is too long", ErrNoRule)
	}
	if len(r.Argv) == 0 {
		return place{}, fmt.Errorf("%w: it has no arguments, not even a name", ErrNoRule)
	}
	run, err := scalar(pattern(r.Path))
	if err != nil {
		return place{}, err
	}
	args := make([]string, 0, len(r.Argv))
	for _, a := range r.Argv[1:] {
		p := pattern(a)
		if a == "..." {
			p = `\...`
		}
		s, err := scalar(p)
		if err != nil {
			return place{}, err
		}
		args = append(args, s)
	}
	item := "{run: " + run + ", args: [" + strings.Join(args, ", ") + "]"
	if r.SHA256 != "" {
		item += ", sha256: " + strconv.Quote(r.SHA256)
	}
	return place{keys: []string{"exec", "rules"}, item: item + ", then: allow}"}, nil
}

func fileRule(r approval.Request) (place, error) {
	if r.Path2 != "" {
		return place{}, fmt.Errorf("%w: %s has two paths; list them under files", ErrNoRule, r.Op)
	}
	if !filepath.IsAbs(r.Path) || filepath.Clean(r.Path) != r.Path {
		return place{}, fmt.Errorf("%w: %q is no clean path", ErrNoRule, r.Path)
	}
	s, err := scalar(variables(r.Path))
	if err != nil {
		return place{}, err
	}
	return place{keys: []string{"files"}, item: "{path: " + s + ", access: write, optional: true}"}, nil
}

func connectRule(r approval.Request) (place, error) {
	host := strings.ToLower(strings.TrimSuffix(r.Host, "."))
	if host == "" && r.Addr.IsValid() {
		host = r.Addr.String()
	}
	if host == "" || r.Port == 0 {
		return place{}, fmt.Errorf("%w: it has no host or no port", ErrNoRule)
	}
	dest := host + ":" + strconv.Itoa(int(r.Port))
	if a, err := netip.ParseAddr(host); err == nil {
		dest = netip.AddrPortFrom(a, r.Port).String()
	}
	s, err := scalar(variables(dest))
	return place{keys: []string{"network", "allow"}, item: s, moves: [][]string{{"network", "ask"}, {"network", "critical"}}, text: dest}, err
}

// pattern makes a text mean only itself in a rule.
func pattern(s string) string {
	return variables(strings.ReplaceAll(strings.ReplaceAll(s, `\`, `\\`), "*", `\*`))
}

func variables(s string) string { return strings.ReplaceAll(s, "${", "$${") }

// scalar writes a text as a double-quoted YAML string. Bytes that are no text
// cannot be written in YAML.
func scalar(s string) (string, error) {
	if !utf8.ValidString(s) {
		return "", fmt.Errorf("%w: %q is not UTF-8", ErrNoRule, s)
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r >= ' ' && r < 0x7f:
			b.WriteRune(r)
		case r <= 0xff:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	b.WriteByte('"')
	return b.String(), nil
}

// Wider says what the rule allows beyond what was approved, or nothing.
func Wider(r approval.Request) string {
	switch r.Gate {
	case approval.GateExec:
		return "in every directory, in every jail with this policy"
	case approval.GateFile:
		return "every way to write this file, in every jail with this policy"
	}
	return "in every jail with this policy"
}
