package sink

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"clawjail/audit"
)

// receive listens on a local datagram socket.
func receive(t *testing.T, path string) *net.UnixConn {
	t.Helper()
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func datagram(t *testing.T, c *net.UnixConn) string {
	t.Helper()
	b := make([]byte, 1<<20)
	n, err := c.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n])
}

// fields reads a datagram as journald does.
func fields(t *testing.T, b string) map[string]string {
	t.Helper()
	out := make(map[string]string)
	for b != "" {
		name, rest, ok := strings.Cut(b, "\n")
		if !ok {
			t.Fatalf("no end of %q", b)
		}
		if key, value, plain := strings.Cut(name, "="); plain {
			out[key], b = value, rest
			continue
		}
		n := binary.LittleEndian.Uint64([]byte(rest[:8]))
		out[name], b = rest[8:8+n], rest[8+n+1:]
	}
	return out
}

func hostile() audit.Record {
	return audit.Record{Schema: audit.Schema, Seq: 7, Time: time.Unix(1, 0).UTC(), Boot: "b", Jail: "j", Gate: audit.GateExec, Verdict: "deny",
		Rule: "x\nPRIORITY=0\nMESSAGE=all is well", Subject: audit.Subject{Op: "exec", Argv: []string{"a\nCLAWJAIL_VERDICT=allow\n", "\x1b[2J"}}, Prev: audit.Genesis}
}

func TestJournald(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	c := receive(t, path)
	j := &journald{socket: path}
	defer j.close()
	r := hostile()
	if err := j.write(&r); err != nil {
		t.Fatal(err)
	}
	f := fields(t, datagram(t, c))
	if f["PRIORITY"] != "5" || f["CLAWJAIL_VERDICT"] != "deny" || f["CLAWJAIL_RULE"] != r.Rule || f["CLAWJAIL_RECORD"] != string(r.AppendJSON(nil)) ||
		strings.ContainsAny(f["MESSAGE"], "\n\x1b") || !strings.Contains(f["MESSAGE"], "jail j exec deny") {
		t.Errorf("%q", f)
	}
	r.Subject.Argv = []string{strings.Repeat("x", maxDatagram)}
	if err := j.write(&r); err != nil {
		t.Fatal(err)
	}
	if f := fields(t, datagram(t, c)); f["CLAWJAIL_SEQ"] != "7" || f["CLAWJAIL_RECORD"] != "" {
		t.Errorf("%.300q", f)
	}
}

func TestSyslog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	c := receive(t, path)
	s := &syslog{socket: path}
	defer s.close()
	r := hostile()
	if err := s.write(&r); err != nil {
		t.Fatal(err)
	}
	if got := datagram(t, c); !strings.HasPrefix(got, "<85>") || strings.ContainsAny(got, "\n\x1b") || !strings.Contains(got, ": seq 7 jail j exec deny") {
		t.Errorf("%q", got)
	}
}

// TestDialsAgain: whoever listens may be restarted.
func TestDialsAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	s := &syslog{socket: path}
	defer s.close()
	r := hostile()
	if err := s.write(&r); err == nil {
		t.Error("nobody listens: no error")
	}
	c := receive(t, path)
	if err := s.write(&r); err != nil {
		t.Fatal(err)
	}
	datagram(t, c)
}

// log is an audit log and what a set records into it.
func log(t *testing.T) (*audit.Log, string) {
	t.Helper()
	dir := t.TempDir()
	l, err := audit.Open(dir, audit.Options{Boot: "b"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l, dir
}

func append1(t *testing.T, l *audit.Log, n int) {
	t.Helper()
	if _, err := l.Append(audit.Record{Jail: "j", Gate: audit.GateFile, Verdict: "allow", Subject: audit.Subject{Op: "open", Path: fmt.Sprint("/", n)}}); err != nil {
		t.Fatal(err)
	}
}

const url = "https://otel.example.org/v1/logs"

// TestGatewayTakes: a batch is given out until it is done, and what finds no room
// is counted and recorded; the log waits for nothing.
func TestGatewayTakes(t *testing.T) {
	l, dir := log(t)
	var mu sync.Mutex
	var lost []audit.Record
	s := Open([]string{"otlp+" + url}, dir, func(r audit.Record) {
		mu.Lock()
		lost = append(lost, r)
		mu.Unlock()
		_, _ = l.Append(r)
	}, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); s.Run(ctx) }()
	defer func() { cancel(); <-done }()
	if got := s.Receivers(); len(got) != 1 || got[0] != url {
		t.Fatalf("%v", got)
	}
	if _, err := s.Take(ctx, "https://elsewhere.example.org/", 0, false); err == nil {
		t.Error("another receiver: no error")
	}
	// The follower begins some time after Run: what it sees first is a batch.
	first := make(chan Batch, 1)
	go func() { b, _ := s.Take(ctx, url, 0, false); first <- b }()
	var one Batch
	for n := 0; one.ID == 0; n++ {
		append1(t, l, n)
		select {
		case one = <-first:
		default:
		}
	}
	again, err := s.Take(ctx, url, 0, false)
	if err != nil || again.ID != one.ID || again.Lines[0] != one.Lines[0] {
		t.Errorf("not done, and another batch: %v", err)
	}
	for n := range 2 * MaxQueued {
		append1(t, l, n)
	}
	// Nobody takes any more until the follower has seen all of it.
	for {
		c := s.Counts()[0]
		if c.Dropped > 0 && c.Queued >= MaxQueued {
			break
		}
		append1(t, l, 0)
	}
	for id := one.ID; ; {
		b, err := s.Take(ctx, url, id, false)
		if err != nil || len(b.Lines) > MaxBatch {
			t.Fatal(len(b.Lines), err)
		}
		id = b.ID
		append1(t, l, 0) // something to say it at
		mu.Lock()
		said := len(lost) > 0
		mu.Unlock()
		if said {
			break
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if lost[0].Subject.Op != OpSink || lost[0].Subject.Lost == 0 || lost[0].Subject.Name != "otlp" {
		t.Errorf("%+v", lost[0])
	}
	if c := s.Counts()[0]; c.Sent == 0 || c.Dropped < lost[0].Subject.Lost {
		t.Errorf("%+v", c)
	}
}
