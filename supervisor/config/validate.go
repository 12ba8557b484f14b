package config

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// The bounds of lists.
const (
	MaxResolvers = 8
	MaxAnchors   = 8
	MaxRedact    = 64
)

// Nobody is the user that Linux keeps for who has no rights. The child that
// reads the configuration runs as it, and so does much else.
const Nobody = 65534

// Problem is something that is wrong with the values of some fields.
type Problem struct {
	Fields []string // by their names in JSON; any of them can be changed to mend it
	// Path leads from the value of the first field to what is wrong in it: keys,
	// and numbers of entries.
	Path []string
	Msg  string
	Hint string
	// Word is what was written where only Known can stand.
	Word  string
	Known []string
}

// Place is Path as people read it: [0].to.
func (p Problem) Place() string {
	var b strings.Builder
	for _, s := range p.Path {
		if strings.Trim(s, "0123456789") == "" {
			b.WriteString("[" + s + "]")
		} else {
			b.WriteString("." + s)
		}
	}
	return b.String()
}

// String is "field: message; hint", or for several fields, which the message
// names, "message; hint".
func (p Problem) String() string {
	s := p.Msg
	if len(p.Fields) == 1 || len(p.Path) > 0 {
		s = p.Fields[0] + p.Place() + ": " + s
	}
	if p.Hint != "" {
		s += "; " + p.Hint
	}
	return s
}

// Problems is everything that is wrong with a configuration.
type Problems []Problem

// Error has one line for each problem.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Validate reports everything that is wrong, at once, as Problems.
func (c Config) Validate() error {
	if ps := c.Problems(); len(ps) > 0 {
		return ps
	}
	return nil
}

// Range gives the least and the most that a field which is a number may be:
// sizes in bytes, durations in nanoseconds. For other names nothing is between.
func Range(field string) (least, most int64) {
	switch field {
	case "linger":
		return 0, int64(time.Hour)
	case "audit_segment_bytes":
		return 1 << 20, 16 << 30
	case "supervisor_loss_after":
		return 0, int64(7 * 24 * time.Hour)
	case "audit_checkpoint":
		return int64(time.Second), int64(24 * time.Hour)
	case "audit_retain":
		return int64(24 * time.Hour), int64(399 * 24 * time.Hour)
	case "auth_access":
		return int64(time.Minute), int64(time.Hour)
	case "auth_session":
		return int64(15 * time.Minute), int64(7 * 24 * time.Hour)
	case "rate_requests":
		return 10, 100_000
	case "rate_window":
		return int64(time.Minute), int64(time.Hour)
	case "denial_count":
		return 0, 1_000_000
	case "denial_window":
		return int64(time.Second), int64(time.Hour)
	case "limit_hosts":
		return 0, 1000
	case "max_jails":
		return 1, 4096
	case "skill_max_permissions":
		return 1, 6
	case "skill_required_signers":
		return 1, 16
	case "agent_uid", "agent_gid", "egress_uid", "egress_gid", "gateway_uid", "gateway_gid", "auth_uid", "auth_gid":
		return 1, 1 << 31
	}
	return 1, 0
}

// LossChoices are the values of OnAuditLoss.
func LossChoices() []string { return []string{string(AuditLossFreeze), string(AuditLossContinue)} }

// SupervisorLossChoices are the values of OnSupervisorLoss.
func SupervisorLossChoices() []string {
	return []string{string(SupervisorLossHold), string(SupervisorLossFreeze), string(SupervisorLossKill)}
}

// ParseSupervisorLoss reads a value of OnSupervisorLoss.
func ParseSupervisorLoss(s string) (OnSupervisorLoss, error) {
	if !slices.Contains(SupervisorLossChoices(), s) {
		return "", fmt.Errorf("unknown choice %q", s)
	}
	return OnSupervisorLoss(s), nil
}

// ParseLoss reads a value of OnAuditLoss.
func ParseLoss(s string) (OnAuditLoss, error) {
	if !slices.Contains(LossChoices(), s) {
		return "", fmt.Errorf("unknown choice %q", s)
	}
	return OnAuditLoss(s), nil
}

