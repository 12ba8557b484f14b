package send

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net/url"
	"strings"

	"github.com/nicholas-fedor/shoutrrr"

	"clawjail/supervisor/notify"
)

// maxChat bounds a message in a chat, in bytes; the shortest limits are about
// twice that.
const maxChat = 1900

// slack posts to an incoming webhook as Slack has it.
func slack(r notify.Route, d notify.Delivery) error {
	u, err := url.Parse(r.URL)
	if err != nil || u.Host == "" {
		return errors.New("the file of the URL holds none")
	}
	q := u.Query()
	q.Set("template", "JSON")
	q.Set("messagekey", "text")
	u.RawQuery = q.Encode()
	// Slack's own three: without them a text could name users and links.
	text := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(plain(d.Message))
	return library("generic+"+u.String(), notify.Cut(text, maxChat))
}

// chat sends to anything that the library knows.
func chat(r notify.Route, d notify.Delivery) error {
	// A word joiner after an at sign: nobody is called by what a jail wrote.
	text := strings.ReplaceAll(plain(d.Message), "@", "@\u2060")
	return library(r.URL, notify.Cut(text, maxChat))
}

// library hands a text to shoutrrr.
func library(to, text string) error {
	if scheme, _, _ := strings.Cut(to, ":"); scheme == "smtp" || scheme == "logger" {
		return fmt.Errorf("%s is not for a channel of kind shoutrrr; mail has a kind of its own", scheme)
	}
	sender, err := shoutrrr.NewSender(log.New(io.Discard, "", 0), to)
	if err != nil {
		return err
	}
	// The transport ends everything before: past this time the library would
	// leave a goroutine behind.
	sender.Timeout = 2 * attemptTime
	return errors.Join(sender.Send(text, nil)...)
}

// plain is a message as text.
func plain(m notify.Message) string {
	drill := ""
	if m.Drill {
		drill = "[drill] "
	}
	return fmt.Sprintf("%s%s\n%s", drill, m.Title, m.Text)
}
