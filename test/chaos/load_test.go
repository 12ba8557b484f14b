//go:build e2e

package chaos

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

// agent is the user that agents of root run as.
const agent = 64900

// load is what every jail does until somebody makes the file stop. It writes down
// what it has done, and from when until when that took, by a clock that nobody sets.
const load = `
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);
use IO::Socket::INET;
$| = 1;
open J, ">>", "journal" or die; J->autoflush(1);
sub now { clock_gettime(CLOCK_MONOTONIC) }
sub did { my ($what, $n, $since) = @_; printf J "%s %d %.6f %.6f\n", $what, $n, $since, now }
my $n = 0;
until (-e "stop") {
	$n++;
	my $t = now;
	did("exec", $n, $t) if system("/bin/echo", "load-$n") == 0;
	$t = now;
	if (open W, ">>", "w-$n") { print W "x"; close W; did("write", $n, $t) }
	if ($n % 5 == 0) {
		for my $port (8080, 8081) {
			my $s = IO::Socket::INET->new(PeerAddr => "` + outside + `", PeerPort => $port, Timeout => 5);
			print $s "hello $n\n" if $s;
		}
	}
	if ($n % 7 == 0) { system("mkdir", "ask-$n") }
	if ($n % 11 == 0) { system("touch", "forbidden-$n") }
	select undef, undef, undef, 0.005;
}
exit 5;
`

const policyText = `version: 1
name: chaos
extends: [agent]
files:
  - {path: "${WORKSPACE}", access: write}
exec:
  default: audit
  rules:
    - {run: mkdir, then: ask}
    - {run: touch, then: deny}
network: {default: deny, private: allow, allow: ["` + outside + `:8080"]}
approval: {timeout: 20m}
limits: {wall: 2h}
`

// jail is one of the jails that work.
type jail struct {
	name, dir string
	id        string
	client    *exec.Cmd // of one in the foreground
	ended     chan error
	killed    bool // its shim was
}

// startJail starts a jail; every other one is in the foreground.
func startJail(t *testing.T, policy string, i int) *jail {
	t.Helper()
	j := &jail{name: "chaos-" + strconv.Itoa(i), ended: make(chan error, 1)}
	j.dir = filepath.Join(homes, j.name)
	if err := os.Mkdir(j.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(j.dir, agent, agent); err != nil {
		t.Fatal(err)
	}
	args := []string{"run", "--name", j.name, "--policy", policy, "--workspace", j.dir}
	command := []string{"--", "perl", "-e", load}
	if i%2 == 1 {
		if out, err := clawjail(t, append(append(args, "--detach"), command...)...); err != nil {
			t.Fatalf("start a jail: %v: %s", err, out)
		}
		j.id = idOf(t, j.name)
		return j
	}
	j.client = exec.Command(bin(t, "clawjail"), append(args, command...)...)
	j.client.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8"}
	var said strings.Builder
	j.client.Stderr = &said
	if err := j.client.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		err := j.client.Wait()
		if err != nil {
			err = fmt.Errorf("%w: %s", err, said.String())
		}
		j.ended <- err
	}()
	eventually(t, "the jail works", func() bool { return journalOf(j) != "" })
	j.id = idOf(t, j.name)
	return j
}

func journalOf(j *jail) string {
	b, _ := os.ReadFile(filepath.Join(j.dir, "journal"))
	return string(b)
}

// host counts who connects to one port.
type host struct{ connections atomic.Int64 }

func listen(t *testing.T, port int) *host {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(outside, strconv.Itoa(port)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	h := &host{}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			h.connections.Add(1)
			c.Close()
		}
	}()
	return h
}
