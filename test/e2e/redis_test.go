//go:build e2e

package e2e

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"clawjail/supervisor/limit"
	"clawjail/supervisor/limit/shared"
)

// redisServer is a real one of this test's.
type redisServer struct {
	t    *testing.T
	addr string
	dir  string
	args []string
	tls  *tls.Config // nil: none
	cmd  *exec.Cmd
}

// startRedis starts Debian's: the server and the tool that checks its files are
// one program, which goes by the name that it is called by.
func startRedis(t *testing.T, args ...string) *redisServer {
	t.Helper()
	return startRedisAt(t, freeAddr(t), args...)
}

// freeAddr is an address of the loopback that nobody listens on.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func startRedisAt(t *testing.T, addr string, args ...string) *redisServer {
	t.Helper()
	s := &redisServer{t: t, addr: addr, dir: t.TempDir(), args: args}
	s.start()
	t.Cleanup(s.kill)
	return s
}

func (s *redisServer) start() {
	s.t.Helper()
	_, port, _ := net.SplitHostPort(s.addr)
	s.cmd = exec.Command("redis-check-rdb")
	if s.cmd.Err != nil {
		s.t.Fatalf("%v: apt-get install redis-tools", s.cmd.Err)
	}
	s.cmd.Args = append([]string{"redis-server", "--bind", "127.0.0.1", "--port", port, "--dir", s.dir, "--appendonly", "yes", "--appendfsync", "always",
		"--save", "", "--logfile", filepath.Join(s.dir, "log")}, s.args...)
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	c := redis.NewClient(&redis.Options{Addr: s.addr, TLSConfig: s.tls})
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for c.Ping(ctx).Err() != nil {
		if ctx.Err() != nil {
			s.t.Fatalf("redis does not answer: %s", read(s.t, filepath.Join(s.dir, "log")))
		}
	}
}

func (s *redisServer) kill() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

func (s *redisServer) do(args ...any) {
	s.t.Helper()
	c := redis.NewClient(&redis.Options{Addr: s.addr})
	defer c.Close()
	if err := c.Do(s.t.Context(), args...).Err(); err != nil {
		s.t.Fatalf("%v: %v", args, err)
	}
}

// host is one clawjail host's view of a store.
func (s *redisServer) host(o shared.Options) *shared.Store {
	s.t.Helper()
	if o.Addrs == nil {
		o.Addrs = []string{s.addr}
	}
	if o.Timeout == 0 {
		o.Timeout = time.Minute // a busy machine is no store that is away
	}
	st, err := shared.Open(o)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = st.Close() })
	return st
}

func begun(t *testing.T, st *shared.Store) *shared.Store {
	t.Helper()
	if err := st.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	return st
}

func claim(key string, most, n int64) []limit.Claim {
	return []limit.Claim{{Key: key, Limit: limit.Limit{Max: most, Per: time.Hour}, N: n}}
}

// TestRedisCountsForJails: with the supervisor, its process that counts, and a
// jail; while the Redis is away nothing that is limited is let through, and what
// forgot is not believed.
func TestRedisCountsForJails(t *testing.T) {
	addr := freeAddr(t)
	if !ownHost(t, "action_limits: {redis: [\""+addr+"\"]}\n", 16<<20) {
		return
	}
	s := startRedisAt(t, addr)
	policy := policyFile(t, "actions: {limits: [{of: api_call, limit: 3/h, scope: all, over: deny}]}\n")
	dir, allowed := workspace(t), 0
	// A busy machine takes longer to count than the supervisor waits, which denies:
	// so each state is waited for.
	call := func(want string) {
		t.Helper()
		eventually(t, "the answer is "+want, func() bool {
			o := jail(t, run{Policy: policy, Workspace: dir, Argv: []string{"clawjail-act", "request", "api_call", "--json"}})
			allowed += strings.Count(o.Stdout, `"verdict":"allow"`)
			return strings.Contains(o.Stdout, want)
		})
	}
	call(`"verdict":"allow"`)
	call("over the limit: api_call 3 per 1h of each all")
	if allowed < 1 || allowed > 3 {
		t.Errorf("%d were let through", allowed)
	}
	s.kill()
	call("cannot be told, so nothing is let through")
	s.start()
	call("over the limit: api_call 3 per 1h of each all")
	pid := counterOf(t)
	if status := read(t, fmt.Sprintf("/proc/%d/status", pid)); !strings.Contains(status, "\nSeccomp:\t2\n") || !strings.Contains(status, "\nNoNewPrivs:\t1\n") {
		t.Errorf("the process that counts has no filter: %s", status)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "another process counts", func() bool {
		o := jail(t, run{Policy: policy, Workspace: workspace(t), Argv: []string{"clawjail-act", "check", "api_call"}})
		return strings.Contains(o.Stdout, "over the limit") && counterOf(t) != pid
	})
	s.do("flushall")
	call("cannot be told, so nothing is let through")
}

