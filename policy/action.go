package policy

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Actions says what an agent's actions in the world are worth: emails, payments,
// what a system call does not know about itself. The zero value is the default.
type Actions struct {
	// AskRoutine has even routine actions wait for a human.
	AskRoutine bool
	// NeverAsk lists kinds that need no approval of themselves: what is left of
	// Kinds always asks, whatever the category of the type.
	NeverAsk []ActionKind
	// Types are the operator's own, sorted by name; they come before the built-in
	// ones of the same name.
	Types []ActionType
	// Limits come before the default ones about the same, sorted by Of, Scope
	// and Currency.
	Limits []ActionLimit
	// Window is how long an approved action may take, and its approval be used;
	// 0 is DefaultActionWindow.
	Window time.Duration
}

// DefaultActionWindow is how long an approval of an action can be used.
const DefaultActionWindow = 5 * time.Minute

// ActionKind is what an action is about. Kinds always need approval until a
// policy says otherwise.
type ActionKind string

// The kinds.
const (
	KindNone          ActionKind = ""
	KindFinancial     ActionKind = "financial"
	KindCommunication ActionKind = "communication" // with people and systems outside
	KindDeletion      ActionKind = "deletion"
	KindSystem        ActionKind = "system"
	KindSkill         ActionKind = "skill"
)

// ActionKinds lists the kinds that can be written.
func ActionKinds() []string {
	return []string{"financial", "communication", "deletion", "system", "skill"}
}

// ParseActionKind reads one of ActionKinds.
func ParseActionKind(s string) (ActionKind, error) {
	if !slices.Contains(ActionKinds(), s) {
		return KindNone, fmt.Errorf("unknown kind %q", clip(s))
	}
	return ActionKind(s), nil
}

// ActionType is one type of action.
type ActionType struct {
	Name     string
	Category Category // never NoCategory
	Kind     ActionKind
	Origin   Origin
}

// builtinTypes are known without a policy.
func builtinTypes() []ActionType {
	b := func(name string, c Category, k ActionKind) ActionType {
		return ActionType{name, c, k, Origin{Rule: "actions.types", Category: c}}
	}
	return []ActionType{
		b("api_call", Routine, KindNone), b("delete_file", Critical, KindDeletion), b("deploy_code", Critical, KindSystem),
		b("install_skill", Critical, KindSkill), b("make_payment", Critical, KindFinancial), b("read_file", Routine, KindNone),
		b("search_web", Routine, KindNone), b("send_email", Critical, KindCommunication), b("share_data", Critical, KindCommunication),
		b("write_file", Sensitive, KindNone),
	}
}

// Names of what an ActionLimit can be of besides a type.
const (
	OfSpending    = "spending"    // the sum of what actions cost
	OfTransaction = "transaction" // what one action costs
)

// Scope is whose actions a limit counts together.
type Scope string

// The scopes.
const (
	ScopeJail  Scope = "jail"
	ScopeAgent Scope = "agent" // every jail that runs a program of the same name
	ScopeUser  Scope = "user"  // every jail that one user started
	ScopeAll   Scope = "all"
)

// Scopes lists the scopes.
func Scopes() []string { return []string{"jail", "agent", "user", "all"} }

// ActionLimit bounds actions of a type, or what actions cost.
type ActionLimit struct {
	Of       string // the name of a type, or OfSpending, or OfTransaction
	Currency string // of money
	Max      int64  // actions, or minor units
	Per      time.Duration
	Scope    Scope
	Over     Verdict // Ask or Deny
	Origin   Origin
}

// BuiltinLimits apply where neither a policy nor a host has one about the same.
func BuiltinLimits() []ActionLimit {
	b := func(of, currency string, n int64, per time.Duration) ActionLimit {
		return ActionLimit{of, currency, n, per, ScopeJail, Ask, Origin{Rule: "actions.limits, built in"}}
	}
	return []ActionLimit{
		b("api_call", "", 60, time.Minute), b("delete_file", "", 50, time.Hour), b("send_email", "", 10, time.Hour),
		b(OfSpending, "USD", 100_00, 24*time.Hour), b(OfTransaction, "USD", 50_00, 0),
	}
}

// String says what is bounded: "send_email 10 per 1h".
func (l ActionLimit) String() string {
	n := fmt.Sprint(l.Max)
	if l.Currency != "" {
		n = Money(l.Max, l.Currency)
	}
	if l.Per != 0 {
		n += " per " + Duration(l.Per)
	}
	return l.Of + " " + n
}

// Money reports whether the limit is about what actions cost.
func (l ActionLimit) Money() bool { return l.Of == OfSpending || l.Of == OfTransaction }

// compare orders limits, and is 0 for two about the same.
func (l ActionLimit) compare(o ActionLimit) int {
	return cmp.Or(cmp.Compare(l.Of, o.Of), cmp.Compare(l.Scope, o.Scope), cmp.Compare(l.Currency, o.Currency))
}

