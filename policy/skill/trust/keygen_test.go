package trust

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// keygen runs ssh-keygen, which every host that has OpenSSH's client has.
func keygen(t *testing.T, stdin []byte, args ...string) (string, error) {
	t.Helper()
	c := exec.Command("ssh-keygen", args...)
	c.Stdin = bytes.NewReader(stdin)
	out, err := c.CombinedOutput()
	return string(out), err
}

func TestSSHKeygenVerifiesWhatWeSign(t *testing.T) {
	m := manifest(t, nil)
	for _, kind := range []string{"ed25519", "p256", "p384", "p521"} {
		k, line := newKey(t, kind)
		dir := t.TempDir()
		sig, err := SignSSH(m.Statement(), k)
		if err != nil {
			t.Fatal(err)
		}
		write(t, dir, "allowed", []byte("alice@example.org namespaces=\""+Namespace+"\" "+line+"\n"))
		write(t, dir, "sig", sig)
		out, err := keygen(t, m.Statement(), "-Y", "verify", "-f", filepath.Join(dir, "allowed"), "-I", "alice@example.org", "-n", Namespace, "-s", filepath.Join(dir, "sig"))
		if err != nil {
			t.Errorf("%s: ssh-keygen: %v: %s", kind, err, out)
		}
		if out, err := keygen(t, append(m.Statement(), 'x'), "-Y", "verify", "-f", filepath.Join(dir, "allowed"), "-I", "alice@example.org", "-n", Namespace, "-s", filepath.Join(dir, "sig")); err == nil {
			t.Errorf("%s: ssh-keygen verifies another statement: %s", kind, out)
		}
	}
}

func TestWeVerifyWhatSSHKeygenSigns(t *testing.T) {
	m := manifest(t, nil)
	for _, kind := range [][]string{{"ed25519"}, {"ecdsa", "-b", "256"}, {"rsa", "-b", "3072"}} {
		dir := t.TempDir()
		key := filepath.Join(dir, "key")
		if out, err := keygen(t, nil, append([]string{"-q", "-N", "", "-C", "a comment", "-f", key, "-t"}, kind...)...); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		public, err := os.ReadFile(key + ".pub")
		if err != nil {
			t.Fatal(err)
		}
		p := Policy{Signers: signers(t, "alice@example.org "+string(public)), Now: now}
		sign := func(namespace string) []byte {
			write(t, dir, "statement", m.Statement())
			os.Remove(filepath.Join(dir, "statement.sig"))
			if out, err := keygen(t, nil, "-q", "-Y", "sign", "-n", namespace, "-f", key, filepath.Join(dir, "statement")); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			b, err := os.ReadFile(filepath.Join(dir, "statement.sig"))
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		if o := Verify(m, []Signature{{"skill.sig", sign(Namespace)}}, p); !o.Verified {
			t.Errorf("%v: %+v", kind, o)
		}
		o := Verify(m, []Signature{{"skill.sig", sign("file")}}, p)
		if o.Verified || o.Findings[0].Rule != "CJS-SIG-002" || !strings.Contains(o.Findings[0].Message, `made for "file"`) {
			t.Errorf("%v: another namespace: %+v", kind, o)
		}
		text, err := os.ReadFile(key)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseKey(text, nil); err != nil {
			t.Errorf("%v: its private key: %v", kind, err)
		}
	}
}

func TestEncryptedKey(t *testing.T) {
	key := filepath.Join(t.TempDir(), "key")
	if out, err := keygen(t, nil, "-q", "-N", "obviously fake", "-f", key, "-t", "ed25519"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	text, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParseKey(text, nil); err != ErrPassphrase { //nolint:errorlint // exactly it
		t.Errorf("without a passphrase: %v", err)
	}
	if _, err := ParseKey(text, []byte("obviously fake")); err != nil {
		t.Errorf("with it: %v", err)
	}
}

func write(t *testing.T, dir, name string, b []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
		t.Fatal(err)
	}
}
