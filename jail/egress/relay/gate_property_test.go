package relay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// request draws a well-formed request for a host.
func drawRequest(t *rapid.T, host string) string {
	head := fmt.Sprintf("POST /%s HTTP/1.1\r\nHost: %s\r\n", rapid.StringMatching(`[a-z]{0,8}`).Draw(t, "path"), host)
	// Bodies that look like requests for another host are bodies.
	body := strings.Repeat("GET / HTTP/1.1\r\nHost: b.test\r\n\r\n", rapid.IntRange(0, 3).Draw(t, "lines"))
	switch rapid.SampledFrom([]string{"none", "length", "chunked"}).Draw(t, "body") {
	case "length":
		return head + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body)
	case "chunked":
		out := head + "Transfer-Encoding: chunked\r\n\r\n"
		for len(body) > 0 {
			n := rapid.IntRange(1, len(body)).Draw(t, "chunk")
			out += fmt.Sprintf("%x\r\n%s\r\n", n, body[:n])
			body = body[n:]
		}
		return out + "0\r\n\r\n"
	}
	return head + "\r\n"
}

// However requests are cut into writes, the server gets all before the first
// one for another host, and no byte of that one.
func TestRequestGateLetsNothingElseThrough(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		good := ""
		for range rapid.IntRange(1, 5).Draw(rt, "good") {
			good += drawRequest(rt, rapid.SampledFrom([]string{"a.test", "A.Test:80", "a.test."}).Draw(rt, "host"))
		}
		bad := drawRequest(rt, "b.test")
		client, in := pair(t)
		out, server := pair(t)
		defer client.Close()
		defer server.Close()
		r := New(in, out, time.Minute, NewBuffers())
		done := make(chan error, 1)
		go func() { done <- r.Run(context.Background(), nil, hostGate()) }()
		for rest := good + bad; rest != ""; {
			n := rapid.IntRange(1, len(rest)).Draw(rt, "write")
			if _, err := io.WriteString(client, rest[:n]); err != nil {
				break // reset at the bad one
			}
			rest = rest[n:]
		}
		// Everything good may still be under way when the reset comes, and
		// a reset discards what was not read: so a beginning of it.
		got, err := io.ReadAll(server)
		if !errors.Is(err, syscall.ECONNRESET) {
			rt.Fatalf("the server's stream ended with %v", err)
		}
		if !strings.HasPrefix(good, string(got)) {
			rt.Fatalf("the server got %q behind %q", got, good)
		}
		if err := <-done; err == nil || !strings.Contains(err.Error(), "b.test") {
			rt.Fatalf("ended with %v", err)
		}
		if up, _ := r.Counts(); up != int64(len(good)) {
			rt.Fatalf("%d bytes went up, want %d", up, len(good))
		}
	})
}
