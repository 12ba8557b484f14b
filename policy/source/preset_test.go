package source

import (
	"strings"
	"testing"

	"clawjail/policy"
	"clawjail/policy/compiled"
	"clawjail/test/golden"
)

func all() []string { return append(Presets(), Examples()...) }

// What a preset means changes only together with its golden file.
func TestPresets(t *testing.T) {
	for _, name := range all() {
		p, err := Preset(name, vars(), Features{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if p.Name != name {
			t.Errorf("%s is called %q", name, p.Name)
		}
		b, err := compiled.Encode(p)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := compiled.Decode(b); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		golden.Check(t, "testdata/presets/"+name+".golden", strings.Join(p.Lines(), "\n")+"\n")
	}
}

func TestPresetsMeetTheirExpectations(t *testing.T) {
	for _, name := range all() {
		p, err := Preset(name, vars(), Features{})
		if err != nil {
			t.Fatal(err)
		}
		expectations, where, err := OpenExpectations(name, "", vars())
		if err != nil || where != name+".expect" || len(expectations) < 5 {
			t.Errorf("%s: %d expectations, %v", name, len(expectations), err)
		}
		for _, f := range Check(p, expectations) {
			t.Errorf("%s:%d: given %s: want %v, got %v by %s", where, f.Line, f.Text, f.Want, f.Got.Verdict, f.Got.Rule)
		}
	}
}

// No preset and no example, whatever the user is called and wherever the
// workspace is, shows what holds secrets or reaches private addresses.
func TestPresetsKeepSecrets(t *testing.T) {
	for _, name := range all() {
		for _, v := range []Vars{
			vars(),
			{Workspace: "/srv/work", Home: "/home/agent", User: "agent"},
			{Workspace: "/tmp/x/ws", Home: "/var/lib/agent", User: "x"},
		} {
			p, err := Preset(name, v, Features{})
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if p.Network.Private != policy.Deny || p.Network.Default != policy.Deny {
				t.Errorf("%s: the network is open: %+v", name, p.Network)
			}
			for _, secret := range append(policy.Credentials(), ".claude", ".codex", ".openclaw", ".config/x") {
				if f, ok := p.FileRule(v.Home + "/" + secret); ok && f.Access != policy.AccessPrivate {
					t.Errorf("%s shows ~/%s by %s", name, secret, f.Origin)
				}
			}
			for _, path := range []string{"/etc/shadow", "/etc/sudoers", "/etc/ssl/private/key.pem", "/root/.ssh/id_rsa", "/etc/ssh/ssh_host_key",
				"/run/docker.sock", "/var/run/docker.sock", "/etc/clawjail/config", "/run/clawjail/control.sock", "/etc/environment", "/etc/pip.conf", "/etc/npmrc"} {
				if d := p.Evaluate(policy.Request{Gate: policy.GateOpen, Path: path, Op: "open"}); d.Verdict != policy.Deny {
					t.Errorf("%s shows %s by %s", name, path, d.Rule)
				}
			}
		}
	}
}

func TestLockedAllowsNothing(t *testing.T) {
	p, err := Preset("locked", vars(), Features{})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Network.Rules) != 0 {
		t.Errorf("network: %v", p.Network.Rules)
	}
	for _, f := range p.Files {
		if f.Access == policy.AccessWrite {
			t.Errorf("%s is writable", f.Path)
		}
	}
}

func TestUnknownPreset(t *testing.T) {
	_, err := Open("agnet", vars(), Features{})
	if err == nil || err.Error() != `preset agnet: no preset or example "agnet"; did you mean "agent"?` {
		t.Error(err)
	}
	missing := map[string]string{
		"./agent":           "the one that comes along is named without .yaml or a path: agent",
		"claude-code.yaml":  "the one that comes along is named without .yaml or a path: claude-code",
		"/no/such/own.yaml": "give the path of a policy file, or one that comes along, by its name: agent, locked, shell, skill, claude-code, codex, openclaw",
	}
	for name, hint := range missing {
		if _, err := Open(name, vars(), Features{}); err == nil || err.Error() != name+": no such file; "+hint {
			t.Error(err)
		}
	}
	if _, _, err := OpenExpectations("nothing", "", vars()); err == nil {
		t.Error("expectations of an unknown preset")
	}
}