// Same reports whether two limits are about the same thing, money and scope.
func (l ActionLimit) Same(o ActionLimit) bool { return l.compare(o) == 0 }

// replaces reports whether a policy's limit stands for one of the host: it is
// about the same thing and the same money, whoever's, and the host's is about
// single jails or agents. What a host allows users, or all together, is more than
// one jail's affair, and no policy lifts it.
func (l ActionLimit) replaces(o ActionLimit) bool {
	return l.Of == o.Of && l.Currency == o.Currency && o.Scope != ScopeUser && o.Scope != ScopeAll
}

// covers reports whether o is counted where l is, and denies nothing that l lets
// through.
func (l ActionLimit) covers(o ActionLimit) bool { return l.Same(o) && l.Per == o.Per && l.Max <= o.Max }

// ActionLimits gives every limit that is in force on a host with those of its own;
// nil are the built-in ones. No two are counted in one place.
func (p *Policy) ActionLimits(host []ActionLimit) []ActionLimit {
	if host == nil {
		host = BuiltinLimits()
	}
	out := slices.DeleteFunc(slices.Clone(p.Actions.Limits), func(l ActionLimit) bool {
		return slices.ContainsFunc(host, func(h ActionLimit) bool { return !l.replaces(h) && h.covers(l) && !l.covers(h) })
	})
	for _, h := range host {
		if !slices.ContainsFunc(p.Actions.Limits, func(l ActionLimit) bool { return l.replaces(h) || l.covers(h) }) {
			out = append(out, h)
		}
	}
	return out
}

// ActionWindow is how long an approval of an action can be used.
func (p *Policy) ActionWindow() time.Duration { return cmp.Or(p.Actions.Window, DefaultActionWindow) }

// ActionType finds a type. One that nobody defined is critical.
func (p *Policy) ActionType(name string) (t ActionType, known bool) {
	for _, list := range [...][]ActionType{p.Actions.Types, builtinTypes()} {
		for _, t := range list {
			if t.Name == name {
				return t, true
			}
		}
	}
	return ActionType{Name: name, Category: Critical, Origin: Origin{Rule: "actions.unknown", Category: Critical}}, false
}

// EvaluateAction judges an action of a type, that costs money or not.
func (p *Policy) EvaluateAction(name string, costs bool) (ActionType, Decision) {
	t, _ := p.ActionType(name)
	always := func(k ActionKind) bool { return k != KindNone && !slices.Contains(p.Actions.NeverAsk, k) }
	d := Decision{t.Category.Verdict(), t.Origin.String()}
	switch {
	case t.Category == NoCategory || t.Category >= categoryEnd:
		return t, Decision{Deny, ruleUnknown}
	case d.Verdict == Ask:
	case always(t.Kind):
		d = Decision{Ask, "actions.always_ask: " + string(t.Kind)}
	case costs && always(KindFinancial):
		d = Decision{Ask, "actions.always_ask: it costs money"}
	case d.Verdict == Allow && p.Actions.AskRoutine:
		d = Decision{Ask, "actions.auto_approve_routine: false"}
	}
	return t, d
}

// NeedsNone is the word with which a network rule says that no action owns it.
const NeedsNone = "none"

// MailPorts are the ports that send_email owns until a rule says otherwise.
func MailPorts() []uint16 { return []uint16{25, 465, 587, 2525} }

// MailHosts are the names whose interface sends mail; they and what is below
// them are send_email's until a rule says otherwise.
func MailHosts() []string {
	return []string{"api.brevo.com", "api.elasticemail.com", "api.mailersend.com", "api.mailgun.net", "api.mailjet.com", "api.postmarkapp.com",
		"api.resend.com", "api.sendgrid.com", "api.sparkpost.com", "gmail.googleapis.com", "mandrillapp.com"}
}

// Needed gives the action that owns a destination which the policy lets through:
// without an action of that type nothing is connected. by is the rule.
func (n Network) Needed(r Request) (action string, by Origin) {
	host, addr := NormalHost(r.Host), r.Addr.Unmap()
	for _, rule := range n.Rules {
		if !rule.matches(host, addr, r.Port) {
			continue
		}
		switch {
		case !rule.Then.Permits() || rule.Needs == NeedsNone:
			return "", Origin{}
		case rule.Needs != "":
			return rule.Needs, rule.Origin
		case MailDestination(host, r.Port):
			return "send_email", rule.Origin
		}
		return "", Origin{}
	}
	return "", Origin{}
}

// MailDestination reports whether mail is sent there.
func MailDestination(host string, port uint16) bool {
	return slices.Contains(MailPorts(), port) || slices.ContainsFunc(MailHosts(), func(h string) bool { return host == h || MatchHost("*."+h, host) })
}
