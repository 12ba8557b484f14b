package match

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"clawjail/jail/egress/control"
)

const maxLabel = 63 // RFC 1035 section 2.3.4

// Name returns the canonical spelling of a host name. One trailing dot is
// dropped. IP literals are not names.
func Name(s string) (string, error) {
	name := strings.TrimSuffix(s, ".")
	if name == "" || len(name) > control.MaxName {
		return "", fmt.Errorf("name %s: %d bytes, want 1 to %d", Quote(s), len(name), control.MaxName)
	}
	lower := []byte(name)
	label := 0
	for i, c := range lower {
		switch {
		case c == '.':
			if label == 0 {
				return "", fmt.Errorf("name %s: empty label", Quote(s))
			}
			label = 0
			continue
		case 'A' <= c && c <= 'Z':
			lower[i] = c + 'a' - 'A'
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '_':
		default:
			return "", fmt.Errorf("name %s: byte %#02x is not a letter, digit, hyphen or underscore", Quote(s), c)
		}
		if label++; label > maxLabel {
			return "", fmt.Errorf("name %s: label over %d bytes", Quote(s), maxLabel)
		}
	}
	if label == 0 {
		return "", fmt.Errorf("name %s: empty label", Quote(s))
	}
	if numeric(lower) {
		return "", fmt.Errorf("name %s: last label is a number, which makes it an address", Quote(s))
	}
	return string(lower), nil
}

// special returns the last labels of names that no public DNS has: RFC 6761,
// 6762, 7686, 8375, and what routers and offices use.
func special() []string {
	return []string{"arpa", "corp", "home", "internal", "intranet", "invalid", "lan", "local", "localdomain",
		"localhost", "onion", "private"}
}

// Public reports whether a canonical name can be one of the internet's.
func Public(name string) bool {
	dot := strings.LastIndexByte(name, '.')
	return dot > 0 && !slices.Contains(special(), name[dot+1:])
}

// numeric reports a last label that inet_aton would take as a number: such
// text ("127.1", "0x7f000001") is an address to half of all software.
func numeric(name []byte) bool {
	last := string(name[strings.LastIndexByte(string(name), '.')+1:])
	digits, ok := strings.CutPrefix(last, "0x")
	set := "0123456789"
	if ok {
		set += "abcdef"
	}
	return strings.Trim(digits, set) == ""
}

// Addr parses an IP literal, with or without brackets. Zones are refused: a
// jail's interfaces are not the host's.
func Addr(s string) (netip.Addr, error) {
	if inner, ok := strings.CutPrefix(s, "["); ok {
		if s, ok = strings.CutSuffix(inner, "]"); !ok || !strings.Contains(s, ":") {
			return netip.Addr{}, fmt.Errorf("address %s: unmatched bracket", Quote(inner))
		}
	}
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return netip.Addr{}, fmt.Errorf("address %s: not an IP literal", Quote(s))
	}
	return a.Unmap(), nil
}

// Quote escapes and bounds hostile text for a message.
func Quote(s string) string {
	const bound = 100
	if len(s) > bound {
		return fmt.Sprintf("%+q…", s[:bound])
	}
	return fmt.Sprintf("%+q", s)
}
