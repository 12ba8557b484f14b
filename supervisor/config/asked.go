package config

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// askedProblems are those of who is asked and when nobody is disturbed.
func (c Config) askedProblems() Problems {
	a := asked{Config: c}
	for _, ch := range c.Channels {
		a.channels = append(a.channels, ch.Name)
	}
	for _, p := range c.People {
		a.people = append(a.people, p.Name)
	}
	for _, g := range c.Groups {
		a.groups = append(a.groups, g.Name)
	}
	a.persons()
	a.sets()
	a.delegations()
	a.categories()
	a.quietHours()
	return a.list
}

// asked collects problems, and knows the names that can be referred to.
type asked struct {
	Config
	channels, people, groups []string
	list                     Problems
}

// bad reports a problem at a path below a field.
func (a *asked) bad(field, hint, msg string, path ...string) {
	a.list = append(a.list, Problem{Fields: []string{field}, Path: path, Msg: msg, Hint: hint})
}

// refer checks that a name is one of those that another setting defines.
func (a *asked) refer(field, of, what, name string, known []string, path ...string) bool {
	if slices.Contains(known, name) {
		return true
	}
	a.list = append(a.list, Problem{Fields: []string{field, of}, Path: path, Msg: fmt.Sprintf("there is no %s %.64q", what, name), Word: name, Known: known})
	return false
}

// names checks a list of references.
func (a *asked) names(field, of, what string, names, known []string, path ...string) {
	for i, n := range names {
		at := append(slices.Clone(path), strconv.Itoa(i))
		if a.refer(field, of, what, n, known, at...) && slices.Contains(names[:i], n) {
			a.bad(field, "", fmt.Sprintf("%q is listed twice", n), at...)
		}
	}
}

// title checks the name of a record, and that no other has it.
func (a *asked) title(field, key, name string, i int, before []string) {
	at := []string{strconv.Itoa(i), key}
	if !recordName(name) {
		a.bad(field, "", fmt.Sprintf("%.64q is no name: 1 to 32 small letters, digits, dots, dashes and underscores", name), at...)
	} else if slices.Contains(before, name) {
		a.bad(field, "", fmt.Sprintf("%q is there twice", name), at...)
	}
}

func (a *asked) most(field string, n, most int) {
	if n > most {
		a.bad(field, "", fmt.Sprintf("%d entries, at most %d", n, most), strconv.Itoa(most))
	}
}