// counterOf finds the process that counts, which is not root's.
func counterOf(t *testing.T) int {
	t.Helper()
	ping, err := supervised().Ping(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	children := read(t, fmt.Sprintf("/proc/%d/task/%d/children", ping.PID, ping.PID))
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", ping.PID))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range tasks {
		children += " " + read(t, f)
	}
	for _, child := range strings.Fields(children) {
		if read(t, "/proc/"+child+"/comm") == "clawjail-counte\n" {
			if status := read(t, "/proc/"+child+"/status"); !strings.Contains(status, "\nUid:\t64902\t") {
				t.Errorf("the process that counts: %s", status)
			}
			pid, err := strconv.Atoi(child)
			if err != nil {
				t.Fatal(err)
			}
			return pid
		}
	}
	return 0
}

// TestRedisManyHosts: ten thousand takes of three hosts, and never one too many.
func TestRedisManyHosts(t *testing.T) {
	s := startRedis(t, "--appendfsync", "no")
	var hosts []*shared.Store
	for range 3 {
		hosts = append(hosts, begun(t, s.host(shared.Options{})))
	}
	var taken, refused atomic.Int64
	var work sync.WaitGroup
	for i := range 20 {
		work.Go(func() {
			for range 500 {
				claims := append(claim("all", 1234, 1), claim("user", 100_000, 1)...)
				over, used, err := hosts[i%3].TakeAll(claims)
				switch {
				case errors.Is(err, shared.ErrAway): // a busy machine: denied, which is no count
					refused.Add(1)
				case err != nil:
					t.Error(err)
				case len(over) == 0 && used[0] > 1234:
					t.Errorf("%d used of 1234", used[0])
				case len(over) == 0:
					taken.Add(1)
				}
			}
		})
	}
	work.Wait()
	over, used, err := hosts[0].Room(append(claim("all", 1234, 1), claim("user", 100_000, 1)...))
	if err != nil || len(over) != 1 || used[0] != 1234 || used[1] != used[0] {
		t.Errorf("%v %v %v in the end", over, used, err)
	}
	if n := taken.Load(); n > 1234 || n+refused.Load() < 1234 {
		t.Errorf("%d were granted, %d not answered", n, refused.Load())
	}
}

