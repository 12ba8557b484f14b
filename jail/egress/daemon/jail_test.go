package daemon

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"clawjail/jail/egress/address"
	"clawjail/jail/egress/control"
	"clawjail/jail/egress/relay"
)

// start serves a jail on a loopback listener, whose address is the literal
// that its rules allow.
func start(t *testing.T, protocol string, sniffIn time.Duration) (*jail, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	sh := &shared{ledger: newLedger(), dialer: newDialer("/dev/null"), buffers: relay.NewBuffers(), sniffIn: sniffIn}
	rules := control.Rules{Jail: "j", Dests: []control.Dest{{Host: "127.0.0.1", Protocol: protocol}}}
	j, err := startJail(sh, rules, []string{"tcp4"}, []*os.File{f})
	if err != nil {
		t.Fatal(err)
	}
	return j, l.Addr().String()
}

func TestRefusedBeforeAnythingLeaves(t *testing.T) {
	for _, c := range []struct {
		name, protocol, send, want string
		close                      bool
	}{
		{"silence", "", "", "did not say what it wants in time", false},
		{"half a hello", "", "\x16\x03\x01\x01\x00\x01", "did not say what it wants in time", false},
		{"half a head", "", "GET / HT", "did not say what it wants in time", false},
		{"an end", "", "", "ended before it said", true},
		{"another protocol", "", "SSH-2.0-x\r\nexit\n", "malformed", false},
		{"bytes", "", "\x00\x01", "neither TLS nor HTTP", false},
		{"HTTP where TLS is wanted", "tls", "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", "protocol http is not allowed", false},
		{"an address inside", "", "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", "refused: loopback", false},
		{"an address inside, not looked at", "tcp", "", "refused: loopback", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			j, addr := start(t, c.protocol, 100*time.Millisecond)
			nc, err := net.Dial("tcp", addr)
			if err == nil {
				defer nc.Close()
				_, _ = io.WriteString(nc, c.send) // may be reset already
				if c.close {
					_ = nc.(*net.TCPConn).CloseWrite()
				}
				_, err = io.Copy(io.Discard, nc)
			}
			if !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("client's error %v, want a reset", err)
			}
			j.stop()
			got := drain(j.ledger)
			if len(got) != 1 || got[0].Verdict != control.Deny || !strings.Contains(got[0].Reason, c.want) {
				t.Errorf("events %+v, want %q", got, c.want)
			}
			if len(j.ledger.conns) != 0 || len(j.conns) != 0 {
				t.Error("places were not given back")
			}
		})
	}
}

func TestStartJailRefuses(t *testing.T) {
	sh := &shared{ledger: newLedger(), dialer: &dialer{table: address.New()}, buffers: relay.NewBuffers()}
	for name, c := range map[string]struct {
		rules control.Rules
		kinds []string
	}{
		"bad destination":      {control.Rules{Jail: "j", Dests: []control.Dest{{Host: "*"}}}, nil},
		"bad prefix":           {control.Rules{Jail: "j", VirtualV4: netip.MustParsePrefix("10.0.0.0/30")}, nil},
		"a socket that is not": {control.Rules{Jail: "j"}, []string{"tcp4"}},
		"missing socket":       {control.Rules{Jail: "j"}, []string{"tcp4", "udp4"}},
	} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		w.Close()
		if j, err := startJail(sh, c.rules, c.kinds, []*os.File{r}); err == nil {
			j.stop()
			t.Errorf("%s: started", name)
		}
		if _, err := r.Read(make([]byte, 1)); !errors.Is(err, os.ErrClosed) {
			t.Errorf("%s: file left open: %v", name, err)
		}
	}
}
