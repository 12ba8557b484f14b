package send

import (
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"clawjail/supervisor/config"
	"clawjail/supervisor/notify"
)

// letterbox is a mail server that keeps what it is sent.
type letterbox struct {
	password string // of user u; empty: nobody has to say who they are
	refuse   *smtp.SMTPError
	got      chan string
}

func (l *letterbox) NewSession(*smtp.Conn) (smtp.Session, error) { return &session{l: l}, nil }

type session struct {
	l      *letterbox
	authed bool
	to     []string
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != "u" || password != s.l.password {
			return smtp.ErrAuthFailed
		}
		s.authed = true
		return nil
	}), nil
}

func (s *session) Mail(string, *smtp.MailOptions) error {
	if s.l.password != "" && !s.authed {
		return smtp.ErrAuthRequired
	}
	if s.l.refuse != nil {
		return s.l.refuse
	}
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error { s.to = append(s.to, to); return nil }

func (s *session) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	s.l.got <- strings.Join(s.to, ",") + "\n" + string(b)
	return err
}

func (s *session) Reset()        {}
func (s *session) Logout() error { return nil }

// post starts a server, with TLS where c is not nil.
func post(t *testing.T, l *letterbox, c *tls.Config) (address string) {
	t.Helper()
	l.got = make(chan string, 4)
	srv := smtp.NewServer(l)
	srv.Domain, srv.TLSConfig = "localhost", c
	srv.AllowInsecureAuth = false
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = srv.Serve(ln) }()
	t.Cleanup(func() { _ = srv.Close(); <-done })
	return ln.Addr().String()
}

func mailRoute(address, tls string) notify.Route {
	return notify.Route{Channel: config.Channel{Name: "c", Kind: config.SMTP, Server: address, TLS: tls,
		From: "clawjail@example.org", To: []string{"a@example.org", "b@example.org"}}}
}

func TestMail(t *testing.T) {
	l := &letterbox{}
	r := mailRoute(post(t, l, nil), "none")
	if rep := try(t, sender(t, nil), r); rep.Error != "" {
		t.Fatal(rep.Error)
	}
	got := <-l.got
	for _, want := range []string{"a@example.org,b@example.org\n", "Subject: clawjail: incident 20261123-abcdef: jail \"x\" stands still\r\n",
		"Message-ID: <m1.c@clawjail.invalid>", "Auto-Submitted: auto-generated", "freeze: <!channel> & @all"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	// Without TLS where it is needed: nothing is sent.
	r.Channel.TLS = ""
	if rep := try(t, sender(t, nil), r); rep.Error == "" || rep.Refused {
		t.Errorf("%+v", rep)
	}
}

func TestMailWithPassword(t *testing.T) {
	web, _ := server(t, nil)
	web.StartTLS() // for its certificate
	l := &letterbox{password: secret}
	address := post(t, l, web.TLS)
	c := roots(web)
	r := mailRoute(address, "starttls")
	r.Channel.Username, r.Secret = "u", []byte(secret)
	if rep := try(t, sender(t, c), r); rep.Error != "" {
		t.Fatal(rep.Error)
	}
	<-l.got
	r.Secret = []byte("not-the-password")
	if rep := try(t, sender(t, c), r); rep.Error == "" || strings.Contains(rep.Error, "not-the-password") {
		t.Errorf("a wrong password: %+v", rep)
	}
	if rep := try(t, sender(t, nil), r); !strings.Contains(rep.Error, "certificate") {
		t.Errorf("a certificate that nobody vouches for: %+v", rep)
	}
}

// TestMailAfterHTTP: what HTTP is spoken over is nothing that a mail server, which
// says so, has to do with. Debian's Exim does.
func TestMailAfterHTTP(t *testing.T) {
	web, seen := server(t, nil)
	web.StartTLS()
	c := web.TLS.Clone()
	c.NextProtos = []string{"smtp"}
	l := &letterbox{}
	r := mailRoute(post(t, l, c), "starttls")
	s := sender(t, roots(web))
	if rep := try(t, s, route(config.Webhook, web.URL)); rep.Error != "" {
		t.Fatal(rep.Error)
	}
	<-seen
	if rep := try(t, s, r); rep.Error != "" {
		t.Fatal(rep.Error)
	}
	<-l.got
}

func TestMailIsRefused(t *testing.T) {
	for code, refused := range map[int]bool{451: false, 550: true} {
		l := &letterbox{refuse: &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 7, 1}, Message: "no"}}
		rep := try(t, sender(t, nil), mailRoute(post(t, l, nil), "none"))
		if rep.Error == "" || rep.Refused != refused {
			t.Errorf("%d: %+v", code, rep)
		}
	}
}
