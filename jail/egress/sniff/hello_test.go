package sniff

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"
)

// captured returns the bytes that crypto/tls sends first.
func captured(tb testing.TB, config *tls.Config) []byte {
	tb.Helper()
	client, server := net.Pipe()
	defer server.Close()
	go func() {
		defer client.Close()
		_ = tls.Client(client, config).Handshake() // fails: nobody answers
	}()
	var all []byte
	b := make([]byte, 64<<10)
	for {
		n, err := server.Read(b)
		all = append(all, b[:n]...)
		if err != nil {
			tb.Fatalf("no ClientHello in %d bytes: %v", len(all), err)
		}
		if _, err := ParseHello(all); err == nil {
			return all
		}
	}
}

// handshake returns the ClientHello inside records.
func handshake(records []byte) []byte {
	var out []byte
	for len(records) >= recordHeader {
		n := int(records[3])<<8 | int(records[4])
		out = append(out, records[recordHeader:recordHeader+n]...)
		records = records[recordHeader+n:]
	}
	return out
}

// fragmented puts handshake bytes into records of some bytes.
func fragmented(hello []byte, size int) []byte {
	var out []byte
	for len(hello) > 0 {
		n := min(size, len(hello))
		out = append(out, recordHandshake, 3, 1, byte(n>>8), byte(n))
		out = append(out, hello[:n]...)
		hello = hello[n:]
	}
	return out
}

// built makes a ClientHello with extensions given as bytes.
func built(extensions ...[]byte) []byte {
	body := append([]byte{3, 3}, make([]byte, 32)...)
	body = append(body, 0, 0, 2, 0x13, 1, 1, 0)
	all := bytes.Join(extensions, nil)
	body = append(body, byte(len(all)>>8), byte(len(all)))
	body = append(body, all...)
	hello := append([]byte{clientHello, byte(len(body) >> 16), byte(len(body) >> 8), byte(len(body))}, body...)
	return fragmented(hello, maxRecord)
}

func extension(kind int, value []byte) []byte {
	return append([]byte{byte(kind >> 8), byte(kind), byte(len(value) >> 8), byte(len(value))}, value...)
}

func serverName(kind byte, names ...string) []byte {
	var list []byte
	for _, n := range names {
		list = append(list, kind, byte(len(n)>>8), byte(len(n)))
		list = append(list, n...)
	}
	return extension(extServerName, append([]byte{byte(len(list) >> 8), byte(len(list))}, list...))
}

func TestHelloOfRealClients(t *testing.T) {
	for _, c := range []struct {
		name   string
		config *tls.Config
		want   string
	}{
		{"TLS 1.3", &tls.Config{ServerName: "api.example.com"}, "api.example.com"},
		{"TLS 1.2", &tls.Config{ServerName: "api.example.com", MaxVersion: tls.VersionTLS12}, "api.example.com"},
		{"another case", &tls.Config{ServerName: "API.Example.com"}, "API.Example.com"},
		{"no name", &tls.Config{InsecureSkipVerify: true}, ""},
		{"a literal", &tls.Config{ServerName: "192.0.2.1"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := captured(t, c.config)
			h, err := ParseHello(append(bytes.Clone(b), "more"...))
			if err != nil || h.ServerName != c.want || h.Size != len(b) {
				t.Fatalf("%+v, %v; want %q in %d bytes", h, err, c.want, len(b))
			}
			for _, size := range []int{len(b)/MaxRecords + 1, 100, 1000} {
				f := fragmented(handshake(b), size)
				h, err := ParseHello(f)
				if err != nil || h.ServerName != c.want || h.Size != len(f) {
					t.Errorf("in records of %d: %+v, %v", size, h, err)
				}
			}
			if _, err := ParseHello(fragmented(handshake(b), 1)); err == nil && len(b) > MaxRecords {
				t.Error("more records than allowed")
			}
		})
	}
}

// A buffer that grows by what Short asks for ends at the hello's own size:
// nothing behind it is waited for.
func TestHelloNeedsNoMoreThanItself(t *testing.T) {
	for _, b := range [][]byte{
		captured(t, &tls.Config{ServerName: "api.example.com"}),
		fragmented(handshake(captured(t, &tls.Config{ServerName: "api.example.com"})), 7),
	} {
		have, steps := 0, 0
		for {
			h, err := ParseHello(b[:have])
			if err == nil {
				if h.Size != len(b) || have != len(b) {
					t.Errorf("size %d, read %d, want %d", h.Size, have, len(b))
				}
				break
			}
			var short *Short
			if !errors.As(err, &short) || short.Need <= have || short.Need > len(b) {
				t.Fatalf("at %d of %d: %v", have, len(b), err)
			}
			have = short.Need
			if steps++; steps > 2*MaxRecords+2 {
				t.Fatal("too many steps")
			}
		}
	}
}

