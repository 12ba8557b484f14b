//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/audit"
	"clawjail/supervisor/api"
	"clawjail/supervisor/checklist"
	"clawjail/supervisor/client"
	"clawjail/supervisor/gateway/auth/totp"
)

const consolePassword = "rhubarb-violin-tundra-19"

// console is a program that uses the API of the console in somebody's name.
type console struct {
	t     *testing.T
	http  *http.Client
	token string
	code  string // fresh, of the authenticator
}

// call gives the status and the body of an answer.
func (c console) call(method, path string, in, out any) int {
	c.t.Helper()
	b, err := json.Marshal(in)
	if err != nil {
		c.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, "https://localhost:9443/api/v1"+path, bytes.NewReader(b))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	if c.code != "" {
		req.Header.Set(api.CodeHeader, c.code)
	}
	res, err := c.http.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	if b, err = io.ReadAll(res.Body); err != nil {
		c.t.Fatal(err)
	}
	if res.StatusCode == http.StatusOK {
		if err := json.Unmarshal(b, out); err != nil {
			c.t.Fatalf("%s %s: %v: %s", method, path, err, b)
		}
	}
	return res.StatusCode
}

// as signs in.
func (c console) as(user string) console {
	c.t.Helper()
	var got struct {
		Access string `json:"access_token"`
	}
	c.token = ""
	if status := c.call("POST", "/sign-in", map[string]string{"user": user, "password": consolePassword}, &got); status != http.StatusOK {
		c.t.Fatalf("sign in as %s: %d", user, status)
	}
	c.token = got.Access
	return c
}

