package derive

import (
	"fmt"
	"slices"
	"strings"

	"clawjail/policy/skill"
)

// Grant is one permission.
type Grant struct {
	Kind, Value string // as skill.Capability has them
}

// String is kind=value.
func (g Grant) String() string { return g.Kind + "=" + g.Value }

// kinds are those of a permission, in the order in which they are shown.
func kinds() []string {
	return []string{skill.CapNet, skill.CapListen, skill.CapExec, skill.CapRead, skill.CapWrite, skill.CapEnv}
}

// ParseGrant reads kind=value as the operator types it.
func ParseGrant(s string) (Grant, error) {
	kind, value, ok := strings.Cut(s, "=")
	if !ok || value == "" || !slices.Contains(kinds(), kind) {
		return Grant{}, fmt.Errorf("grant %q is not KIND=VALUE with one of the kinds %s, as in net=api.example.org:443 or env=API_KEY", s, strings.Join(kinds(), ", "))
	}
	if kind == skill.CapListen {
		return Grant{}, fmt.Errorf("grant %q: a jail may always listen on its own loopback, and on nothing else", s)
	}
	return Grant{kind, value}, nil
}

// Diff compares the permissions of two versions, as Policy.Permissions gives
// them.
func Diff(old, now []string) (added, removed []string) {
	missing := func(list, in []string) []string {
		var out []string
		for _, p := range list {
			if !slices.Contains(in, p) {
				out = append(out, p)
			}
		}
		return out
	}
	return missing(now, old), missing(old, now)
}
