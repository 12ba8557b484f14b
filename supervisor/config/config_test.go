package config

import (
	"strings"
	"testing"
	"time"
)

func TestDefaultIsValid(t *testing.T) {
	if err := Default().Validate(); err != nil {
		t.Fatal(err)
	}
}

func TestDecode(t *testing.T) {
	tests := []struct {
		name, in, want string // want: part of the error, empty for none
	}{
		{"nothing set leaves the defaults", `{}`, ""},
		{"a duration is text", `{"linger":"1m"}`, ""},
		{"an unknown key is refused", `{"lingr":"1m"}`, `unknown field "lingr"`},
		{"a number is no duration", `{"linger":60}`, `a duration is text`},
		{"two documents are refused", `{} {}`, "text after its end"},
		{"the egress proxy is never root", `{"egress_uid":0}`, "egress_uid: 0"},
		{"agent and egress are different users", `{"agent_uid":64901}`, "both 64901"},
		{"a relative directory is refused", `{"run_dir":"run"}`, "run_dir"},
		{"an unknown loss policy is refused", `{"on_audit_loss":"ignore"}`, "on_audit_loss"},
		{"no jails at all is refused", `{"max_jails":0}`, "max_jails"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Decode([]byte(tt.in))
			if tt.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("error %v, want one with %q", err, tt.want)
			}
		})
	}
	c, err := Decode([]byte(`{"linger":"1m"}`))
	if err != nil || time.Duration(c.Linger) != time.Minute {
		t.Errorf("linger %v, %v", time.Duration(c.Linger), err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"linger":"10s","max_jails":3}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := Decode(b)
		if err == nil && c.Validate() != nil {
			t.Errorf("accepted an invalid configuration: %s", b)
		}
	})
}
