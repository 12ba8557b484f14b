package smallnet

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cgi"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"clawjail/test/e2e/mockmodel"
)

// Event is something that reached the internet.
type Event struct {
	Kind   string `json:"kind"` // dns, http, tcp, udp
	Name   string `json:"name"` // the name asked for
	Detail string `json:"detail,omitempty"`
	From   string `json:"from,omitempty"`
}

// maxEvents bounds the log; a test that makes more than this is a broken test.
const maxEvents = 100_000

type eventLog struct {
	mu     sync.Mutex
	events []Event
}

func (l *eventLog) add(e Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.events) < maxEvents {
		l.events = append(l.events, e)
	}
}

func (l *eventLog) all() []Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]Event{}, l.events...)
}

// internet is the far side: what its handlers share.
type internet struct {
	dir   string
	log   *eventLog
	model *mockmodel.Server
	git   http.Handler
}

// startInternet brings up every server in the current network namespace.
func startInternet(dir string) error {
	z := zone()
	ca, err := newAuthority(filepath.Join(dir, "ca.pem"), z)
	if err != nil {
		return err
	}
	n := &internet{dir: dir, log: &eventLog{}, model: &mockmodel.Server{}}
	if n.git, err = newGitHost(filepath.Join(dir, "git")); err != nil {
		return err
	}
	if err := startDNS(z, n.log); err != nil {
		return err
	}
	if err := n.startWeb(ca); err != nil {
		return err
	}
	return n.startEcho()
}

func (n *internet) startWeb(ca *authority) error {
	plain, err := net.Listen("tcp", ":80")
	if err != nil {
		return err
	}
	secure, err := tls.Listen("tcp", ":443", &tls.Config{
		GetCertificate: ca.certificate, NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS12,
	})
	if err != nil {
		return err
	}
	control, err := net.Listen("tcp", net.JoinHostPort(gateway4, "8053"))
	if err != nil {
		return err
	}
	// They end with the process; their errors are the clients' to see.
	go func() { _ = http.Serve(plain, n) }()
	go func() { _ = http.Serve(secure, n) }()
	go func() { _ = http.Serve(control, n.control()) }()
	return nil
}

// ServeHTTP is every host of the internet, told apart by name.
func (n *internet) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.ToLower(r.Host)
	if host, _, err := net.SplitHostPort(name); err == nil {
		name = host
	}
	n.log.add(Event{Kind: "http", Name: name, Detail: r.Method + " " + r.URL.Path, From: r.RemoteAddr})
	switch {
	case strings.HasPrefix(name, "api."), name == "generativelanguage.googleapis.com":
		n.model.ServeHTTP(w, r)
	case name == NameGit, name == "github.com":
		n.git.ServeHTTP(w, r)
	default:
		serveFiles(w, r, name)
	}
}

// serveFiles answers /bytes/N with N zeros, counts what is sent to it, and says
// its name for anything else.
func serveFiles(w http.ResponseWriter, r *http.Request, name string) {
	if count, ok := strings.CutPrefix(r.URL.Path, "/bytes/"); ok {
		size, err := strconv.ParseInt(count, 10, 64)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Length", count)
		_, _ = io.CopyN(w, zeros{}, size) // the client may leave early
		return
	}
	got, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		return
	}
	fmt.Fprintf(w, "%s %s %s got %d bytes\n", name, r.Method, r.URL.Path, got)
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// control lets the tests set scripts and read what happened.
func (n *internet) control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /script/{name}", func(w http.ResponseWriter, r *http.Request) {
		var s mockmodel.Script
		if err := json.NewDecoder(r.Body).Decode(&s); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if err := n.model.SetScript(r.PathValue("name"), s); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
	})
	mux.HandleFunc("GET /model/{name}", func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewEncoder(w).Encode(n.model.Log(r.PathValue("name")))
	})
	mux.HandleFunc("GET /events", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(n.log.all())
	})
	return mux
}

// startEcho serves the plain TCP and UDP ports.
func (n *internet) startEcho() error {
	serve := func(port int, f func(net.Conn)) error {
		l, err := net.Listen("tcp", ":"+strconv.Itoa(port))
		if err != nil {
			return err
		}
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				n.log.add(Event{Kind: "tcp", Name: c.LocalAddr().String(), From: c.RemoteAddr().String()})
				go func() { defer c.Close(); f(c) }()
			}
		}()
		return nil
	}
	if err := serve(PortEcho, func(c net.Conn) { _, _ = io.Copy(c, c) }); err != nil {
		return err
	}
	if err := serve(PortSource, func(c net.Conn) { _, _ = io.Copy(c, zeros{}) }); err != nil {
		return err
	}
	u, err := net.ListenPacket("udp", ":"+strconv.Itoa(PortUDPEcho))
	if err != nil {
		return err
	}
	go func() {
		buf := make([]byte, 64<<10)
		for {
			size, from, err := u.ReadFrom(buf)
			if err != nil {
				return
			}
			n.log.add(Event{Kind: "udp", From: from.String()})
			_, _ = u.WriteTo(buf[:size], from)
		}
	}()
	return nil
}

// newGitHost makes a bare repository demo.git with one commit and serves it
// with git's own http backend.
func newGitHost(dir string) (http.Handler, error) {
	git, err := exec.LookPath("git")
	if err != nil {
		return nil, err
	}
	const script = `
		git init -q -b main work && cd work
		echo "# demo" >README.md && git add README.md
		git -c user.name=test -c user.email=test@example.com -c commit.gpgsign=false commit -q -m first
		cd .. && git clone -q --bare work demo.git && touch demo.git/git-daemon-export-ok`
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	c := exec.Command("sh", "-e", "-c", script)
	c.Dir = dir
	c.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
	if out, err := c.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("make the demo repository: %w: %s", err, out)
	}
	return &cgi.Handler{
		Path: git, Args: []string{"http-backend"},
		Env: []string{"GIT_PROJECT_ROOT=" + dir, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_GLOBAL=/dev/null",
			"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*"},
	}, nil
}
