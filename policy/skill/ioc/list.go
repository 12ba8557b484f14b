package ioc

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	_ "embed" // for the list
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"
	"sync"
)

// Bounds of a list.
const (
	MaxListBytes = 8 << 20
	MaxEntries   = 200_000
)

//go:embed list.txt
var embedded []byte

// List is a dated set of indicators.
type List struct {
	// Date is the day of the list, "2026-02-15".
	Date string
	// Version is the digest of its text, short.
	Version string
	hosts   map[string]string // host, or host/path prefix -> note
	addrs   map[netip.Addr]string
	sums    map[[32]byte]string
}

// Embedded is the list that the program was built with.
func Embedded() *List { return embeddedList() }

var embeddedList = sync.OnceValue(func() *List {
	l, err := Parse(embedded)
	if err != nil {
		// The tests parse it; a list that is broken all the same must match
		// nothing rather than end the audit, and its date shows that.
		return &List{Date: "broken: " + err.Error()}
	}
	return l
})

// Open parses a list from outside after verify has accepted its signature.
func Open(text, signature []byte, verify func(text, signature []byte) error) (*List, error) {
	if len(text) > MaxListBytes {
		return nil, fmt.Errorf("indicator list of %d bytes, over %d", len(text), MaxListBytes)
	}
	if err := verify(text, signature); err != nil {
		return nil, fmt.Errorf("indicator list: signature: %w: keep the list that you have", err)
	}
	return Parse(text)
}

// Parse reads a list: "date 2026-02-15" first, then "host NAME[/PATH] NOTE",
// "ip ADDRESS NOTE" and "sha256 HEX NOTE"; # begins a comment.
func Parse(text []byte) (*List, error) {
	sum := sha256.Sum256(text)
	l := &List{hosts: map[string]string{}, addrs: map[netip.Addr]string{}, sums: map[[32]byte]string{}, Version: hex.EncodeToString(sum[:4])}
	in := bufio.NewScanner(bytes.NewReader(text))
	entries := 0
	for n := 1; in.Scan(); n++ {
		line, _, _ := strings.Cut(in.Text(), "#")
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		if entries++; entries > MaxEntries {
			return nil, fmt.Errorf("indicator list: more than %d entries", MaxEntries)
		}
		if len(fields) < 2 {
			return nil, fmt.Errorf("indicator list: line %d: want a kind and a value", n)
		}
		if err := l.entry(fields[0], fields[1], strings.Join(fields[2:], " ")); err != nil {
			return nil, fmt.Errorf("indicator list: line %d: %w", n, err)
		}
	}
	if err := in.Err(); err != nil {
		return nil, fmt.Errorf("indicator list: %w", err)
	}
	if l.Date == "" {
		return nil, fmt.Errorf("indicator list: no date")
	}
	return l, nil
}

func (l *List) entry(kind, value, note string) error {
	switch kind {
	case "date":
		if len(value) != len("2006-01-02") {
			return fmt.Errorf("date %q: want year-month-day", value)
		}
		l.Date = value
	case "host":
		l.hosts[strings.ToLower(value)] = note
	case "ip":
		a, err := netip.ParseAddr(value)
		if err != nil {
			return fmt.Errorf("ip %q: %w", value, err)
		}
		l.addrs[a] = note
	case "sha256":
		b, err := hex.DecodeString(value)
		if err != nil || len(b) != 32 {
			return fmt.Errorf("sha256 %q: want 64 hexadecimal digits", value)
		}
		l.sums[[32]byte(b)] = note
	default:
		return fmt.Errorf("kind %q: want date, host, ip or sha256", kind)
	}
	return nil
}

// Host looks a host with its path up: the host, its parents, and prefixes of
// the path.
func (l *List) Host(host, path string) (string, bool) {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if a, err := netip.ParseAddr(host); err == nil {
		note, ok := l.addrs[a]
		return note, ok
	}
	for p := path; p != "" && p != "/"; {
		if note, ok := l.hosts[host+strings.ToLower(p)]; ok {
			return note, true
		}
		i := strings.LastIndexByte(p, '/')
		if i <= 0 {
			break
		}
		p = p[:i]
	}
	for h := host; h != ""; {
		if note, ok := l.hosts[h]; ok {
			return note, true
		}
		_, h, _ = strings.Cut(h, ".")
	}
	return "", false
}

// File looks the content of a file up.
func (l *List) File(data []byte) (string, bool) {
	if len(l.sums) == 0 {
		return "", false
	}
	note, ok := l.sums[sha256.Sum256(data)]
	return note, ok
}
