package rota

import (
	"time"

	"clawjail/supervisor/api"
)

// usual is the severity of what nothing is known about.
const usual = "medium"

// Duty gives who is asked at a moment, group by group.
func (r Rota) Duty(at time.Time) api.Duty {
	out := api.Duty{At: at, Approvers: r.config.Approvers, Groups: []api.DutyGroup{}}
	for _, g := range r.config.Groups {
		d := api.DutyGroup{Name: g.Name, Unix: g.Unix, Channels: r.channelsAt(g.Channels, at), People: []api.DutyPerson{}}
		for _, name := range g.People {
			on := r.OnDuty(name, at)
			p, _ := r.config.FindPerson(on)
			d.People = append(d.People, api.DutyPerson{Name: name, OnDuty: on, Until: r.changes(name, on, at), Channels: r.channelsAt(p.Channels, at)})
		}
		out.Groups = append(out.Groups, d)
	}
	return out
}

func (r Rota) channelsAt(names []string, at time.Time) []api.DutyChannel {
	out := []api.DutyChannel{}
	for _, name := range names {
		c := api.DutyChannel{Name: name}
		if until, quiet := r.Quiet(name, usual, at); quiet {
			c.QuietUntil = &until
		}
		out = append(out, c)
	}
	return out
}

// changes gives the first moment at which somebody else is on duty for a person.
func (r Rota) changes(person, on string, at time.Time) *time.Time {
	var first *time.Time
	for _, a := range r.away {
		for _, edge := range []time.Time{a.from, a.until} {
			if edge.After(at) && (first == nil || edge.Before(*first)) && r.OnDuty(person, edge) != on {
				first = &edge
			}
		}
	}
	return first
}