func TestHelloRefused(t *testing.T) {
	good := built(serverName(0, "a.test"))
	if h, err := ParseHello(good); err != nil || h.ServerName != "a.test" {
		t.Fatalf("the base of this test: %+v, %v", h, err)
	}
	change := func(at int, to byte) []byte {
		b := bytes.Clone(good)
		b[at] = to
		return b
	}
	huge := make([]byte, 3*maxRecord)
	for _, c := range []struct {
		name string
		b    []byte
		want string
	}{
		{"HTTP", []byte("GET / HTTP/1.1\r\n"), "record type"},
		{"SSL 2", []byte{0x80, 0x2e, 1, 3, 1}, "record type"},
		{"alert", change(0, 21), "record type"},
		{"record version", change(1, 2), "record version"},
		{"empty record", []byte{22, 3, 1, 0, 0}, "record of 0 bytes"},
		{"long record", []byte{22, 3, 1, 0x40, 1}, "record of 16385 bytes"},
		{"server hello", change(5, 2), "before a ClientHello"},
		{"hello version", change(9, 2), "version"},
		{"two server_name extensions", built(serverName(0, "a.test"), serverName(0, "b.test")), "two server_name"},
		{"two names", built(serverName(0, "a.test", "b.test")), "not one name"},
		{"no name in the list", built(extension(0, []byte{0, 0})), "not one name"},
		{"name type", built(serverName(1, "a.test")), "type 1"},
		{"name with a NUL", built(serverName(0, "a.test\x00.b.test")), "server_name"},
		{"empty name", built(serverName(0, "")), "server_name"},
		{"two dots", built(serverName(0, "a.test..")), "server_name"},
		{"bytes behind the list", built(extension(0, []byte{0, 4, 0, 0, 1, 'a', 9})), "not one name"},
		{"cut extension", built([]byte{0, 0, 0, 9}), "extension is cut"},
		{"bytes behind the extensions", built([]byte{1, 2, 3}), "extension is cut"},
		{"second message in the record", fragmented(append(handshake(good), clientHello, 0, 0, 0), maxRecord), "behind"},
		{"over 64 KiB", built(extension(99, huge[:40000]), extension(98, huge[:30000])), "at most"},
	} {
		_, err := ParseHello(c.b)
		if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func TestHelloFor(t *testing.T) {
	for _, c := range []struct {
		seen, name string
		literal    bool
		want       string
	}{
		{"a.test", "a.test", false, ""},
		{"A.Test", "a.test", false, ""},
		{"a.test.", "a.test", false, ""},
		{"", "a.test", false, "no SNI"},
		{"b.test", "a.test", false, `SNI "b.test"`},
		{"xa.test", "a.test", false, "SNI"},
		{"", "192.0.2.1", true, ""},
		{"192.0.2.1", "192.0.2.1", true, ""},
		{"a.test", "192.0.2.1", true, "SNI"},
	} {
		err := Hello{ServerName: c.seen}.For(c.name, c.literal)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q for %q: %v", c.seen, c.name, err)
		}
	}
}

func TestECHIsSeen(t *testing.T) {
	h, err := ParseHello(built(serverName(0, "outer.test"), extension(extECH, []byte{0})))
	if err != nil || !h.ECH || h.ServerName != "outer.test" {
		t.Errorf("%+v, %v", h, err)
	}
}

// A server that wants another key share sends a HelloRetryRequest.
func TestRetry(t *testing.T) {
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{testCertificate(t)}, CurvePreferences: []tls.CurveID{tls.CurveP521},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		if c, err := l.Accept(); err == nil {
			_, _ = io.Copy(io.Discard, c)
			c.Close()
		}
	}()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	recorded := new(bytes.Buffer)
	c := tls.Client(recorder{client, recorded}, &tls.Config{ServerName: "a.test", InsecureSkipVerify: true})
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	b := recorded.Bytes()
	if yes, err := Retry(b); !yes || err != nil {
		t.Errorf("%v, %v", yes, err)
	}
	for n := range 43 {
		var short *Short
		if _, err := Retry(b[:n]); !errors.As(err, &short) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	b[20]++
	if yes, err := Retry(b); yes || err != nil {
		t.Errorf("another random: %v, %v", yes, err)
	}
	if yes, err := Retry([]byte{21}); yes || err != nil {
		t.Errorf("alert: %v, %v", yes, err)
	}
}

type recorder struct {
	net.Conn
	read *bytes.Buffer
}

func (r recorder) Read(b []byte) (int, error) {
	n, err := r.Conn.Read(b)
	r.read.Write(b[:n])
	return n, err
}

func TestSkip(t *testing.T) {
	for _, c := range []struct {
		b    []byte
		want int
		bad  bool
	}{
		{[]byte{20, 3, 3, 0, 1, 1}, 6, false},
		{[]byte{23, 3, 3, 0x41, 0, 0}, 5 + 0x4100, false},
		{[]byte{23, 3, 3, 0x41, 1, 0}, 0, true},
		{[]byte{22, 3, 3, 0, 1, 1}, 0, false},
		{[]byte{21, 3, 3, 0, 1, 1}, 0, true},
		{[]byte{20, 3, 3, 0, 0}, 0, true},
	} {
		n, err := Skip(c.b)
		if n != c.want || errors.Is(err, ErrMalformed) != c.bad {
			t.Errorf("Skip(%x) = %d, %v", c.b, n, err)
		}
	}
}

// FuzzHello looks for crashes and for answers that make no sense.
func FuzzHello(f *testing.F) {
	real := captured(f, &tls.Config{ServerName: "api.example.com"})
	f.Add(real)
	f.Add(fragmented(handshake(real), 9))
	f.Add(built(serverName(0, "a.test"), serverName(0, "b.test")))
	f.Add(built(extension(extECH, []byte{1, 2, 3})))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := ParseHello(b)
		var short *Short
		switch {
		case err == nil && (h.Size > len(b) || h.Size == 0):
			t.Fatalf("size %d of %d", h.Size, len(b))
		case err == nil:
		case errors.As(err, &short) == errors.Is(err, ErrMalformed):
			t.Fatalf("error is neither or both: %v", err)
		case short != nil && short.Need <= len(b):
			t.Fatalf("wants %d of %d bytes", short.Need, len(b))
		}
	})
}

