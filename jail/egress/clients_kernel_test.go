//go:build kernel

package egress_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"clawjail/jail/egress"
)

// client runs a shell script in the jail, in a mount namespace of its own with
// a resolv.conf that leads to egress.
func (w *world) client(tb testing.TB, script string, args ...string) (string, error) {
	tb.Helper()
	const mount = `mount --bind "$1" /etc/resolv.conf; shift; `
	all := append([]string{"-m", "--propagation", "private", "sh", "-c", mount + script, "sh", w.resolvConf}, args...)
	env := []string{"SSL_CERT_FILE=" + w.ca, "NODE_EXTRA_CA_CERTS=" + w.ca, "CURL_CA_BUNDLE=" + w.ca}
	return w.jail.output(env, "unshare", all...)
}

func web() http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		fmt.Fprintf(rw, "hello %s, %d bytes\n", r.Host, n)
	})
}

// goClient is this binary as a client.
func goClient(count string) string {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return roleEnv + `="get $1 ` + count + `" ` + self
}

func TestRealClients(t *testing.T) {
	w := newWorld(t)
	for _, a := range []string{webAddr4, "[" + webAddr6 + "]"} {
		w.serveHTTP(t, a+":443", w.tls, web())
		w.serveHTTP(t, a+":80", nil, web())
		w.serve(t, a+":2222", func(c net.Conn) {
			io.WriteString(c, "SSH-2.0-test\r\n")
			discard(c)
		})
	}
	var own net.Listener
	w.host.do(func() { own, _ = net.Listen("tcp", hostAddr4+":443") })
	defer own.Close()
	w.add(t, egress.Rules{Dests: []egress.Dest{
		{Host: "api.example.com", Port: 443, Rule: "api"},
		{Host: "api.example.com", Port: 80, Rule: "plain"},
		{Host: "v4.example.com", Port: 443, Rule: "v4"},
		{Host: "v6.example.com", Port: 443, Rule: "v6"},
		{Host: "*.wild.example.com", Port: 443, Rule: "wild"},
		{Host: "api.example.com", Port: 2222, Protocol: "tcp", Rule: "ssh"},
		{Host: "rebind.example.com", Rule: "rebind"},
		{Host: "mixed.example.com", Port: 443, Rule: "mixed"},
		{Host: "self.example.com", Port: 443, Rule: "self"},
		{Host: webAddr4, Port: 443, Rule: "literal"},
	}})
	const python = `python3 -c "import sys,urllib.request; print(urllib.request.urlopen(sys.argv[1],timeout=20).read().decode())" "$1"`
	const node = `node -e "fetch(process.argv[1]).then(r=>r.text()).then(console.log,e=>{console.log(e.cause||e);process.exit(1)})" "$1"`
	for _, c := range []struct {
		name, script, arg, want string // want "" is failure
		event                   string // name verdict protocol rule
	}{
		{"curl over TLS", `curl -sS -m 20 "$1"`, "https://api.example.com/", "hello api.example.com, 0", "api.example.com allow tls api"},
		{"curl with another case", `curl -sS -m 20 "$1"`, "https://API.Example.COM/", "hello API.Example.COM", "api.example.com allow tls api"},
		{"curl -4", `curl -4 -sS -m 20 "$1"`, "https://v6.example.com/", "hello v6", "v6.example.com allow tls v6"},
		{"curl -6", `curl -6 -sS -m 20 "$1"`, "https://v4.example.com/", "hello v4", "v4.example.com allow tls v4"},
		{"curl below a wildcard", `curl -sS -m 20 "$1"`, "https://a.wild.example.com/", "hello a.wild", "a.wild.example.com allow tls wild"},
		{"curl over HTTP", `curl -sS -m 20 "$1"`, "http://api.example.com/", "hello api.example.com, 0", "api.example.com allow http plain"},
		{"curl twice on one connection", `curl -sS -m 20 "$1" "$1"`, "http://api.example.com/", "hello", "api.example.com allow http plain"},
		{"curl sends a chunked body", `head -c 300000 /dev/zero | curl -sS -m 20 -H "Transfer-Encoding: chunked" -T - "$1"`, "http://api.example.com/x", "300000 bytes", "api.example.com allow http plain"},
		{"curl sends a body", `head -c 300000 /dev/zero | curl -sS -m 20 --data-binary @- "$1"`, "http://api.example.com/x", "300000 bytes", "api.example.com allow http plain"},
		{"curl waits for 100 Continue", `head -c 2000000 /dev/zero | curl -sS -m 20 -H "Expect: 100-continue" --data-binary @- "$1"`, "http://api.example.com/x", "2000000 bytes", "api.example.com allow http plain"},
		{"curl over HTTP/1.0", `curl -0 -sS -m 20 "$1"`, "http://api.example.com/", "hello api.example.com", "api.example.com allow http plain"},
		{"curl with an absolute target", `curl -sS -m 20 --request-target "$1" "$1"`, "http://api.example.com/", "hello api.example.com", "api.example.com allow http plain"},
		{"curl with an absolute target elsewhere", `curl -sS -m 20 --request-target http://evil.example.com/ "$1"`, "http://api.example.com/", "", "api.example.com deny http "},
		{"curl to a literal", `curl -sS -m 20 "$1"`, "https://" + webAddr4 + "/", "hello " + webAddr4, webAddr4 + " allow tls literal"},
		{"python", python, "https://api.example.com/", "hello api.example.com", "api.example.com allow tls api"},
		{"node", node, "https://api.example.com/", "hello api.example.com", "api.example.com allow tls api"},
		{"Go", goClient("2"), "https://api.example.com/", "HTTP/2.0", "api.example.com allow tls api"},
		{"Go, several requests on a connection", goClient("5"), "http://api.example.com/", "HTTP/1.1", "api.example.com allow http plain"},
		{"openssl", `printf 'GET / HTTP/1.1\r\nHost: api.example.com\r\nConnection: close\r\n\r\n' | openssl s_client -quiet -connect "$1"`, "api.example.com:443", "hello", "api.example.com allow tls api"},
		{"openssl makes the server retry", `printf 'GET / HTTP/1.1\r\nHost: api.example.com\r\nConnection: close\r\n\r\n' | openssl s_client -quiet -groups X448:P-256 -connect "$1"`, "api.example.com:443", "hello", "api.example.com allow tls api"},
		{"server speaks first", `python3 -c "import socket,sys; s=socket.create_connection((sys.argv[1],2222),20); print(s.recv(100))" "$1"`, "api.example.com", "SSH-2.0-test", "api.example.com allow tcp ssh"},
		{"one of two answers is loopback", `curl -sS -m 20 "$1"`, "https://mixed.example.com/", "hello mixed", "mixed.example.com allow tls mixed"},
		{"another SNI", `curl -sS -m 20 --connect-to "::api.example.com:443" "$1"`, "https://evil.example.com/", "", "api.example.com deny tls "},
		{"another Host", `curl -sS -m 20 -H "Host: evil.example.com" "$1"`, "http://api.example.com/", "", "api.example.com deny http "},
		{"no SNI", `curl -sS -k -m 20 --connect-to "::api.example.com:443" "$1"`, "https://192.0.2.77/", "", "api.example.com deny tls "},
		{"HTTP/2 without TLS", `curl -sS -m 20 --http2-prior-knowledge "$1"`, "http://api.example.com/", "", "api.example.com deny http "},
		{"another port", `curl -sS -m 20 "$1"`, "https://v4.example.com:8443/", "", "v4.example.com deny  "},
		{"a literal nobody allowed", `curl -sS -k -m 20 "$1"`, "https://192.0.2.11/", "", " deny  "},
		{"inward answers", `curl -sS -m 20 "$1"`, "https://rebind.example.com/", "", "rebind.example.com deny tls rebind"},
		{"the host's own address", `curl -sS -m 20 "$1"`, "https://self.example.com/", "", "self.example.com deny tls self"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, err := w.client(t, c.script, c.arg)
			if c.want != "" && (err != nil || !strings.Contains(out, c.want)) {
				t.Errorf("%v\n%s", err, out)
			}
			if c.want == "" && err == nil {
				t.Errorf("went through\n%s", out)
			}
			e := w.conn(t)
			if got := e.Name + " " + e.Verdict + " " + e.Protocol + " " + e.Rule; got != c.event {
				t.Errorf("event %q, want %q: %+v", got, c.event, e)
			}
			if (c.want != "") != (e.BytesDown > 0) {
				t.Errorf("%d bytes down", e.BytesDown)
			}
			t.Logf("%s", e.Reason)
		})
	}
	if q := w.questions(); strings.Contains(q, "evil") {
		t.Errorf("upstream was asked for %q", q)
	}
}
