package control

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"time"
	"unicode"
)

// Defaults and bounds of a jail's connections.
const (
	DefaultMaxConns = 512
	MaxMaxConns     = 4096
	DefaultIdle     = 10 * time.Minute
	MaxIdle         = 24 * time.Hour
)

// DefaultV4 is where virtual IPv4 addresses come from: the benchmark range of
// RFC 2544, which no host on the internet has.
func DefaultV4() netip.Prefix { return netip.MustParsePrefix("198.18.0.0/15") }

// DefaultV6 is where virtual IPv6 addresses come from: a unique local prefix
// whose global id spells "clawj".
func DefaultV6() netip.Prefix { return netip.MustParsePrefix("fd63:6c61:776a::/64") }

// WithDefaults returns the rules with zero values replaced by what they mean.
func (r Rules) WithDefaults() Rules {
	if !r.VirtualV4.IsValid() {
		r.VirtualV4 = DefaultV4()
	}
	if !r.VirtualV6.IsValid() {
		r.VirtualV6 = DefaultV6()
	}
	if r.MaxConns == 0 {
		r.MaxConns = DefaultMaxConns
	}
	if r.Idle == 0 {
		r.Idle = DefaultIdle
	}
	return r
}

// Validate reports every number and count out of bounds. What the
// destinations mean is checked when they are compiled.
func (r Rules) Validate() error {
	var problems []error
	bad := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if err := checkJail(r.Jail); err != nil {
		problems = append(problems, err)
	}
	if len(r.Dests) > MaxDests {
		bad("%d destinations, at most %d", len(r.Dests), MaxDests)
	}
	for i, d := range r.Dests {
		for _, s := range []string{d.Host, d.Protocol, d.Rule} {
			if err := checkText("text", s); err != nil {
				bad("destination %d: %w", i, err)
			}
		}
	}
	if err := checkText("label", r.AskRule); err != nil {
		problems = append(problems, err)
	}
	if r.MaxConns < 0 || r.MaxConns > MaxMaxConns {
		bad("%d connections, at most %d", r.MaxConns, MaxMaxConns)
	}
	if r.Idle < 0 || r.Idle > MaxIdle {
		bad("idle time %s, at most %s", r.Idle, MaxIdle)
	}
	if len(r.Upstream) > MaxUpstream {
		bad("%d resolvers, at most %d", len(r.Upstream), MaxUpstream)
	}
	for _, u := range r.Upstream {
		if !u.IsValid() || u.Port() == 0 || u.Addr().IsUnspecified() || u.Addr().IsMulticast() {
			bad("resolver %s is not an address and a port", u)
		}
	}
	return errors.Join(problems...)
}

// Digest tells rules apart, as they were given: without their defaults.
func (r Rules) Digest() (string, error) {
	b, err := json.Marshal(r)
	if err != nil {
		return "", fmt.Errorf("digest of a jail's rules: %w", err)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}

func printable(r rune) bool { return unicode.IsPrint(r) || r == ' ' }
