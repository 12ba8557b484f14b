package show

import (
	"fmt"
	"slices"
	"strings"

	"clawjail/audit/escape"
	"clawjail/supervisor/approval"
)

// Touched is what a request touches, as people who decide ask for it. Texts are
// escaped.
type Touched struct {
	Financial, Legal, Data, Other []string
	Reversible                    string // yes, no, unknown
}

// Touches sorts the lines of a request's impact. What an action tells or gives to
// others, and what concerns somebody's person, has consequences in law.
func Touches(r approval.Request) Touched {
	t := Touched{Reversible: string(r.Reversible)}
	if t.Reversible == "" {
		t.Reversible = "unknown"
	}
	for _, line := range r.Impact {
		kind, what, _ := strings.Cut(line, ": ")
		what = escape.String(what)
		legal := kind == "outside" && r.Gate == approval.GateAction || kind == "data" && strings.HasPrefix(what, "personal data")
		switch {
		case kind == "money":
			t.Financial = append(t.Financial, what)
		case kind == "data", kind == "secrets":
			t.Data = append(t.Data, what)
		case !legal:
			t.Other = append(t.Other, escape.String(line))
		}
		if legal {
			t.Legal = append(t.Legal, what)
		}
	}
	return t
}

// Lines gives them one below the other, those that nothing is known of as well.
func (t Touched) Lines() []string {
	var out []string
	for _, l := range []struct {
		name string
		what []string
	}{{"financial", t.Financial}, {"legal", t.Legal}, {"data", t.Data}} {
		what := "nothing known"
		if len(l.what) > 0 {
			what = strings.Join(l.what, "; ")
		}
		out = append(out, l.name+": "+what)
	}
	if len(t.Other) > 0 {
		out = append(out, "also: "+strings.Join(t.Other, "; "))
	}
	return append(out, "reversible: "+t.Reversible)
}

// People gives what people were told of a request, who looked, and who approved,
// several lines each ended by a new line; nothing where there is nothing to say.
func People(t approval.Trail, st Style) string {
	p := newPage(st)
	if t.Rule.Category != "" {
		p.words("category", escape.String(t.Rule.Category)+", "+escape.String(t.Rule.Severity))
	}
	if t.Rule.People > 1 {
		p.words("four eyes", p.paint(warning, fmt.Sprintf("takes %d different people, %d more", t.Rule.People, t.Needs())))
	}
	for _, c := range t.Consents {
		what := escape.String(c.By.String()) + ", " + c.Scope.String()
		if c.Reason != "" {
			what += ": " + escape.String(c.Reason)
		}
		p.words("approved", what)
	}
	var seen []string
	for _, s := range t.Seen {
		seen = append(seen, escape.String(s.By.String()))
	}
	p.words("seen by", strings.Join(seen, ", "))
	for _, s := range t.Steps {
		what := fmt.Sprintf("%s after %s", escape.String(s.To), Duration(s.After))
		if s.Again > 0 {
			what = fmt.Sprintf("%s again (%d), after %s", escape.String(s.To), s.Again, Duration(s.After))
		}
		switch {
		case s.Again > 0 && len(s.Channels) == 0:
			what += ", no channel was free"
		case len(s.Kept) == len(s.Channels):
			what += ", kept back by quiet hours"
		}
		p.words("told", what)
	}
	var sent []string
	for _, s := range t.Sent {
		word := map[string]string{"sent": "", "later": " (not yet)", "kept": " (quiet hours)"}
		state, known := word[s.Outcome]
		if !known {
			state = " (" + escape.String(s.Outcome) + ")"
		}
		if one := escape.String(s.Channel) + state; !slices.Contains(sent, one) {
			sent = append(sent, one)
		}
	}
	p.words("sent to", strings.Join(sent, ", "))
	return p.b.String()
}
