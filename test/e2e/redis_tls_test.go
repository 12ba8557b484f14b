//go:build e2e

package e2e

import (
	"crypto/tls"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// tlsRedis is one that speaks nothing but TLS, with a certificate of its own and
// what was counted in a directory.
func tlsRedis(t *testing.T, addr, data string) (s *redisServer, cert string) {
	t.Helper()
	dir := t.TempDir()
	certificate(t, dir)
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	cert = filepath.Join(dir, "cert.pem")
	s = &redisServer{t: t, addr: addr, dir: data, tls: &tls.Config{InsecureSkipVerify: true}, // of the test, which waits for it
		args: []string{"--port", "0", "--tls-port", port, "--tls-cert-file", cert, "--tls-key-file", filepath.Join(dir, "key.pem"), "--tls-auth-clients", "no"}}
	s.start()
	t.Cleanup(s.kill)
	return s, cert
}

// TestRedisOverTLS: the process that counts, under its filter, believes the Redis
// whose certificate the configuration names, and no other in its place.
func TestRedisOverTLS(t *testing.T) {
	addr := freeAddr(t)
	if !ownHost(t, "action_limits: {redis: [\""+addr+"\"], redis_tls: true, redis_ca_file: /etc/clawjail/redis.pem}\n", 16<<20) {
		return
	}
	s, cert := tlsRedis(t, addr, t.TempDir())
	policy := policyFile(t, "actions: {limits: [{of: api_call, limit: 3/h, scope: all, over: deny}]}\n")
	dir := workspace(t)
	ask := run{Policy: policy, Workspace: dir, Argv: []string{"clawjail-act", "request", "api_call", "--json"}}
	if o := jail(t, ask); o.Code != 125 || !strings.Contains(o.Stderr, "action_limits.redis_ca_file") {
		t.Errorf("without the file of certificates: %v", o)
	}
	if err := os.WriteFile("/etc/clawjail/redis.pem", []byte(read(t, cert)), 0o644); err != nil {
		t.Fatal(err)
	}
	allowed := 0
	answers := func(want string) {
		t.Helper()
		eventually(t, "the answer is "+want, func() bool {
			o := jail(t, ask)
			allowed += strings.Count(o.Stdout, `"verdict":"allow"`)
			return strings.Contains(o.Stdout, want)
		})
	}
	answers(`"verdict":"allow"`)
	answers("over the limit: api_call 3 per 1h of each all")
	if allowed < 1 || allowed > 3 {
		t.Errorf("%d were let through", allowed)
	}
	if status := read(t, "/proc/"+strconv.Itoa(counterOf(t))+"/status"); !strings.Contains(status, "\nSeccomp:\t2\n") {
		t.Errorf("the process that counts has no filter: %s", status)
	}
	s.kill()
	stranger, _ := tlsRedis(t, addr, s.dir)
	answers("cannot be told, so nothing is let through")
	stranger.kill()
	s.start()
	answers("over the limit: api_call 3 per 1h of each all")
}
