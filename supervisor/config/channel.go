package config

import (
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The bounds of what is told, and what is run, when something happens.
const (
	MaxChannels   = 16
	MaxPlays      = 32
	MaxSinks      = 4
	MaxCanaries   = 64
	maxRecipients = 16
	maxWords      = 64
	maxText       = 2048
)

// The kinds of channels.
const (
	Webhook  = "webhook"  // JSON in a POST, signed with HMAC
	Slack    = "slack"    // an incoming webhook as Slack has it, and many after it
	Shoutrrr = "shoutrrr" // anything that the library of that name can reach
	SMTP     = "smtp"
	Run      = "command" // run by the supervisor
)

// Channel is a way to tell people. Which fields it has depends on its kind.
type Channel struct {
	Name       string   `json:"name"`
	Kind       string   `json:"kind"`
	Categories []string `json:"categories,omitempty"` // none: incidents
	Severity   string   `json:"severity,omitempty"`   // the least of an incident; none: low
	URL        string   `json:"url,omitempty"`
	URLFile    string   `json:"url_file,omitempty"`    // holds a URL that is a secret
	SecretFile string   `json:"secret_file,omitempty"` // holds the key of a webhook, or a password
	Server     string   `json:"server,omitempty"`      // of mail: host:port
	TLS        string   `json:"tls,omitempty"`         // of mail: starttls, tls or none
	From       string   `json:"from,omitempty"`
	To         []string `json:"to,omitempty"`
	Username   string   `json:"username,omitempty"`
	Command    []string `json:"command,omitempty"`
	User       string   `json:"user,omitempty"`    // who runs it; none: nobody
	Timeout    Duration `json:"timeout,omitempty"` // of a command; none: DefaultTimeout
}

// Play is a command of the playbook: it runs when an incident has come to a
// stage.
type Play struct {
	Name     string   `json:"name"`
	At       string   `json:"at"` // the state that the incident has come to
	Command  []string `json:"command"`
	Severity string   `json:"severity,omitempty"` // the least; none: low
	User     string   `json:"user,omitempty"`     // none: nobody
	Timeout  Duration `json:"timeout,omitempty"`  // none: DefaultTimeout
	Drill    bool     `json:"drill,omitempty"`    // runs in exercises too
}

// DefaultTimeout bounds a command that says nothing about it.
const DefaultTimeout = 30 * time.Second

// Kinds are the kinds of channels.
func Kinds() []string { return []string{Webhook, Slack, Shoutrrr, SMTP, Run} }

// Categories are what a channel can be for.
func Categories() []string { return []string{"incident", "approval", "notice", "health", "checkpoint"} }

// Severities are those of incidents, from the least.
func Severities() []string { return []string{"low", "medium", "high", "critical"} }

// Stages are the states of an incident that a playbook can have commands at.
func Stages() []string {
	return []string{"contained", "preserved", "assessed", "released", "killed", "restored", "closed"}
}

// ChannelKeys are the keys of a channel, in their order.
func ChannelKeys() []string {
	return []string{"name", "kind", "categories", "severity", "url", "url_file", "secret_file", "server", "tls", "from", "to", "username", "command", "user", "timeout"}
}

// PlayKeys are the keys of a play, in their order.
func PlayKeys() []string {
	return []string{"name", "at", "command", "severity", "user", "timeout", "drill"}
}

// usedBy are the keys that a kind of channel needs, and those that it may have.
func usedBy(kind string) (needs, may []string) {
	switch kind {
	case Webhook:
		return []string{"url", "secret_file"}, nil
	case Slack, Shoutrrr:
		return []string{"url_file"}, nil
	case SMTP:
		return []string{"server", "from", "to"}, []string{"tls", "username", "secret_file"}
	case Run:
		return []string{"command"}, []string{"user", "timeout"}
	}
	return nil, nil
}

// given are the keys that a channel has.
func (c Channel) given() map[string]bool {
	return map[string]bool{"url": c.URL != "", "url_file": c.URLFile != "", "secret_file": c.SecretFile != "", "server": c.Server != "",
		"tls": c.TLS != "", "from": c.From != "", "to": len(c.To) > 0, "username": c.Username != "", "command": len(c.Command) > 0,
		"user": c.User != "", "timeout": c.Timeout != 0}
}

// Problems gives everything that is wrong with a channel, by its keys.
func (c Channel) Problems() Problems {
	p := problems{}
	p.name(c.Name)
	p.severity(c.Severity)
	for i, v := range c.Categories {
		p.oneOf("categories", v, Categories())
		if slices.Contains(c.Categories[:i], v) {
			p.bad("categories", fmt.Sprintf("%q is listed twice", v))
		}
	}
	if !p.oneOf("kind", c.Kind, Kinds()) {
		return p.list
	}
	given := c.given()
	needs, may := usedBy(c.Kind)
	for _, k := range ChannelKeys() {
		switch has, known := given[k]; {
		case !known:
		case !has && slices.Contains(needs, k):
			p.bad(k, fmt.Sprintf("a channel of kind %s needs it", c.Kind))
		case has && !slices.Contains(needs, k) && !slices.Contains(may, k):
			p.bad(k, fmt.Sprintf("of no use to a channel of kind %s", c.Kind))
		}
	}
	if len(p.list) > 0 {
		return p.list
	}
	p.path("url_file", c.URLFile)
	p.path("secret_file", c.SecretFile)
	switch c.Kind {
	case Webhook:
		p.is("url", CheckURL(c.URL))
	case SMTP:
		c.mail(&p)
	case Run:
		p.command(c.Command, c.User, c.Timeout)
	}
	return p.list
}

func (c Channel) mail(p *problems) {
	host, port, err := net.SplitHostPort(c.Server)
	if n, portErr := strconv.ParseUint(port, 10, 16); err != nil || portErr != nil || n == 0 || host == "" || len(host) > 253 {
		p.bad("server", fmt.Sprintf("%q is not a host and a port, as in mail.example.org:587", c.Server))
		return
	}
	if c.TLS != "" && p.oneOf("tls", c.TLS, []string{"starttls", "tls", "none"}) && c.TLS == "none" && !loopback(host) {
		p.bad("tls", "without it everybody on the way reads along: only for a server on this host, as 127.0.0.1")
	}
	if c.TLS == "none" && c.Username != "" {
		p.bad("username", "a password is not sent without tls")
	}
	if (c.Username == "") != (c.SecretFile == "") {
		p.bad("username", "username and secret_file belong together")
	}
	if len(c.To) > maxRecipients {
		p.bad("to", fmt.Sprintf("%d entries, at most %d", len(c.To), maxRecipients))
	}
	for _, a := range append([]string{c.From}, c.To...) {
		if parsed, err := mail.ParseAddress(a); err != nil || parsed.Address != a || len(a) > 254 {
			key := "to"
			if a == c.From {
				key = "from"
			}
			p.bad(key, fmt.Sprintf("%q is not an address, as in name@example.org", a))
		}
	}
}

// Problems gives everything that is wrong with a play, by its keys.
func (c Play) Problems() Problems {
	p := problems{}
	p.name(c.Name)
	p.oneOf("at", c.At, Stages())
	p.severity(c.Severity)
	p.command(c.Command, c.User, c.Timeout)
	return p.list
}

// problems collects what is wrong with one record.
type problems struct{ list Problems }

func (p *problems) bad(key, msg string) {
	p.list = append(p.list, Problem{Fields: []string{key}, Msg: msg})
}

func (p *problems) is(key string, err error) {
	if err != nil {
		p.bad(key, err.Error())
	}
}

func (p *problems) oneOf(key, s string, known []string) bool {
	if slices.Contains(known, s) {
		return true
	}
	p.bad(key, fmt.Sprintf("%q is none of %s", s, strings.Join(known, ", ")))
	return false
}

func (p *problems) severity(s string) {
	if s != "" {
		p.oneOf("severity", s, Severities())
	}
}

func (p *problems) name(s string) {
	if !regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`).MatchString(s) {
		p.bad("name", fmt.Sprintf("%q is no name: 1 to 32 small letters, digits and dashes", s))
	}
}

func (p *problems) path(key, s string) {
	if s != "" && (!filepath.IsAbs(s) || filepath.Clean(s) != s || len(s) >= 4096) {
		p.bad(key, fmt.Sprintf("%q is not a clean absolute path", s))
	}
}

func (p *problems) command(argv []string, user string, timeout Duration) {
	if len(argv) == 0 || len(argv) > maxWords || !filepath.IsAbs(argv[0]) || filepath.Clean(argv[0]) != argv[0] {
		p.bad("command", fmt.Sprintf("it begins with the clean absolute path of a program, and has at most %d words", maxWords))
	}
	for _, w := range argv {
		if len(w) > maxText || strings.ContainsRune(w, 0) {
			p.bad("command", fmt.Sprintf("a word has at most %d bytes, and no NUL", maxText))
		}
	}
	if user != "" && !groupName(user) {
		p.bad("user", fmt.Sprintf("%q is not the name of a user", user))
	}
	if timeout != 0 && (timeout < Duration(time.Second) || timeout > Duration(10*time.Minute)) {
		p.bad("timeout", "it is between 1s and 10m")
	}
}

// CheckURL refuses where nothing is sent to: what is not https, but to this
// host itself, and what has a user or a fragment.
func CheckURL(s string) error {
	u, err := url.Parse(s)
	switch {
	case err != nil || len(s) > maxText || u.Host == "" || u.Hostname() == "":
		return fmt.Errorf("%q is no URL, as in https://hooks.example.org/clawjail", s)
	case u.User != nil || u.Fragment != "":
		return fmt.Errorf("a user or a fragment does not belong into this URL")
	case u.Scheme == "http" && loopback(u.Hostname()), u.Scheme == "https":
		return nil
	}
	return fmt.Errorf("%s: https is needed, or an address of this host such as 127.0.0.1", u.Scheme)
}

// loopback says that a host is an address of this host, not a name for one.
func loopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}

// CheckSink refuses what the log cannot be copied to: "journald", "syslog", or
// the URL of an OTLP receiver of logs.
func CheckSink(s string) error {
	if s == "journald" || s == "syslog" {
		return nil
	}
	if rest, ok := strings.CutPrefix(s, "otlp+"); ok {
		return CheckURL(rest)
	}
	return fmt.Errorf("%q is neither \"journald\" nor \"syslog\" nor the URL of an OTLP receiver, as in otlp+https://otel.example.org/v1/logs", s)
}

// CheckCanaryFile refuses what no file can be called.
func CheckCanaryFile(s string) error {
	if !filepath.IsAbs(s) || filepath.Clean(s) != s || s == "/" || len(s) >= 4096 || strings.ContainsAny(s, "\x00\n") {
		return fmt.Errorf("%q is not the clean absolute path of a file", s)
	}
	return nil
}

// CheckCanaryHost refuses what is no name of a host, nor "*." and a name.
func CheckCanaryHost(s string) error {
	if len(s) > 253 || !regexp.MustCompile(`^(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}$`).MatchString(s) {
		return fmt.Errorf("%q is no host, as in canary.example.org or *.canary.example.org, in small letters", s)
	}
	return nil
}

// channelProblems are those of channels, plays and sinks together.
func (c Config) channelProblems() Problems {
	var out Problems
	each := func(field, name string, i, most int, names []string, ps Problems) {
		for _, p := range ps {
			out = append(out, Problem{Fields: []string{field}, Msg: fmt.Sprintf("[%d].%s: %s", i, p.Fields[0], p.Msg)})
		}
		if slices.Contains(names, name) {
			out = append(out, Problem{Fields: []string{field}, Msg: fmt.Sprintf("[%d].name: %q is there twice", i, name)})
		}
		if i == most {
			out = append(out, Problem{Fields: []string{field}, Msg: fmt.Sprintf("at most %d entries", most)})
		}
	}
	var names []string
	for i, ch := range c.Channels {
		each("notify_channels", ch.Name, i, MaxChannels, names, ch.Problems())
		names = append(names, ch.Name)
	}
	names = nil
	for i, p := range c.Playbook {
		each("playbook", p.Name, i, MaxPlays, names, p.Problems())
		names = append(names, p.Name)
	}
	return out
}
