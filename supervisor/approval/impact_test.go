package approval

import (
	"net/netip"
	"strings"
	"testing"
)

func TestImpact(t *testing.T) {
	run := func(line string) Request {
		argv := strings.Fields(line)
		return Request{Gate: GateExec, Op: "execve", Path: "/usr/bin/" + argv[0], Argv: argv}
	}
	at := func(host string, port uint16) Request { return Request{Gate: GateConnect, Host: host, Port: port} }
	tests := []struct {
		name string
		r    Request
		want []string // each begins or is in a line
		undo Reversible
	}{
		{"git push", run("git push origin main"), []string{"outside: sends commits"}, ReversibleNo},
		{"git push with an option before it", run("git -C /x push"), []string{"outside: sends commits"}, ReversibleNo},
		{"a forced push", run("git push --force-with-lease"), []string{"outside:", "data: overwrites or deletes history"}, ReversibleNo},
		{"a push of a plus ref", run("git push origin +main"), []string{"data: overwrites"}, ReversibleNo},
		{"git commit", run("git commit -m x"), []string{"data: changes the repository"}, ReversibleYes},
		{"git status is not in the tables", run("git status"), []string{"unknown:"}, ReversibleUnknown},
		{"rm", run("rm a"), []string{"data: deletes files"}, ReversibleNo},
		{"rm -rf", run("rm -rf /w"), []string{"with everything below"}, ReversibleNo},
		{"rm by another name", Request{Gate: GateExec, Path: "/bin/busybox", Argv: []string{"/bin/rm", "a"}}, []string{"deletes files"}, ReversibleNo},
		{"what it calls itself does not count", Request{Gate: GateExec, Path: "/usr/bin/rm", Argv: []string{"ls"}}, []string{"deletes files"}, ReversibleNo},
		{"curl", run("curl https://x"), []string{"outside: talks"}, ReversibleUnknown},
		{"curl with data", run("curl -d @secret https://x"), []string{"outside: sends data there"}, ReversibleNo},
		{"curl with a method", run("curl -X DELETE https://x"), []string{"outside: changes something there"}, ReversibleNo},
		{"curl to a payment host", run("curl -s https://u:p@api.stripe.com:443/v1/charges?x=@y"), []string{"outside: talks", "money: payments"}, ReversibleNo},
		{"nc to the metadata service", run("nc 169.254.169.254 80"), []string{"secrets:"}, ReversibleNo},
		{"a host that is only mentioned", run("git log api.stripe.com"), []string{"unknown:"}, ReversibleUnknown},
		{"mail", run("sendmail -t"), []string{"outside: sends mail"}, ReversibleNo},
		{"publishing", run("npm publish"), []string{"outside: publishes a package"}, ReversibleNo},
		{"installing", run("npm install left-pad"), []string{"code: fetches"}, ReversibleUnknown},
		{"money", run("stripe charges create"), []string{"money:"}, ReversibleNo},
		{"a shell's text", run("bash -c ls"), []string{"code: runs a text"}, ReversibleUnknown},
		{"python's text", Request{Gate: GateExec, Path: "/usr/bin/python3.11", Argv: []string{"python3", "-c", "1"}}, []string{"code: runs a text"}, ReversibleUnknown},
		{"a payment host", at("api.stripe.com", 443), []string{"money: payments"}, ReversibleNo},
		{"a host that only ends alike", at("notstripe.com", 443), []string{"outside: data can leave"}, ReversibleNo},
		{"a name in capitals with a dot", at("API.Stripe.COM.", 443), []string{"money:"}, ReversibleNo},
		{"smtp", at("mx.example.com", 587), []string{"outside: sends mail"}, ReversibleNo},
		{"metadata", Request{Gate: GateConnect, Addr: netip.MustParseAddr("::ffff:169.254.169.254"), Port: 80}, []string{"secrets:"}, ReversibleNo},
		{"an address", Request{Gate: GateConnect, Addr: netip.MustParseAddr("192.0.2.1"), Port: 80}, []string{"no name was asked for"}, ReversibleNo},
		{"a document", Request{Gate: GateFile, Op: "open", Path: "/w/docs/plan.md"}, []string{"data: documents", "may overwrite"}, ReversibleUnknown},
		{"not a document", Request{Gate: GateFile, Op: "open", Path: "/w/mydocs/plan.md"}, []string{"may overwrite"}, ReversibleUnknown},
		{"a hook", Request{Gate: GateFile, Op: "open", Path: "/w/.git/hooks/pre-commit"}, []string{"code: git runs it later"}, ReversibleNo},
		{"keys", Request{Gate: GateFile, Op: "open", Path: "/home/u/.ssh/id_ed25519"}, []string{"secrets:"}, ReversibleUnknown},
		{"an environment file", Request{Gate: GateFile, Op: "open", Path: "/w/.env.local"}, []string{"secrets:"}, ReversibleUnknown},
		{"the other end of a rename", Request{Gate: GateFile, Op: "rename", Path: "/w/a", Path2: "/w/docs/b"}, []string{"data: documents"}, ReversibleUnknown},
		{"a truncation", Request{Gate: GateFile, Op: "truncate", Path: "/w/a"}, []string{"throws the content away"}, ReversibleNo},
		{"a new directory", Request{Gate: GateFile, Op: "mkdir", Path: "/w/a"}, []string{"nothing of the content"}, ReversibleYes},
		{"a deletion", Request{Gate: GateDelete, Op: "unlink", Path: "/w/a"}, []string{"data: removes it"}, ReversibleNo},
		{"a system file", Request{Gate: GateFile, Op: "open", Path: "/etc/cron.d/x"}, []string{"code: the system obeys it"}, ReversibleUnknown},
		{"a program nobody knows", run("frobnicate"), []string{"unknown: no rule knows"}, ReversibleUnknown},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			lines, undo := Impact(tt.r)
			for _, want := range tt.want {
				if !strings.Contains(strings.Join(lines, "\n"), want) {
					t.Errorf("%q is not in %q", want, lines)
				}
			}
			if undo != tt.undo {
				t.Errorf("reversible %q, want %q", undo, tt.undo)
			}
		})
	}
}

func TestImpactKnowsWhatIsCutAway(t *testing.T) {
	words := make([]string, maxImpactWords/2)
	for i := range words {
		words[i] = "x"
	}
	words[len(words)/2] = "--force"
	r, err := Prepare(push("j1", words...))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(strings.Join(r.Impact, "\n"), "history") {
		t.Errorf("%q", r.Impact)
	}
	r, err = Prepare(push("j1", append(words, make([]string, maxImpactWords)...)...))
	if err != nil || !strings.Contains(r.Impact[0], "more arguments than are looked at") {
		t.Errorf("%q, %v", r.Impact, err)
	}
}

// TestEffectsAreWritten: every line of the tables can match and says something.
func TestEffectsAreWritten(t *testing.T) {
	for _, e := range effects() {
		if e.gate == "" || e.touches == "" || e.does == "" {
			t.Errorf("%+v lacks something", e)
		}
		if e.gate == GateExec && len(e.programs) == 0 {
			t.Errorf("%q names no program", e.does)
		}
	}
}
