package source

import (
	"encoding/json"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/sys/unix"

	"clawjail/supervisor/config"
	"clawjail/test/golden"
)

// someGroups are the groups of the host that the tests imagine.
func someGroups(name string) bool { return name == "root" || name == "clawjail" || name == "approvers" }

// Every file in testdata/bad is refused with exactly the words beside it.
func TestBadFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Parse(filepath.Base(file), data, someGroups)
		var problems Problems
		if !errors.As(err, &problems) {
			t.Errorf("%s: %v", file, err)
			continue
		}
		golden.Check(t, strings.TrimSuffix(file, ".yaml")+".golden", err.Error()+"\n")
	}
}

// everything sets each value to something that is not the default.
const everything = `version: 1
access: {group: clawjail}
hitl:
  approvers: "approvers"
  four_eyes: true
  people:
    - {name: alice, account: alice, channels: [mail]}
    - {name: bob}
  groups:
    - {name: oncall, people: [alice, bob], channels: [oncall]}
    - {name: leads, unix: clawjail, channels: [page]}
  delegates:
    - {person: alice, to: bob, from: 2026-12-20, until: 2027-01-03, zone: Europe/Berlin}
  categories:
    - {name: payments, of: [action.make_payment], severity: critical, four_eyes: true, by: [leads], escalate: [{to: oncall}, {after: 5m, to: leads}], repeat: 15m}
    - {name: rest, of: [any]}
jails: {on_supervisor_loss: kill, supervisor_loss_after: 2h}
auth: {enabled: true, mfa: all, step_up: critical, secret_file: "credential:token", access: 10m, session: 1h}
rate_limit: {requests: 50, window: 5m}
accept: ["skills.allow_unsigned", "network.tls"]
audit:
  enabled: true
  segment: 1 GiB
  on_loss: continue
  checkpoint: 10s
  retain: 30d
  hold: true
  anchors: [syslog, /mnt/other/anchor.jsonl]
  redact: [customer_ref]
  sinks: [journald, "otlp+https://otel.example.org/v1/logs"]
notifications:
  channels:
    - {name: oncall, kind: webhook, severity: high, categories: [incident, health], url: "https://hooks.example.org/a?b=1&c=<2>", secret_file: /etc/clawjail/secrets/oncall}
    - {name: mail, kind: smtp, server: "mail.example.org:587", tls: starttls, from: clawjail@example.org, to: [a@example.org], username: u, secret_file: /etc/clawjail/secrets/mail}
    - {name: chat, kind: slack, url_file: /etc/clawjail/secrets/slack}
    - {name: page, kind: command, command: [/usr/local/bin/page, "-v"], user: root, timeout: 1m}
  quiet:
    - {channels: [page], from: 22:00, until: "07:00", days: [fri, sat], zone: Europe/Berlin, pass: critical}
incidents:
  playbook:
    - {name: rotate, at: assessed, severity: critical, command: [/usr/local/sbin/rotate], drill: true}
  denials: 500
  denial_window: 30s
  canary_files: [/srv/canary.txt]
  canary_hosts: [canary.example.org, "*.trap.example.org"]
network:
  listen: "127.0.0.1:9443"
  name: console.example.org
  tls: false
  certificate: /etc/ssl/c.pem
  key: "credential:key"
  resolvers:
    - 192.0.2.53
    - "192.0.2.53:5353"
    - 2001:db8::53
    - "[2001:db8::54]:54"
limits: {jails: 4096}
action_limits: {defaults: [{of: send_email, limit: 5/10m, scope: user, over: deny}, {of: transaction, limit: 5 USD}], redis: ["10.0.0.5:6379", "r2.example.org:6380"], redis_user: cj, redis_password_file: "credential:redis", redis_tls: true, redis_ca_file: /etc/ssl/redis.pem, hosts: 4}
private: {linger: 1m30s}
skills:
  trusted_sources: [/srv/skills/]
  allow_unsigned: true
  require_verification: false
  max_permissions: 6
  required_signers: 2
users:
  agent: {uid: 1, gid: 2}
  egress: {uid: 3, gid: 4}
  gateway: {uid: 5, gid: 6}
  auth: {uid: 7, gid: 8}
`

