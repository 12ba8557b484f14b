package relay

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"clawjail/jail/egress/sniff"
)

// joined is a relay between two ends that the test holds.
type joined struct {
	*Relay
	client, server *net.TCPConn
	done           chan error
	cancel         context.CancelFunc
}

func join(t *testing.T, idle time.Duration, pending []byte, gate Gate) *joined {
	t.Helper()
	client, in := pair(t)
	out, server := pair(t)
	ctx, cancel := context.WithCancel(context.Background())
	j := &joined{Relay: New(in, out, idle, NewBuffers()), client: client, server: server, done: make(chan error, 1), cancel: cancel}
	go func() { j.done <- j.Run(ctx, pending, gate) }()
	t.Cleanup(cancel)
	return j
}

func send(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
}

func expect(t *testing.T, c net.Conn, text string) {
	t.Helper()
	b := make([]byte, len(text))
	if _, err := io.ReadFull(c, b); err != nil || string(b) != text {
		t.Fatalf("read %q, %v; want %q", b, err, text)
	}
}

func expectEnd(t *testing.T, c net.Conn) {
	t.Helper()
	if b, err := io.ReadAll(c); err != nil || len(b) > 0 {
		t.Fatalf("read %q, %v; want the end of file", b, err)
	}
}

func expectReset(t *testing.T, c net.Conn) {
	t.Helper()
	if _, err := io.Copy(io.Discard, c); !errors.Is(err, syscall.ECONNRESET) {
		t.Fatalf("read error %v, want a reset", err)
	}
}

func TestHalfClose(t *testing.T) {
	j := join(t, time.Minute, nil, nil)
	send(t, j.client, "question")
	j.client.CloseWrite()
	expect(t, j.server, "question")
	expectEnd(t, j.server)
	send(t, j.server, "answer")
	expect(t, j.client, "answer")
	send(t, j.server, " and more")
	j.server.Close()
	expect(t, j.client, " and more")
	expectEnd(t, j.client)
	if err := <-j.done; err != nil {
		t.Error(err)
	}
	if up, down := j.Counts(); up != 8 || down != 15 {
		t.Errorf("counted %d up, %d down", up, down)
	}
}

func TestServerEndsFirst(t *testing.T) {
	j := join(t, time.Minute, []byte("first "), nil)
	j.server.CloseWrite()
	expectEnd(t, j.client)
	send(t, j.client, "second")
	expect(t, j.server, "first second")
	j.client.Close()
	expectEnd(t, j.server)
	if err := <-j.done; err != nil {
		t.Error(err)
	}
}

func TestResetGoesOn(t *testing.T) {
	t.Run("from the client", func(t *testing.T) {
		j := join(t, time.Minute, nil, nil)
		send(t, j.client, "x")
		expect(t, j.server, "x")
		Reset(j.client)
		expectReset(t, j.server)
		if err := <-j.done; err == nil || !strings.HasPrefix(err.Error(), "reset by the client") {
			t.Errorf("ended with %v", err)
		}
	})
	t.Run("from the server", func(t *testing.T) {
		j := join(t, time.Minute, nil, nil)
		send(t, j.server, "x")
		expect(t, j.client, "x")
		Reset(j.server)
		expectReset(t, j.client)
		if err := <-j.done; err == nil || !strings.HasPrefix(err.Error(), "reset by the server") {
			t.Errorf("ended with %v", err)
		}
	})
}

// A server that refuses the rest of an upload is heard before the reset.
func TestLastWordOfAServer(t *testing.T) {
	j := join(t, time.Minute, nil, nil)
	send(t, j.client, "x")
	expect(t, j.server, "x")
	send(t, j.server, "413 go away")
	expect(t, j.client, "413")
	j.server.Close()
	var wg sync.WaitGroup
	wg.Go(func() { // until it fails
		b := make([]byte, 1<<20)
		for {
			if _, err := j.client.Write(b); err != nil {
				return
			}
		}
	})
	expect(t, j.client, " go away")
	wg.Wait()
	<-j.done
}

func TestIdle(t *testing.T) {
	j := join(t, 50*time.Millisecond, nil, nil)
	for range 20 { // traffic one way keeps both
		send(t, j.client, "x")
		expect(t, j.server, "x")
	}
	if err := <-j.done; !errors.Is(err, ErrIdle) {
		t.Errorf("ended with %v", err)
	}
	expectReset(t, j.client)
	expectReset(t, j.server)
}

