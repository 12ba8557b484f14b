package trust

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/ssh"
)

// Limits of the operator's lists.
const (
	MaxList    = 1 << 20
	maxEntries = 4096
)

// Kinds are the kinds of permissions that a signer can be held to: those of
// skill.Capability.
func Kinds() []string { return []string{"net", "listen", "exec", "read", "write", "env"} }

// Signer is one entry of the list of allowed signers.
type Signer struct {
	Line int
	// Principals are who the key belongs to, as patterns; what a skill is
	// vouched for by is the first of them, or for certificates the name in
	// them that matches.
	Principals []string
	Namespaces []string // patterns; nil: all
	After      time.Time
	Before     time.Time
	Skills     []string // patterns of names; nil: all
	// Permissions are the kinds that a skill of this signer may ask for; nil
	// leaves that open, an empty list allows none.
	Permissions []string

	key  ssh.PublicKey     // or
	root *x509.Certificate // the root of a chain
}

// Fingerprint names the entry's key, or its root certificate.
func (s Signer) Fingerprint() string {
	if s.root != nil {
		return certificateFingerprint(s.root)
	}
	return ssh.FingerprintSHA256(s.key)
}

// Signers is a list of allowed signers.
type Signers []Signer

// ParseSigners reads a list in the form of ssh-keygen's ALLOWED SIGNERS, with
// more options. The error has every problem, one on a line; file is its name
// in them.
func ParseSigners(file string, text []byte) (Signers, error) {
	lines, err := listLines(file, text)
	if err != nil {
		return nil, err
	}
	var out Signers
	var errs []error
	for _, l := range lines {
		s, err := parseSigner(l.text)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s:%d: %w", file, l.number, err))
			continue
		}
		s.Line = l.number
		out = append(out, s)
	}
	return out, errors.Join(errs...)
}

type line struct {
	number int
	text   string
}

// listLines gives the lines of a list that say something.
func listLines(file string, text []byte) ([]line, error) {
	if len(text) > MaxList {
		return nil, fmt.Errorf("%s has %d bytes, at most %d", file, len(text), MaxList)
	}
	if !utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0 {
		return nil, fmt.Errorf("%s is not text", file)
	}
	var out []line
	for i, l := range strings.Split(string(text), "\n") {
		l = strings.TrimSpace(l)
		if l == "" || strings.HasPrefix(l, "#") {
			continue
		}
		if out = append(out, line{i + 1, l}); len(out) > maxEntries {
			return nil, fmt.Errorf("%s has more than %d entries", file, maxEntries)
		}
	}
	return out, nil
}

// x509Root is the type of key that stands for a root certificate, in base64 of
// its DER.
const x509Root = "x509-ca"

func parseSigner(text string) (Signer, error) {
	fields := splitFields(text)
	if len(fields) < 3 {
		return Signer{}, errors.New("an entry is PRINCIPALS [OPTIONS] TYPE KEY, as in ssh-keygen(1), ALLOWED SIGNERS")
	}
	s := Signer{Principals: strings.Split(strings.Trim(fields[0], `"`), ",")}
	if slices.Contains(s.Principals, "") {
		return s, fmt.Errorf("empty principal in %q", clip(fields[0]))
	}
	rest := fields[1:]
	if !keyType(rest[0]) {
		if err := s.options(rest[0]); err != nil {
			return s, err
		}
		rest = rest[1:]
	}
	if len(rest) < 2 || !keyType(rest[0]) {
		return s, fmt.Errorf("%q is no type of key; there are ssh-ed25519, ecdsa-sha2-nistp256 and its like, ssh-rsa, their sk- forms, and %s", clip(rest[0]), x509Root)
	}
	return s, s.readKey(rest[0], rest[1])
}

func keyType(s string) bool {
	return slices.Contains([]string{x509Root, ssh.KeyAlgoED25519, ssh.KeyAlgoRSA, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521,
		ssh.KeyAlgoSKED25519, ssh.KeyAlgoSKECDSA256}, s)
}

// splitFields splits at spaces that are not within double quotes.
func splitFields(text string) []string {
	var out []string
	var b strings.Builder
	quoted, escaped := false, false
	for _, r := range text {
		if !quoted && (r == ' ' || r == '\t') {
			if b.Len() > 0 {
				out = append(out, b.String())
				b.Reset()
			}
			continue
		}
		if r == '"' && !escaped {
			quoted = !quoted
		}
		escaped = quoted && r == '\\' && !escaped
		b.WriteRune(r)
	}
	if b.Len() > 0 {
		out = append(out, b.String())
	}
	return out
}

func (s *Signer) readKey(kind, text string) error {
	der, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return fmt.Errorf("the key is not base64: %w", err)
	}
	if kind == x509Root {
		if s.root, err = x509.ParseCertificate(der); err != nil {
			return fmt.Errorf("the root certificate: %w", err)
		}
		if !s.root.IsCA {
			return errors.New("the certificate is no certificate authority's")
		}
		return nil
	}
	k, err := ssh.ParsePublicKey(der)
	if err != nil {
		return fmt.Errorf("the key: %w", err)
	}
	if k.Type() != kind {
		return fmt.Errorf("the key is a %s, not a %s", k.Type(), kind)
	}
	if pub := cryptoKey(k); pub != nil {
		if err := checkPublic(pub); err != nil {
			return fmt.Errorf("the key: %w", err)
		}
	} else if !strings.HasPrefix(kind, "sk-") {
		return errNotSSH
	}
	s.key = k
	return nil
}

