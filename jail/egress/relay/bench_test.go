package relay

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// pair returns both ends of a loopback connection.
func pair(tb testing.TB) (client, server *net.TCPConn) {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		tb.Fatal(err)
	}
	s, err := l.Accept()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { c.Close(); s.Close() })
	return c.(*net.TCPConn), s.(*net.TCPConn)
}

// transfer sends size bytes into one end and reads them at the other.
func transfer(tb testing.TB, from, to *net.TCPConn, size int64) time.Duration {
	tb.Helper()
	start := time.Now()
	var wg sync.WaitGroup
	wg.Go(func() {
		b := make([]byte, 256<<10)
		for left := size; left > 0; left -= int64(len(b)) {
			if _, err := from.Write(b[:min(left, int64(len(b)))]); err != nil {
				tb.Errorf("write: %v", err)
				break
			}
		}
		from.CloseWrite()
	})
	n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{to}, make([]byte, 256<<10))
	if err != nil || n != size {
		tb.Errorf("read %d of %d: %v", n, size, err)
	}
	wg.Wait()
	return time.Since(start)
}

// BenchmarkBulk prints a relay's rate as a share of a direct connection's in
// the same run.
func BenchmarkBulk(b *testing.B) {
	const size = 1 << 30
	var direct, through time.Duration
	for b.Loop() {
		from, to := pair(b)
		direct += transfer(b, from, to, size)
		client, in := pair(b)
		out, server := pair(b)
		r := New(in, out, time.Minute, NewBuffers())
		done := make(chan error, 1)
		go func() { done <- r.Run(context.Background(), nil, nil) }()
		through += transfer(b, client, server, size)
		server.Close()
		if err := <-done; err != nil {
			b.Fatal(err)
		}
	}
	gb := float64(size) * float64(b.N) / 1e9
	b.ReportMetric(gb/direct.Seconds(), "direct-GB/s")
	b.ReportMetric(gb/through.Seconds(), "relay-GB/s")
	b.ReportMetric(direct.Seconds()/through.Seconds(), "ratio")
}
