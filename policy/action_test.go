package policy

import (
	"strings"
	"testing"
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
