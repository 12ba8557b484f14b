package policy

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestEvaluateAction(t *testing.T) {
	quiet := &Policy{Actions: Actions{NeverAsk: []ActionKind{KindCommunication, KindFinancial},
		Types: []ActionType{{Name: "post", Category: Routine, Kind: KindCommunication}, {Name: "send_email", Category: Sensitive, Kind: KindCommunication}}}}
	strict := &Policy{Actions: Actions{AskRoutine: true, Types: []ActionType{{Name: "drop", Category: Routine, Kind: KindDeletion}}}}
	tests := []struct {
		name   string
		p      *Policy
		action string
		costs  bool
		want   Verdict
		rule   string
	}{
		{"routine", &Policy{}, "read_file", false, Allow, "actions.types"},
		{"sensitive is done and told", &Policy{}, "write_file", false, Audit, "actions.types"},
		{"critical asks", &Policy{}, "make_payment", false, Ask, "actions.types"},
		{"unknown is critical", &Policy{}, "xyzzy", false, Ask, "actions.unknown"},
		{"what costs money asks", &Policy{}, "search_web", true, Ask, "always_ask: it costs money"},
		{"an own type", quiet, "post", false, Allow, ""},
		{"an own type before a built-in one", quiet, "send_email", false, Audit, ""},
		{"money that need not ask", quiet, "post", true, Allow, ""},
		{"a kind that always asks", strict, "drop", false, Ask, "always_ask: deletion"},
		{"even routine", strict, "read_file", false, Ask, "auto_approve_routine: false"},
		{"a category that is none", &Policy{Actions: Actions{Types: []ActionType{{Name: "x"}}}}, "x", false, Deny, ruleUnknown},
	}
	for _, tt := range tests {
		if _, d := tt.p.EvaluateAction(tt.action, tt.costs); d.Verdict != tt.want || !strings.Contains(d.Rule, tt.rule) {
			t.Errorf("%s: %v", tt.name, d)
		}
	}
}

func TestMoney(t *testing.T) {
	for text, minor := range map[string]int64{"12.50 USD": 1250, "0.05 EUR": 5, "3000 JPY": 3000, "1.005 KWD": 1005} {
		_, code, _ := strings.Cut(text, " ")
		if got := Money(minor, code); got != text {
			t.Errorf("%d is %s", minor, got)
		}
		if n, c, err := ParseMoney(text); n != minor || c != code || err != nil {
			t.Errorf("%s is %d %s, %v", text, n, c, err)
		}
	}
	for _, bad := range []string{"", "5", "5USD", "5 usd", "-5 USD", "5.5 USD", "5.555 USD", "5. USD", ".5 USD", "1e3 USD", "NaN USD", "5.0 JPY", "10995116277.77 USD", "5 USD ", " 5 USD"} {
		if n, c, err := ParseMoney(bad); err == nil {
			t.Errorf("%q is %d %s", bad, n, c)
		}
	}
}

func FuzzParseMoney(f *testing.F) {
	f.Add("12.50 USD")
	f.Add("3000 JPY")
	f.Fuzz(func(t *testing.T, s string) {
		n, code, err := ParseMoney(s)
		if err != nil {
			return
		}
		if again, c, err := ParseMoney(Money(n, code)); again != n || c != code || err != nil || n < 0 || n > MaxMoney {
			t.Errorf("%q is %d %s", s, n, code)
		}
	})
}

// TestActionLimits: a policy's limit stands for what a host lets each jail do, and
// lifts nothing that is about users or all.
func TestActionLimits(t *testing.T) {
	mail := func(n int64, s Scope) ActionLimit {
		return ActionLimit{Of: "send_email", Max: n, Per: time.Hour, Scope: s, Over: Ask}
	}
	usd := ActionLimit{Of: OfSpending, Currency: "USD", Max: 5, Per: time.Hour, Scope: ScopeJail, Over: Ask}
	eur := ActionLimit{Of: OfSpending, Currency: "EUR", Max: 5, Per: time.Hour, Scope: ScopeJail, Over: Ask}
	tests := []struct {
		name            string
		own, host, want []ActionLimit
	}{
		{"the host's", nil, []ActionLimit{mail(1, ScopeJail)}, []ActionLimit{mail(1, ScopeJail)}},
		{"none", nil, []ActionLimit{}, nil},
		{"the policy's, more", []ActionLimit{mail(9, ScopeJail)}, []ActionLimit{mail(1, ScopeJail)}, []ActionLimit{mail(9, ScopeJail)}},
		{"the policy's, another's", []ActionLimit{mail(9, ScopeAll)}, []ActionLimit{mail(1, ScopeJail)}, []ActionLimit{mail(9, ScopeAll)}},
		{"other money", []ActionLimit{eur}, []ActionLimit{usd}, []ActionLimit{eur, usd}},
		{"all together beside each", []ActionLimit{mail(9, ScopeJail)}, []ActionLimit{mail(5, ScopeAll)}, []ActionLimit{mail(9, ScopeJail), mail(5, ScopeAll)}},
		{"all together is not lifted", []ActionLimit{mail(9, ScopeAll)}, []ActionLimit{mail(5, ScopeAll)}, []ActionLimit{mail(5, ScopeAll)}},
		{"all together is lowered", []ActionLimit{mail(2, ScopeUser)}, []ActionLimit{mail(5, ScopeUser)}, []ActionLimit{mail(2, ScopeUser)}},
		{"the same twice", []ActionLimit{mail(5, ScopeUser)}, []ActionLimit{mail(5, ScopeUser)}, []ActionLimit{mail(5, ScopeUser)}},
	}
	for _, tt := range tests {
		p := &Policy{Actions: Actions{Limits: tt.own}}
		if got := p.ActionLimits(tt.host); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
	if got := (&Policy{}).ActionLimits(nil); !slices.Equal(got, BuiltinLimits()) {
		t.Errorf("built in: %v", got)
	}
}

func TestAmounts(t *testing.T) {
	for _, tt := range []struct{ of, text string }{{"x", "10/h"}, {"x", "0/s"}, {"x", "60/10m"}, {"x", "7/366d"}, {OfSpending, "100.00 USD/d"}, {OfSpending, "3000 JPY/2h"},
		{OfTransaction, "50.00 USD"}} {
		l := ActionLimit{Of: tt.of}
		if err := l.SetAmount(tt.text); err != nil || l.Amount() != tt.text {
			t.Errorf("%s %s: %+v, %v", tt.of, tt.text, l, err)
		}
	}
	for _, l := range BuiltinLimits() {
		again := ActionLimit{Of: l.Of, Scope: l.Scope, Over: l.Over, Origin: l.Origin}
		if err := again.SetAmount(l.Amount()); err != nil || again != l || l.Check() != nil {
			t.Errorf("%+v: %+v, %v", l, again, err)
		}
	}
	for _, bad := range []struct{ of, text string }{{"x", "10"}, {"x", "10/y"}, {"x", "-1/h"}, {"x", "1.5/h"}, {"x", "NaN/h"}, {"x", "+1/h"}, {"x", "1e3/h"}, {"x", "1/0h"},
		{"x", "1/367d"}, {"x", "99999999999999999999/h"}, {OfSpending, "100/d"}, {OfSpending, "-1 USD/d"}, {OfTransaction, "5 USD/d"}, {OfTransaction, "5"}} {
		l := ActionLimit{Of: bad.of}
		if err := l.SetAmount(bad.text); err == nil {
			t.Errorf("%s %s is %+v", bad.of, bad.text, l)
		}
	}
}
