package config

import (
	"strings"
	"testing"
	"time"
)

func TestWhatIsUnsafeIsRefused(t *testing.T) {
	console := func(listen string, tls bool) func(*Config) {
		return func(c *Config) { c.Listen, c.TLS = listen, tls }
	}
	tests := []struct {
		name, accept string
		set          func(*Config)
		want         string // the error; empty: it is taken, with one override if there is an accept
	}{
		{"authentication off", "", func(c *Config) { c.AuthEnabled = false }, "auth_enabled: without authentication"},
		{"no second factor", "", func(c *Config) { c.AuthMFA = "off" }, `auth_mfa: "off" leaves admins without a second factor`},
		{"a step-up that there is not", "", func(c *Config) { c.StepUp = "sometimes" }, `auth_step_up: unknown choice "sometimes"`},
		{"no log", "", func(c *Config) { c.AuditEnabled = false }, "audit_enabled: without the audit log"},
		{"short retention", "", func(c *Config) { c.AuditRetain = Duration(29 * 24 * time.Hour) }, "audit_retain: records are kept for less than 30 days"},
		{"short retention, accepted", AcceptRetention, func(c *Config) { c.AuditRetain = Duration(29 * 24 * time.Hour) }, ""},
		{"unsigned skills", "", func(c *Config) { c.SkillUnsigned = true }, "accept: [skills.allow_unsigned]"},
		{"unsigned skills, with another accepted", AcceptNoTLS, func(c *Config) { c.SkillUnsigned = true }, "accept: [skills.allow_unsigned]"},
		{"unsigned skills, accepted", AcceptUnsigned, func(c *Config) { c.SkillUnsigned = true }, ""},
		{"everywhere without TLS", "", console("0.0.0.0:9443", false), "set network.tls: true"},
		{"everywhere without TLS, as if that could be accepted", AcceptNoTLS, console("[::]:9443", false), "set network.tls: true"},
		{"on the network without TLS", AcceptNoTLS, console("192.0.2.1:9443", false), "set network.tls: true"},
		{"here without TLS", "", console("127.0.0.1:9443", false), "accept: [network.tls]"},
		{"here without TLS, accepted", AcceptNoTLS, console("127.0.0.1:9443", false), ""},
		{"everywhere with TLS", "", console("[::]:9443", true), ""},
		{"a port of root's", "", console("[::]:443", true), `port "443" is not between 1024 and 65535`},
		{"a name as the address", "", console("localhost:9443", true), `"localhost" is not an address`},
		{"no name", "", func(c *Config) { c.Name = "a b" }, `"a b" is not the name of a host`},
		{"a relative key", "", func(c *Config) { c.Key = "key.pem" }, "console_key: \"key.pem\" is not a clean absolute path"},
		{"a credential outside", "", func(c *Config) { c.AuthSecretFile = "credential:../token" }, "is not the name of a credential"},
		{"what cannot be accepted", "auth.enabled", func(*Config) {}, `"auth.enabled" cannot be accepted`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := Default()
			if tt.accept != "" {
				c.Accept = []string{tt.accept}
			}
			tt.set(&c)
			err := c.Validate()
			switch {
			case tt.want != "":
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("%v, want %q", err, tt.want)
				}
			case err != nil:
				t.Error(err)
			case tt.accept != "" && (len(c.Overrides()) != 1 || c.Overrides()[0].Key != tt.accept):
				t.Errorf("overrides %v", c.Overrides())
			}
		})
	}
	if got := Default().Overrides(); len(got) != 0 {
		t.Errorf("the defaults override %v", got)
	}
}

func TestNeedsStepUp(t *testing.T) {
	for _, tt := range []struct {
		step           string
		critical, want bool
	}{{StepUpNever, true, false}, {StepUpCritical, true, true}, {StepUpCritical, false, false}, {StepUpAlways, false, true}, {"", false, false}, {"", true, true}} {
		if got := (Config{StepUp: tt.step}).NeedsStepUp(tt.critical); got != tt.want {
			t.Errorf("%q, critical %v: %v", tt.step, tt.critical, got)
		}
	}
}

func TestOrigin(t *testing.T) {
	for _, tt := range []struct {
		listen string
		tls    bool
		want   string
	}{{"[::]:9443", true, "https://localhost:9443"}, {"127.0.0.1:9443", false, "https://localhost"}, {"", true, ""}} {
		c := Default()
		c.Listen, c.TLS = tt.listen, tt.tls
		if got := c.Origin(); got != tt.want {
			t.Errorf("%q: %q", tt.listen, got)
		}
	}
}
