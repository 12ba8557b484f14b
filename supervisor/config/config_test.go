package config

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestDefaultIsValid(t *testing.T) {
	if err := Default().Validate(); err != nil {
		t.Fatal(err)
	}
}

func TestEncodeDecode(t *testing.T) {
	c := Default()
	c.Linger = Duration(90 * time.Second)
	c.Resolvers = []netip.AddrPort{netip.MustParseAddrPort("[2001:db8::53]:53")}
	b, err := Encode(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range []string{string(b), string(b) + "\n"} {
		back, err := Decode([]byte(in))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(c, back, cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })); d != "" {
			t.Error(d)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	good, err := Encode(Default())
	if err != nil {
		t.Fatal(err)
	}
	const form = "not in the form that `clawjail config compile` prints"
	tests := []struct {
		name, old, new string // in the good text
		want           string // part of the error
	}{
		{"an unknown key", `"linger"`, `"lingr"`, `unknown field "lingr"`},
		{"a missing key", `"linger":"30s",`, ``, "form"},
		{"a key in other letters", `"linger"`, `"Linger"`, form},
		{"a doubled key", `"linger":"30s",`, `"linger":"30s","linger":"31s",`, form},
		{"another order", `"audit_enabled":true,"on_audit_loss":"freeze"`, `"on_audit_loss":"freeze","audit_enabled":true`, form},
		{"white space inside", `"linger":`, `"linger": `, form},
		{"a second document", `"agent_gid":64900}`, `"agent_gid":64900} {}`, form},
		{"a number for a duration", `"linger":"30s"`, `"linger":30`, "a duration is text"},
		{"a duration in another form", `"linger":"30s"`, `"linger":"0m30s"`, form},
		{"a number that is too large for its field", `"egress_uid":64901`, `"egress_uid":4294967296`, "cannot unmarshal number"},
		{"an address that is none", `"resolvers":null`, `"resolvers":["x"]`, "not an ip:port"},
		{"root as the egress proxy's user", `"egress_uid":64901`, `"egress_uid":0`, "egress_uid: 0 is root's"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := strings.Replace(string(good), tt.old, tt.new, 1)
			if in == string(good) {
				t.Fatal("the good text has changed")
			}
			_, err := Decode([]byte(in))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("error %v, want one with %q", err, tt.want)
			}
		})
	}
	if _, err := Decode(append(good, strings.Repeat(" ", MaxEncoded)...)); err == nil || !strings.Contains(err.Error(), "at most") {
		t.Errorf("a long text: %v", err)
	}
	for _, in := range []string{"", "{}", "null", "[]"} {
		if _, err := Decode([]byte(in)); err == nil {
			t.Errorf("%q is accepted", in)
		}
	}
}

func TestValidate(t *testing.T) {
	addr := netip.MustParseAddrPort
	tests := []struct {
		name string
		set  func(c *Config)
		want string // the error
	}{
		{"a relative directory", func(c *Config) { c.RunDir = "run" }, `run_dir: "run" is not a clean absolute path below /`},
		{"the whole host as a directory", func(c *Config) { c.StateDir = "/" }, `state_dir: "/" is not a clean absolute path below /`},
		{"a group with a colon", func(c *Config) { c.Group = "a:b" }, `group: "a:b" is not the name of a group`},
		{"a group that is a number", func(c *Config) { c.Approvers = "27" }, `approvers: "27" is not the name of a group`},
		{"an unknown rule without a supervisor", func(c *Config) { c.OnSupervisorLoss = "thaw" }, `on_supervisor_loss: unknown choice "thaw"; it is "hold", "freeze" or "kill"`},
		{"a time before the loss", func(c *Config) { c.SupervisorLossAfter = -1 }, "supervisor_loss_after: -1 is not between 0 and 604800000000000"},
		{"an unknown loss policy", func(c *Config) { c.OnAuditLoss = "ignore" }, `on_audit_loss: unknown choice "ignore"; it is "freeze" or "continue"`},
		{"no jails at all", func(c *Config) { c.MaxJails = 0 }, "max_jails: 0 is not between 1 and 4096"},
		{"no time at all", func(c *Config) { c.Linger = -1 }, "linger: -1 is not between 0 and 3600000000000"},
		{"a log in crumbs", func(c *Config) { c.AuditSegmentBytes = 1 }, "audit_segment_bytes: 1 is not between 1048576 and 17179869184"},
		{"a user for two", func(c *Config) { c.AgentUID = 64901 }, "agent_uid and egress_uid are both 64901: one could act on the other; give each an id of its own"},
		{"a group for two", func(c *Config) { c.GatewayGID = 64900 }, "agent_gid and gateway_gid are both 64900: one could act on the other; give each an id of its own"},
		{"nobody", func(c *Config) { c.EgressUID = 65534 }, "egress_uid: 65534 is nobody's, which other programs use as well; make a user of its own"},
		{"-1 as a user", func(c *Config) { c.GatewayUID = 1<<32 - 1 }, "gateway_uid: 4294967295 is not between 1 and 2147483648"},
		{"no address", func(c *Config) { c.Resolvers = make([]netip.AddrPort, 1) }, `resolvers: "invalid AddrPort" is not an address and a port`},
		{"a resolver twice", func(c *Config) { c.Resolvers = []netip.AddrPort{addr("192.0.2.1:53"), addr("192.0.2.1:53")} }, "resolvers: 192.0.2.1:53 is listed twice"},
		{"two things at once", func(c *Config) { c.MaxJails, c.AgentUID = 0, 0 }, "max_jails: 0 is not between 1 and 4096\nagent_uid: 0 is root's"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := Default()
			tt.set(&c)
			if err := c.Validate(); err == nil || err.Error() != tt.want {
				t.Errorf("%v", err)
			}
			if _, err := Encode(c); err == nil {
				t.Error("it is encoded")
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	b, err := Encode(Default())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"linger":"10s","max_jails":3}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := Decode(b)
		if err != nil {
			return
		}
		if err := c.Validate(); err != nil {
			t.Fatalf("accepted an invalid configuration: %s", b)
		}
		if again, err := json.Marshal(c); err != nil || string(again) != strings.TrimSpace(string(b)) {
			t.Fatalf("%s, not %s, %v", again, b, err)
		}
	})
}