func TestEverything(t *testing.T) {
	f, err := Parse("config.yaml", []byte(everything), someGroups)
	if err != nil {
		t.Fatal(err)
	}
	d := config.Default()
	want := config.Config{
		RunDir: d.RunDir, StateDir: d.StateDir,
		Group: "clawjail", Approvers: "approvers", FourEyes: true,
		People:    []config.Person{{Name: "alice", Account: "alice", Channels: []string{"mail"}}, {Name: "bob"}},
		Groups:    []config.Group{{Name: "oncall", People: []string{"alice", "bob"}, Channels: []string{"oncall"}}, {Name: "leads", Unix: "clawjail", Channels: []string{"page"}}},
		Delegates: []config.Delegate{{Person: "alice", To: "bob", From: "2026-12-20", Until: "2027-01-03", Zone: "Europe/Berlin"}},
		Categories: []config.Category{{Name: "payments", Of: []string{"action.make_payment"}, Severity: "critical", FourEyes: true, By: []string{"leads"},
			Escalate: []config.Step{{To: "oncall"}, {After: config.Duration(5 * time.Minute), To: "leads"}}, Repeat: new(config.Duration(15 * time.Minute))}, {Name: "rest", Of: []string{"any"}}},
		Quiet:  []config.Quiet{{Channels: []string{"page"}, From: "22:00", Until: "07:00", Days: []string{"fri", "sat"}, Zone: "Europe/Berlin", Pass: "critical"}},
		Linger: config.Duration(90 * time.Second), OnAuditLoss: config.AuditLossContinue,
		OnSupervisorLoss: config.SupervisorLossKill, SupervisorLossAfter: config.Duration(2 * time.Hour), AuditSegmentBytes: 1 << 30, MaxJails: 4096,
		AuditCheckpoint: config.Duration(10 * time.Second), AuditRetain: config.Duration(30 * 24 * time.Hour), AuditHold: true,
		AuditAnchors: []string{"syslog", "/mnt/other/anchor.jsonl"}, AuditRedact: []string{"customer_ref"},
		AuditSinks: []string{"journald", "otlp+https://otel.example.org/v1/logs"},
		Channels: []config.Channel{
			{Name: "oncall", Kind: "webhook", Severity: "high", Categories: []string{"incident", "health"}, URL: "https://hooks.example.org/a?b=1&c=<2>", SecretFile: "/etc/clawjail/secrets/oncall"},
			{Name: "mail", Kind: "smtp", Server: "mail.example.org:587", TLS: "starttls", From: "clawjail@example.org", To: []string{"a@example.org"}, Username: "u", SecretFile: "/etc/clawjail/secrets/mail"},
			{Name: "chat", Kind: "slack", URLFile: "/etc/clawjail/secrets/slack"},
			{Name: "page", Kind: "command", Command: []string{"/usr/local/bin/page", "-v"}, User: "root", Timeout: config.Duration(time.Minute)},
		},
		Playbook:    []config.Play{{Name: "rotate", At: "assessed", Severity: "critical", Command: []string{"/usr/local/sbin/rotate"}, Drill: true}},
		DenialCount: 500, DenialWindow: config.Duration(30 * time.Second),
		CanaryFiles: []string{"/srv/canary.txt"}, CanaryHosts: []string{"canary.example.org", "*.trap.example.org"},
		Resolvers: []netip.AddrPort{
			netip.MustParseAddrPort("192.0.2.53:53"), netip.MustParseAddrPort("192.0.2.53:5353"),
			netip.MustParseAddrPort("[2001:db8::53]:53"), netip.MustParseAddrPort("[2001:db8::54]:54"),
		},
		AuthEnabled: true, AuthMFA: "all", StepUp: "critical", AuthSecretFile: "credential:token", AuthAccess: config.Duration(10 * time.Minute), AuthSession: config.Duration(time.Hour),
		RateRequests: 50, RateWindow: config.Duration(5 * time.Minute), AuditEnabled: true,
		Listen: "127.0.0.1:9443", Name: "console.example.org", Certificate: "/etc/ssl/c.pem", Key: "credential:key",
		Accept: []string{"skills.allow_unsigned", "network.tls"},
		ActionLimits: []config.ActionLimit{{Of: "send_email", Limit: "5/10m", Scope: "user", Over: "deny"}, {Of: "transaction", Limit: "5.00 USD", Scope: "jail", Over: "ask"},
			{Of: "api_call", Limit: "60/m", Scope: "jail", Over: "ask"}, {Of: "delete_file", Limit: "50/h", Scope: "jail", Over: "ask"},
			{Of: "send_email", Limit: "10/h", Scope: "jail", Over: "ask"}, {Of: "spending", Limit: "100.00 USD/d", Scope: "jail", Over: "ask"}},
		LimitRedis: []string{"10.0.0.5:6379", "r2.example.org:6380"}, LimitRedisUser: "cj", LimitRedisPassword: "credential:redis", LimitRedisTLS: true, LimitRedisCA: "/etc/ssl/redis.pem", LimitHosts: 4,
		SkillSources: []string{"/srv/skills/"}, SkillUnsigned: true, SkillPermissions: 6, SkillSigners: 2,
		AgentUID: 1, AgentGID: 2, EgressUID: 3, EgressGID: 4, GatewayUID: 5, GatewayGID: 6, AuthUID: 7, AuthGID: 8,
	}
	if d := cmp.Diff(want, f.Config, cmpopts.EquateComparable(netip.AddrPort{})); d != "" {
		t.Error(d)
	}
	for _, s := range f.Settings() {
		if s.Default || s.Line == 0 {
			t.Errorf("%+v is said to be a default", s)
		}
	}
	golden.Check(t, "testdata/everything.golden", f.Text())
	again(t, f)
}

