package source

import (
	"fmt"
	"net/netip"
	"path"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"clawjail/policy"
	"clawjail/policy/strict"
)

// MaxExpectations bounds one file of expectations.
const MaxExpectations = 4096

// Expectation is one line of a file that stands beside a policy:
//
//	given exec git push origin main, expect ask
//	given write ${WORKSPACE}/.git/hooks/pre-commit, expect deny
//	given connect api.openai.com:443, expect allow
//
// The operations are exec, read, write, delete, rename and connect. A program
// without a slash is taken to be in /usr/bin. A destination may be followed by
// `at ADDRESS`: what the name resolved to. Words are quoted as in a shell.
type Expectation struct {
	Line    int
	Text    string // what is given
	Request policy.Request
	Want    policy.Verdict
}

// ParseExpectations reads a file of expectations. What is wrong is Problems.
func ParseExpectations(file string, data []byte, v Vars) ([]Expectation, error) {
	r := newReader(file, "", v, Features{})
	if !r.Text(data) {
		return nil, r.Problems()
	}
	var out []Expectation
	for i, line := range strings.Split(string(data), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if len(out) == MaxExpectations {
			r.ProblemAt(i+1, 1, "", "more than %d expectations", MaxExpectations)
			break
		}
		if e, ok := r.expectation(&yaml.Node{Line: i + 1, Column: 1}, line); ok {
			out = append(out, e)
		}
	}
	if len(out) == 0 && r.Count() == 0 {
		r.ProblemAt(1, 1, "a line is like: given exec ls, expect allow", "no expectations")
	}
	if r.Count() > 0 {
		return nil, r.Problems()
	}
	return out, nil
}

// expectation reads one line; n is where it stands.
func (r *reader) expectation(n *yaml.Node, line string) (e Expectation, ok bool) {
	const form = "a line is like: given exec git push, expect deny"
	given, isGiven := strings.CutPrefix(line, "given ")
	cut := strings.LastIndex(given, ", expect ")
	if !isGiven || cut < 0 {
		r.Problem(n, form, "not an expectation: %q", line)
		return e, false
	}
	verdict := strings.TrimSpace(given[cut+len(", expect "):])
	want, err := parseWord(verdict)
	if err != nil {
		r.Problem(n, strict.DidYouMean(verdict, verdictWords()), "%v", err)
		return e, false
	}
	words, err := shellWords(given[:cut])
	if err != nil {
		r.Problem(n, "", "%v", err)
		return e, false
	}
	for i := range words {
		if words[i], ok = r.expand(n, words[i], "the expectation", nil); !ok {
			return e, false
		}
	}
	e = Expectation{Line: n.Line, Text: given[:cut], Want: want.verdict}
	e.Request, ok = r.request(n, words)
	return e, ok
}

// request turns words into what the kernel would report.
func (r *reader) request(n *yaml.Node, words []string) (policy.Request, bool) {
	operations := []string{"exec", "read", "write", "delete", "rename", "connect"}
	if len(words) < 2 {
		r.Problem(n, strict.OneOf(operations), "the expectation needs an operation and its object")
		return policy.Request{}, false
	}
	object := words[1]
	var q policy.Request
	switch words[0] {
	case "exec":
		program := object
		if !strings.Contains(program, "/") {
			program = "/usr/bin/" + program
		}
		return policy.Request{Gate: policy.GateExec, Path: program, Argv: words[1:], Op: "exec"}, true
	case "read":
		q = policy.Request{Gate: policy.GateOpen, Path: object, Op: "open"}
	case "write":
		q = policy.Request{Gate: policy.GateOpen, Path: object, Write: true, Op: "open"}
	case "rename":
		q = policy.Request{Gate: policy.GateOpen, Path: object, Write: true, Op: "rename"}
	case "delete":
		q = policy.Request{Gate: policy.GateDelete, Path: object, Op: "unlink"}
	case "connect":
		return r.connect(n, words[1:])
	default:
		r.Problem(n, strict.DidYouMean(words[0], operations), "unknown operation %q", words[0])
		return policy.Request{}, false
	}
	if len(words) != 2 {
		r.Problem(n, "quote a path with spaces", "%s takes one path", words[0])
		return policy.Request{}, false
	}
	if !path.IsAbs(object) || path.Clean(object) != object {
		r.Problem(n, "start it with / or ${WORKSPACE}/", "path %q is not absolute and clean", object)
		return policy.Request{}, false
	}
	return q, true
}

// connect reads HOST:PORT, or HOST:PORT at ADDRESS.
func (r *reader) connect(n *yaml.Node, words []string) (policy.Request, bool) {
	q := policy.Request{Gate: policy.GateConnect, Op: "connect"}
	host, port, ok := cutPort(words[0])
	number, err := strconv.ParseUint(port, 10, 16)
	if !ok || err != nil || number == 0 {
		r.Problem(n, "as in api.openai.com:443", "connect needs a host and a port, not %q", words[0])
		return q, false
	}
	q.Port = uint16(number)
	if a, err := netip.ParseAddr(host); err == nil {
		q.Addr = a
	} else {
		q.Host = policy.NormalHost(host)
	}
	if len(words) == 1 {
		return q, true
	}
	if len(words) != 3 || words[1] != "at" || q.Host == "" {
		r.Problem(n, "as in api.openai.com:443 at 192.0.2.1", "connect takes a destination and, for a name, an address")
		return q, false
	}
	if q.Addr, err = netip.ParseAddr(words[2]); err != nil {
		r.Problem(n, "", "%q is not an address", words[2])
		return q, false
	}
	return q, true
}

// shellWords splits like a shell does, with quotes and backslashes and nothing
// else.
func shellWords(s string) ([]string, error) {
	var out []string
	var word strings.Builder
	in, quote := false, rune(0)
	escaped := false
	for _, c := range s {
		switch {
		case escaped:
			word.WriteRune(c)
			escaped = false
		case c == '\\' && quote != '\'':
			escaped, in = true, true
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(c)
		case c == '\'' || c == '"':
			quote, in = c, true
		case c == ' ' || c == '\t':
			if in {
				out = append(out, word.String())
				word.Reset()
				in = false
			}
		default:
			word.WriteRune(c)
			in = true
		}
	}
	if quote != 0 || escaped {
		return nil, fmt.Errorf("a quote or a backslash has nothing behind it in %q", s)
	}
	if in {
		out = append(out, word.String())
	}
	return out, nil
}

// Failure is an expectation that a policy does not meet.
type Failure struct {
	Expectation
	Got policy.Decision
}

// Check judges every expectation and gives those that are not met.
func Check(p *policy.Policy, all []Expectation) []Failure {
	var out []Failure
	for _, e := range all {
		if got := p.Evaluate(e.Request); got.Verdict != e.Want {
			out = append(out, Failure{e, got})
		}
	}
	return out
}