func TestBackpressureEndsAsIdle(t *testing.T) {
	j := join(t, 100*time.Millisecond, nil, nil)
	b := make([]byte, 1<<20)
	for {
		if _, err := j.client.Write(b); err != nil {
			break
		}
	}
	if err := <-j.done; !errors.Is(err, ErrIdle) {
		t.Errorf("ended with %v", err)
	}
}

func TestAbort(t *testing.T) {
	j := join(t, time.Minute, nil, nil)
	send(t, j.client, "x")
	expect(t, j.server, "x")
	j.cancel()
	if err := <-j.done; !errors.Is(err, ErrAborted) {
		t.Errorf("ended with %v", err)
	}
	expectReset(t, j.client)
	expectReset(t, j.server)
}

// Random sizes and pauses in both directions at once, through buffers and
// splices; every byte arrives, once, and is counted.
func TestEveryByteArrives(t *testing.T) {
	const size = 64 << 20
	j := join(t, time.Minute, nil, nil)
	flow := func(from, to *net.TCPConn, seed uint64) {
		var wg sync.WaitGroup
		sent, got := sha256.New(), sha256.New()
		wg.Go(func() {
			random := rand.New(rand.NewPCG(seed, 1))
			b := make([]byte, 1<<20)
			for i := range b {
				b[i] = byte(random.Uint32())
			}
			for left := size; left > 0; {
				n := min(left, 1+random.IntN(len(b)))
				if random.IntN(3) == 0 {
					n = min(n, 1+random.IntN(5000))
				}
				sent.Write(b[:n])
				if _, err := from.Write(b[:n]); err != nil {
					t.Errorf("write: %v", err)
					break
				}
				left -= n
			}
			from.CloseWrite()
		})
		if n, err := io.Copy(got, to); err != nil || n != size {
			t.Errorf("read %d of %d: %v", n, size, err)
		}
		wg.Wait()
		if !bytes.Equal(sent.Sum(nil), got.Sum(nil)) {
			t.Error("other bytes arrived")
		}
	}
	var wg sync.WaitGroup
	wg.Go(func() { flow(j.client, j.server, 1) })
	wg.Go(func() { flow(j.server, j.client, 2) })
	wg.Wait()
	if err := <-j.done; err != nil {
		t.Error(err)
	}
	if up, down := j.Counts(); up != size || down != size {
		t.Errorf("counted %d up, %d down", up, down)
	}
}

func hostGate() Gate {
	return RequestGate(func(r sniff.Request) error { return r.For("a.test", 80) })
}

const get = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"

func TestRequestGate(t *testing.T) {
	chunked := "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
	length := "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("b", 100000)
	for _, c := range []struct{ name, good, bad, want string }{
		{"requests in a row", get + chunked + length + get, "", ""},
		{"another Host", get + chunked, "GET / HTTP/1.1\r\nHost: b.test\r\n\r\n", `request 3: Host "b.test"`},
		{"another Host behind a body", length, "GET / HTTP/1.1\r\nHost: b.test\r\n\r\n", `request 2: Host "b.test"`},
		{"no HTTP behind a request", get, "\x16\x03\x01", "request 2: malformed"},
		{"h2 behind a request", get, "PRI * HTTP/2.0\r\n\r\n", "request 2: malformed"},
		{"upgrade on a used connection", get, "GET / HTTP/1.1\r\nHost: a.test\r\nUpgrade: x\r\n\r\n", "upgrade on a used"},
		{"bad chunk", "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n", "zz\r\n", "malformed"},
		{"cut head", get, "GET /", "unexpected EOF"},
	} {
		t.Run(c.name, func(t *testing.T) {
			j := join(t, time.Minute, nil, hostGate())
			send(t, j.client, c.good+c.bad)
			j.client.CloseWrite()
			expect(t, j.server, c.good)
			if c.want == "" {
				expectEnd(t, j.server)
				j.server.Close()
			} else {
				expectReset(t, j.server)
			}
			err := <-j.done
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("ended with %v, want %q", err, c.want)
			}
		})
	}
}

