package redact

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"strings"

	"clawjail/audit"
)

// KeyBytes is how long the fingerprints' key is.
const KeyBytes = 32

// mark begins what stands for a secret.
const mark = "[redacted:"

// MaxNames bounds the names that an operator adds.
const MaxNames = 64

// Redactor takes secrets out of texts.
type Redactor struct {
	key   []byte
	extra []string // parts of names, in lower case
	forms [256][]form
}

// New makes a Redactor with the host's key, and parts of names that the
// operator adds: "customer" makes values of CUSTOMER_REF secrets.
func New(key []byte, names []string) (*Redactor, error) {
	if len(key) != KeyBytes {
		return nil, fmt.Errorf("redaction key of %d bytes, not %d", len(key), KeyBytes)
	}
	r := &Redactor{key: append([]byte(nil), key...), forms: forms()}
	for _, n := range names {
		if err := CheckName(n); err != nil {
			return nil, err
		}
		r.extra = append(r.extra, strings.ToLower(n))
	}
	if len(names) > MaxNames {
		return nil, fmt.Errorf("%d names to redact, at most %d", len(names), MaxNames)
	}
	return r, nil
}

// CheckName refuses what can be no part of a name, or is part of most.
func CheckName(n string) error {
	if len(n) < 3 || len(n) > maxName {
		return fmt.Errorf("%q: a name to redact has 3 to %d letters", n, maxName)
	}
	for i := range len(n) {
		if !nameByte(n[i]) {
			return fmt.Errorf("%q: a name has letters, digits and _ - . only", n)
		}
	}
	return nil
}

// Fingerprint is what stands for a value.
func (r *Redactor) Fingerprint(value string) string {
	m := hmac.New(sha256.New, r.key)
	m.Write([]byte(value))
	return mark + hex.EncodeToString(m.Sum(nil)[:6]) + "]"
}

// Record takes the secrets out of a record.
func (r *Redactor) Record(rec *audit.Record) {
	s := &rec.Subject
	s.Argv = r.Argv(s.Argv)
	for _, t := range [...]*string{&s.Name, &s.Path, &s.Path2, &s.Host, &s.Message} {
		*t = r.Text(*t)
	}
	if d := rec.Decision; d != nil && d.Reason != "" {
		if reason := r.Text(d.Reason); reason != d.Reason {
			cut := *d
			cut.Reason = reason
			rec.Decision = &cut
		}
	}
}

// Argv gives a command line without its secrets; the same slice when there are
// none.
func (r *Redactor) Argv(argv []string) []string {
	out := argv
	set := func(i int, v string) {
		if v == argv[i] {
			return
		}
		if &out[0] == &argv[0] {
			out = append([]string(nil), argv...)
		}
		out[i] = v
	}
	program := ""
	if len(argv) > 0 {
		program = path.Base(argv[0])
	}
	for i := 0; i < len(argv); i++ {
		a := argv[i]
		set(i, r.attached(program, a))
		if i+1 == len(argv) || len(a) < 2 || a[0] != '-' || strings.IndexByte(a, '=') >= 0 {
			continue
		}
		next := argv[i+1]
		switch rk := r.rank(strings.TrimLeft(a, "-")); {
		case rk != harmless && !strings.HasPrefix(next, "--") && isSecret(rk, next):
			i++
			set(i, r.Fingerprint(next))
		case program == "sshpass" && a == "-p":
			i++
			set(i, r.Fingerprint(next))
		case a == "-u" || a == "--user" || a == "--proxy-user" || a == "-U":
			if user, pass, ok := strings.Cut(next, ":"); ok && pass != "" {
				i++
				set(i, user+":"+r.Fingerprint(pass))
			}
		}
	}
	return out
}

// attached looks at one argument by itself.
func (r *Redactor) attached(program, a string) string {
	switch program {
	case "mysql", "mysqldump", "mysqladmin", "mariadb", "mariadb-dump", "sshpass":
		if len(a) > 2 && strings.HasPrefix(a, "-p") {
			return "-p" + r.Fingerprint(a[2:])
		}
	}
	return r.Text(a)
}

// Text gives a text without the secrets in it.
func (r *Redactor) Text(s string) string {
	var out strings.Builder
	from := 0 // of what is not in out yet
	for i := 0; i < len(s); {
		start, end := r.at(s, i)
		if end <= start {
			i++
			continue
		}
		out.WriteString(s[from:start])
		out.WriteString(r.Fingerprint(s[start:end]))
		i, from = end, end
	}
	if from == 0 {
		return s
	}
	out.WriteString(s[from:])
	return out.String()
}

// at finds a secret whose sign stands at i: the mark between a name and its
// value, or the beginning of a known form.
func (r *Redactor) at(s string, i int) (start, end int) {
	switch c := s[i]; {
	case c == '=' || c == ':':
		if strings.HasPrefix(s[i:], "://") {
			return r.userinfo(s, i+3)
		}
		return r.named(s, i)
	case len(r.forms[c]) > 0 && (i == 0 || !letterOrDigit(s[i-1])):
		return i, i + r.known(s[i:])
	}
	return 0, 0
}

// userinfo finds the password of a URL.
func (r *Redactor) userinfo(s string, i int) (start, end int) {
	host := strings.IndexAny(s[i:], "/?# \t\n\"'")
	if host < 0 {
		host = len(s) - i
	}
	at := strings.LastIndexByte(s[i:i+host], '@')
	if at < 0 {
		return 0, 0
	}
	colon := strings.IndexByte(s[i:i+at], ':')
	if colon < 0 {
		// A lone user is a token where it looks like one.
		if at > 0 && r.known(s[i:i+at]) > 0 {
			return i, i + at
		}
		return 0, 0
	}
	return i + colon + 1, i + at
}

// named finds the value behind a name and the mark at i.
func (r *Redactor) named(s string, i int) (start, end int) {
	n := i
	quote := n > 0 && (s[n-1] == '"' || s[n-1] == '\'')
	if quote {
		n--
	}
	begin := n
	for begin > 0 && n-begin <= maxName && nameByte(s[begin-1]) {
		begin--
	}
	rk := r.rank(s[begin:n])
	if rk == harmless {
		return 0, 0
	}
	start = i + 1
	for start < len(s) && (s[start] == ' ' || s[start] == '\t') && s[i] == ':' {
		start++
	}
	if start < len(s) && (s[start] == '"' || s[start] == '\'') {
		q := s[start]
		start++
		end = start
		for end < len(s) && s[end] != q {
			if s[end] == '\\' {
				end++
			}
			end++
		}
		end = min(end, len(s))
	} else {
		start, end = bare(s, start, s[i] == ':' && !quote)
	}
	if !isSecret(rk, s[start:end]) {
		return 0, 0
	}
	return start, end
}

// bare gives the extent of a value without quotes: to white space or a mark of
// a shell, or in a header, whose value has spaces, to the end of the line. The
// scheme of an authorization stays.
func bare(s string, start int, header bool) (int, int) {
	stop := " \t\r\n;&|<>()\"'"
	if header {
		stop = "\r\n\"'"
		for _, scheme := range [...]string{"bearer ", "basic ", "token ", "digest ", "negotiate "} {
			if len(s)-start > len(scheme) && strings.EqualFold(s[start:start+len(scheme)], scheme) {
				start += len(scheme)
				break
			}
		}
	}
	end := strings.IndexAny(s[start:], stop)
	if end < 0 {
		return start, len(s)
	}
	return start, start + end
}
