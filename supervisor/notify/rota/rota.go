package rota

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"clawjail/supervisor/config"
)

// Rota is a configuration, read.
type Rota struct {
	config config.Config
	away   []absence
	quiet  []hours
}

// absence is a delegation with its time.
type absence struct {
	config.Delegate
	from, until time.Time
}

// hours are quiet hours with their times.
type hours struct {
	config.Quiet
	window config.Window
}

// New reads a configuration.
func New(c config.Config) (Rota, error) {
	r := Rota{config: c}
	for _, d := range c.Delegates {
		from, until, err := d.Span()
		if err != nil {
			return r, fmt.Errorf("the delegate of %s: %w", d.Person, err)
		}
		r.away = append(r.away, absence{d, from, until})
	}
	for _, q := range c.Quiet {
		w, err := q.Window()
		if err != nil {
			return r, fmt.Errorf("quiet hours: %w", err)
		}
		r.quiet = append(r.quiet, hours{q, w})
	}
	return r, nil
}

// Category finds the operator's category of a request.
func (r Rota) Category(gate, op string) (config.Category, bool) { return r.config.CategoryOf(gate, op) }

// Escalates reports whether anything is escalated at all.
func (r Rota) Escalates() bool {
	return slices.ContainsFunc(r.config.Categories, func(k config.Category) bool { return len(k.Escalate) > 0 })
}

// Person gives the name of whose account it is; empty where nobody said.
func (r Rota) Person(account string) string {
	for _, p := range r.config.People {
		if p.Account == account && account != "" {
			return p.Name
		}
	}
	return ""
}

// Account gives the account of a person; empty where nobody said.
func (r Rota) Account(person string) string {
	p, _ := r.config.FindPerson(person)
	return p.Account
}

// OnDuty gives who stands in for somebody at a moment: themselves, unless they
// are away.
func (r Rota) OnDuty(person string, at time.Time) string {
	for range len(r.away) + 1 { // validated: there is no loop
		i := slices.IndexFunc(r.away, func(a absence) bool { return a.Person == person && !at.Before(a.from) && at.Before(a.until) })
		if i < 0 {
			return person
		}
		person = r.away[i].To
	}
	return person
}

// Channels gives how a group is reached at a moment, each channel once.
func (r Rota) Channels(group string, at time.Time) []string {
	g, _ := r.config.FindGroup(group)
	out := slices.Clone(g.Channels)
	for _, name := range g.People {
		p, _ := r.config.FindPerson(r.OnDuty(name, at))
		for _, c := range p.Channels {
			if !slices.Contains(out, c) {
				out = append(out, c)
			}
		}
	}
	return out
}

// Who is somebody who wants to decide.
type Who struct {
	Person string
	// InUnix reports membership in a group of this host. It may take its time.
	InUnix func(group string) bool
}

// Member reports whether somebody is in one of some groups at a moment, by
// themselves or in the place of somebody who is away.
func (r Rota) Member(groups []string, who Who, at time.Time) (member bool, inPlaceOf string) {
	var absent string
	for _, name := range groups {
		g, _ := r.config.FindGroup(name)
		for _, p := range g.People {
			switch {
			case who.Person == "":
			case p == who.Person:
				return true, ""
			case r.OnDuty(p, at) == who.Person:
				absent = cmp.Or(absent, p)
			}
		}
		if g.Unix != "" && who.InUnix != nil && who.InUnix(g.Unix) {
			return true, ""
		}
	}
	return absent != "", absent
}

// maxEnds bounds the quiet hours that follow one another.
const maxEnds = 2 * config.MaxQuiet

// Quiet reports whether a channel is not to be disturbed by something of a
// severity, and until when.
func (r Rota) Quiet(channel, severity string, at time.Time) (until time.Time, quiet bool) {
	until = at
	for range maxEnds {
		end := until
		for _, h := range r.quiet {
			if len(h.Channels) > 0 && !slices.Contains(h.Channels, channel) || h.passes(severity) {
				continue
			}
			if e, in := h.window.Ends(until); in && e.After(end) {
				end = e
			}
		}
		if end.Equal(until) {
			break
		}
		until = end
	}
	return until, until.After(at)
}

// passes reports whether something is so severe that it is sent all the same.
func (h hours) passes(severity string) bool {
	order := config.Severities()
	return slices.Index(order, severity) >= slices.Index(order, cmp.Or(h.Pass, config.DefaultPass))
}
