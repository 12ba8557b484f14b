//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/test/e2e/smallnet"
)

// talker is an agent that connects and speaks when it is told to, by files in its
// workspace. It is one program: what it started would wait for a supervisor.
const talker = `use IO::Socket::INET; use IO::Select;
my %c; $| = 1;
sub note { open my $f, ">>", $_[0]; print $f $_[1]; close $f }
sub order { my ($f) = @_; return unless open my $h, "<", $f; my $l = <$h>; close $h; return if !defined $l || $l !~ /\n/; unlink $f; split " ", $l }
until (-e "stop") {
	for my $f (glob "do-*") {
		my ($what, $name, @rest) = order($f); next unless $what;
		if ($what eq "connect") {
			$c{$name} = IO::Socket::INET->new(PeerAddr => $rest[0], PeerPort => $rest[1], Proto => "tcp", Timeout => 30);
			note("$name.state", $c{$name} ? "connected\n" : "failed\n");
		} elsif ($what eq "say") { syswrite $c{$name}, "$rest[0]\n" }
		elsif ($what eq "close") { close delete $c{$name}; note("$name.state", "closed\n") }
	}
	for my $s (IO::Select->new(grep { defined } values %c)->can_read(0.05)) {
		my ($name) = grep { $c{$_} && $c{$_} == $s } keys %c;
		my $n = sysread $s, my $b, 4096;
		if ($n) { note("$name.heard", $b) } else { note("$name.state", "ended\n"); delete $c{$name} }
	}
	select undef, undef, undef, 0.05 unless %c;
}
exit 5;`

// talking is a jail that runs it.
type talking struct {
	t    *testing.T
	dir  string
	n    int
	done <-chan outcome
}

func (s *talking) order(words ...string) {
	s.t.Helper()
	s.n++
	part := filepath.Join(s.dir, "part")
	if err := os.WriteFile(part, []byte(strings.Join(words, " ")+"\n"), 0o644); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Rename(part, filepath.Join(s.dir, "do-"+strconv.Itoa(s.n))); err != nil {
		s.t.Fatal(err)
	}
}

func (s *talking) await(file, text string) {
	s.t.Helper()
	eventually(s.t, file+" says "+text, func() bool {
		select {
		case o := <-s.done:
			s.t.Fatalf("the agent has ended: %v", o)
		default:
		}
		b, _ := os.ReadFile(filepath.Join(s.dir, file)) // not there yet
		return strings.Contains(string(b), text)
	})
}

// connect makes a connection that the proxy has taken.
func (s *talking) connect(name, host string) {
	s.t.Helper()
	s.order("connect", name, host, strconv.Itoa(smallnet.PortEcho))
	s.await(name+".state", "connected")
}

// echo has the other side answer.
func (s *talking) echo(name, word string) {
	s.t.Helper()
	s.order("say", name, word)
	s.await(name+".heard", word)
}

// proxies are the egress proxies of this host, whoever has started them: its own
// mounts tell it apart.
func proxies(t *testing.T) (pids []int) {
	t.Helper()
	ours, err := os.Readlink("/proc/self/ns/mnt")
	if err != nil {
		t.Fatal(err)
	}
	all, err := filepath.Glob("/proc/[0-9]*/exe")
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range all {
		exe, err := os.Readlink(link) // or it has ended
		if err != nil || filepath.Base(exe) != "clawjail-egress" {
			continue
		}
		if ns, err := os.Readlink(filepath.Join(filepath.Dir(link), "ns/mnt")); err != nil || ns != ours {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(link))); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// proxyOf is the one that serves.
func proxyOf(t *testing.T) int {
	t.Helper()
	list := proxies(t)
	if len(list) != 1 {
		t.Fatalf("there are %d egress proxies: %v", len(list), list)
	}
	return list[0]
}

const talkPolicy = `network:
  allow: [{host: "` + smallnet.NameWeb + `", port: 9000, protocol: tcp}]
  ask: [{host: "` + smallnet.NameGit + `", port: 9000, protocol: tcp}]
`

// TestEgressOutlivesTheDaemon: connections that are open go on, what is allowed is
// reached, what is asked for waits, what is refused is refused; and the next daemon
// knows all of it.
func TestEgressOutlivesTheDaemon(t *testing.T) {
	if !ownHost(t, "", 16<<20) {
		return
	}
	d := startDaemon(t)
	s := &talking{t: t, dir: workspace(t)}
	s.done = foreground(t, run{Policy: policyFile(t, talkPolicy), Workspace: s.dir, Timeout: 5 * time.Minute,
		Flags: []string{"--name", "talker"}, Argv: []string{"perl", "-e", talker}})
	s.connect("old", smallnet.NameWeb)
	j := inspect(t, "talker")
	proxy := proxyOf(t)
	s.echo("old", "hello")
	s.connect("asked", smallnet.NameGit)
	was := held(t, "talker")
	round := 0
	for how, sig := range ends {
		round++
		d.end(sig)
		s.echo("old", "alone-"+how)
		s.connect("new-"+how, smallnet.NameWeb)
		s.echo("new-"+how, "fresh-"+how)
		s.order("close", "new-"+how)
		s.await("new-"+how+".state", "closed")
		s.order("connect", "evil-"+how, smallnet.NameEvil, "9000")
		s.await("evil-"+how+".state", "failed")
		d.start()
		if now := held(t, "talker"); now.ID != was.ID {
			t.Errorf("%s: the question is %s, and was %s", how, now.ID, was.ID)
		}
		s.echo("old", "back-"+how)
		if !fileExists(fmt.Sprintf("/proc/%d", proxy)) {
			t.Fatalf("%s: the proxy has ended", how)
		}
	}
	if o := clawjail(t, run{}, "approve", was.ID); o.Code != 0 {
		t.Fatalf("%v", o)
	}
	s.echo("asked", "permitted")
	list := clawjail(t, run{}, "audit", "query", "--gate", "supervisor").Stdout
	if n := strings.Count(list, "the egress proxy of the last supervisor goes on"); n != round || strings.Contains(list, "unknown_jail") {
		t.Errorf("the record says\n%s", list)
	}
	// The connections between are told, and those that end now.
	eventually(t, "both connections between are recorded", func() bool {
		list := clawjail(t, run{}, "audit", "query", "--jail", j.ID, "--gate", "egress", "-o", "json").Stdout
		return strings.Count(list, `"bytes_up":`) >= round && strings.Contains(list, `"verdict":"allow"`)
	})
	if err := os.WriteFile(filepath.Join(s.dir, "stop"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if o := <-s.done; o.Code != 5 {
		t.Errorf("%v", o)
	}
	d.end(unix.SIGINT)
	waitGone(t, fmt.Sprintf("/proc/%d", proxy))
	d.start()
	verified(t, j.ID, "adopted jail talker", `"exit_code":5`, smallnet.NameEvil)
	eventually(t, "the connections are recorded", func() bool {
		list := clawjail(t, run{}, "audit", "query", "--jail", j.ID, "--gate", "egress", "-o", "json").Stdout
		return strings.Count(list, `"bytes_up":`) == round+2
	})
}
