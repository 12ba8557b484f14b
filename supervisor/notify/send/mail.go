package send

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"

	"github.com/wneessen/go-mail"

	"clawjail/supervisor/notify"
)

// smtp sends mail.
func (s *Sender) smtp(ctx context.Context, r notify.Route, d notify.Delivery) (refused bool, err error) {
	c, err := s.mailer(r)
	if err != nil {
		return true, err
	}
	msg, err := letter(r, d)
	if err != nil {
		return true, err
	}
	err = c.DialAndSendWithContext(ctx, msg)
	var failed *mail.SendError
	if errors.As(err, &failed) {
		return failed.ErrorCode() >= 550 && !failed.IsTemp(), err
	}
	return false, err
}

func (s *Sender) mailer(r notify.Route) (*mail.Client, error) {
	host, port, err := net.SplitHostPort(r.Channel.Server)
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return nil, err
	}
	opts := []mail.Option{mail.WithPort(n), mail.WithTimeout(attemptTime)}
	roots := s.tls.Clone()
	roots.ServerName = host
	switch r.Channel.TLS {
	case "none":
		opts = append(opts, mail.WithTLSPolicy(mail.NoTLS))
	case "tls":
		opts = append(opts, mail.WithSSL(), mail.WithTLSConfig(roots))
	default:
		opts = append(opts, mail.WithTLSPolicy(mail.TLSMandatory), mail.WithTLSConfig(roots))
	}
	if r.Channel.Username != "" {
		opts = append(opts, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(r.Channel.Username), mail.WithPassword(string(r.Secret)))
	}
	return mail.NewClient(host, opts...)
}

// letter is a message as mail.
func letter(r notify.Route, d notify.Delivery) (*mail.Msg, error) {
	m := d.Message
	msg := mail.NewMsg()
	if err := msg.From(r.Channel.From); err != nil {
		return nil, err
	}
	if err := msg.To(r.Channel.To...); err != nil {
		return nil, err
	}
	subject := m.Title
	if m.Drill {
		subject = "[drill] " + subject
	}
	msg.Subject("clawjail: " + subject)
	msg.SetDateWithValue(m.Time)
	// The same for every attempt: a server that has it already can tell.
	msg.SetMessageIDWithValue(fmt.Sprintf("%s@%s", d.ID, "clawjail.invalid"))
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetBodyString(mail.TypeTextPlain, m.Title+"\n\n"+m.Text+"\n")
	return msg, nil
}
