package source

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"clawjail/policy"
	"clawjail/policy/compiled"
)

const actionsText = `version: 1
name: shop
extends: [agent]
network: [{host: api.payments.example, needs: make_payment}, "b.example.org:443", "smtp.example.org:any", {host: mail.example.org, port: 587, needs: none}]
actions:
  auto_approve_routine: false
  always_ask: [financial, skill]
  window: 2m
  types:
    - {type: post_note, category: routine, kind: communication}
    - {type: launch}
  limits:
    - {of: send_email, limit: 3/10m, scope: user, over: deny}
    - {of: spending, limit: 99.50 EUR/d, scope: all}
    - {of: transaction, limit: 5 USD}
    - {of: post_note, limit: 0/h}
`

func TestActions(t *testing.T) {
	p := mustParse(t, actionsText, Features{Gate: true})
	want := []string{"actions: even routine ones ask", "actions: communication need not ask", "actions: deletion need not ask", "actions: system need not ask",
		"actions: launch critical", "actions: post_note routine, communication", "actions: post_note 0 per 1h of each jail, then ask",
		"actions: send_email 3 per 10m of each user, then deny", "actions: spending 99.50 EUR per 1d of each all, then ask",
		"actions: transaction 5.00 USD of each jail, then ask", "actions: window 2m"}
	var got []string
	for _, l := range p.Lines() {
		if strings.HasPrefix(l, "actions: ") {
			got = append(got, l)
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	b, err := compiled.Encode(p)
	if err != nil {
		t.Fatal(err)
	}
	back, err := compiled.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(p.Lines(), back.Lines()); d != "" {
		t.Error(d)
	}
	for _, c := range []struct {
		host string
		port uint16
		want string
	}{{"api.payments.example", 443, "make_payment"}, {"b.example.org", 443, ""}, {"smtp.example.org", 25, "send_email"}, {"smtp.example.org", 443, ""},
		{"mail.example.org", 587, ""}, {"else.example.org", 443, ""}} {
		if got, _ := back.Network.Needed(policy.Request{Gate: policy.GateConnect, Host: c.host, Port: c.port}); got != c.want {
			t.Errorf("%s:%d needs %q, want %q", c.host, c.port, got, c.want)
		}
	}
	if p.ActionWindow() != 2*time.Minute || len(p.ActionLimits(nil)) != 7 { // four, and api_call, delete_file, spending USD
		t.Errorf("window %v, limits %v", p.ActionWindow(), p.ActionLimits(nil))
	}
}

func TestBadActions(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"an unknown key", "actions: {limit: 3}", `:4:11: unknown key "limit" in actions; did you mean "limits"?`},
		{"a number that is no rate", "actions: {limits: [{of: send_email, limit: 10}]}", `:4:44: actions.limits[0].limit is a number per unit of time, not "10"; write it as in 10/h`},
		{"a negative limit", "actions: {limits: [{of: send_email, limit: -1/h}]}", `is a number per unit of time, not "-1/h"`},
		{"a fraction", "actions: {limits: [{of: send_email, limit: 1.5/h}]}", `is a number per unit of time, not "1.5/h"`},
		{"not a number", "actions: {limits: [{of: send_email, limit: NaN/h}]}", `is a number per unit of time, not "NaN/h"`},
		{"too many", "actions: {limits: [{of: send_email, limit: 99999999999/h}]}", `is between 0 and 1073741824`},
		{"an unknown unit", "actions: {limits: [{of: send_email, limit: 10/y}]}", `not "10/y"`},
		{"money without a currency", "actions: {limits: [{of: spending, limit: 100/d}]}", `"100" is no amount of money`},
		{"an unknown currency", "actions: {limits: [{of: spending, limit: 100 XBT/d}]}", `unknown currency "XBT"`},
		{"half a cent", "actions: {limits: [{of: spending, limit: 1.005 USD/d}]}", `"1.005" is no amount of USD: it has 2 decimals`},
		{"negative money", "actions: {limits: [{of: transaction, limit: -5 USD}]}", `"-5" is no amount of USD`},
		{"money that overflows", "actions: {limits: [{of: transaction, limit: 99999999999999999999 USD}]}", `more than can be counted`},
		{"a rate of one transaction", "actions: {limits: [{of: transaction, limit: 5 USD/d}]}", `what one transaction may cost`},
		{"a scope of one transaction", "actions: {limits: [{of: transaction, limit: 5 USD, scope: all}]}", `nobody's sum`},
		{"an unknown scope", "actions: {limits: [{of: send_email, limit: 1/h, scope: team}]}", `unknown scope "team"`},
		{"twice", "actions: {limits: [{of: send_email, limit: 1/h}, {of: send_email, limit: 2/h}]}", `:4:50: actions.limits has send_email of each jail twice`},
		{"over that lets through", "actions: {limits: [{of: send_email, limit: 1/h, over: allow}]}", `verdict "allow" has no meaning for actions.limits[0].over`},
		{"a bad name", "actions: {types: [{type: Send-Email}]}", `:4:26: actions.types[0].type: action "Send-Email" may have a-z`},
		{"a reserved name", "actions: {types: [{type: spending}]}", `means something else`},
		{"an unknown category", "actions: {types: [{type: x, category: harmless}]}", `unknown category "harmless"`},
		{"an unknown kind", "actions: {always_ask: [money]}", `unknown kind "money"`},
		{"a window too long", "actions: {window: 30d}", `actions.window is between 1s and 1d`},
		{"an action for what is asked anyway", "network: {ask: [{host: a.example.org, port: 443, needs: make_payment}]}", `needs an action, and is ask anyway`},
		{"a need that is none", "network: {allow: [{host: a.example.org, port: 443, needs: 3}]}", `is a text, not a number`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse("p.yaml", []byte("version: 1\nname: x\nextends: [agent]\n"+tt.text+"\n"), vars(), Features{Gate: true})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v\nwant %s", err, tt.want)
			}
		})
	}
}
