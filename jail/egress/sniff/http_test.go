package sniff

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"strings"
	"testing"
)

func TestRequest(t *testing.T) {
	const hosted = "Host: a.test\r\n"
	for _, c := range []struct {
		name, head string
		want       Request // without Size
	}{
		{"plain", "GET / HTTP/1.1\r\n" + hosted, Request{Method: "GET", Host: "a.test"}},
		{"HTTP/1.0", "GET / HTTP/1.0\r\n" + hosted, Request{Method: "GET", Host: "a.test"}},
		{"port", "GET / HTTP/1.1\r\nHost: a.test:8080\r\n", Request{Method: "GET", Host: "a.test", Port: 8080}},
		{"trailing dot and case", "GET / HTTP/1.1\r\nHOST:A.Test.\r\n", Request{Method: "GET", Host: "A.Test."}},
		{"literal", "GET / HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n", Request{Method: "GET", Host: "[2001:db8::1]", Port: 80}},
		{"absolute form", "GET http://a.test/x?y HTTP/1.1\r\n" + hosted, Request{Method: "GET", Host: "a.test"}},
		{"absolute form without path", "GET HTTP://A.test HTTP/1.1\r\n" + hosted, Request{Method: "GET", Host: "a.test"}},
		{"asterisk form", "OPTIONS * HTTP/1.1\r\n" + hosted, Request{Method: "OPTIONS", Host: "a.test"}},
		{"length", "POST / HTTP/1.1\r\n" + hosted + "Content-Length: 12\r\n", Request{Method: "POST", Host: "a.test", Body: 12}},
		{"chunked", "POST / HTTP/1.1\r\n" + hosted + "transfer-encoding: Chunked\r\n", Request{Method: "POST", Host: "a.test", Chunked: true}},
		{"websocket", "GET / HTTP/1.1\r\n" + hosted + "Connection: Upgrade\r\nUpgrade: websocket\r\n", Request{Method: "GET", Host: "a.test", Upgrade: true}},
		{"8-bit value", "GET / HTTP/1.1\r\n" + hosted + "X: \xe9\r\n", Request{Method: "GET", Host: "a.test"}},
		{"upgrade-insecure-requests", "GET / HTTP/1.1\r\n" + hosted + "Upgrade-Insecure-Requests: 1\r\n", Request{Method: "GET", Host: "a.test"}},
	} {
		head := c.head + "\r\n"
		c.want.Size = len(head)
		got, err := ParseRequest([]byte(head+"GET /next"), 0)
		if err != nil || got != c.want {
			t.Errorf("%s: %+v, %v; want %+v", c.name, got, err, c.want)
		}
	}
}

