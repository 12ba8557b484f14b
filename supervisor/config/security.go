package config

import (
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Who needs a second factor.
const (
	MFAAdmins = "admins"
	MFAAll    = "all"
)

// What takes a fresh second factor, besides changes of users, which always do.
const (
	StepUpNever    = "never"
	StepUpCritical = "critical" // to approve what cannot be undone or for longer than once, to release the jail of an incident
	StepUpAlways   = "always"   // to approve anything, to let any jail go on
)

// StepUpChoices are the values of StepUp.
func StepUpChoices() []string { return []string{StepUpNever, StepUpCritical, StepUpAlways} }

// NeedsStepUp reports whether a person of the console needs a fresh second
// factor for something.
func (c Config) NeedsStepUp(critical bool) bool {
	return c.StepUp == StepUpAlways || critical && c.StepUp != StepUpNever
}

// What an operator can accept, by the key of the setting that is unsafe.
const (
	AcceptUnsigned  = "skills.allow_unsigned" // skills without a signature are left to a person
	AcceptRetention = "audit.retain"          // records are kept for less than MinRetention
	AcceptNoTLS     = "network.tls"           // the console speaks HTTP, behind a proxy on this host
)

// MinRetention is how long records are kept at least, unless that is accepted:
// most intrusions are found weeks later.
const MinRetention = 30 * 24 * time.Hour

// Acceptable lists what can be accepted. Everything else that is unsafe cannot.
func Acceptable() []string { return []string{AcceptUnsigned, AcceptRetention, AcceptNoTLS} }

// CheckAccept refuses what cannot be accepted.
func CheckAccept(s string) error {
	if !slices.Contains(Acceptable(), s) {
		return fmt.Errorf("%q cannot be accepted, only %s", s, strings.Join(Acceptable(), ", "))
	}
	return nil
}

// Override is an unsafe setting that the operator accepted. None is silent: the
// supervisor warns of each when it starts, and counts it.
type Override struct {
	Key  string `json:"key"`
	Risk string `json:"risk"`
}

// Overrides lists what is unsafe and accepted.
func (c Config) Overrides() []Override {
	var out []Override
	for _, u := range c.unsafe() {
		if u.acceptable != "" && slices.Contains(c.Accept, u.acceptable) {
			out = append(out, Override{Key: u.acceptable, Risk: u.msg})
		}
	}
	return out
}

// SignInSocket is where the sign-in has recorded what happens about people, and
// can do nothing else.
func (c Config) SignInSocket() string { return filepath.Join(c.RunDir, "sign-in.sock") }

// Console reports whether there is a web console.
func (c Config) Console() bool { return c.Listen != "" }

// Origin is the console's address as browsers have it.
func (c Config) Origin() string {
	_, port, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return ""
	}
	if port == "443" || !c.TLS {
		// Without TLS a proxy is what browsers speak with, on its own port.
		return "https://" + c.Name
	}
	return "https://" + net.JoinHostPort(c.Name, port)
}

// unsafety is one thing that is not secure.
type unsafety struct {
	field, msg, hint string
	acceptable       string // what accepts it; empty: nothing
}