// When we and crypto/tls both take a hello, we read the same name. This is no
// fuzz target: crypto/tls does not run the same way twice.
func TestHelloAgreesWithCryptoTLS(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	seeds := [][]byte{
		captured(t, &tls.Config{ServerName: "api.example.com"}),
		captured(t, &tls.Config{ServerName: "a.test", MaxVersion: tls.VersionTLS12}),
		built(serverName(0, "a.test"), extension(10, []byte{0, 2, 0, 29})),
	}
	both := 0
	for i := range 20000 {
		b := bytes.Clone(seeds[i%len(seeds)])
		for range random.IntN(4) {
			b[random.IntN(len(b))] = byte(random.Uint32())
		}
		h, err := ParseHello(b)
		if err != nil {
			continue
		}
		if name, ok := standardName(b[:h.Size]); ok {
			both++
			if name != strings.TrimSuffix(h.ServerName, ".") {
				t.Fatalf("crypto/tls reads %q, we read %q in %x", name, h.ServerName, b)
			}
		}
	}
	if both < 1000 {
		t.Errorf("only %d hellos were taken by both", both)
	}
}

// standardName is the name that crypto/tls reads.
func standardName(b []byte) (name string, ok bool) {
	c := oneSided{bytes.NewReader(b)}
	stop := errors.New("stop")
	_ = tls.Server(c, &tls.Config{GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		name, ok = h.ServerName, true
		return nil, stop
	}}).HandshakeContext(context.Background())
	return name, ok
}

// oneSided is a connection that takes everything and says what it was given.
type oneSided struct{ io.Reader }

func (oneSided) Write(b []byte) (int, error)      { return len(b), nil }
func (oneSided) Close() error                     { return nil }
func (oneSided) LocalAddr() net.Addr              { return nil }
func (oneSided) RemoteAddr() net.Addr             { return nil }
func (oneSided) SetDeadline(time.Time) error      { return nil }
func (oneSided) SetReadDeadline(time.Time) error  { return nil }
func (oneSided) SetWriteDeadline(time.Time) error { return nil }
