package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clawjail/supervisor/gateway/auth/store"
	"clawjail/supervisor/gateway/auth/strength"
)

// runUsers runs `user` in a directory and gives its exit code and what it said.
func runUsers(t *testing.T, dir, in string, args ...string) (int, string) {
	t.Helper()
	var out bytes.Buffer
	e := &env{stdin: strings.NewReader(in), stdout: &out, stderr: &out, config: filepath.Join(dir, "none.yaml"),
		judge: func(secret, name string) error { return strength.Weak(secret, name) }}
	return execute(e, append([]string{"user", "--dir", dir}, args...)), out.String()
}

func TestUsers(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "users")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	const good, weak = "rhubarb-violin-tundra-19\n", "password1234\n"
	for _, tt := range []struct {
		name, in string
		args     []string
		code     int
		want     string
	}{
		{"nobody yet", "", []string{"list"}, 0, "user add NAME --role admin"},
		{"a weak password", weak, []string{"add", "alice", "--role", "admin", "--password-stdin"}, 125, "easy to guess"},
		{"nobody to ask", good, []string{"add", "alice"}, 125, "--password-stdin"},
		{"an admin without a second factor", good, []string{"add", "alice", "--role", "admin", "--password-stdin", "--no-authenticator"}, 125, "needs a second factor"},
		{"an odd role", good, []string{"add", "alice", "--role", "root", "--password-stdin"}, 125, `no role "root"`},
		{"an odd name", good, []string{"add", "Alice Smith", "--password-stdin"}, 125, "not a user's name"},
		{"the first admin", good, []string{"add", "alice", "--role", "admin", "--no-account", "--password-stdin"}, 0, "otpauth://totp/clawjail:alice?"},
		{"twice", good, []string{"add", "alice", "--password-stdin"}, 125, "user reset alice"},
		{"an approver", good, []string{"add", "bob", "--role", "approver", "--password-stdin", "--no-authenticator"}, 0, "bob is approver"},
		{"another role", "", []string{"role", "bob", "responder"}, 0, "bob is responder"},
		{"an account that is not there", "", []string{"role", "bob", "--account", "no-such-account"}, 125, "no-such-account"},
		{"the last admin, with a word about it", "", []string{"disable", "alice"}, 0, "nobody can keep users in the console"},
		{"the admin again", "", []string{"enable", "alice"}, 0, "alice may sign in"},
		{"disabled", "", []string{"disable", "bob"}, 0, "bob is disabled"},
		{"who is not there", "", []string{"disable", "eve"}, 125, "no such user"},
		{"as a table", "", []string{"list"}, 0, "disabled"},
		{"everything new", good, []string{"reset", "alice", "--password-stdin"}, 0, "Recovery codes"},
		{"everything new, to be changed", good, []string{"reset", "alice", "--password-stdin", "--change-password"}, 0, "Recovery codes"},
		{"with a password of root's choice", good, []string{"add", "zoe", "--password-stdin", "--change-password"}, 0, "zoe is viewer"},
	} {
		code, out := runUsers(t, dir, tt.in, tt.args...)
		if code != tt.code || !strings.Contains(out, tt.want) {
			t.Errorf("%s: exit %d: %s", tt.name, code, out)
		}
	}
	s, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	alice, err := s.Get("alice")
	if err != nil || len(alice.Recovery) != 10 || !alice.NoAccount || alice.TOTP == "" || !alice.Initial {
		t.Errorf("%+v, %v", alice, err)
	}
	if zoe, err := s.Get("zoe"); err != nil || !zoe.Initial {
		t.Errorf("%+v, %v", zoe, err)
	}
	if bob, err := s.Get("bob"); err != nil || bob.Initial {
		t.Errorf("%+v, %v", bob, err)
	}
	_, out := runUsers(t, dir, "", "list", "-o", "json")
	var list []map[string]any
	if err := json.Unmarshal([]byte(out), &list); err != nil || len(list) != 3 {
		t.Errorf("%v: %s", err, out)
	}
	for _, secret := range []string{alice.TOTP, alice.Password, alice.Recovery[0]} {
		if strings.Contains(out, secret) {
			t.Error("the list has what signs somebody in")
		}
	}
}

func TestConfigInit(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "clawjail")
	call := func(args ...string) (int, string) {
		var out bytes.Buffer
		e := &env{stdin: strings.NewReader(""), stdout: &out, stderr: &out, config: filepath.Join(dir, "config.yaml")}
		return execute(e, append([]string{"config"}, args...)), out.String()
	}
	if code, out := call("init", "--listen", "localhost:80"); code == 0 || !strings.Contains(out, `"localhost" is not an address`) {
		t.Errorf("exit %d: %s", code, out)
	}
	code, first := call("init", "--listen", "0.0.0.0:9443", "--name", "jails.example.org")
	if code != 0 || !strings.Contains(first, "fingerprint") || !strings.Contains(first, "https://jails.example.org:9443") {
		t.Fatalf("exit %d: %s", code, first)
	}
	secret := filepath.Join(dir, "secrets", "token")
	before, err := os.ReadFile(secret)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{secret, filepath.Join(dir, "tls", "key.pem")} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	if code, out := call("init"); code != 0 || strings.Contains(out, "made") {
		t.Errorf("again: exit %d: %s", code, out)
	}
	if code, out := call("init", "--new-certificate"); code != 0 || !strings.Contains(out, "fingerprint") || out == first {
		t.Errorf("another certificate: exit %d: %s", code, out)
	}
	after, err := os.ReadFile(secret)
	if err != nil || !bytes.Equal(before, after) {
		t.Error("the secret has changed with the certificate")
	}
	if code, out := call("init", "--new-secret"); code != 0 || !strings.Contains(out, "made "+secret) {
		t.Errorf("another secret: exit %d: %s", code, out)
	}
	if after, err = os.ReadFile(secret); err != nil || bytes.Equal(before, after) {
		t.Error("the secret is the old one")
	}
	if code, out := call("explain"); code != 0 || !strings.Contains(out, `listen: "0.0.0.0:9443"`) {
		t.Errorf("exit %d: %s", code, out)
	}
}
