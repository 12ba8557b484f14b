package policy

import (
	"errors"
	"fmt"
	"net/netip"
	"path"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Limits of a policy. They bound what the supervisor accepts.
const (
	MaxFiles    = 512
	MaxRules    = 1024 // in each of exec and network
	MaxRun      = 256  // patterns in one rule
	MaxNames    = 4096 // patterns of programs in all rules together
	MaxArgs     = 64   // argument patterns in one rule
	MaxPattern  = 512  // bytes of a pattern
	MaxPath     = 4096 // bytes of a path
	MaxVars     = 256  // in each of env.pass and env.set
	MaxVarValue = 32 << 10
	MaxAction   = 64  // bytes of the name of a type of action
	MaxActions  = 256 // types of actions, and limits of them
	MaxOrigin   = 256 // bytes of a rule's label and of its place
)

// The functions below check one value each and say what is wrong with it; a
// reader of policies adds where.

// CheckName checks the name of a policy: it becomes part of host names.
func CheckName(s string) error {
	if s == "" || len(s) > 63 {
		return fmt.Errorf("name %q is not 1 to 63 characters long", s)
	}
	for i, c := range []byte(s) {
		edge := i == 0 || i == len(s)-1
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && (c != '-' || edge) {
			return fmt.Errorf("name %q may have a-z, 0-9 and, inside, a dash", s)
		}
	}
	return nil
}

// CheckPath checks a path of `files`: absolute, clean, printable.
func CheckPath(p string) error {
	switch {
	case p == "":
		return errors.New("path is empty")
	case len(p) > MaxPath:
		return fmt.Errorf("path is longer than %d bytes", MaxPath)
	case p[0] != '/':
		return fmt.Errorf("path %q is not absolute", p)
	case path.Clean(p) != p:
		return fmt.Errorf("path %q is not clean: it is the same as %q", p, path.Clean(p))
	}
	return checkPrintable("path", p)
}

func checkPrintable(what, s string) error {
	if !utf8.ValidString(s) {
		return fmt.Errorf("%s %q is not UTF-8", what, s)
	}
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return fmt.Errorf("%s %q has a character that cannot be printed", what, s)
		}
	}
	return nil
}

// CheckRun checks one pattern of an exec rule's `run`.
func CheckRun(s string) error {
	if s == "" {
		return errors.New("run has an empty name")
	}
	if len(s) > MaxPattern {
		return fmt.Errorf("run has a pattern longer than %d bytes", MaxPattern)
	}
	if err := checkPrintable("pattern", s); err != nil {
		return err
	}
	if strings.Contains(s, "/") && s[0] != '/' {
		return fmt.Errorf("pattern %q can never match: it has a slash and is not absolute", s)
	}
	if s[0] == '/' && path.Clean(s) != s {
		return fmt.Errorf("pattern %q can never match: the kernel reports %q", s, path.Clean(s))
	}
	_, err := parseGlob(s, true)
	return err
}

// CheckArg checks one pattern of an exec rule's `args`.
func CheckArg(s string) error {
	if len(s) > MaxPattern {
		return fmt.Errorf("args has a pattern longer than %d bytes", MaxPattern)
	}
	if err := checkPrintable("pattern", s); err != nil {
		return err
	}
	_, err := parseGlob(s, false)
	return err
}

// CheckAction checks the name of a type of action.
func CheckAction(s string) error {
	if s == "" || len(s) > MaxAction {
		return fmt.Errorf("action %q is not 1 to %d characters long", clip(s), MaxAction)
	}
	for i, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (i == 0 || c != '_' && (c < '0' || c > '9')) {
			return fmt.Errorf("action %q may have a-z and, behind the first, 0-9 and underscores", s)
		}
	}
	return nil
}

// CheckSHA256 checks the hash of a program.
func CheckSHA256(s string) error {
	if len(s) != 64 || strings.Trim(s, "0123456789abcdef") != "" {
		return fmt.Errorf("sha256 %q is not 64 lower-case hexadecimal digits", s)
	}
	return nil
}

// CheckHost checks the host of a network rule, in normal form.
func CheckHost(s string) error {
	if _, err := netip.ParseAddr(s); err == nil {
		return nil
	}
	name, _ := strings.CutPrefix(s, "*.")
	if len(name) > 253 || name == "" {
		return fmt.Errorf("host %q is not 1 to 253 characters long", s)
	}
	for _, label := range strings.Split(name, ".") {
		if err := checkLabel(s, label); err != nil {
			return err
		}
	}
	// What inet_aton takes for a number makes the whole an address to half of
	// all software: 127.1, 0x7f000001.
	last := name[strings.LastIndexByte(name, '.')+1:]
	digits, hex := strings.CutPrefix(last, "0x")
	if strings.Trim(digits, "0123456789") == "" || hex && strings.Trim(digits, "0123456789abcdef") == "" {
		return fmt.Errorf("host %q looks like an address and is none", s)
	}
	return nil
}

func checkLabel(host, label string) error {
	if label == "" || len(label) > 63 {
		return fmt.Errorf("host %q has a label that is not 1 to 63 characters long", host)
	}
	if label[0] == '-' || label[len(label)-1] == '-' {
		return fmt.Errorf("host %q has a label with a dash at its edge", host)
	}
	for _, c := range []byte(label) {
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-', c == '_':
		case c == '*':
			return fmt.Errorf("host %q has a star that does not stand for whole labels at the front", host)
		case c >= utf8.RuneSelf:
			return fmt.Errorf("host %q is not in its ASCII form (xn--…)", host)
		default:
			return fmt.Errorf("host %q has the character %q", host, c)
		}
	}
	return nil
}

// CheckVar checks the name of an environment variable, or with glob a pattern
// of such names.
func CheckVar(s string, glob bool) error {
	if s == "" || len(s) > MaxPattern {
		return fmt.Errorf("variable name %q is not 1 to %d characters long", s, MaxPattern)
	}
	for i, c := range []byte(s) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_', c >= '0' && c <= '9' && i > 0:
		case c == '*' && glob:
		default:
			return fmt.Errorf("variable name %q may have letters, digits and underscores", s)
		}
	}
	return nil
}

// CheckValue checks the value of an environment variable.
func CheckValue(s string) error {
	if len(s) > MaxVarValue {
		return fmt.Errorf("value is longer than %d bytes", MaxVarValue)
	}
	if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
		return fmt.Errorf("value %.40q is not UTF-8 without NUL", s)
	}
	return nil
}

// LimitRange gives the least and the most that a limit can be, by its name in
// a policy; durations are in nanoseconds, cpus in thousandths, the rest in
// bytes or in pieces. An unknown name has an empty range.
func LimitRange(name string) (least, most int64) {
	switch name {
	case "memory":
		return 16 << 20, 16 << 40
	case "cpus":
		return 10, 4096 * 1000
	case "pids":
		return 1, 4 << 20
	case "open_files":
		return 16, 1 << 20
	case "file_size":
		return 4 << 10, 16 << 40
	case "tmp", "shm", "size":
		return 4 << 10, 1 << 40
	case "wall":
		return int64(time.Second), int64(366 * 24 * time.Hour)
	case "timeout":
		return int64(time.Second), int64(30 * 24 * time.Hour)
	case "actions": // of one type, in a limit
		return 0, 1 << 30
	case "action_per":
		return int64(time.Second), int64(366 * 24 * time.Hour)
	case "window":
		return int64(time.Second), int64(24 * time.Hour)
	case "limit": // of deletions
		return 1, 1 << 30
	case "per": // the same
		return int64(time.Second), int64(24 * time.Hour)
	default:
		return 1, 0
	}
}
