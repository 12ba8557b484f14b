//go:build kernel

package egress_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sys/unix"

	"clawjail/jail/egress"
)

// The tests' addresses: a jail without a way out, a host, and an internet of
// documentation addresses behind a veth pair.
const (
	hostAddr4, farAddr4 = "198.51.100.1", "198.51.100.2"
	hostAddr6, farAddr6 = "2001:db8:ff::1", "2001:db8:ff::2"
	webAddr4, webAddr6  = "192.0.2.10", "2001:db8::10"
	dnsAddr4            = "192.0.2.53"
	egressUID           = 64731
)

// netns is a network namespace that lives on one locked thread.
type netns struct {
	tb    testing.TB
	tid   int
	calls chan func()
}

func newNetns(tb testing.TB) *netns {
	tb.Helper()
	n := &netns{tb: tb, calls: make(chan func())}
	started := make(chan error, 1)
	go func() {
		// Never unlocked: the thread ends with the goroutine, and with it
		// the namespace.
		runtime.LockOSThread()
		err := unix.Unshare(unix.CLONE_NEWNET)
		n.tid = unix.Gettid()
		started <- err
		for call := range n.calls {
			call()
		}
	}()
	if err := <-started; err != nil {
		tb.Fatalf("unshare network namespace: %v", err)
	}
	tb.Cleanup(func() { close(n.calls) })
	n.do(func() {
		run(tb, "ip", "link", "set", "lo", "up")
	})
	return n
}

// do runs a call inside. Sockets made in it, and processes started, belong to
// the namespace.
func (n *netns) do(call func()) {
	done := make(chan struct{})
	finished := false
	n.calls <- func() {
		defer close(done)
		call()
		finished = true
	}
	<-done
	if !finished {
		n.tb.FailNow() // the call did, on its own goroutine, which is gone
	}
}

func run(tb testing.TB, name string, args ...string) {
	tb.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		tb.Errorf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

// output runs a command inside and returns what it writes.
func (n *netns) output(env []string, name string, args ...string) (out string, err error) {
	cmd := exec.Command(name, args...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=/root"}, env...)
	var b strings.Builder
	cmd.Stdout, cmd.Stderr = &b, &b
	n.do(func() { err = cmd.Start() })
	if err == nil {
		err = cmd.Wait()
	}
	return b.String(), err
}

// world is all of it with one clawjail-egress.
type world struct {
	jail, host, far *netns
	server          *egress.Server
	ca              string // file
	pool            *x509.CertPool
	tls             *tls.Config
	zone            map[string][]string
	mu              sync.Mutex
	asked           []string
	resolvConf      string
	made            egress.Sockets
	removing        chan error
	asker           egress.Asker
}

func newWorld(tb testing.TB) *world {
	tb.Helper()
	w := &world{jail: newNetns(tb), host: newNetns(tb), far: newNetns(tb)}
	w.host.do(func() {
		run(tb, "ip", "link", "add", "vup", "type", "veth", "peer", "name", "vdown", "netns", fmt.Sprint(w.far.tid))
		run(tb, "ip", "addr", "add", hostAddr4+"/24", "dev", "vup")
		run(tb, "ip", "addr", "add", hostAddr6+"/64", "dev", "vup", "nodad")
		run(tb, "ip", "link", "set", "vup", "up")
	})
	w.far.do(func() {
		run(tb, "ip", "addr", "add", farAddr4+"/24", "dev", "vdown")
		run(tb, "ip", "addr", "add", farAddr6+"/64", "dev", "vdown", "nodad")
		run(tb, "ip", "link", "set", "vdown", "up")
		for _, a := range []string{webAddr4 + "/32", dnsAddr4 + "/32", webAddr6 + "/128"} {
			run(tb, "ip", "addr", "add", a, "dev", "lo")
		}
	})
	w.host.do(func() {
		run(tb, "ip", "route", "add", "default", "via", farAddr4)
		run(tb, "ip", "-6", "route", "add", "default", "via", farAddr6)
	})
	w.hostResolver(tb)
	w.jail.do(func() {
		run(tb, "ip", "route", "add", "local", "default", "dev", "lo")
		run(tb, "ip", "-6", "route", "add", "local", "default", "dev", "lo")
	})
	w.zone = map[string][]string{
		"api.example.com.":     {webAddr4, webAddr6},
		"v4.example.com.":      {webAddr4},
		"v6.example.com.":      {webAddr6},
		"a.wild.example.com.":  {webAddr4},
		"rebind.example.com.":  {"169.254.169.254", "127.0.0.1", "::1", "10.0.0.1"},
		"mixed.example.com.":   {"127.0.0.1", webAddr4},
		"self.example.com.":    {hostAddr4},
		"nothing.example.com.": {},
	}
	w.resolvConf = filepath.Join(tb.TempDir(), "resolv.conf")
	if err := os.WriteFile(w.resolvConf, []byte("nameserver 198.18.0.1\nnameserver fd63:6c61:776a::1\n"), 0o600); err != nil {
		tb.Fatal(err)
	}
	w.makeTLS(tb)
	w.serveDNS(tb)
	w.start(tb)
	return w
}

// hostResolver gives the host's thread, and what it starts, mounts of its own
// with a resolv.conf that leads to the far DNS server.
func (w *world) hostResolver(tb testing.TB) {
	tb.Helper()
	conf := filepath.Join(tb.TempDir(), "resolv.conf")
	if err := os.WriteFile(conf, []byte("nameserver "+dnsAddr4+"\n"), 0o644); err != nil {
		tb.Fatal(err)
	}
	w.host.do(func() {
		if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
			tb.Fatalf("unshare mount namespace: %v", err)
		}
		run(tb, "mount", "--make-rprivate", "/")
		run(tb, "mount", "--bind", conf, "/etc/resolv.conf")
	})
}

// built is the program under test, made once; TestMain removes it.
var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "clawjail-egress-test-")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		return "", err
	}
	bin := filepath.Join(dir, "clawjail-egress")
	build := exec.Command("go", "build", "-o", bin, "clawjail/cmd/clawjail-egress")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return bin, nil
})

