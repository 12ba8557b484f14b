package approval

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of one request. What exceeds the first group is cut and says so; what
// exceeds the second is refused.
const (
	// MaxArgvHead and MaxArgvTail are what is kept of a long argv, in bytes with
	// a NUL after every word.
	MaxArgvHead = 6 << 10
	MaxArgvTail = 2 << 10
	MaxArgvWord = 256 // words kept at either end
	// MaxParents bounds the chain of parents, MaxParentArgv the argv of each.
	MaxParents    = 16
	MaxParentArgv = 512
	MaxClaim      = 2 << 10
	MaxReason     = 1 << 10 // of an answer

	MaxPath  = 4 << 10 // PATH_MAX
	MaxName  = 512     // names, hosts, rules, digests
	MaxLine  = 1 << 10 // one line of impact, one note
	MaxLines = 16      // lines of each
	MaxKey   = 128
	// MaxRequest bounds the encoded form: every text above, escaped, at its
	// worst. Decode refuses more.
	MaxRequest = 1 << 20
)

// Prepare cuts what is too long, refuses what cannot be cut, and fills impact
// (but of an action, whose maker knows it), key, timeout and digest. Submit calls it; preparing twice changes nothing.
func Prepare(r Request) (Request, error) {
	if r.ArgvSHA256 == "" && r.Gate != GateAction { // what is cut away has its impact too
		r.Impact, r.Reversible = Impact(r)
	}
	r.cutArgv()
	if extra := len(r.Parents) - MaxParents; extra > 0 {
		r.Parents, r.ParentsCut = r.Parents[:MaxParents], r.ParentsCut+extra
	}
	r.Parents = slices.Clone(r.Parents)
	for i := range r.Parents {
		r.Parents[i].cutArgv()
	}
	r.Claim = clipText(r.Claim, MaxClaim)
	if r.Timeout <= 0 {
		r.Timeout = DefaultTimeout
	}
	if r.Key == "" {
		r.Key = defaultKey(r)
	}
	r.Digest = Digest(r)
	return r, r.validate()
}

// cutArgv keeps the two ends of a long argv, and the digest of all of it.
func (r *Request) cutArgv() {
	if r.ArgvSHA256 != "" {
		return // cut already
	}
	r.Argc = len(r.Argv)
	r.ArgvBytes = 0
	for _, w := range r.Argv {
		r.ArgvBytes += int64(len(w)) + 1
	}
	if r.ArgvBytes <= MaxArgvHead+MaxArgvTail && r.Argc <= 2*MaxArgvWord {
		return
	}
	h := sha256.New()
	for _, w := range r.Argv {
		h.Write([]byte(w))
		h.Write([]byte{0})
	}
	r.ArgvSHA256 = hex.EncodeToString(h.Sum(nil))
	whole := r.Argv
	r.Argv, r.ArgvTail = head(whole, MaxArgvHead), tail(whole, MaxArgvTail)
}

// head gives the first words, the last of them cut, that fit.
func head(words []string, limit int) []string {
	var out []string
	for _, w := range words {
		if len(out) == MaxArgvWord || limit <= 0 {
			break
		}
		out = append(out, w[:min(len(w), limit)])
		limit -= len(w) + 1
	}
	return out
}

// tail gives the last words, the first of them cut, that fit.
func tail(words []string, limit int) []string {
	var out []string
	for _, w := range slices.Backward(words) {
		if len(out) == MaxArgvWord || limit <= 0 {
			break
		}
		out = append(out, w[len(w)-min(len(w), limit):])
		limit -= len(w) + 1
	}
	slices.Reverse(out)
	return out
}

func (p *Process) cutArgv() {
	kept := head(p.Argv, MaxParentArgv)
	if len(kept) != len(p.Argv) || len(kept) > 0 && kept[len(kept)-1] != p.Argv[len(kept)-1] {
		p.ArgvCut = true
	}
	p.Argv = kept
}

// clipText cuts s, between two characters, to at most limit bytes.
func clipText(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	s = s[:limit-len("…")]
	for len(s) > 0 {
		if r, n := utf8.DecodeLastRuneInString(s); r != utf8.RuneError || n != 1 {
			break
		}
		s = s[:len(s)-1]
	}
	return s + "…"
}

// validate reports everything that a request may not be.
func (r *Request) validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if !slices.Contains([]string{GateExec, GateFile, GateDelete, GateConnect, GateAction, GateSkill}, r.Gate) {
		bad("there is no gate %q", clipText(r.Gate, 32))
	}
	if r.Jail == "" {
		bad("the request names no jail")
	}
	short := func(what, s string, limit int) {
		if len(s) > limit {
			bad("%s has %d bytes, at most %d", what, len(s), limit)
		}
	}
	for what, s := range map[string]string{"jail": r.Jail, "jail_name": r.JailName, "agent": r.Agent, "policy": r.Policy,
		"op": r.Op, "sha256": r.SHA256, "host": r.Host, "rule": r.Rule, "argv_sha256": r.ArgvSHA256, "boot": r.Boot} {
		short(what, s, MaxName)
	}
	for what, s := range map[string]string{"path": r.Path, "path2": r.Path2, "cwd": r.Cwd} {
		short(what, s, MaxPath)
	}
	short("key", r.Key, MaxKey)
	short("claim", r.Claim, MaxClaim)
	for _, p := range r.Parents {
		short("path of a parent", p.Path, MaxPath)
	}
	for what, lines := range map[string][]string{"impact": r.Impact, "notes": r.Notes} {
		if len(lines) > MaxLines {
			bad("%s has %d lines, at most %d", what, len(lines), MaxLines)
		}
		for _, l := range lines {
			short("a line of "+what, l, MaxLine)
		}
	}
	if r.Timeout > MaxFor {
		bad("the timeout %s is longer than %s", r.Timeout, MaxFor)
	}
	return errors.Join(errs...)
}

// defaultKey says what makes another request the same one to a scope: the whole
// command with its directory, the operation on the file, the destination. What
// a limit asks about is the limit, so there the rule is what counts.
func defaultKey(r Request) string {
	switch r.Gate {
	case GateExec:
		words := slices.Concat([]string{r.Path, r.SHA256, r.Cwd, r.ArgvSHA256, fmt.Sprint(r.Argc)}, r.Argv, r.ArgvTail)
		return keyOf(words...)
	case GateFile:
		return keyOf(r.Op, r.Path, r.Path2)
	case GateDelete:
		return keyOf(r.Rule)
	case GateAction: // and what is over a limit is another thing than what is not
		return keyOf(slices.Concat([]string{r.Rule, r.Host}, r.Argv, r.Notes)...)
	case GateConnect:
		if r.Host != "" {
			return keyOf("host", r.Host, fmt.Sprint(r.Port))
		}
		return keyOf("addr", r.Addr.String(), fmt.Sprint(r.Port))
	}
	return keyOf("digest", Digest(r))
}

// keyOf is a digest: keys stay short whatever the jail calls its files.
func keyOf(words ...string) string {
	h := sha256.New()
	for _, w := range words {
		fmt.Fprintf(h, "%d:%s", len(w), w)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Covers says in words what a scope wider than once lets happen unasked.
func (r Request) Covers() string {
	switch r.Gate {
	case GateExec:
		return "this program with exactly these arguments in this directory"
	case GateFile:
		return strings.TrimSpace("every " + r.Op + " of this path")
	case GateDelete:
		return "every deletion in this jail over the limit"
	case GateConnect:
		return "every connection to this destination"
	case GateAction:
		return "every such action with this target and cost"
	}
	return "the same once more"
}
