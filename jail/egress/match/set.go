package match

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"clawjail/jail/egress/control"
)

// Set is a compiled list of destinations.
type Set struct {
	dests []control.Dest
	exact map[string][]int
	below map[string][]int // key: the name behind "*."
	addrs map[netip.Addr][]int
}

// Compile checks every destination and reports all problems.
func Compile(dests []control.Dest) (*Set, error) {
	s := &Set{
		dests: dests,
		exact: make(map[string][]int),
		below: make(map[string][]int),
		addrs: make(map[netip.Addr][]int),
	}
	var problems []error
	if len(dests) > control.MaxDests {
		return nil, fmt.Errorf("%d destinations, at most %d", len(dests), control.MaxDests)
	}
	for i, d := range dests {
		if err := s.add(i, d); err != nil {
			problems = append(problems, fmt.Errorf("destination %d: %w", i, err))
		}
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	return s, nil
}

func (s *Set) add(i int, d control.Dest) error {
	switch d.Protocol {
	case "", "tls", "http", "tcp":
	default:
		return fmt.Errorf("protocol %s: want tls, http, tcp or nothing", Quote(d.Protocol))
	}
	switch d.Then {
	case control.ThenAllow, control.ThenAsk, control.ThenDeny:
	default:
		return fmt.Errorf("verdict %s: want ask, deny or nothing", Quote(d.Then))
	}
	if len(d.Rule) > control.MaxText {
		return fmt.Errorf("rule label of %d bytes, at most %d", len(d.Rule), control.MaxText)
	}
	if a, err := Addr(d.Host); err == nil {
		s.addrs[a] = append(s.addrs[a], i)
		return nil
	}
	index, host := s.exact, d.Host
	if rest, ok := strings.CutPrefix(d.Host, "*."); ok {
		index, host = s.below, rest
	}
	name, err := Name(host)
	if err != nil {
		return err
	}
	index[name] = append(index[name], i)
	return nil
}

// Names returns the exact names that are not refused on every port, in the
// order of the list.
func (s *Set) Names() []string {
	var names []string
	for i, d := range s.dests {
		name, err := Name(d.Host)
		if err == nil && s.exact[name] != nil && s.exact[name][0] == i && s.Knows(name) {
			names = append(names, name)
		}
	}
	return names
}

// Knows reports whether some port of a canonical name is allowed, or asked for.
func (s *Set) Knows(name string) bool {
	for _, i := range s.matching(name) {
		switch d := s.dests[i]; {
		case d.Then != control.ThenDeny:
			return true
		case d.Port == 0:
			return false // it decides about every port that is left
		}
	}
	return false
}

// Refuses reports whether a canonical name is refused on every port.
func (s *Set) Refuses(name string) bool {
	for _, i := range s.matching(name) {
		switch d := s.dests[i]; {
		case d.Then != control.ThenDeny:
			return false
		case d.Port == 0:
			return true
		}
	}
	return false
}

// Rule returns the label of the first destination that a canonical name belongs
// to, on whatever port.
func (s *Set) Rule(name string) string {
	if found := s.matching(name); len(found) > 0 {
		return s.dests[found[0]].Rule
	}
	return ""
}

// Find returns the destinations that a canonical name and port belong to, in
// the order of the list, for as long as they say the same as the first: that
// one decides, and further ones can only add protocols.
func (s *Set) Find(name string, port uint16) []control.Dest {
	return s.pick(s.matching(name), port)
}

// FindAddr returns the destinations that are this very address.
func (s *Set) FindAddr(a netip.Addr, port uint16) []control.Dest {
	return s.pick(s.addrs[a.Unmap()], port)
}

func (s *Set) matching(name string) []int {
	found := append([]int(nil), s.exact[name]...)
	for rest := name; ; {
		_, parent, ok := strings.Cut(rest, ".")
		if !ok {
			slices.Sort(found)
			return found
		}
		found = append(found, s.below[parent]...)
		rest = parent
	}
}

func (s *Set) pick(found []int, port uint16) []control.Dest {
	var dests []control.Dest
	for _, i := range found {
		d := s.dests[i]
		if d.Port != 0 && d.Port != port {
			continue
		}
		if len(dests) > 0 && d.Then != dests[0].Then {
			break
		}
		dests = append(dests, d)
	}
	return dests
}
