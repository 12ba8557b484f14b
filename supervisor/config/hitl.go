package config

import (
	"strings"
	"time"
)

// The bounds of who is asked.
const (
	MaxPeople     = 64
	MaxGroups     = 32
	MaxDelegates  = 64
	MaxApprovals  = 32 // categories of what people are asked
	MaxSteps      = 8  // of an escalation
	MaxQuiet      = 16
	maxOf         = 32 // things that one category is about
	maxEscalation = 7 * 24 * time.Hour
)

// The people whom one held action takes.
const (
	OnePerson = 1
	FourEyes  = 2 // different ones
)

// Person is somebody who is asked.
type Person struct {
	Name string `json:"name"` // of the console
	// Account is the person's account on this host; empty: none is known.
	Account string `json:"account,omitempty"`
	// Channels reach this person alone.
	Channels []string `json:"channels,omitempty"`
}

// Group is people who are asked together.
type Group struct {
	Name   string   `json:"name"`
	People []string `json:"people,omitempty"`
	// Unix is a group of this host whose members belong here as well.
	Unix string `json:"unix,omitempty"`
	// Channels reach all of the group, besides those of its people.
	Channels []string `json:"channels,omitempty"`
}

// Delegate stands in for somebody for a time.
type Delegate struct {
	Person string `json:"person"` // who is away
	To     string `json:"to"`
	// From and Until are days, both part of it, as 2026-12-20, or times, as
	// 2026-12-20T09:00.
	From  string `json:"from"`
	Until string `json:"until"`
	Zone  string `json:"zone,omitempty"` // none: UTC
}

// Category says how people are asked about some of what is held.
type Category struct {
	Name string `json:"name"`
	// Of are gates (exec, file, delete, connect, action, skill), "action." and a
	// type of action, or "any".
	Of []string `json:"of"`
	// Severity decides about quiet hours; none: what the request touches does.
	Severity string `json:"severity,omitempty"`
	// FourEyes takes two different people for an approval.
	FourEyes bool `json:"four_eyes,omitempty"`
	// By are the groups whose people may approve; none: every approver.
	By []string `json:"by,omitempty"`
	// Escalate is who is told, and when, until somebody decides.
	Escalate []Step `json:"escalate,omitempty"`
	// Repeat is how long after its last step that step is made again, and again;
	// nil is DefaultRepeat, 0 never.
	Repeat *Duration `json:"repeat,omitempty"`
}

// DefaultRepeat and minRepeat are the usual and the least time between two
// reminders.
const (
	DefaultRepeat = 10 * time.Minute
	minRepeat     = time.Minute
)

// Again is how long after the last step it is made again; 0: never.
func (k Category) Again() time.Duration {
	if k.Repeat == nil {
		return DefaultRepeat
	}
	return time.Duration(*k.Repeat)
}

// Step is one of an escalation.
type Step struct {
	After Duration `json:"after"` // since the request was held
	To    string   `json:"to"`    // a group
}

// Quiet is a time of every day in which channels carry only what cannot wait.
type Quiet struct {
	// Channels are which; none: all.
	Channels []string `json:"channels,omitempty"`
	From     string   `json:"from"`  // 22:00
	Until    string   `json:"until"` // 07:00, of the next day if that is not after From
	// Days are those on which it begins, as mon or sat; none: every day.
	Days []string `json:"days,omitempty"`
	Zone string   `json:"zone,omitempty"` // none: UTC
	// Pass is the least severity that is sent all the same; none: high.
	Pass string `json:"pass,omitempty"`
}

// DefaultPass is the least severity that quiet hours let through.
const DefaultPass = "high"

// PersonKeys, GroupKeys, DelegateKeys, CategoryKeys, StepKeys and QuietKeys are
// the keys of each, in their order.
func PersonKeys() []string   { return []string{"name", "account", "channels"} }
func GroupKeys() []string    { return []string{"name", "people", "unix", "channels"} }
func DelegateKeys() []string { return []string{"person", "to", "from", "until", "zone"} }
func CategoryKeys() []string {
	return []string{"name", "of", "severity", "four_eyes", "by", "escalate", "repeat"}
}
func StepKeys() []string  { return []string{"after", "to"} }
func QuietKeys() []string { return []string{"channels", "from", "until", "days", "zone", "pass"} }

// Gates are what a category can be about besides single types of actions.
func Gates() []string {
	return []string{"exec", "file", "delete", "connect", "action", "skill", "any"}
}

// Days are those of a week.
func Days() []string { return []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"} }

// ActionOf gives the type of action that an entry of Category.Of names.
func ActionOf(of string) (string, bool) { return strings.CutPrefix(of, "action.") }

// CategoryOf finds the first category that is about a gate and, of an action, its
// type.
func (c Config) CategoryOf(gate, op string) (Category, bool) {
	for _, k := range c.Categories {
		for _, of := range k.Of {
			kind, one := ActionOf(of)
			if of == "any" || of == gate || one && gate == "action" && kind == op {
				return k, true
			}
		}
	}
	return Category{}, false
}

// People is how many different people an approval takes.
func (k Category) People() int {
	if k.FourEyes {
		return FourEyes
	}
	return OnePerson
}

// FindGroup finds a group by its name.
func (c Config) FindGroup(name string) (Group, bool) {
	for _, g := range c.Groups {
		if g.Name == name {
			return g, true
		}
	}
	return Group{}, false
}

// FindPerson finds somebody by name.
func (c Config) FindPerson(name string) (Person, bool) {
	for _, p := range c.People {
		if p.Name == name {
			return p, true
		}
	}
	return Person{}, false
}

// Reaches are the channels of a group and of its people.
func (c Config) Reaches(group string) []string {
	g, _ := c.FindGroup(group)
	out := append([]string{}, g.Channels...)
	for _, name := range g.People {
		p, _ := c.FindPerson(name)
		out = append(out, p.Channels...)
	}
	return out
}