// TestConsole: the daemons as their units start them, people made on the command
// line, and a held program of a real jail that a person lets go on; the log
// names them.
func TestConsole(t *testing.T) {
	if !ownHost(t, "hitl: {four_eyes: true}\nrate_limit: {requests: 1000}\nnetwork: {listen: \"127.0.0.1:9443\", name: localhost}\n", 16<<20) {
		return
	}
	if err := os.MkdirAll("/var/lib/clawjail-gateway", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", "/var/lib/clawjail-gateway", "tmpfs", 0, "mode=755"); err != nil {
		t.Fatal(err)
	}
	if o := clawjail(t, run{}, "config", "check"); o.Code != 1 || !strings.Contains(o.Stderr, "clawjail config init") {
		t.Errorf("without secrets: %v", o)
	}
	if o := clawjail(t, run{}, "config", "init"); o.Code != 0 || !strings.Contains(o.Stdout, "fingerprint") {
		t.Fatal(o)
	}
	if o := clawjail(t, run{}, "config", "check"); o.Code != 0 {
		t.Fatal(o)
	}
	add := func(args ...string) {
		if o := clawjail(t, run{Stdin: consolePassword + "\n"}, append([]string{"user", "add", "--password-stdin", "--no-authenticator"}, args...)...); o.Code != 0 {
			t.Fatal(o)
		}
	}
	add("bob", "--role", "responder", "--no-account")
	add("eve", "--role", "approver") // nobody has said which account is hers
	add("vera", "--no-account")
	service(t, "clawjaild", nil)
	eventually(t, "the supervisor answers", func() bool {
		_, err := client.Client{Socket: client.DefaultSocket}.Ping(context.Background())
		return err == nil
	})
	metrics := freeAddr(t)
	service(t, "clawjail-gateway", nil, "-listen="+metrics)
	eventually(t, "the console listens", func() bool {
		c, err := net.Dial("tcp", "127.0.0.1:9443")
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(read(t, "/etc/clawjail/tls/cert.pem")))
	nobody := console{t: t, http: &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: pool},
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", "127.0.0.1:9443")
		}}}}
	if status := nobody.call("GET", "/jails", nil, nil); status != http.StatusUnauthorized {
		t.Errorf("nobody gets %d", status)
	}
	bob, eve, vera := nobody.as("bob"), nobody.as("eve"), nobody.as("vera")

	j := detached(t, run{Workspace: workspace(t), Policy: policyFile(t, "exec: {default: audit, rules: [{run: id, then: ask}]}\n"), Argv: []string{"sh", "-c", "id; sleep 1000"}})
	var held api.Approvals
	eventually(t, "it is held", func() bool {
		return bob.call("GET", "/approvals", nil, &held) == http.StatusOK && len(held.Approvals) == 1
	})
	var shown struct{ ID, Digest string }
	if err := json.Unmarshal(held.Approvals[0].Request, &shown); err != nil {
		t.Fatal(err)
	}
	yes := api.DecideRequest{Approve: true, Digest: shown.Digest, Reason: "looked at it"}
	other := yes
	other.Digest = strings.Repeat("0", 64)
	for name, tt := range map[string]struct {
		who    console
		answer api.DecideRequest
		want   int
	}{"a viewer": {vera, yes, 403}, "who may be who started it": {eve, yes, 403}, "of what was not shown": {bob, other, 409}, "nobody": {nobody, yes, 401}} {
		if status := tt.who.call("POST", "/approvals/"+shown.ID+"/decide", tt.answer, nil); status != tt.want {
			t.Errorf("%s: %d, not %d", name, status, tt.want)
		}
	}
	var decided api.DecideAnswer
	if status := bob.call("POST", "/approvals/"+shown.ID+"/decide", yes, &decided); status != http.StatusOK || !decided.Decision.Allowed {
		t.Fatalf("%d, %+v", status, decided.Decision)
	}
	var jail api.Jail
	if status := bob.call("POST", "/jails/"+j.ID+"/freeze", struct{}{}, &jail); status != http.StatusOK || jail.State != api.StateFrozen {
		t.Errorf("freeze: %d, %s", status, jail.State)
	}
	if status := eve.call("POST", "/jails/"+j.ID+"/kill", struct{}{}, &jail); status != http.StatusForbidden {
		t.Errorf("an approver kills: %d", status)
	}
	if status := bob.call("POST", "/jails/"+j.ID+"/kill", struct{}{}, &jail); status != http.StatusOK || jail.State != api.StateExited {
		t.Errorf("kill: %d, %s", status, jail.State)
	}
	list := records(t, j.ID)
	want(t, list, "the approval of bob", func(r audit.Record) bool {
		return r.Decision != nil && r.Decision.Digest == shown.Digest && r.Decision.By == "bob (console, responder)" && strings.Contains(r.Decision.Reason, "looked at it")
	})
	want(t, list, "the end by bob", func(r audit.Record) bool {
		return r.Subject.Op == "kill" && strings.Contains(r.Subject.Message, "bob (console, responder)")
	})
	checkedInTheConsole(t, bob, vera)
	guess := nobody
	for range 8 {
		if status := guess.call("POST", "/sign-in", map[string]string{"user": "eve", "password": "guess"}, nil); status != http.StatusUnauthorized && status != http.StatusTooManyRequests {
			t.Errorf("a guess: %d", status)
		}
	}
	for _, outcome := range []string{"in", "wrong", "locked-out"} {
		eventually(t, "it is counted: "+outcome, func() bool {
			return regexp.MustCompile(`\nclawjail_console_sign_ins_total\{outcome="` + outcome + `"\} [1-9]`).MatchString(metricsOf(metrics))
		})
	}
	if o := clawjail(t, run{}, "user", "disable", "bob"); o.Code != 0 || strings.Contains(o.Stderr, "audit log") {
		t.Error(o)
	}
	if status := bob.call("GET", "/jails", nil, nil); status != http.StatusUnauthorized {
		t.Errorf("who is disabled gets %d", status)
	}
	peopleInTheLog(t)
	keepUsers(t, nobody)
}

// peopleInTheLog looks for what happened about people: told by the sign-in, from
// under its filter, and by the command line.
func peopleInTheLog(t *testing.T) {
	t.Helper()
	for what, is := range map[string]func(audit.Record) bool{
		"the sign-in of vera": func(r audit.Record) bool {
			return r.Subject.Op == api.PersonSignIn && r.Verdict == "allow" && r.Subject.Name == "vera" && r.Subject.Addr == "127.0.0.1" && r.Subject.UID != nil && *r.Subject.UID == 64903
		},
		"the guesses about eve": func(r audit.Record) bool {
			return r.Subject.Op == api.PersonSignIn && r.Verdict == "deny" && r.Subject.Name == "eve"
		},
		"the end of bob": func(r audit.Record) bool {
			return r.Subject.Op == api.PersonDisable && r.Subject.Name == "bob" && r.Subject.UID != nil && *r.Subject.UID == 0
		},
	} {
		eventually(t, what, func() bool {
			for r, err := range audit.Query(auditDir, audit.Filter{Gate: audit.GateAuth}) {
				if err == nil && is(r) {
					return true
				}
			}
			return false
		})
	}
}