// Problems gives everything that is wrong, in the order of the fields.
func (c Config) Problems() Problems {
	var ps Problems
	bad := func(hint, msg string, fields ...string) {
		ps = append(ps, Problem{Fields: fields, Msg: msg, Hint: hint})
	}
	for _, d := range []struct{ field, dir string }{{"run_dir", c.RunDir}, {"state_dir", c.StateDir}} {
		if !filepath.IsAbs(d.dir) || filepath.Clean(d.dir) != d.dir || d.dir == "/" {
			bad("", fmt.Sprintf("%q is not a clean absolute path below /", d.dir), d.field)
		}
	}
	for _, g := range []struct{ field, name string }{{"group", c.Group}, {"approvers", c.Approvers}} {
		if g.name != "" && !groupName(g.name) {
			bad("", fmt.Sprintf("%q is not the name of a group", g.name), g.field)
		}
	}
	if _, err := ParseLoss(string(c.OnAuditLoss)); err != nil {
		bad(`it is "freeze" or "continue"`, err.Error(), "on_audit_loss")
	}
	if _, err := ParseSupervisorLoss(string(c.OnSupervisorLoss)); err != nil {
		bad(`it is "hold", "freeze" or "kill"`, err.Error(), "on_supervisor_loss")
	}
	for _, n := range []struct {
		field string
		value int64
	}{{"linger", int64(c.Linger)}, {"supervisor_loss_after", int64(c.SupervisorLossAfter)}, {"audit_segment_bytes", c.AuditSegmentBytes}, {"audit_checkpoint", int64(c.AuditCheckpoint)},
		{"audit_retain", int64(c.AuditRetain)}, {"auth_access", int64(c.AuthAccess)}, {"auth_session", int64(c.AuthSession)},
		{"rate_requests", int64(c.RateRequests)}, {"rate_window", int64(c.RateWindow)}, {"denial_count", int64(c.DenialCount)}, {"denial_window", int64(c.DenialWindow)}, {"max_jails", int64(c.MaxJails)}, {"limit_hosts", int64(c.LimitHosts)},
		{"skill_max_permissions", int64(c.SkillPermissions)}, {"skill_required_signers", int64(c.SkillSigners)}} {
		if least, most := Range(n.field); n.value < least || n.value > most {
			bad("", fmt.Sprintf("%d is not between %d and %d", n.value, least, most), n.field)
		}
	}
	for _, l := range []struct {
		field string
		list  []string
		most  int
		check func(string) error
	}{{"audit_anchors", c.AuditAnchors, MaxAnchors, CheckAnchor}, {"audit_redact", c.AuditRedact, MaxRedact, CheckRedact},
		{"audit_sinks", c.AuditSinks, MaxSinks, CheckSink},
		{"canary_files", c.CanaryFiles, MaxCanaries, CheckCanaryFile}, {"canary_hosts", c.CanaryHosts, MaxCanaries, CheckCanaryHost},
		{"limit_redis", c.LimitRedis, MaxRedis, CheckRedis},
		{"skill_sources", c.SkillSources, MaxSources, CheckSource}} {
		if err := checkList(l.list, l.most, l.check); err != nil {
			bad("", err.Error(), l.field)
		}
	}
	for i, a := range c.Resolvers {
		if err := CheckResolver(a); err != nil {
			bad("", err.Error(), "resolvers")
		} else if slices.Contains(c.Resolvers[:i], a) {
			bad("", fmt.Sprintf("%s is listed twice", a), "resolvers")
		}
	}
	if len(c.Resolvers) > MaxResolvers {
		bad("", fmt.Sprintf("%d entries, at most %d", len(c.Resolvers), MaxResolvers), "resolvers")
	}
	ps = append(ps, c.securityProblems()...)
	ps = append(ps, c.channelProblems()...)
	ps = append(ps, c.limitProblems()...)
	ps = append(ps, c.askedProblems()...)
	return append(ps, c.userProblems()...)
}

// userProblems holds the users against each other: processes of one user can
// signal each other, and read what the other may.
func (c Config) userProblems() Problems {
	var ps Problems
	type id struct {
		field string
		value uint32
	}
	uids := []id{{"agent_uid", c.AgentUID}, {"egress_uid", c.EgressUID}, {"gateway_uid", c.GatewayUID}, {"auth_uid", c.AuthUID}}
	gids := []id{{"agent_gid", c.AgentGID}, {"egress_gid", c.EgressGID}, {"gateway_gid", c.GatewayGID}, {"auth_gid", c.AuthGID}}
	for _, list := range [][]id{uids, gids} {
		for i, a := range list {
			switch least, most := Range(a.field); {
			case a.value == 0:
				ps = append(ps, Problem{Fields: []string{a.field}, Msg: "0 is root's"})
				continue
			case int64(a.value) < least || int64(a.value) > most:
				ps = append(ps, Problem{Fields: []string{a.field}, Msg: fmt.Sprintf("%d is not between %d and %d", a.value, least, most)})
			case a.value == Nobody:
				ps = append(ps, Problem{Fields: []string{a.field}, Msg: fmt.Sprintf("%d is nobody's, which other programs use as well", a.value), Hint: "make a user of its own"})
			}
			for _, b := range list[:i] {
				if a.value == b.value {
					ps = append(ps, Problem{Fields: []string{a.field, b.field}, Msg: fmt.Sprintf("%s and %s are both %d: one could act on the other", b.field, a.field, a.value), Hint: "give each an id of its own"})
				}
			}
		}
	}
	return ps
}

// CheckResolver refuses an address that can be no resolver's.
func CheckResolver(a netip.AddrPort) error {
	switch {
	case !a.IsValid() || a.Port() == 0:
		return fmt.Errorf("%q is not an address and a port", a)
	case a.Addr().IsUnspecified() || a.Addr().IsMulticast() || a.Addr().Zone() != "" || a.Addr().Is4In6():
		return fmt.Errorf("%s is not the address of a server", a.Addr())
	}
	return nil
}

// checkList checks every entry, their number, and that each is there once.
func checkList(list []string, most int, check func(string) error) error {
	if len(list) > most {
		return fmt.Errorf("%d entries, at most %d", len(list), most)
	}
	for i, v := range list {
		if err := check(v); err != nil {
			return err
		}
		if slices.Contains(list[:i], v) {
			return fmt.Errorf("%q is listed twice", v)
		}
	}
	return nil
}

// CheckAnchor refuses what checkpoints cannot be copied to.
func CheckAnchor(s string) error {
	if s == "syslog" || len(s) < 4096 && filepath.IsAbs(s) && filepath.Clean(s) == s && s != "/" {
		return nil
	}
	return fmt.Errorf("%q is neither \"syslog\" nor the clean absolute path of a file; a webhook is a channel of notifications with categories: [checkpoint]", s)
}

// CheckRedact refuses what is no part of a name, or is part of most.
func CheckRedact(s string) error {
	if !regexp.MustCompile(`^[A-Za-z0-9_.-]{3,64}$`).MatchString(s) {
		return fmt.Errorf("%q is no part of a name: 3 to 64 letters, digits, underscores, dots and dashes", s)
	}
	return nil
}

// groupName accepts what groupadd(8) makes.
func groupName(s string) bool {
	return regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]{0,31}$`).MatchString(s)
}
