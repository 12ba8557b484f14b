//go:build kernel

package egress_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"clawjail/jail/egress"
)

// roleEnv makes the test binary a client that runs inside a namespace.
const roleEnv = "CLAWJAIL_EGRESS_TEST_CLIENT"

func TestMain(m *testing.M) {
	if role := os.Getenv(roleEnv); role != "" {
		if err := clientMain(strings.Fields(role)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	code := m.Run()
	if bin, err := built(); err == nil {
		os.RemoveAll(filepath.Dir(bin))
	}
	os.Exit(code)
}

// clientMain runs "get URL COUNT", or "handshakes ADDR COUNT CA" or "download
// ADDR BYTES", which write durations in nanoseconds as JSON.
func clientMain(role []string) error {
	count, err := strconv.ParseInt(role[2], 10, 64)
	if err != nil {
		return err
	}
	var took []time.Duration
	switch role[0] {
	case "get":
		return get(role[1], int(count))
	case "handshakes":
		took, err = handshakes(role[1], int(count), role[3])
	case "download":
		took, err = download(role[1], count)
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(took)
}

// get fetches a page several times with net/http, over HTTP/2 if it can.
func get(url string, count int) error {
	for range count {
		r, err := http.Get(url)
		if err != nil {
			return err
		}
		_, err = io.Copy(os.Stdout, r.Body)
		r.Body.Close()
		if err != nil {
			return err
		}
		fmt.Println(r.Proto)
	}
	return nil
}

func handshakes(addr string, count int, ca string) ([]time.Duration, error) {
	text, err := os.ReadFile(ca)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	var took []time.Duration
	for range count {
		start := time.Now()
		c, err := tls.Dial("tcp", addr, &tls.Config{ServerName: "api.example.com", RootCAs: pool})
		if err != nil {
			return nil, err
		}
		var b [1]byte
		if _, err := c.Write(b[:]); err != nil {
			return nil, err
		}
		if _, err := io.ReadFull(c, b[:]); err != nil {
			return nil, err
		}
		took = append(took, time.Since(start))
		c.Close()
	}
	return took, nil
}

func download(addr string, size int64) ([]time.Duration, error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	start := time.Now()
	n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{c}, make([]byte, 256<<10))
	if err != nil || n != size {
		return nil, fmt.Errorf("%d bytes of %d: %w", n, size, err)
	}
	return []time.Duration{time.Since(start)}, nil
}

// measure runs this binary as a client in a namespace.
func measure(b *testing.B, n *netns, role string) []time.Duration {
	b.Helper()
	out, err := n.output([]string{roleEnv + "=" + role}, "/proc/self/exe")
	if err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	var took []time.Duration
	if err := json.NewDecoder(bytes.NewReader([]byte(out))).Decode(&took); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	slices.Sort(took)
	return took
}

func at(took []time.Duration, percent int) time.Duration {
	return took[min(len(took)*percent/100, len(took)-1)]
}

// BenchmarkEgress compares connections through egress with direct ones from
// the host's namespace over the same veth pair, in turns.
func BenchmarkEgress(b *testing.B) {
	const size, rounds, conns = 1 << 30, 5, 200
	w := newWorld(b)
	w.serve(b, webAddr4+":443", func(c net.Conn) {
		s := tls.Server(c, w.tls)
		io.Copy(s, s)
	})
	data := make([]byte, 256<<10)
	w.serve(b, webAddr4+":9000", func(c net.Conn) {
		for left := size; left > 0; left -= len(data) {
			if _, err := c.Write(data); err != nil {
				return
			}
		}
	})
	w.add(b, egress.Rules{Dests: []egress.Dest{
		{Host: "api.example.com", Port: 443},
		{Host: "api.example.com", Port: 9000, Protocol: "tcp"},
	}})
	go func() {
		for range w.server.Events() {
		}
	}()
	virtual, _ := w.addresses(b, "api.example.com.")
	b.Run("tls", func(b *testing.B) {
		var direct, through []time.Duration
		for b.Loop() {
			for range rounds {
				direct = append(direct, measure(b, w.host, fmt.Sprintf("handshakes %s:443 %d %s", webAddr4, conns, w.ca))...)
				through = append(through, measure(b, w.jail, fmt.Sprintf("handshakes %s:443 %d %s", virtual, conns, w.ca))...)
			}
		}
		slices.Sort(direct)
		slices.Sort(through)
		for _, p := range []int{50, 90} {
			d, t := at(direct, p), at(through, p)
			b.Logf("new TLS connection p%d: direct %v, egress %v, ratio %.2f", p, d, t, float64(t)/float64(d))
			b.ReportMetric(float64(t)/float64(d), fmt.Sprintf("p%d-ratio", p))
		}
	})
	b.Run("bulk", func(b *testing.B) {
		var direct, through []time.Duration
		for b.Loop() {
			for range rounds {
				direct = append(direct, measure(b, w.host, fmt.Sprintf("download %s:9000 %d", webAddr4, size))...)
				through = append(through, measure(b, w.jail, fmt.Sprintf("download %s:9000 %d", virtual, size))...)
			}
		}
		slices.Sort(direct)
		slices.Sort(through)
		for _, p := range []int{50, 90} {
			d, t := float64(size)/at(direct, p).Seconds()/1e9, float64(size)/at(through, p).Seconds()/1e9
			b.Logf("bulk p%d: direct %.2f GB/s, egress %.2f GB/s, ratio %.2f", p, d, t, t/d)
			b.ReportMetric(t/d, fmt.Sprintf("p%d-ratio", p))
		}
	})
}