// TestRedisComesAndGoes: what is used outlives a restart; while it is away, and
// while it is cut off, nothing is let through, or the host's share.
func TestRedisComesAndGoes(t *testing.T) {
	s := startRedis(t)
	local, err := limit.Open(filepath.Join(t.TempDir(), "limits.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer local.Close()
	plain := begun(t, s.host(shared.Options{}))
	quick := s.host(shared.Options{Timeout: 300 * time.Millisecond}) // only for when it is away
	sharing := limit.Sharing{Remote: quick, Local: local, Hosts: 4}
	if over, used, err := plain.TakeAll(claim("k", 10, 7)); len(over) != 0 || err != nil || used[0] != 7 {
		t.Fatal(over, used, err)
	}
	s.kill()
	if _, _, err := quick.TakeAll(claim("k", 10, 1)); !errors.Is(err, shared.ErrAway) {
		t.Errorf("away: %v", err)
	}
	if err := quick.Add(claim("k", 10, 1)); !errors.Is(err, shared.ErrAway) {
		t.Errorf("away: %v", err)
	}
	for i, want := range []int{0, 0, 1} { // a quarter of ten is two
		if over, _, err := sharing.TakeAll(claim("k", 10, 1)); err != nil || len(over) != want {
			t.Errorf("share, take %d: %v %v", i, over, err)
		}
	}
	s.start()
	over, used, err := plain.TakeAll(claim("k", 10, 4))
	if err != nil || len(over) != 1 || used[0] != 7 {
		t.Errorf("after a restart: %v %v %v", over, used, err)
	}
	if err := s.cmd.Process.Signal(syscall.SIGSTOP); err != nil { // connected, and no answer: a partition
		t.Fatal(err)
	}
	if _, _, err := quick.TakeAll(claim("k", 10, 1)); !errors.Is(err, shared.ErrAway) {
		t.Errorf("cut off: %v", err)
	}
	if over, _, err := sharing.TakeAll(claim("other", 8, 2)); err != nil || len(over) != 0 {
		t.Errorf("cut off, with a share: %v %v", over, err)
	}
	if err := s.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for { // what was sent while it stood still may be counted: at most one more each
		_, used, err := plain.Room(claim("k", 10, 1))
		if err == nil {
			if used[0] < 7 || used[0] > 9 {
				t.Errorf("after the partition: %v", used)
			}
			break
		}
		if ctx.Err() != nil {
			t.Fatalf("it does not come back: %v", err)
		}
	}
}

// TestRedisThatRefuses: full, read-only, emptied or throwing away, and never the
// host's share instead.
func TestRedisThatRefuses(t *testing.T) {
	s := startRedis(t)
	local, err := limit.Open(filepath.Join(t.TempDir(), "limits.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer local.Close()
	if _, _, err := s.host(shared.Options{}).TakeAll(claim("k", 10, 1)); !errors.Is(err, shared.ErrLost) {
		t.Errorf("before it began: %v", err)
	}
	st := limit.Sharing{Remote: begun(t, s.host(shared.Options{})), Local: local, Hosts: 2}
	if _, _, err := st.TakeAll(claim("k", 10, 1)); err != nil {
		t.Fatal(err)
	}
	refuses := func(what, want string) {
		t.Helper()
		over, used, err := st.TakeAll(claim("k", 10, 1))
		if err == nil || errors.Is(err, shared.ErrAway) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v %v %v", what, over, used, err)
		}
	}
	s.do("config", "set", "maxmemory", "1")
	refuses("full", "OOM")
	s.do("config", "set", "maxmemory", "0")
	s.do("replicaof", "127.0.0.1", "1")
	refuses("read-only", "READONLY")
	s.do("replicaof", "no", "one")
	if _, used, err := st.TakeAll(claim("k", 10, 1)); err != nil || used[0] != 2 {
		t.Errorf("well again: %v %v", used, err)
	}
	s.do("config", "set", "maxmemory-policy", "allkeys-lru")
	if err := s.host(shared.Options{}).Begin(t.Context()); err == nil || !strings.Contains(err.Error(), "noeviction") {
		t.Errorf("one that throws away: %v", err)
	}
	s.do("flushall")
	refuses("emptied", "forgotten")
	for name, c := range map[string][]limit.Claim{"negative": claim("k", 10, -1), "nothing": claim("k", 10, 0), "too much": claim("k", 10, limit.MaxMax+1),
		"twice": append(claim("k", 1, 1), claim("k", 1, 1)...), "none": nil} {
		if _, _, err := st.TakeAll(c); !errors.Is(err, limit.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestRedisFailsOver: the replica goes on with what was used, and windows end.
func TestRedisFailsOver(t *testing.T) {
	first := startRedis(t)
	_, port, _ := net.SplitHostPort(first.addr)
	second := startRedis(t, "--replicaof", "127.0.0.1 "+port)
	st := begun(t, first.host(shared.Options{}))
	if _, _, err := st.TakeAll(claim("k", 10, 6)); err != nil {
		t.Fatal(err)
	}
	first.do("wait", 1, 60000) // the replica has it
	first.kill()
	second.do("replicaof", "no", "one")
	next := second.host(shared.Options{})
	if over, used, err := next.TakeAll(claim("k", 10, 5)); err != nil || len(over) != 1 || used[0] != 6 {
		t.Errorf("%v %v %v", over, used, err)
	}
	short := []limit.Claim{{Key: "short", Limit: limit.Limit{Max: 3, Per: 200 * time.Millisecond}, N: 3}}
	if over, _, err := next.TakeAll(short); err != nil || len(over) != 0 {
		t.Fatal(over, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for over := []int{0}; len(over) > 0; {
		var err error
		if over, _, err = next.TakeAll(short); err != nil || ctx.Err() != nil {
			t.Fatalf("the window does not end: %v", err)
		}
	}
}

// TestRedisCluster: the keys of an operation are in one slot.
func TestRedisCluster(t *testing.T) {
	s := startRedis(t, "--cluster-enabled", "yes")
	s.do("cluster", "addslotsrange", 0, 16383)
	st := s.host(shared.Options{Addrs: []string{s.addr, s.addr}})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for err := st.Begin(ctx); err != nil; err = st.Begin(ctx) { // until the cluster is up
		if !errors.Is(err, shared.ErrAway) || ctx.Err() != nil {
			t.Fatal(err)
		}
	}
	for i := range 5 {
		claims := append(claim("a", 3, 1), claim(fmt.Sprint("b", i), 3, 1)...)
		over, used, err := st.TakeAll(claims)
		if err != nil || (len(over) > 0) != (i >= 3) {
			t.Errorf("take %d: %v %v %v", i, over, used, err)
		}
	}
}