// keepUsers has an admin who was made on the host add somebody in the console.
func keepUsers(t *testing.T, nobody console) {
	t.Helper()
	o := clawjail(t, run{Stdin: consolePassword + "\n"}, "user", "add", "--password-stdin", "--no-account", "--role", "admin", "alice")
	m := regexp.MustCompile(`type its secret: ([A-Z2-7]+)(?s:.*)print them:\n  (\S+)`).FindStringSubmatch(o.Stdout)
	if o.Code != 0 || m == nil {
		t.Fatal(o)
	}
	var got struct {
		Access string `json:"access_token"`
	}
	if status := nobody.call("POST", "/sign-in", map[string]string{"user": "alice", "password": consolePassword, "code": m[2]}, &got); status != http.StatusOK {
		t.Fatalf("alice: %d", status)
	}
	alice := nobody
	alice.token = got.Access
	if status := alice.call("POST", "/users", map[string]string{"name": "zoe", "role": "viewer"}, nil); status != http.StatusForbidden {
		t.Errorf("without a code: %d", status)
	}
	code, err := totp.Code(m[1], totp.Step(time.Now())+1)
	if err != nil {
		t.Fatal(err)
	}
	alice.code = code
	var given struct {
		Password string   `json:"password"`
		Recovery []string `json:"recovery_codes"`
	}
	if status := alice.call("POST", "/users", map[string]any{"name": "zoe", "role": "viewer"}, &given); status != http.StatusOK || given.Password == "" {
		t.Errorf("with a code: %d", status)
	}
	// It was in the log before it was answered.
	found := false
	for r, err := range audit.Query(auditDir, audit.Filter{Gate: audit.GateAuth}) {
		found = found || err == nil && r.Subject.Op == api.PersonAdd && r.Subject.Name == "zoe" && strings.Contains(r.Subject.Message, "by alice (console, admin, code): is viewer")
	}
	if !found {
		t.Error("nothing is in the log")
	}
	// What was given is good for one thing.
	if len(given.Recovery) == 0 {
		t.Fatal("no recovery codes")
	}
	if status := nobody.call("POST", "/sign-in", map[string]string{"user": "zoe", "password": given.Password, "code": given.Recovery[0]}, &got); status != http.StatusOK {
		t.Fatalf("zoe: %d", status)
	}
	zoe := nobody
	zoe.token = got.Access
	jails := func() int { return zoe.call("GET", "/jails", nil, &[]api.Jail{}) }
	if status := jails(); status != http.StatusForbidden {
		t.Errorf("before the password is changed: %d", status)
	}
	if status := zoe.call("POST", "/account/password", map[string]string{"old": given.Password, "new": consolePassword}, &struct{}{}); status != http.StatusOK {
		t.Errorf("the change: %d", status)
	}
	if status := jails(); status != http.StatusOK {
		t.Errorf("afterwards: %d", status)
	}
}

// checkedInTheConsole: what root's run of the checklist found is there for who
// responds, and for nobody who only looks.
func checkedInTheConsole(t *testing.T, responder, viewer console) {
	t.Helper()
	var before, after struct {
		By    string           `json:"by"`
		Items []checklist.Item `json:"items"`
		Tasks []checklist.Task `json:"tasks"`
	}
	if status := responder.call("GET", "/checklist", nil, &before); status != http.StatusOK || len(before.Items) != 0 || len(before.Tasks) == 0 {
		t.Errorf("before it was run: %d, %+v", status, before)
	}
	r := checklistOf(t)
	if status := responder.call("GET", "/checklist", nil, &after); status != http.StatusOK || len(after.Items) != len(r.Items) || after.By != "root" {
		t.Errorf("after it was run: %d, %+v", status, after)
	}
	if status := viewer.call("GET", "/checklist", nil, nil); status != http.StatusForbidden {
		t.Errorf("a viewer: %d", status)
	}
}

