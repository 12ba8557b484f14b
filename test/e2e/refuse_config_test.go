//go:build e2e

package e2e

import (
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/supervisor/checklist"
	webcert "clawjail/supervisor/gateway/certificate"
)

const configPath = "/etc/clawjail/config.yaml"

// gatewayState gives the gateway a place for users in this test's own host.
func gatewayState(t *testing.T) {
	t.Helper()
	if err := os.MkdirAll("/var/lib/clawjail-gateway", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", "/var/lib/clawjail-gateway", "tmpfs", 0, "mode=755"); err != nil {
		t.Fatal(err)
	}
}

// TestUnsafeConfigurationStopsEverything: neither service starts with it, and
// both say what config check says: where it is, why, and what mends it.
func TestUnsafeConfigurationStopsEverything(t *testing.T) {
	const console = "network: {listen: \"127.0.0.1:9443\", name: localhost}\n"
	if !ownHost(t, console, 16<<20) {
		return
	}
	gatewayState(t)
	if o := clawjail(t, run{}, "config", "init"); o.Code != 0 {
		t.Fatal(o)
	}
	const token, key = "/etc/clawjail/secrets/token", "/etc/clawjail/tls/key.pem"
	good, secret := read(t, configPath), read(t, token)
	tests := []struct {
		name, config string
		spoil        func() error
		reason, mend string
	}{
		{"authentication off", "auth: {enabled: false}\n" + console, nil, "config.yaml:2:", "remove the line"},
		{"admins without a second factor", "auth: {mfa: \"off\"}\n" + console, nil, "config.yaml:2:", "clawjail user reset NAME"},
		{"the secret in the file itself", "auth: {secret: changeme}\n" + console, nil, "config.yaml:2:", "clawjail config init"},
		{"no log", "audit: {enabled: false}\n", nil, "config.yaml:2:", "remove the line"},
		{"short retention", "audit: {retain: 7d}\n", nil, "config.yaml:2:", "accept: [audit.retain]"},
		{"unsigned skills", "skills: {allow_unsigned: true}\n", nil, "config.yaml:2:", "accept: [skills.allow_unsigned]"},
		{"everywhere without TLS", "network: {listen: \"0.0.0.0:9443\", name: localhost, tls: false}\n", nil, "passwords cross the network in clear", "set network.tls: true"},
		{"a configuration that others write", console, func() error { return os.Chmod(configPath, 0o666) }, "config.yaml", "chmod"},
		{"a secret that others read", console, func() error { return os.Chmod(token, 0o644) }, token, "chmod 600"},
		{"a short secret", console, func() error { return os.WriteFile(token, []byte("short\n"), 0o600) }, "at least 32", "config init --new-secret"},
		{"a secret that is guessed", console, func() error { return os.WriteFile(token, []byte(strings.Repeat("changeme", 6)), 0o600) }, token, "config init --new-secret"},
		{"no secret", console, func() error { return os.Remove(token) }, token, "clawjail config init"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := os.WriteFile(configPath, []byte("version: 1\n"+tt.config), 0o600); err != nil {
				t.Fatal(err)
			}
			if tt.spoil != nil {
				if err := tt.spoil(); err != nil {
					t.Fatal(err)
				}
			}
			refuses(t, tt.reason, tt.mend, "clawjaild")
			refuses(t, tt.reason, tt.mend, "clawjail-gateway", "-listen=127.0.0.1:0")
			refuses(t, tt.reason, tt.mend, "clawjail", "config", "check")
			for path, text := range map[string]string{configPath: good, token: secret} {
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				if err := os.Chmod(path, 0o600); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
	// The key of the console is the gateway's alone.
	if err := os.Chmod(key, 0o644); err != nil {
		t.Fatal(err)
	}
	refuses(t, key, "chmod 600", "clawjail-gateway", "-listen=127.0.0.1:0")
	refuses(t, key, "chmod 600", "clawjail", "config", "check")
}

// TestWhatTheGatewayCannotUse: users that are damaged, a certificate that is over
// and one that soon is.
func TestWhatTheGatewayCannotUse(t *testing.T) {
	if !ownHost(t, "network: {listen: \"127.0.0.1:9443\", name: localhost}\n", 16<<20) {
		return
	}
	gatewayState(t)
	const cert, key, users = "/etc/clawjail/tls/cert.pem", "/etc/clawjail/tls/key.pem", "/var/lib/clawjail-gateway/users/users.json"
	if o := clawjail(t, run{}, "config", "init"); o.Code != 0 {
		t.Fatal(o)
	}
	if o := clawjail(t, run{Stdin: consolePassword + "\n"}, "user", "add", "--password-stdin", "--no-account", "vera"); o.Code != 0 {
		t.Fatal(o)
	}
	made := func(at time.Time) {
		c, k, err := webcert.Make("localhost", nil, at)
		if err != nil {
			t.Fatal(err)
		}
		for path, b := range map[string][]byte{cert: c, key: k} {
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	made(time.Now().AddDate(-3, 0, 0))
	refuses(t, "the certificate expired on", "config init --new-certificate", "clawjail-gateway", "-listen=127.0.0.1:0")
	made(time.Now().AddDate(0, 0, -390)) // a week is left
	good := read(t, users)
	if err := os.Truncate(users, int64(len(good)-1)); err != nil {
		t.Fatal(err)
	}
	refuses(t, users+" is damaged", "restored from a backup", "clawjail-gateway", "-listen=127.0.0.1:0")
	if o := clawjail(t, run{}, "user", "list"); o.Code == 0 || !strings.Contains(o.Stderr, "is damaged") {
		t.Errorf("the list of damaged users: %v", o)
	}
	if read(t, users) != good[:len(good)-1] {
		t.Error("the damaged users were changed")
	}
	if err := os.WriteFile(users, []byte(good), 0o600); err != nil {
		t.Fatal(err)
	}
	metrics := freeAddr(t)
	log := service(t, "clawjail-gateway", nil, "-listen="+metrics)
	for {
		line, err := log.ReadString('\n')
		if err != nil {
			t.Fatalf("no warning of the certificate: %v", err)
		}
		if strings.Contains(line, "certificate is about to expire") && strings.Contains(line, "config init --new-certificate") {
			break
		}
	}
	go func() { _, _ = io.Copy(io.Discard, log) }() // it ends with the service
	eventually(t, "the metric of its end", func() bool {
		return strings.Contains(metricsOf(metrics), "\nclawjail_console_certificate_expiry_timestamp_seconds ")
	})
}

// refuses runs a program that has to end by itself, and say why.
func refuses(t *testing.T, reason, mend, name string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, bin(t, name), args...)
	c.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
	out, err := c.CombinedOutput()
	if err == nil || ctx.Err() != nil || !strings.Contains(string(out), reason) || !strings.Contains(string(out), mend) {
		t.Errorf("%s %v: %v, %v, want %q and %q: %s", name, args, err, ctx.Err(), reason, mend, out)
	}
}

// TestNoOverrideIsSilent: what is unsafe and accepted is a warning when the
// supervisor starts, a metric, and in the checklist.
func TestNoOverrideIsSilent(t *testing.T) {
	if !ownHost(t, "audit: {retain: 7d}\nskills: {allow_unsigned: true}\naccept: [audit.retain, skills.allow_unsigned]\n", 64<<20) {
		return
	}
	gatewayState(t)
	keys := []string{"audit.retain", "skills.allow_unsigned"}
	log := service(t, "clawjaild", nil)
	for left := slices.Clone(keys); len(left) > 0; {
		line, err := log.ReadString('\n')
		if err != nil {
			t.Fatalf("no warning of %v: %v", left, err)
		}
		if strings.Contains(line, "an unsafe setting is accepted") {
			left = slices.DeleteFunc(left, func(k string) bool { return strings.Contains(line, "setting="+k) })
		}
	}
	go func() { _, _ = io.Copy(io.Discard, log) }() // it ends with the service
	metrics := freeAddr(t)
	service(t, "clawjail-gateway", nil, "-listen="+metrics)
	eventually(t, "the metric says so", func() bool { return strings.Contains(metricsOf(metrics), "\nclawjail_config_overrides 2\n") })
	r := checklistOf(t)
	i := slices.IndexFunc(r.Items, func(i checklist.Item) bool { return i.ID == "config" })
	if i < 0 || r.Items[i].Status != checklist.Attention || !strings.Contains(r.Items[i].Detail, keys[0]) || !strings.Contains(r.Items[i].Detail, keys[1]) {
		t.Errorf("the checklist: %+v", r.Items)
	}
}

// metricsOf scrapes a gateway; empty when it does not answer.
func metricsOf(address string) string {
	c := http.Client{Timeout: 10 * time.Second}
	defer c.CloseIdleConnections()
	res, err := c.Get("http://" + address + "/metrics")
	if err != nil {
		return ""
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return ""
	}
	return string(b)
}
