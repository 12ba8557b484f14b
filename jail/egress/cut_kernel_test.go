//go:build kernel

package egress_test

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"

	"clawjail/jail/egress"
)

// A jail that is cut off loses what it has, gets nothing new, and goes on after
// it was joined again; another jail's name is an error.
func TestCutAndJoin(t *testing.T) {
	w := newWorld(t)
	arrived := make(chan net.Conn, 10)
	w.serve(t, webAddr4+":9000", func(c net.Conn) { arrived <- c; discard(c) })
	w.add(t, egress.Rules{Dests: []egress.Dest{{Host: "v4.example.com", Port: 9000, Protocol: "tcp"}}})
	v4, _ := w.addresses(t, "v4.example.com.")
	c := w.dial(t, v4+":9000")
	<-arrived
	ctx := context.Background()
	if err := w.server.Cut(ctx, "j"); err != nil {
		t.Fatal(err)
	}
	readReset(t, c)
	if e := w.conn(t); !strings.Contains(e.Reason, "closed by clawjail") {
		t.Errorf("event %+v", e)
	}
	w.dialReset(t, v4+":9000")
	if e := w.conn(t); e.Verdict != egress.Deny || !strings.Contains(e.Reason, "cut off") {
		t.Errorf("event %+v", e)
	}
	if err := w.server.Join(ctx, "j"); err != nil {
		t.Fatal(err)
	}
	c = w.dial(t, v4+":9000")
	<-arrived
	if _, err := io.WriteString(c, "x"); err != nil {
		t.Error(err)
	}
	if err := w.server.Cut(ctx, "nobody"); err == nil {
		t.Error("a jail that is not served was cut off")
	}
}