func TestRequestRefused(t *testing.T) {
	const line, hosted = "GET / HTTP/1.1\r\n", "Host: a.test\r\n"
	for name, head := range map[string]string{
		"no Host":                      line,
		"no Host in an absolute form":  "GET http://a.test/ HTTP/1.1\r\n",
		"two Hosts":                    line + hosted + hosted,
		"two Hosts, one odd":           line + hosted + "hOST: b.test\r\n",
		"folded Host":                  line + "Host:\r\n a.test\r\n",
		"folded field":                 line + hosted + "X: a\r\n b\r\n",
		"space before the colon":       line + "Host : a.test\r\n",
		"space before the first field": line + " Host: a.test\r\n",
		"field without colon":          line + hosted + "X\r\n",
		"empty Host":                   line + "Host: \r\n",
		"Host with two names":          line + "Host: a.test, b.test\r\n",
		"Host with a space":            line + "Host: a.test b.test\r\n",
		"Host with user":               line + "Host: u@a.test\r\n",
		"Host with a path":             line + "Host: a.test/x\r\n",
		"Host with a bad port":         line + "Host: a.test:99999\r\n",
		"Host with a signed port":      line + "Host: a.test:+80\r\n",
		"Host with an empty port":      line + "Host: a.test:\r\n",
		"Host with a NUL":              line + "Host: a.test\x00\r\n",
		"IPv6 without brackets":        line + "Host: 2001:db8::1\r\n",
		"bare line feed":               "GET / HTTP/1.1\n" + hosted,
		"bare line feed in a field":    line + "X: a\nHost: b.test\r\n" + hosted,
		"bare carriage return":         line + "X: a\rHost: b.test\r\n" + hosted,
		"absolute form, other Host":    "GET http://a.test/ HTTP/1.1\r\nHost: b.test\r\n",
		"absolute form, other port":    "GET http://a.test:81/ HTTP/1.1\r\nHost: a.test\r\n",
		"absolute form, user":          "GET http://a.test@b.test/ HTTP/1.1\r\n" + hosted,
		"absolute form, backslash":     "GET http://b.test\\a.test/ HTTP/1.1\r\n" + hosted,
		"https":                        "GET https://a.test/ HTTP/1.1\r\n" + hosted,
		"authority form":               "GET a.test:80 HTTP/1.1\r\n" + hosted,
		"CONNECT":                      "CONNECT a.test:443 HTTP/1.1\r\n" + hosted,
		"HTTP/2":                       "PRI * HTTP/2.0\r\n",
		"HTTP/1.2":                     "GET / HTTP/1.2\r\n" + hosted,
		"HTTP/0.9":                     "GET /\r\n" + hosted,
		"two spaces":                   "GET  / HTTP/1.1\r\n" + hosted,
		"tab":                          "GET\t/ HTTP/1.1\r\n" + hosted,
		"asterisk":                     "GET * HTTP/1.1\r\n" + hosted,
		"method":                       "G(T / HTTP/1.1\r\n" + hosted,
		"two lengths":                  line + hosted + "Content-Length: 1\r\nContent-Length: 1\r\n",
		"list of lengths":              line + hosted + "Content-Length: 1, 1\r\n",
		"signed length":                line + hosted + "Content-Length: +1\r\n",
		"negative length":              line + hosted + "Content-Length: -1\r\n",
		"huge length":                  line + hosted + "Content-Length: 99999999999999999999\r\n",
		"empty length":                 line + hosted + "Content-Length:\r\n",
		"length and chunked":           line + hosted + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
		"other coding":                 line + hosted + "Transfer-Encoding: gzip, chunked\r\n",
		"two codings":                  line + hosted + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
		"identity":                     line + hosted + "Transfer-Encoding: identity\r\n",
		"chunked in HTTP/1.0":          "GET / HTTP/1.0\r\n" + hosted + "Transfer-Encoding: chunked\r\n",
		"upgrade to h2c":               line + hosted + "Upgrade: h2c\r\n",
		"upgrade to h2c among others":  line + hosted + "Upgrade: foo, H2C\r\n",
		"settings of h2c":              line + hosted + "HTTP2-Settings: x\r\n",
		"upgrade with a body":          line + hosted + "Upgrade: websocket\r\nContent-Length: 1\r\n",
		"too many fields":              line + hosted + strings.Repeat("X: y\r\n", MaxFields),
		"too long":                     line + hosted + "X: " + strings.Repeat("y", MaxHead) + "\r\n",
	} {
		if r, err := ParseRequest([]byte(head+"\r\n"), 0); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
	if _, err := ParseRequest([]byte("GET / HT\x00"), 0); !errors.Is(err, ErrMalformed) {
		t.Errorf("control byte in half a head: %v", err)
	}
	if _, err := ParseRequest(bytes.Repeat([]byte{'A'}, MaxHead), 0); !errors.Is(err, ErrMalformed) {
		t.Errorf("endless line: %v", err)
	}
}

func TestRequestByteByByte(t *testing.T) {
	head := "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"
	for n := range len(head) {
		_, err := ParseRequest([]byte(head[:n]), max(0, n-1))
		var short *Short
		if !errors.As(err, &short) || short.Need != n+1 {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	if r, err := ParseRequest([]byte(head), len(head)-1); err != nil || r.Size != len(head) {
		t.Errorf("whole: %+v, %v", r, err)
	}
}

func TestRequestFor(t *testing.T) {
	for _, c := range []struct {
		host string
		port uint16
		name string
		ok   bool
	}{
		{"a.test", 0, "a.test", true},
		{"A.TEST.", 8080, "a.test", true},
		{"a.test", 80, "a.test", false},
		{"b.test", 0, "a.test", false},
		{"xa.test", 0, "a.test", false},
		{"192.0.2.1", 0, "192.0.2.1", true},
		{"[2001:db8:0::1]", 0, "2001:db8::1", true},
		{"192.0.2.2", 0, "192.0.2.1", false},
		{"a.test", 0, "192.0.2.1", false},
	} {
		err := Request{Host: c.host, Port: c.port}.For(c.name, 8080)
		var m *Mismatch
		if (err == nil) != c.ok || err != nil && !errors.As(err, &m) {
			t.Errorf("%s:%d for %s: %v", c.host, c.port, c.name, err)
		}
	}
}

// FuzzRequest holds the parser to net/http, which is more lenient: what we
// take, it takes as the same request.
func FuzzRequest(f *testing.F) {
	f.Add([]byte("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"))
	f.Add([]byte("POST http://a.test:80/x HTTP/1.0\r\nHost: a.test:80\r\nContent-Length: 5\r\n\r\nhello"))
	f.Add([]byte("PUT /x HTTP/1.1\r\nHost: [::1]\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"))
	f.Add([]byte("GET / HTTP/1.1\r\nHost: a.test\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n"))
	f.Add([]byte("GET / HTTP/1.1\r\nHost: a.test\r\n Host: b.test\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := ParseRequest(b, 0)
		if err != nil {
			var short *Short
			if errors.As(err, &short) == errors.Is(err, ErrMalformed) {
				t.Fatalf("error is neither or both: %v", err)
			}
			return
		}
		std, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(b)))
		if err != nil {
			return // stricter in places, paths for one
		}
		want := r.Host
		if r.Port != 0 {
			want += fmt.Sprintf(":%d", r.Port)
		}
		if !strings.EqualFold(normal(std.Host), normal(want)) {
			t.Fatalf("net/http reads host %q, we read %q", std.Host, want)
		}
		chunked := len(std.TransferEncoding) == 1
		if chunked != r.Chunked || !chunked && std.ContentLength != r.Body {
			t.Fatalf("net/http reads body %d %v, we read %d %v", std.ContentLength, chunked, r.Body, r.Chunked)
		}
	})
}

// normal drops leading zeros of a port.
func normal(host string) string {
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		return host[:i+1] + strings.TrimLeft(host[i+1:], "0")
	}
	return host
}

