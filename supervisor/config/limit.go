package config

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"clawjail/policy"
)

// Bounds of lists: MaxRedis of Config.LimitRedis, MaxActionLimits of
// Config.ActionLimits.
const (
	MaxRedis        = 16
	MaxActionLimits = 64
)

// ActionLimit is a limit of what agents do in the world, in the words of a policy.
type ActionLimit struct {
	Of    string `json:"of"`    // the type of an action, "spending" or "transaction"
	Limit string `json:"limit"` // "10/h", "100 USD/d"; of one transaction "50 USD"
	Scope string `json:"scope"` // whose actions are counted together; "" is "jail"
	Over  string `json:"over"`  // "ask" or "deny"; "" is "ask"
}

// ActionLimitKeys are the keys of one.
func ActionLimitKeys() []string { return []string{"of", "limit", "scope", "over"} }

// DefaultActionLimits are the built-in limits. A host's own stand for those that
// are about the same; the others stay.
func DefaultActionLimits() []ActionLimit {
	var out []ActionLimit
	for _, l := range policy.BuiltinLimits() {
		out = append(out, ActionLimit{Of: l.Of, Limit: l.Amount(), Scope: string(l.Scope), Over: l.Over.String()})
	}
	return out
}

// Policy gives the limit that is meant, as policies have them.
func (l ActionLimit) Policy() (policy.ActionLimit, Problems) {
	var ps Problems
	bad := func(field, hint string, err error) {
		ps = append(ps, Problem{Fields: []string{field}, Msg: err.Error(), Hint: hint})
	}
	out := policy.ActionLimit{Of: l.Of, Scope: policy.Scope(l.Scope), Over: policy.Ask}
	if l.Scope == "" {
		out.Scope = policy.ScopeJail
	}
	if !slices.Contains(policy.Scopes(), string(out.Scope)) {
		bad("scope", "it is "+strings.Join(policy.Scopes(), ", "), fmt.Errorf("unknown scope %q", l.Scope))
	}
	switch l.Over {
	case "", "ask":
	case "deny":
		out.Over = policy.Deny
	default:
		bad("over", "it is ask or deny", fmt.Errorf("unknown verdict %q", l.Over))
	}
	if err := policy.CheckAction(l.Of); err != nil {
		bad("of", "as in send_email", err)
		return out, ps
	}
	if err := out.SetAmount(l.Limit); err != nil {
		bad("limit", hint(l.Of), fmt.Errorf("it %w", err))
		return out, ps
	}
	if err := out.Check(); err != nil && len(ps) == 0 {
		bad("limit", "", err)
	}
	out.Origin = policy.Origin{Rule: "action_limits.defaults"}
	for _, b := range policy.BuiltinLimits() {
		if out.Same(b) && out.Max == b.Max && out.Per == b.Per && out.Over == b.Over {
			out.Origin = b.Origin
		}
	}
	return out, ps
}

// hint shows how a limit is written.
func hint(of string) string {
	switch of {
	case policy.OfTransaction:
		return "as in 50 USD"
	case policy.OfSpending:
		return "as in 100 USD/d; the units are s, m, h and d"
	}
	return "as in 10/h; the units are s, m, h and d"
}

// HostLimits are the limits of actions on this host, as policies have them.
func (c Config) HostLimits() ([]policy.ActionLimit, error) {
	out := make([]policy.ActionLimit, 0, len(c.ActionLimits))
	if len(c.ActionLimits) > MaxActionLimits {
		return nil, fmt.Errorf("%d entries, at most %d", len(c.ActionLimits), MaxActionLimits)
	}
	for i, l := range c.ActionLimits {
		p, problems := l.Policy()
		if len(problems) > 0 {
			return nil, fmt.Errorf("entry %d: %w", i, problems)
		}
		if slices.ContainsFunc(out, p.Same) {
			return nil, fmt.Errorf("%s of each %s is there twice", p.Of, p.Scope)
		}
		out = append(out, p)
	}
	for _, b := range policy.BuiltinLimits() {
		if !slices.ContainsFunc(out, b.Same) {
			return nil, errors.New("the limit of " + b.Of + " of each jail is missing")
		}
	}
	return out, nil
}

// limitProblems is what is wrong with the limits of actions.
func (c Config) limitProblems() Problems {
	if _, err := c.HostLimits(); err != nil {
		return Problems{{Fields: []string{"action_limits"}, Msg: err.Error()}}
	}
	if c.LimitRedisCA == "" {
		return nil
	}
	if err := checkFile(c.LimitRedisCA); err != nil {
		return Problems{{Fields: []string{"limit_redis_ca_file"}, Msg: err.Error(), Hint: "write the absolute path of a file with certificates in PEM"}}
	}
	if !c.LimitRedisTLS {
		return Problems{{Fields: []string{"limit_redis_ca_file"}, Msg: "certificates are not looked at without TLS", Hint: "set action_limits.redis_tls: true"}}
	}
	return nil
}

// CheckRedis refuses what is no address of a Redis: a name or an address, and a
// port.
func CheckRedis(s string) error {
	host, port, err := net.SplitHostPort(s)
	n, bad := strconv.ParseUint(port, 10, 16)
	if err != nil || bad != nil || n == 0 || host == "" || strings.ContainsAny(host, "/@ \t\n") {
		return fmt.Errorf("%q is not a host and a port, as in 10.0.0.5:6379", s)
	}
	return nil
}
