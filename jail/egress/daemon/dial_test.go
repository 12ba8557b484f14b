package daemon

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"

	"clawjail/jail/egress/relay"
)

func TestDial(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := uint16(l.Addr().(*net.TCPAddr).Port)
	loopback := []netip.Addr{netip.MustParseAddr("127.0.0.1")}
	d := newDialer("/dev/null")

	c, err := d.dial(context.Background(), loopback, port, true)
	if err != nil {
		t.Fatal(err)
	}
	relay.Reset(c)

	var r *refusal
	if _, err := d.dial(context.Background(), loopback, port, false); !errors.As(err, &r) {
		t.Errorf("loopback without permission: %v", err)
	}
	// The check on the socket holds without the one before it.
	if _, err := d.try(context.Background(), netip.AddrPortFrom(loopback[0], port), false); !errors.As(err, &r) {
		t.Errorf("loopback on the socket: %v", err)
	}
	// A dead address first: the next one is tried at once.
	dead := netip.MustParseAddr("127.0.0.2")
	c, err = d.dial(context.Background(), []netip.Addr{dead, loopback[0]}, port, true)
	if err != nil {
		t.Fatal(err)
	}
	relay.Reset(c)
	if _, err := d.dial(context.Background(), []netip.Addr{dead}, port, true); err == nil || errors.As(err, &r) {
		t.Errorf("dead address: %v", err)
	}
	if _, err := d.resolve(context.Background(), nil, "a.test"); err == nil || !strings.Contains(err.Error(), "names none") {
		t.Errorf("no resolvers: %v", err)
	}
}