// unsafe lists everything that is not secure, accepted or not.
func (c Config) unsafe() []unsafety {
	var out []unsafety
	add := func(is bool, u unsafety) {
		if is {
			out = append(out, u)
		}
	}
	add(!c.AuthEnabled, unsafety{field: "auth_enabled", msg: "without authentication whoever reaches the console decides what agents may do",
		hint: "remove the line; where no console is wanted, leave network.listen out"})
	add(c.AuthMFA != MFAAdmins && c.AuthMFA != MFAAll, unsafety{field: "auth_mfa", msg: fmt.Sprintf("%q leaves admins without a second factor", c.AuthMFA),
		hint: "write admins or all; an admin's authenticator is made by: clawjail user reset NAME"})
	add(!c.AuditEnabled, unsafety{field: "audit_enabled", msg: "without the audit log nobody can tell what agents did",
		hint: "remove the line; to keep less, set audit.retain"})
	add(c.AuditRetain < Duration(MinRetention), unsafety{field: "audit_retain", acceptable: AcceptRetention,
		msg:  "records are kept for less than 30 days: most intrusions are found later",
		hint: "keep them for 30d, or accept that: accept: [" + AcceptRetention + "]"})
	add(c.SkillUnsigned, unsafety{field: "skill_allow_unsigned", acceptable: AcceptUnsigned,
		msg:  "skills that nobody signed can be installed when a person agrees",
		hint: "remove the line, or accept that: accept: [" + AcceptUnsigned + "]"})
	local := onLoopback(c.Listen)
	add(c.Console() && !c.TLS && !local, unsafety{field: "console_tls", msg: fmt.Sprintf("without TLS passwords cross the network in clear from %s", c.Listen),
		hint: "set network.tls: true, or listen on 127.0.0.1 behind a proxy that has TLS"})
	add(c.Console() && !c.TLS && local, unsafety{field: "console_tls", acceptable: AcceptNoTLS,
		msg:  "the console has no TLS of its own: every user of this host who may listen for it reads passwords",
		hint: "set network.tls: true, or, behind a proxy on this host, accept that: accept: [" + AcceptNoTLS + "]"})
	return out
}

// securityProblems refuses what is not secure and not accepted, and what the
// sections of the console cannot be.
func (c Config) securityProblems() Problems {
	var ps Problems
	for _, u := range c.unsafe() {
		if u.acceptable == "" || !slices.Contains(c.Accept, u.acceptable) {
			ps = append(ps, Problem{Fields: []string{u.field}, Msg: u.msg, Hint: u.hint})
		}
	}
	for _, p := range []struct{ field, path string }{{"auth_secret_file", c.AuthSecretFile}, {"console_certificate", c.Certificate}, {"console_key", c.Key}} {
		if err := checkFile(p.path); err != nil {
			ps = append(ps, Problem{Fields: []string{p.field}, Msg: err.Error(), Hint: "write an absolute path, or credential:NAME for a credential of systemd"})
		}
	}
	if !slices.Contains(StepUpChoices(), c.StepUp) {
		ps = append(ps, Problem{Fields: []string{"auth_step_up"}, Msg: fmt.Sprintf("unknown choice %q", c.StepUp), Hint: "it is never, critical or always"})
	}
	if err := checkListen(c.Listen); c.Console() && err != nil {
		ps = append(ps, Problem{Fields: []string{"console_listen"}, Msg: err.Error(), Hint: `write an address and a port, as in "127.0.0.1:9443" or "[::]:9443"`})
	}
	if !hostName(c.Name) {
		ps = append(ps, Problem{Fields: []string{"console_name"}, Msg: fmt.Sprintf("%q is not the name of a host", c.Name), Hint: "write the name that browsers use, without a port"})
	}
	if err := checkList(c.Accept, len(Acceptable()), CheckAccept); err != nil {
		ps = append(ps, Problem{Fields: []string{"accept"}, Msg: err.Error()})
	}
	return ps
}

// checkFile refuses what cannot name a file with a secret.
func checkFile(path string) error {
	if name, ok := strings.CutPrefix(path, "credential:"); ok {
		if name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") != "" || name[0] == '.' {
			return fmt.Errorf("%q is not the name of a credential", name)
		}
		return nil
	}
	if !filepath.IsAbs(path) || filepath.Clean(path) != path {
		return fmt.Errorf("%q is not a clean absolute path", path)
	}
	return nil
}

// minPort is the first port that a process without privileges can listen on.
const minPort = 1024

func checkListen(s string) error {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return fmt.Errorf("%q is not an address and a port", s)
	}
	if _, err := netip.ParseAddr(host); err != nil {
		return fmt.Errorf("%q is not an address", host)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n < minPort {
		return fmt.Errorf("port %q is not between %d and 65535; the gateway has no privileges", port, minPort)
	}
	return nil
}

func onLoopback(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return false
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}

func hostName(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return false
		}
	}
	return true
}