func TestUpgrade(t *testing.T) {
	const upgrade = "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
	t.Run("taken", func(t *testing.T) {
		j := join(t, time.Minute, nil, hostGate())
		send(t, j.client, upgrade)
		expect(t, j.server, upgrade)
		send(t, j.server, "HTTP/1.1 101 Switching\r\n\r\n")
		expect(t, j.client, "HTTP/1.1 101 Switching\r\n\r\n")
		send(t, j.client, "\x81\x00 frames")
		expect(t, j.server, "\x81\x00 frames")
		j.client.Close()
		j.server.Close()
		<-j.done
	})
	t.Run("not taken", func(t *testing.T) {
		j := join(t, time.Minute, nil, hostGate())
		send(t, j.client, upgrade+"GET / HTTP/1.1\r\nHost: b.test\r\n\r\n")
		expect(t, j.server, upgrade)
		send(t, j.server, "HTTP/1.1 200 OK\r\n")
		expectReset(t, j.server)
		var m *sniff.Mismatch
		if err := <-j.done; !errors.As(err, &m) {
			t.Errorf("ended with %v", err)
		}
	})
}

// hello is a ClientHello for a name, in one record.
func hello(name string) string {
	list := "\x00" + string([]byte{0, byte(len(name))}) + name
	ext := string([]byte{0, 0, 0, byte(len(list) + 2), 0, byte(len(list))}) + list
	body := "\x03\x03" + strings.Repeat("r", 32) + "\x00\x00\x02\x13\x01\x01\x00" + string([]byte{0, byte(len(ext))}) + ext
	return "\x16\x03\x01" + string([]byte{0, byte(len(body) + 4), 1, 0, 0, byte(len(body))}) + body
}

// serverHello is the beginning of one; its random says whether it is a retry.
func serverHello(retry bool) string {
	random := strings.Repeat("s", 32)
	if retry {
		random = "\xcf\x21\xad\x74\xe5\x9a\x61\x11\xbe\x1d\x8c\x02\x1e\x65\xb8\x91" +
			"\xc2\xa2\x11\x16\x7a\xbb\x8c\x5e\x07\x9e\x09\xe2\xc8\xa8\x33\x9c"
	}
	return "\x16\x03\x03\x00\x54\x02\x00\x00\x50\x03\x03" + random
}

func TestHelloGate(t *testing.T) {
	check := func(h sniff.Hello) error { return h.For("a.test", false) }
	first := hello("a.test")
	const ccs, early = "\x14\x03\x03\x00\x01\x01", "\x17\x03\x03\x00\x03abc"
	for _, c := range []struct {
		name          string
		retry         bool
		behind, rest  string // client bytes sent at once with the hello, and after the answer
		passed, error string
	}{
		{"no retry", false, "", hello("b.test"), hello("b.test"), ""}, // encrypted, for all we know
		{"retry", true, ccs, hello("a.test") + "more", ccs + hello("a.test") + "more", ""},
		{"retry after early data", true, ccs + early, hello("a.test"), ccs + early + hello("a.test"), ""},
		{"retry with another name", true, ccs, hello("b.test"), ccs, "second ClientHello"},
		{"second hello before it is asked for", true, hello("b.test"), "", "", "second ClientHello"},
		{"retry with something else", true, "", "GET / HTTP/1.1\r\n", "", "malformed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			j := join(t, time.Minute, []byte(first+c.behind), HelloGate(len(first), check))
			expect(t, j.server, first)
			// Nothing else may come before the server has answered.
			j.server.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
			if n, err := j.server.Read(make([]byte, 1)); n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatalf("held bytes came: %v", err)
			}
			j.server.SetReadDeadline(time.Time{})
			send(t, j.server, serverHello(c.retry))
			if c.rest != "" {
				send(t, j.client, c.rest)
			}
			expect(t, j.server, c.passed)
			if c.error == "" {
				j.client.Close()
				j.server.Close()
				<-j.done
				return
			}
			expectReset(t, j.server)
			if err := <-j.done; err == nil || !strings.Contains(err.Error(), c.error) {
				t.Errorf("ended with %v, want %q", err, c.error)
			}
		})
	}
}

func TestGateOfASilentServer(t *testing.T) {
	first := hello("a.test")
	j := join(t, time.Minute, []byte(first), HelloGate(len(first), func(sniff.Hello) error { return nil }))
	expect(t, j.server, first)
	j.server.Close()
	j.client.Close()
	<-j.done
}