// again reads back what Text wrote: it means the same.
func again(t *testing.T, f File) {
	t.Helper()
	back, err := Parse("again.yaml", []byte(f.Text()), nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, f.Text())
	}
	if d := cmp.Diff(f.Config, back.Config, cmpopts.EquateComparable(netip.AddrPort{}), cmpopts.EquateEmpty()); d != "" {
		t.Error(d)
	}
}

func TestDefaults(t *testing.T) {
	f, err := Parse("config.yaml", []byte("version: 1\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(config.Default(), f.Config); d != "" {
		t.Error(d)
	}
	for _, s := range f.Settings() {
		if !s.Default || s.Line != 0 {
			t.Errorf("%+v is said to be given", s)
		}
	}
	golden.Check(t, "testdata/defaults.golden", f.Text())
	again(t, f)
}

// The example has every setting, and every one with its default.
func TestExample(t *testing.T) {
	f, err := Load("example.yaml", someGroups)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(config.Default(), f.Config, cmpopts.EquateEmpty()); d != "" {
		t.Error(d)
	}
	for _, s := range f.Settings() {
		if s.Default {
			t.Errorf("the example lacks %s", s.Key)
		}
	}
}

// What the README shows is a configuration.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "\n## Configuration\n")
	_, section, shown := strings.Cut(section, "```yaml\n")
	section, _, ended := strings.Cut(section, "```")
	if !found || !shown || !ended {
		t.Fatal("the README shows no configuration")
	}
	if _, err := Parse("README.md", []byte(section), nil); err != nil {
		t.Error(err)
	}
}

// Every field that an operator can set is a setting.
func TestEveryFieldIsASetting(t *testing.T) {
	b, err := config.Encode(config.Default())
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(b, &fields); err != nil {
		t.Fatal(err)
	}
	for _, s := range settings() {
		if _, there := fields[s.field]; !there {
			t.Errorf("%s sets %q, which is no field, or is set already", s.key, s.field)
		}
		delete(fields, s.field)
	}
	if _, run := fields["run_dir"]; len(fields) != 2 || !run || fields["state_dir"] == nil {
		t.Errorf("fields without a setting: %v", fields)
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		filepath.Join(dir, "none.yaml"): ": no such file",
		dir:                             ": is a directory, not a file; name a file in it",
		fifo:                            ": is not a regular file",
	} {
		_, err := Load(file, nil)
		var problems Problems
		if !errors.As(err, &problems) || err.Error() != file+want {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestManyProblemsAreCut(t *testing.T) {
	text := "version: 1\n"
	for i := range 500 {
		text += strings.Repeat("x", i+1) + ": 1\n"
	}
	_, err := Parse("config.yaml", []byte(text), nil)
	var problems Problems
	if !errors.As(err, &problems) || len(problems) != MaxProblems+1 {
		t.Errorf("%d problems", len(problems))
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(everything))
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range append(files, "example.yaml") {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := Parse("fuzz.yaml", b, someGroups)
		if err != nil {
			var problems Problems
			if !errors.As(err, &problems) || len(problems) == 0 || len(problems) > MaxProblems+1 {
				t.Fatalf("%d problems: %v", len(problems), err)
			}
			return
		}
		compiled, err := config.Encode(got.Config)
		if err != nil {
			t.Fatalf("accepted and not compiled: %v", err)
		}
		if _, err := config.Decode(compiled); err != nil {
			t.Fatalf("compiled and not decoded: %v", err)
		}
		again(t, got)
	})
}