func TestChunks(t *testing.T) {
	for _, c := range []struct {
		in   string
		n    int
		done bool
		bad  bool
	}{
		{"0\r\n\r\nGET", 5, true, false},
		{"5\r\nhello\r\n0\r\n\r\n", 15, true, false},
		{"a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\nX: y\r\nZ: \r\n\r\n", 46, true, false},
		{"5\r\nhel", 6, false, false},
		{"5;x=y\r\nhello", 1, false, true},
		{" 5\r\nhello", 0, false, true},
		{"5 \r\nhello", 1, false, true},
		{"5\nhello", 1, false, true},
		{"\r\n", 0, false, true},
		{"-1\r\n", 0, false, true},
		{"0x5\r\nhello", 1, false, true},
		{"5\r\nhelloX", 8, false, true},
		{"5\r\nhello\n", 8, false, true},
		{"1000000000000000\r\n", 15, false, true},
		{"0\r\nX: \x01\r\n\r\n", 6, false, true},
		{"0\r\nX\nY\r\n\r\n", 4, false, true},
		{"0\r\n" + strings.Repeat("x", MaxTrailer+1), 3 + MaxTrailer, false, true},
	} {
		whole, pieces := Chunks{}, Chunks{}
		n, done, err := whole.Feed([]byte(c.in))
		if n != c.n || done != c.done || errors.Is(err, ErrMalformed) != c.bad {
			t.Errorf("%.30q: %d, %v, %v", c.in, n, done, err)
		}
		total := 0
		for i := 0; i < len(c.in) && !done; i++ {
			n, d, err := pieces.Feed([]byte(c.in[i : i+1]))
			total += n
			if d || err != nil {
				break
			}
		}
		if !done && total != c.n {
			t.Errorf("%.30q byte by byte: %d", c.in, total)
		}
	}
}

// FuzzChunks holds the follower to net/http's reader: it ends where ours ends.
func FuzzChunks(f *testing.F) {
	f.Add([]byte("5\r\nhello\r\n0\r\n\r\nGET / HTTP/1.1\r\n"))
	f.Add([]byte("0\r\nX: y\r\n\r\n"))
	f.Add([]byte("00\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var c Chunks
		n, done, err := c.Feed(b)
		if n > len(b) || done && err != nil {
			t.Fatalf("%d of %d, %v, %v", n, len(b), done, err)
		}
		if !done {
			return
		}
		in := bufio.NewReader(bytes.NewReader(b[:n]))
		if _, err := io.Copy(io.Discard, httputil.NewChunkedReader(in)); err != nil {
			t.Fatalf("net/http: %v", err)
		}
		// The trailer section is what is left, to its empty line.
		rest, _ := io.ReadAll(in)
		if !bytes.HasSuffix(rest, []byte("\r\n")) || bytes.Contains(rest[:len(rest)-2], []byte("\r\n\r\n")) {
			t.Fatalf("net/http leaves %q", rest)
		}
	})
}

func TestSwitched(t *testing.T) {
	for _, c := range []struct {
		in    string
		want  bool
		short bool
	}{
		{"HTTP/1.1 101 Switching Protocols\r\n", true, false},
		{"HTTP/1.1 200 OK\r\n", false, false},
		{"HTTP/1.1 10", false, true},
		{"", false, true},
		{"SSH", false, false},
	} {
		got, err := Switched([]byte(c.in))
		var short *Short
		if got != c.want || errors.As(err, &short) != c.short {
			t.Errorf("%q: %v, %v", c.in, got, err)
		}
	}
}

func TestDetect(t *testing.T) {
	for b, want := range map[byte]string{22: "tls", 'G': "http", 'P': "http", 'g': "unknown", 0: "unknown", 0x80: "unknown"} {
		if got := Detect(b).String(); got != want {
			t.Errorf("%#x is %s", b, got)
		}
	}
}