func recordName(s string) bool {
	return regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,31}$`).MatchString(s)
}

func (a *asked) persons() {
	const field = "hitl_people"
	a.most(field, len(a.People), MaxPeople)
	accounts := map[string]string{}
	for i, p := range a.People {
		n := strconv.Itoa(i)
		a.title(field, "name", p.Name, i, a.people[:i])
		if p.Account != "" && !groupName(p.Account) {
			a.bad(field, "", fmt.Sprintf("%.64q is not the name of an account", p.Account), n, "account")
		}
		if other := accounts[p.Account]; p.Account != "" && other != "" {
			a.bad(field, "each account is one person's", fmt.Sprintf("%q is %s's account already", p.Account, other), n, "account")
		}
		accounts[p.Account] = p.Name
		a.names(field, "notify_channels", "channel", p.Channels, a.channels, n, "channels")
	}
}

func (a *asked) sets() {
	const field = "hitl_groups"
	a.most(field, len(a.Groups), MaxGroups)
	for i, g := range a.Groups {
		n := strconv.Itoa(i)
		a.title(field, "name", g.Name, i, a.groups[:i])
		if g.Unix != "" && !groupName(g.Unix) {
			a.bad(field, "", fmt.Sprintf("%.64q is not the name of a group of this host", g.Unix), n, "unix")
		}
		a.names(field, "hitl_people", "person", g.People, a.people, n, "people")
		a.names(field, "notify_channels", "channel", g.Channels, a.channels, n, "channels")
		if len(g.People) == 0 && g.Unix == "" && len(g.Channels) == 0 {
			a.bad(field, "list people, a unix group or channels", fmt.Sprintf("the group %q is empty", g.Name), n)
		}
	}
}

// delegations also refuses who stands in for themselves, in one step or more.
func (a *asked) delegations() {
	const field = "hitl_delegates"
	a.most(field, len(a.Delegates), MaxDelegates)
	var spans []away
	for i, d := range a.Delegates {
		n := strconv.Itoa(i)
		one := a.refer(field, "hitl_people", "person", d.Person, a.people, n, "person")
		two := a.refer(field, "hitl_people", "person", d.To, a.people, n, "to")
		from, until, err := d.Span()
		switch {
		case err != nil:
			key := "until"
			if _, zone := Zone(d.Zone); zone != nil {
				key = "zone"
			} else if _, _, err := moment(d.From, time.UTC); err != nil {
				key = "from"
			}
			a.bad(field, "", err.Error(), n, key)
			continue
		case !from.Before(until):
			a.bad(field, "", fmt.Sprintf("it ends (%s) before it begins (%s)", d.Until, d.From), n, "until")
			continue
		case d.Person == d.To:
			a.bad(field, "name somebody else", d.Person+" cannot stand in for themselves", n, "to")
			continue
		case !one || !two:
			continue
		}
		for _, s := range spans {
			if s.Person == d.Person && from.Before(s.until) && s.from.Before(until) {
				a.bad(field, "one after the other, or one of them", fmt.Sprintf("%s is stood in for by %s in that time already", d.Person, s.To), n, "from")
			}
		}
		spans = append(spans, away{d, from, until})
		if chain := loop(spans, d.Person, from, until, nil); chain != nil {
			a.bad(field, "somebody has to be there", "they would stand in for each other: "+strings.Join(chain, " by "), n, "to")
		}
	}
}

// away is a delegation with its time, read.
type away struct {
	Delegate
	from, until time.Time
}

// loop follows who stands in for whom within a time, and gives the way back to
// where it began.
func loop(spans []away, who string, from, until time.Time, way []string) []string {
	if slices.Contains(way, who) {
		return append(way, who)
	}
	for _, s := range spans {
		if s.Person != who {
			continue
		}
		f, u := from, until
		if s.from.After(f) {
			f = s.from
		}
		if s.until.Before(u) {
			u = s.until
		}
		if !f.Before(u) {
			continue
		}
		if found := loop(spans, s.To, f, u, append(slices.Clone(way), who)); found != nil {
			return found
		}
	}
	return nil
}

func (a *asked) categories() {
	const field = "hitl_categories"
	a.most(field, len(a.Categories), MaxApprovals)
	var names, covered []string
	for i, k := range a.Categories {
		n := strconv.Itoa(i)
		a.title(field, "name", k.Name, i, names)
		names = append(names, k.Name)
		covered = a.about(k, i, covered)
		if k.Severity != "" && !slices.Contains(Severities(), k.Severity) {
			a.list = append(a.list, Problem{Fields: []string{field}, Path: []string{n, "severity"}, Msg: fmt.Sprintf("there is no severity %.32q", k.Severity),
				Word: k.Severity, Known: Severities()})
		}
		a.names(field, "hitl_groups", "group", k.By, a.groups, n, "by")
		a.deciders(k, n)
		a.steps(k, n)
	}
}

// about checks what a category is about, and that something is left for it.
func (a *asked) about(k Category, i int, covered []string) []string {
	const field = "hitl_categories"
	n := strconv.Itoa(i)
	if len(k.Of) == 0 {
		a.bad(field, "list gates, types of actions as action.make_payment, or any", "it is about nothing", n)
	}
	if len(k.Of) > maxOf {
		a.bad(field, "", fmt.Sprintf("%d entries, at most %d", len(k.Of), maxOf), n, "of")
	}
	for j, of := range k.Of {
		at := []string{n, "of", strconv.Itoa(j)}
		kind, one := ActionOf(of)
		switch {
		case one && !regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`).MatchString(kind):
			a.bad(field, "", fmt.Sprintf("%.80q is no type of action", kind), at...)
		case !one && !slices.Contains(Gates(), of):
			a.list = append(a.list, Problem{Fields: []string{field}, Path: at, Msg: fmt.Sprintf("%.80q is nothing that is held", of),
				Word: of, Known: append(Gates(), "action."+of)})
		case slices.Contains(covered, of), slices.Contains(covered, "any"), one && slices.Contains(covered, "action"):
			a.bad(field, "the first category that is about a request counts", fmt.Sprintf("%q can never be: a category above is about it", of), at...)
		}
		covered = append(covered, of)
	}
	return covered
}

// deciders refuses an approval that nobody, or too few, could give.
func (a *asked) deciders(k Category, n string) {
	if len(k.By) == 0 {
		return
	}
	people := map[string]bool{}
	for _, name := range k.By {
		g, known := a.FindGroup(name)
		if !known || g.Unix != "" {
			return // its members are not known here
		}
		for _, p := range g.People {
			people[p] = true
		}
	}
	if len(people) < k.People() {
		a.bad("hitl_categories", "add people, or name another group", fmt.Sprintf("an approval takes %d, and the groups have %d: nobody could give it", k.People(), len(people)), n, "by")
	}
}

func (a *asked) steps(k Category, n string) {
	const field = "hitl_categories"
	if len(k.Escalate) > MaxSteps {
		a.bad(field, "", fmt.Sprintf("%d steps, at most %d", len(k.Escalate), MaxSteps), n, "escalate")
	}
	if r := k.Repeat; r != nil && *r != 0 && (*r < Duration(minRepeat) || *r > Duration(maxEscalation)) {
		a.bad(field, "0s never repeats the last step", "it is between 1m and 7d, or 0s", n, "repeat")
	} else if r != nil && len(k.Escalate) == 0 {
		a.bad(field, "list steps under escalate", "there is no step that could be repeated", n, "repeat")
	}
	last := Duration(-1)
	for i, s := range k.Escalate {
		at := []string{n, "escalate", strconv.Itoa(i)}
		if s.After < 0 || s.After > Duration(maxEscalation) {
			a.bad(field, "", "it is between 0s and 7d", append(at, "after")...)
		}
		if s.After < last {
			a.bad(field, "write the steps in their order", "it comes before the step above", append(at, "after")...)
		}
		last = s.After
		if a.refer(field, "hitl_groups", "group", s.To, a.groups, append(at, "to")...) && len(a.Reaches(s.To)) == 0 {
			a.bad(field, "give the group channels, or its people", fmt.Sprintf("the group %q has no channels: nobody would be told", s.To), append(at, "to")...)
		}
		if slices.ContainsFunc(k.Escalate[:i], func(o Step) bool { return o == s }) {
			a.bad(field, "", "the same step is there already", at...)
		}
	}
}