// options reads the comma-separated options of an entry.
func (s *Signer) options(text string) error {
	seen := map[string]bool{}
	for text != "" {
		var name, value string
		name, rest, has := strings.Cut(text, "=")
		if comma := strings.IndexByte(name, ','); !has || comma >= 0 {
			return fmt.Errorf("the option %q has no value", clip(strings.Split(name, ",")[0]))
		}
		if !strings.HasPrefix(rest, `"`) {
			return fmt.Errorf("the value of option %q is not in double quotes", clip(name))
		}
		end := strings.IndexByte(rest[1:], '"')
		if end < 0 {
			return fmt.Errorf("the value of option %q has no closing quote", clip(name))
		}
		value, text = rest[1:1+end], rest[2+end:]
		if text != "" {
			if text[0] != ',' || len(text) == 1 {
				return fmt.Errorf("%q follows the option %q; options are separated by commas", clip(text), clip(name))
			}
			text = text[1:]
		}
		name = strings.ToLower(name)
		if seen[name] {
			return fmt.Errorf("the option %q is given twice", clip(name))
		}
		seen[name] = true
		if err := s.option(name, value); err != nil {
			return err
		}
	}
	if !s.After.IsZero() && !s.Before.IsZero() && !s.After.Before(s.Before) {
		return errors.New("valid-after is not before valid-before: the key is never valid")
	}
	return nil
}

func (s *Signer) option(name, value string) (err error) {
	switch name {
	case "namespaces":
		s.Namespaces, err = patterns(name, value)
	case "skills":
		s.Skills, err = patterns(name, value)
	case "valid-after":
		s.After, err = parseDate(name, value)
	case "valid-before":
		s.Before, err = parseDate(name, value)
	case "permissions":
		s.Permissions = []string{}
		for kind := range strings.SplitSeq(value, ",") {
			if value == "none" {
				break
			}
			if !slices.Contains(Kinds(), kind) {
				return fmt.Errorf("permissions: there is no kind %q, only %s, or none alone", clip(kind), strings.Join(Kinds(), ", "))
			}
			s.Permissions = append(s.Permissions, kind)
		}
	default:
		return fmt.Errorf("unknown option %q; there are namespaces, skills, permissions, valid-after and valid-before", clip(name))
	}
	return err
}

// patterns reads a comma-separated list of names with * and ?.
func patterns(name, value string) ([]string, error) {
	list := strings.Split(value, ",")
	for _, p := range list {
		if p == "" || strings.ContainsAny(p, `[]\!/`) && name == "skills" || strings.ContainsAny(p, `[]\!`) {
			return nil, fmt.Errorf("%s: %q is not a name, or one with * and ?", name, clip(p))
		}
	}
	return list, nil
}

// parseDate reads the dates of ssh-keygen: YYYYMMDD or YYYYMMDDHHMM[SS], in
// local time or with a Z in UTC.
func parseDate(name, value string) (time.Time, error) {
	text, zone := value, time.Local
	if t, utc := strings.CutSuffix(value, "Z"); utc {
		text, zone = t, time.UTC
	}
	for _, form := range []string{"20060102", "200601021504", "20060102150405"} {
		if len(text) != len(form) {
			continue
		}
		if t, err := time.ParseInLocation(form, text, zone); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%s: %q is no time; write YYYYMMDD or YYYYMMDDHHMM[SS], with a Z for UTC", name, clip(value))
}

// matches reports whether one of the patterns matches. The patterns were
// checked when they were read.
func matches(list []string, s string) bool {
	return slices.ContainsFunc(list, func(p string) bool {
		// path.Match's * stops at slashes, of which names here have none that
		// should stop it.
		ok, _ := path.Match(strings.ReplaceAll(p, "/", "\x00"), strings.ReplaceAll(s, "/", "\x00"))
		return ok
	})
}

// allowed says why the entry does not vouch for a skill now, or nil.
func (s Signer) allowed(skill string, now time.Time) error {
	who := s.Principals[0]
	switch {
	case s.Namespaces != nil && !matches(s.Namespaces, Namespace):
		return fmt.Errorf("the key of %s may not sign skills: its namespaces do not have %s", clip(who), Namespace)
	case !s.After.IsZero() && now.Before(s.After):
		return fmt.Errorf("the key of %s is not valid before %s", clip(who), s.After.UTC().Format(time.RFC3339))
	case !s.Before.IsZero() && !now.Before(s.Before):
		return fmt.Errorf("the key of %s expired at %s", clip(who), s.Before.UTC().Format(time.RFC3339))
	case s.Skills != nil && !matches(s.Skills, skill):
		return fmt.Errorf("the key of %s may sign the skills %s, not %q", clip(who), strings.Join(s.Skills, ","), skill)
	}
	return nil
}