func binary(tb testing.TB) string {
	tb.Helper()
	bin, err := built()
	if err != nil {
		tb.Fatal(err)
	}
	return bin
}

// start starts clawjail-egress in the host's namespace.
func (w *world) start(tb testing.TB) {
	tb.Helper()
	bin := binary(tb)
	var err error
	w.host.do(func() {
		log := slog.New(slog.NewTextHandler(tb.Output(), nil))
		w.server, err = egress.Start(context.Background(), nil, bin, egressUID, egressUID, log, w.asker)
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { w.server.Close() })
}

func (w *world) makeTLS(tb testing.TB) {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	cert := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		DNSNames:    []string{"*.example.com", "*.wild.example.com"},
		IPAddresses: []net.IP{net.ParseIP(webAddr4)},
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, key.Public(), key)
	if err != nil {
		tb.Fatal(err)
	}
	w.tls = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	w.ca = filepath.Join(tb.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if err := os.WriteFile(w.ca, text, 0o600); err != nil {
		tb.Fatal(err)
	}
	w.pool = x509.NewCertPool()
	w.pool.AppendCertsFromPEM(text)
}

// listen makes a listener on the far side.
func (w *world) listen(tb testing.TB, addr string) net.Listener {
	tb.Helper()
	var l net.Listener
	var err error
	w.far.do(func() { l, err = net.Listen("tcp", addr) })
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { l.Close() })
	return l
}

// serve accepts connections until the test ends.
func (w *world) serve(tb testing.TB, addr string, handle func(net.Conn)) {
	tb.Helper()
	l := w.listen(tb, addr)
	var wg sync.WaitGroup
	tb.Cleanup(wg.Wait)
	tb.Cleanup(func() { l.Close() })
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); handle(c) }()
		}
	})
}

func (w *world) serveHTTP(tb testing.TB, addr string, config *tls.Config, h http.Handler) {
	tb.Helper()
	l := w.listen(tb, addr)
	s := &http.Server{Handler: h, TLSConfig: config, ReadHeaderTimeout: time.Minute}
	var wg sync.WaitGroup
	wg.Go(func() {
		var err error
		if config != nil {
			err = s.ServeTLS(l, "", "")
		} else {
			err = s.Serve(l)
		}
		if !errors.Is(err, http.ErrServerClosed) {
			tb.Errorf("serve: %v", err)
		}
	})
	tb.Cleanup(func() { s.Close(); wg.Wait() })
}

// serveDNS answers from the zone and writes down each question.
func (w *world) serveDNS(tb testing.TB) {
	tb.Helper()
	answer := func(rw dns.ResponseWriter, q *dns.Msg) {
		name := strings.ToLower(q.Question[0].Name)
		w.mu.Lock()
		w.asked = append(w.asked, name)
		w.mu.Unlock()
		r := new(dns.Msg)
		r.SetReply(q)
		addrs, ok := w.zone[name]
		if !ok {
			r.Rcode = dns.RcodeNameError
		}
		for _, text := range addrs {
			a := netip.MustParseAddr(text)
			h := dns.RR_Header{Name: name, Class: dns.ClassINET, Ttl: 60}
			if a.Is4() && q.Question[0].Qtype == dns.TypeA {
				h.Rrtype = dns.TypeA
				r.Answer = append(r.Answer, &dns.A{Hdr: h, A: a.AsSlice()})
			} else if a.Is6() && q.Question[0].Qtype == dns.TypeAAAA {
				h.Rrtype = dns.TypeAAAA
				r.Answer = append(r.Answer, &dns.AAAA{Hdr: h, AAAA: a.AsSlice()})
			}
		}
		_ = rw.WriteMsg(r) // a client that is gone is its own affair
	}
	var pc net.PacketConn
	var err error
	w.far.do(func() { pc, err = net.ListenPacket("udp4", dnsAddr4+":53") })
	if err != nil {
		tb.Fatal(err)
	}
	s := &dns.Server{PacketConn: pc, Handler: dns.HandlerFunc(answer)}
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.ActivateAndServe() })
	tb.Cleanup(func() { pc.Close(); wg.Wait() })
}

func (w *world) questions() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.asked, " ")
}

// add serves the jail with rules.
func (w *world) add(tb testing.TB, rules egress.Rules) {
	tb.Helper()
	if rules.Jail == "" {
		rules.Jail = "j"
	}
	if err := w.server.Add(context.Background(), rules, w.sockets(tb)); err != nil {
		tb.Fatal(err)
	}
}

// event returns the next event that fits, and fails after half a minute.
func (w *world) event(tb testing.TB, fits func(egress.Event) bool) egress.Event {
	tb.Helper()
	limit := time.After(30 * time.Second)
	var seen []string
	for {
		select {
		case e, ok := <-w.server.Events():
			if !ok {
				tb.Fatalf("events ended; saw %s", strings.Join(seen, "\n"))
			}
			if fits(e) {
				return e
			}
			seen = append(seen, fmt.Sprintf("%+v", e))
		case <-limit:
			tb.Fatalf("no such event; saw\n%s", strings.Join(seen, "\n"))
		}
	}
}

// conn returns the next connection's event.
func (w *world) conn(tb testing.TB) egress.Event {
	tb.Helper()
	return w.event(tb, func(e egress.Event) bool { return e.Kind == egress.KindConn })
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func discard(c net.Conn) { _, _ = io.Copy(io.Discard, c) }
