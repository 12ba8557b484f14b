package action

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"clawjail/policy"
	"clawjail/supervisor/action/message"
	"clawjail/supervisor/limit"
)

// tally is what an action uses of which limits.
type tally struct {
	limits []policy.ActionLimit // in the order of claims
	claims []limit.Claim
	used   []int64
	full   []int // indexes of limits that have no room
	// cost is the limit of one transaction that the action is over, if it is.
	cost *policy.ActionLimit
	// foreign says that no limit is about the currency.
	foreign bool
	amount  int64
}

// tally finds the limits that an action is under, and how much is used.
func (a acting) tally() (tally, error) {
	t := tally{amount: a.r.Amount}
	seen := map[string]bool{}
	ours := false
	for _, l := range a.who.Policy.ActionLimits(a.jail.s.o.HostLimits) {
		n := a.count()
		switch {
		case l.Of == policy.OfTransaction:
			if a.r.Amount > 0 && l.Currency == a.r.Currency && a.r.Amount > l.Max {
				t.cost = &l
			}
			continue
		case l.Of == policy.OfSpending:
			if n = a.r.Amount; n == 0 || l.Currency != a.r.Currency {
				continue
			}
			ours = true
		case l.Of != a.r.Type:
			continue
		}
		key := Key(l, a.who)
		if seen[key] {
			continue // a policy cannot have two such; a test holds that
		}
		seen[key] = true
		t.limits = append(t.limits, l)
		t.claims = append(t.claims, limit.Claim{Key: key, Limit: limit.Limit{Max: l.Max, Per: l.Per}, N: n})
	}
	t.foreign = a.r.Amount > 0 && !ours
	var err error
	if len(t.claims) > 0 {
		t.full, t.used, err = a.jail.s.o.Limits.Room(t.claims)
	}
	return t, err
}

// Key names what a limit counts, for one jail.
func Key(l policy.ActionLimit, who Jail) string {
	what := l.Of
	if l.Currency != "" {
		what += "/" + l.Currency
	}
	key := fmt.Sprintf("act/%s/%s/%s/%s", what, policy.Duration(l.Per), l.Scope, subject(l, who))
	return key[:min(len(key), limit.MaxKey)]
}

// subject is whose actions a limit counts, of one jail.
func subject(l policy.ActionLimit, who Jail) string {
	switch l.Scope {
	case policy.ScopeJail:
		return who.Name
	case policy.ScopeAgent:
		return who.Agent
	case policy.ScopeUser:
		return strconv.FormatUint(uint64(who.StartedBy), 10)
	}
	return ""
}

// over are the limits that have no room.
func (t tally) over() []policy.ActionLimit {
	var out []policy.ActionLimit
	for _, i := range t.full {
		out = append(out, t.limits[i])
	}
	if t.cost != nil {
		out = append(out, *t.cost)
	}
	return out
}

func (t tally) words() string {
	var out []string
	for _, l := range t.over() {
		out = append(out, l.String()+" of each "+string(l.Scope))
	}
	return strings.Join(out, ", ")
}

// notes say to a human what limits have no room.
func (t tally) notes() []string {
	var out []string
	for _, l := range t.over() {
		out = append(out, "over the limit: "+l.String()+" of each "+string(l.Scope))
	}
	return out
}

// uses are the limits with what is used of them, before the action.
func (t tally) uses() []message.Use {
	var out []message.Use
	for i, l := range t.limits {
		if i < len(t.used) {
			out = append(out, message.Use{Limit: l.String(), Scope: string(l.Scope), Used: t.used[i], Max: l.Max, Over: slices.Contains(t.full, i)})
		}
	}
	if t.cost != nil {
		out = append(out, message.Use{Limit: t.cost.String(), Scope: string(t.cost.Scope), Used: t.amount, Max: t.cost.Max, Over: true})
	}
	return out
}

// take takes from every limit, or from none if one has no room.
func (t tally) take(l Limits) (ok bool, err error) {
	if len(t.claims) == 0 {
		return true, nil
	}
	over, _, err := l.TakeAll(t.claims)
	return len(over) == 0 && err == nil, err
}

// add counts what a human let happen over a limit.
func (t tally) add(l Limits) error {
	if len(t.claims) == 0 {
		return nil
	}
	return l.Add(t.claims)
}

// Standing is how much of one limit is used.
type Standing struct {
	Jail  Jail
	Limit policy.ActionLimit
	Used  int64
	Err   error
}

// Subject is whose actions the limit counts.
func (s Standing) Subject() string { return subject(s.Limit, s.Jail) }

// Standings lists the limits of every jail that is open, and those that the
// operations are under, each counter once.
func (s *Service) Standings(operations ...Operation) []Standing {
	s.mu.Lock()
	jails := make([]*jail, 0, len(s.jails))
	for _, j := range s.jails {
		jails = append(jails, j)
	}
	s.mu.Unlock()
	seen := map[string]bool{}
	var out []Standing
	for _, j := range jails {
		j.mu.Lock()
		who := j.who
		j.mu.Unlock()
		if who == nil {
			continue
		}
		for _, l := range who.Policy.ActionLimits(s.o.HostLimits) {
			out = s.standing(out, seen, *who, l)
		}
	}
	for _, o := range operations {
		for _, l := range (&policy.Policy{}).ActionLimits(s.o.HostLimits) {
			if l.Of == o.Type {
				out = s.standing(out, seen, o.Who, l)
			}
		}
	}
	return out
}

// standing adds how much of one limit is used, unless it was seen.
func (s *Service) standing(out []Standing, seen map[string]bool, who Jail, l policy.ActionLimit) []Standing {
	key := Key(l, who)
	if l.Of == policy.OfTransaction || seen[key] {
		return out
	}
	seen[key] = true
	st := Standing{Jail: who, Limit: l}
	_, used, err := s.o.Limits.Room([]limit.Claim{{Key: key, Limit: limit.Limit{Max: l.Max, Per: max(l.Per, time.Second)}, N: 1}})
	if st.Err = err; err == nil {
		st.Used = used[0]
	}
	return append(out, st)
}
