//go:build e2e

package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/audit"
	"clawjail/supervisor/api"
	"clawjail/supervisor/approval"
	"clawjail/test/e2e/smallnet"
)

// eximUser is the one that Debian's mail server insists on.
const (
	eximUser = "Debian-exim"
	eximUID  = 64950
)

// mailServer is Debian's, Exim, with TLS and a password, and who "refused" is it
// does not know. What it delivers is one file.
type mailServer struct {
	addr, dir string
}

// startMail starts it in this test's own host.
func startMail(t *testing.T, dir string) mailServer {
	t.Helper()
	m := mailServer{addr: freeAddr(t), dir: dir}
	found, err := exec.LookPath("exim4")
	if err != nil {
		t.Fatalf("%v: .ci/deps.sh e2e fetches it", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "exim4") // without the bit that makes it root's
	if out, err := exec.Command("install", "-m", "755", found, program).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if _, err := user.Lookup(eximUser); err != nil {
		appended(t, "/etc/passwd", fmt.Sprintf("%s:x:%d:%d::/:/usr/sbin/nologin\n", eximUser, eximUID, eximUID))
		appended(t, "/etc/group", fmt.Sprintf("%s:x:%d:\n", eximUser, eximUID))
	}
	u, err := user.Lookup(eximUser)
	if err != nil {
		t.Fatal(err)
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	certificate(t, dir)
	_, port, _ := net.SplitHostPort(m.addr)
	conf := strings.NewReplacer("DIR", dir, "PORT", port, "USER", eximUser, "SECRET", hookSecret).Replace(eximConfig)
	if err := os.WriteFile(filepath.Join(dir, "conf"), []byte(conf), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{"spool", "log", "box"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range []string{"spool", "log", "box", "key.pem"} {
		if err := os.Chown(filepath.Join(dir, d), uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	c := exec.Command(program, "-C", filepath.Join(dir, "conf"), "-bdf")
	c.Dir, c.Stderr = "/", os.Stderr
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
		if t.Failed() {
			t.Logf("the mail server's log\n%s\n%s", read(t, filepath.Join(dir, "log", "main")), m.box())
		}
	})
	eventually(t, "the mail server answers", func() bool {
		c, err := net.Dial("tcp", m.addr)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	return m
}

const eximConfig = `exim_path = DIR/exim4
spool_directory = DIR/spool
log_file_path = DIR/log/%s
pid_file_path = DIR/pid
exim_user = USER
exim_group = USER
deliver_drop_privilege
primary_hostname = mail.example.org
local_interfaces = 127.0.0.1
daemon_smtp_ports = PORT
keep_environment =
host_lookup =
rfc1413_query_timeout = 0s
tls_advertise_hosts = *
tls_certificate = DIR/cert.pem
tls_privatekey = DIR/key.pem
acl_smtp_rcpt = rcpt
begin acl
rcpt:
  deny local_parts = refused
       message = nobody of that name here
  accept authenticated = *
         encrypted = *
  deny message = sign in first
begin routers
all:
  driver = accept
  transport = box
begin transports
box:
  driver = appendfile
  file = DIR/box/all
  user = USER
  group = USER
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${if and{{eq{$auth2}{clawjail}}{eq{$auth3}{SECRET}}}}
  server_set_id = $auth2
  server_advertise_condition = ${if def:tls_in_cipher}
`

// box is everything that was delivered, with the line breaks of mail taken out.
func (m mailServer) box() string {
	b, err := os.ReadFile(filepath.Join(m.dir, "box", "all"))
	if err != nil {
		return ""
	}
	return strings.ReplaceAll(strings.ReplaceAll(string(b), "\r\n", "\n"), "=\n", "")
}

// appended puts a file with more at its end in the place of one, in this test's
// own host.
func appended(t *testing.T, path, more string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), filepath.Base(path))
	if err := os.WriteFile(copied, append(b, more...), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount(copied, path, "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
}

// certificate makes one for this host's own address.
func certificate(t *testing.T, dir string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mail.example.org"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: secret}} {
		mode := map[string]os.FileMode{"cert.pem": 0o644, "key.pem": 0o600}[name]
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), mode); err != nil {
			t.Fatal(err)
		}
	}
}

const peopleConfig = `notifications:
  channels:
    - {name: mail, kind: smtp, server: %q, from: clawjail@example.org, to: [oncall@example.org], username: clawjail, secret_file: /etc/clawjail/hook}
    - {name: unknown, kind: smtp, server: %[1]q, from: clawjail@example.org, to: [refused@example.org], username: clawjail, secret_file: /etc/clawjail/hook}
    - {name: stranger, kind: smtp, server: %[1]q, from: clawjail@example.org, to: [oncall@example.org]}
    - {name: dead, kind: webhook, url: %q, secret_file: /etc/clawjail/hook}
    - {name: hook, kind: webhook, url: %q, secret_file: /etc/clawjail/hook}
    - {name: asleep, kind: webhook, url: %[3]q, secret_file: /etc/clawjail/hook}
  quiet:
    - {channels: [asleep], from: %q, until: %q, pass: critical}
hitl:
  approvers: %s
  groups:
    - {name: oncall, channels: [mail, unknown, stranger, dead]}
    - {name: leads, channels: [hook, asleep]}
  categories:
    - {name: commands, of: [exec], severity: high, four_eyes: true, escalate: [{to: oncall}, {after: 2s, to: leads}]}
`

// TestPeopleApprove: a held program is told to people by a real mail server, one
// that refuses and a webhook that never answers hold up nobody, others are told
// when nobody decides, over a restart; two people approve, who has looked is known,
// and the log has all of it.
func TestPeopleApprove(t *testing.T) {
	if !ownHost(t, "", 16<<20) {
		return
	}
	srv, got := receiver(t)
	release := make(chan struct{})
	never := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(func() { close(release); never.Close() })
	m := startMail(t, "/etc/clawjail/mail")
	t.Setenv("SSL_CERT_FILE", filepath.Join(m.dir, "cert.pem"))
	config := fmt.Sprintf("version: 1\n"+peopleConfig, m.addr, never.URL, srv.URL,
		time.Now().UTC().Add(-time.Hour).Format("15:04"), time.Now().UTC().Add(6*time.Hour).Format("15:04"), smallnet.UserName)
	if err := os.WriteFile("/etc/clawjail/config.yaml", []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("/etc/clawjail/hook", []byte(hookSecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if o := clawjail(t, run{}, "config", "check"); o.Code != 0 || o.Stderr != "" {
		t.Fatal(o)
	}
	d := startDaemon(t)
	gatewayProcess(t)

	j := detached(t, run{Workspace: workspace(t), Policy: policyFile(t, "exec: {default: audit, rules: [{run: id, then: ask}]}\n"), Argv: []string{"sh", "-c", "id; sleep 1000"}})
	a := held(t, j.Name)
	within(t, "the mail is delivered", func() bool { return strings.Contains(m.box(), "Subject: clawjail: approve? ") })
	for _, text := range []string{"To: <oncall@example.org>", "category commands, high", "financial: nothing known", "reversible: unknown", "takes 2 different people", "; denied in ", "clawjail approve " + a.ID} {
		if !strings.Contains(m.box(), text) {
			t.Errorf("no %q in\n%s", text, m.box())
		}
	}
	b := got.told(t, "clawjail.approval.escalated")
	if b.Data.Approval != a.ID || b.Data.Digest != a.Digest || b.Data.Severity != "high" || b.Data.Needs != 2 || b.Data.WaitedMS < 2000 || b.Data.Impact == nil || b.Data.Impact.Reversible != "unknown" {
		t.Errorf("%+v", b.Data)
	}
	supervisorSays := func(what string) {
		t.Helper()
		within(t, what, func() bool {
			return slices.ContainsFunc(records(t, "", "--gate", audit.GateSupervisor), func(r audit.Record) bool {
				return r.Subject.Op == "notify" && strings.Contains(r.Subject.Message, what)
			})
		})
	}
	supervisorSays("approval asked: sent to mail (smtp)")
	supervisorSays("approval asked: given up for unknown (smtp)")
	supervisorSays("approval asked: given up for stranger (smtp)")
	supervisorSays("approval asked: could not be sent yet to dead (webhook)")
	supervisorSays("approval escalated: kept from asleep (webhook): quiet hours until ")
	d.again(unix.SIGKILL)
	if again := held(t, j.Name); again.ID != a.ID || again.Digest != a.Digest {
		t.Errorf("%+v", again)
	}
	twoApprove(t, a.ID, got)
	if b := got.told(t, "clawjail.approval.decided"); !strings.Contains(b.Data.Title, "approved by "+smallnet.UserName+" with root") {
		t.Errorf("%+v", b.Data)
	}
	supervisorSays("taken back from dead (webhook): nobody has to decide any more")
	within(t, "the mail says what was decided", func() bool { return strings.Contains(m.box(), "Subject: clawjail: approved by ") })
	if n := strings.Count(m.box(), "Subject: clawjail: approve? "); n != 1 {
		t.Errorf("asked %d times", n)
	}
	for _, b := range got.kept {
		if b.Type == "clawjail.approval.escalated" {
			t.Errorf("told again: %+v", b.Data)
		}
	}
	peopleAreRecorded(t, j.ID, a.Digest)
}

// twoApprove has root and another user approve on the command line.
func twoApprove(t *testing.T, id string, got *inbox) {
	t.Helper()
	if o := clawjail(t, run{}, "approve", id, "--reason", "looked at it"); o.Code != 0 || !strings.Contains(o.Stdout, "your approval counts; it takes 1 more, of somebody else") {
		t.Fatal(o)
	}
	got.told(t, "clawjail.approval.seconded") // before it is decided: then it would be taken back
	if o := clawjail(t, run{}, "approve", id); o.Code == 0 || !strings.Contains(o.Stderr, "root approved request "+id+" already: it takes 2 different people (four_eyes of commands)") {
		t.Errorf("twice: %v", o)
	}
	if o := asUser(t, "pending", id); o.Code != 0 || !strings.Contains(o.Stdout, "approved   root, once: looked at it") || !strings.Contains(o.Stdout, "seen by    root, "+smallnet.UserName) ||
		!strings.Contains(o.Stdout, "told       oncall after 0s") || !strings.Contains(o.Stdout, "leads after 2s") {
		t.Errorf("%v", o)
	}
	o := asUser(t, "pending", id, "-o", "json")
	var shown api.Approval
	if err := json.Unmarshal([]byte(o.Stdout), &shown); err != nil {
		t.Fatal(err, o)
	}
	trail, err := approval.DecodeTrail(shown.Trail)
	if err != nil || len(trail.Steps) != 2 || len(trail.Seen) != 2 || len(trail.Consents) != 1 ||
		!slices.ContainsFunc(trail.Sent, func(s approval.Sent) bool { return s.Channel == "mail" && s.Outcome == "sent" }) {
		t.Errorf("%+v, %v", trail, err)
	}
	if o := asUser(t, "approve", "-q", id); o.Code != 0 || !strings.Contains(o.Stdout, "approved by "+smallnet.UserName+" with root") {
		t.Fatal(o)
	}
}

// peopleAreRecorded looks for who was told, who saw and who approved in the log.
func peopleAreRecorded(t *testing.T, jail, digest string) {
	t.Helper()
	list := records(t, jail)
	count := map[string]int{}
	for _, r := range list {
		if r.Decision != nil && r.Decision.Digest == digest {
			count[r.Subject.Op]++
		}
	}
	if count["escalate"] != 2 || count["seen"] != 2 {
		t.Errorf("records about the request: %v", count)
	}
	want(t, list, "the first approval", func(r audit.Record) bool {
		return r.Gate == audit.GateExec && r.Verdict == "ask" && r.Decision != nil && strings.Contains(r.Decision.Reason, "takes another person, once, category commands: looked at it")
	})
	want(t, list, "the second", func(r audit.Record) bool {
		return r.Gate == audit.GateExec && r.Verdict == "allow" && r.Decision != nil && r.Decision.Digest == digest && strings.Contains(r.Decision.Reason, "with root")
	})
	verified(t, jail)
}

// within is eventually for what waits for a server that does not answer.
func within(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick, end := time.NewTicker(100*time.Millisecond), time.After(2*time.Minute)
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("it did not come to this: %s", what)
		}
	}
}