// TestCredentials: the secrets of the console as systemd gives them, in a
// directory that is named in the environment: both services start with them, and
// refuse to without.
func TestCredentials(t *testing.T) {
	if !ownHost(t, "network: {listen: \"127.0.0.1:9443\", name: localhost}\n", 16<<20) {
		return
	}
	if err := os.MkdirAll("/var/lib/clawjail-gateway", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", "/var/lib/clawjail-gateway", "tmpfs", 0, "mode=755"); err != nil {
		t.Fatal(err)
	}
	if o := clawjail(t, run{}, "config", "init"); o.Code != 0 {
		t.Fatal(o)
	}
	// As systemd has them: a directory of mode 0500 with files of mode 0400.
	dir := filepath.Join(t.TempDir(), "credentials")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for from, to := range map[string]string{"/etc/clawjail/secrets/token": "token", "/etc/clawjail/tls/cert.pem": "cert", "/etc/clawjail/tls/key.pem": "key"} {
		if err := os.WriteFile(filepath.Join(dir, to), []byte(read(t, from)), 0o400); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(from); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	config := "version: 1\nauth: {secret_file: \"credential:token\"}\nnetwork: {listen: \"127.0.0.1:9443\", name: localhost, certificate: \"credential:cert\", key: \"credential:key\"}\n"
	if err := os.WriteFile("/etc/clawjail/config.yaml", []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"clawjaild", "clawjail-gateway"} {
		c := exec.CommandContext(t.Context(), bin(t, name))
		c.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
		if out, err := c.CombinedOutput(); err == nil || !strings.Contains(string(out), "LoadCredential=token:FILE") {
			t.Errorf("%s without them: %v: %s", name, err, out)
		}
	}
	for name, tt := range map[string]struct {
		token string
		mode  os.FileMode
		want  string
	}{
		"short":       {"x", 0o400, "at least 32"},
		"guessable":   {strings.Repeat("changeme", 6), 0o400, "config init --new-secret"},
		"of everyone": {read(t, filepath.Join(dir, "token")), 0o444, "chmod 600"},
	} {
		bad := t.TempDir()
		if err := os.WriteFile(filepath.Join(bad, "token"), []byte(tt.token), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(bad, "token"), tt.mode); err != nil {
			t.Fatal(err)
		}
		for _, program := range []string{"clawjaild", "clawjail-gateway"} {
			c := exec.CommandContext(t.Context(), bin(t, program))
			c.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "CREDENTIALS_DIRECTORY=" + bad}
			if out, err := c.CombinedOutput(); err == nil || !strings.Contains(string(out), tt.want) {
				t.Errorf("%s with one that is %s: %v: %s", program, name, err, out)
			}
		}
	}
	add := clawjail(t, run{Stdin: consolePassword + "\n"}, "user", "add", "--password-stdin", "--no-authenticator", "--no-account", "vera")
	if add.Code != 0 || !strings.Contains(add.Stderr, "the audit log does not have this") {
		t.Fatal(add)
	}
	env := []string{"CREDENTIALS_DIRECTORY=" + dir}
	service(t, "clawjaild", env)
	eventually(t, "the supervisor answers", func() bool {
		_, err := client.Client{Socket: client.DefaultSocket}.Ping(context.Background())
		return err == nil
	})
	service(t, "clawjail-gateway", env, "-listen=127.0.0.1:0")
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(read(t, filepath.Join(dir, "cert"))))
	vera := console{t: t, http: &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: "localhost"},
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", "127.0.0.1:9443")
		}}}}
	eventually(t, "the console listens", func() bool {
		c, err := net.Dial("tcp", "127.0.0.1:9443")
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	// The supervisor believes what the sign-in signs: both have the same secret.
	if status := vera.as("vera").call("GET", "/jails", nil, &[]api.Jail{}); status != http.StatusOK {
		t.Errorf("the jails: %d", status)
	}
}
