package ioc

import (
	"net/netip"
	"net/url"
	"regexp"
	"strings"

	"clawjail/policy/skill"
	"clawjail/policy/skill/rule"
)

// maxFindings bounds the findings of one file.
const maxFindings = 50

var (
	urlForm  = regexp.MustCompile(`(?i)\b(?:https?|ftp|wss?|tcp|socks5h?)://[^\s<>"'` + "`" + `\\)\]}|;]+|\bhxxps?://[^\s<>"'` + "`" + `)\]]+`)
	hostForm = regexp.MustCompile(`(?i)\b(?:[a-z0-9_-]{1,63}\.)+(?:onion|ngrok\.io|ngrok-free\.app|ngrok\.app|ngrok-free\.dev|trycloudflare\.com|loca\.lt|localhost\.run|serveo\.net|lhr\.life|bore\.pub|pinggy\.\w+|webhook\.site|requestbin\.\w+|pipedream\.net|interact\.sh|oast\.\w+|oastify\.com|burpcollaborator\.net|requestcatcher\.com|beeceptor\.com|hookbin\.com|duckdns\.org|no-ip\.\w+|ddns\.net|hopto\.org|zapto\.org|sytes\.net|dynu\.net|workers\.dev)\b|\b(?:webhook\.site|rentry\.(?:co|org)|glot\.io|pastebin\.com|paste\.ee|hastebin\.com|dpaste\.(?:com|org)|ghostbin\.\w+|controlc\.com|justpaste\.it|0x0\.st|transfer\.sh|bashupload\.com|termbin\.com|anonfiles\.com|gofile\.io|file\.io|tinyurl\.com|bit\.ly|cutt\.ly|is\.gd|rb\.gy|catbox\.moe|ix\.io|sprunge\.us|requestbin\.com|api\.telegram\.org|discord(?:app)?\.com/api/webhooks|canarytokens\.\w+)\b`)
	addrPort = regexp.MustCompile(`\b(\d{1,3}(?:\.\d{1,3}){3})[:/ ]+(\d{2,5})\b|/dev/(?:tcp|udp)/(\d{1,3}(?:\.\d{1,3}){3})/\d+`)
	defanged = regexp.MustCompile(`\[\.\]|\(\.\)|\[dot\]`)
)

// Kind says what a host is for.
type Kind string

// The kinds of host that skills have little honest use for.
const (
	None      Kind = ""
	Address   Kind = "a public address instead of a name"
	Tunnel    Kind = "a tunnel to somebody's machine"
	Bin       Kind = "a request bin"
	Paste     Kind = "a paste or file-drop site"
	Dynamic   Kind = "a dynamic DNS name"
	Shortener Kind = "a URL shortener: nobody sees where it leads"
	Messenger Kind = "a messenger's webhook"
	Onion     Kind = "a hidden service"
	Punycode  Kind = "a punycode name"
)

// Classify says what kind a host is.
func Classify(host string) Kind {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if a, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		if public(a) {
			return Address
		}
		return None
	}
	if numeric(host) {
		return Address // 0x7f000001, 2130706433: nobody writes so openly
	}
	for _, part := range strings.Split(host, ".") {
		if strings.HasPrefix(part, "xn--") {
			return Punycode
		}
	}
	in := func(list ...string) bool {
		for _, l := range list {
			if host == l || strings.HasSuffix(host, "."+l) {
				return true
			}
		}
		return false
	}
	switch {
	case strings.HasSuffix(host, ".onion"):
		return Onion
	case in("ngrok.io", "ngrok-free.app", "ngrok.app", "ngrok-free.dev", "ngrok.dev", "trycloudflare.com", "loca.lt", "localhost.run", "serveo.net", "lhr.life", "bore.pub", "pinggy.io", "pinggy.link", "tunnelto.dev", "localtunnel.me", "telebit.io", "playit.gg"):
		return Tunnel
	case in("webhook.site", "requestbin.com", "requestbin.net", "pipedream.net", "interact.sh", "interactsh.com", "oast.fun", "oast.pro", "oast.live", "oast.site", "oast.online", "oast.me", "oastify.com", "burpcollaborator.net", "requestcatcher.com", "beeceptor.com", "hookbin.com", "canarytokens.com", "canarytokens.org", "webhookinbox.com", "typedwebhook.tools", "hookdeck.com", "dnslog.cn", "ceye.io", "postb.in"):
		return Bin
	case in("rentry.co", "rentry.org", "glot.io", "pastebin.com", "paste.ee", "hastebin.com", "dpaste.com", "dpaste.org", "ghostbin.com", "controlc.com", "justpaste.it", "privatebin.net", "0x0.st", "transfer.sh", "bashupload.com", "termbin.com", "anonfiles.com", "gofile.io", "file.io", "catbox.moe", "ix.io", "sprunge.us", "tmpfiles.org", "temp.sh", "oshi.at", "uguu.se", "pixeldrain.com", "paste.rs"):
		return Paste
	case in("duckdns.org", "no-ip.org", "no-ip.com", "no-ip.biz", "ddns.net", "hopto.org", "zapto.org", "sytes.net", "dynu.net", "dynu.com", "afraid.org", "mooo.com", "chickenkiller.com", "nip.io", "sslip.io", "servebeer.com", "myftp.org"):
		return Dynamic
	case in("tinyurl.com", "bit.ly", "cutt.ly", "is.gd", "rb.gy", "t.co", "goo.gl", "ow.ly", "shorturl.at", "rebrand.ly", "s.id", "tiny.cc", "v.gd", "buff.ly", "lnkd.in", "kutt.it"):
		return Shortener
	case in("api.telegram.org"):
		return Messenger
	}
	return None
}

// public says that an address is somebody's on the Internet: not private, not
// for documentation, not one of the well-known resolvers.
func public(a netip.Addr) bool {
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.IsLinkLocalUnicast() {
		return false
	}
	for _, p := range []string{"0.0.0.0/8", "100.64.0.0/10", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15", "2001:db8::/32", "1.1.1.1/32", "1.0.0.1/32", "8.8.8.8/32", "8.8.4.4/32", "9.9.9.9/32", "1.2.3.4/32", "4.3.2.1/32", "240.0.0.0/4"} {
		if netip.MustParsePrefix(p).Contains(a) {
			return false
		}
	}
	return true
}

// numeric hosts are addresses in the notations that only resolvers read.
func numeric(host string) bool {
	if rest, ok := strings.CutPrefix(host, "0x"); ok {
		return len(rest) == 8 && strings.Trim(rest, "0123456789abcdef") == ""
	}
	return len(host) >= 8 && strings.Trim(host, "0123456789") == ""
}

// Sighting is a host in a text.
type Sighting struct {
	Host, Path string
	Offset     int
	Kind       Kind
	// Known is the list's note; Listed says that there is one.
	Known  string
	Listed bool
}

// Sightings are the hosts of a text that the list or Classify knows.
func (l *List) Sightings(text string) []Sighting {
	var out []Sighting
	seen := map[string]bool{}
	add := func(host, path string, offset int) {
		if len(out) >= maxFindings || seen[host+path] || host == "" {
			return
		}
		seen[host+path] = true
		s := Sighting{Host: host, Path: path, Offset: offset, Kind: Classify(host)}
		s.Known, s.Listed = l.Host(host, path)
		if s.Kind == None && strings.HasPrefix(path, "/api/webhooks/") && (host == "discord.com" || host == "discordapp.com" || host == "canary.discord.com") {
			s.Kind = Messenger
		}
		if s.Kind != None || s.Listed {
			out = append(out, s)
		}
	}
	if defanged.MatchString(text) {
		return l.fanged(text)
	}
	for _, m := range matches(urlForm, text, "://", 5000) {
		raw := strings.Replace(strings.TrimRight(text[m[0]:m[1]], ".,:*_!?"), "hxxp", "http", 1)
		if u, err := url.Parse(raw); err == nil {
			add(strings.ToLower(u.Hostname()), u.Path, m[0])
		}
	}
	for _, m := range hosts(text) {
		host, path, _ := strings.Cut(strings.ToLower(text[m[0]:m[1]]), "/")
		rest := text[m[1]:min(len(text), m[1]+100)]
		if end := strings.IndexAny(rest, " \t\n\"'`)<>]"); end >= 0 {
			rest = rest[:end]
		}
		if path != "" {
			path = "/" + path
		}
		add(host, path+rest, m[0])
	}
	for _, m := range addrPort.FindAllStringSubmatchIndex(text, 2000) {
		for _, g := range [][2]int{{m[2], m[3]}, {m[6], m[7]}} {
			if g[0] >= 0 && strings.Count(text[g[0]:g[1]], ".") == 3 {
				if a, err := netip.ParseAddr(text[g[0]:g[1]]); err == nil {
					if _, listed := l.addrs[a]; listed || text[m[0]] == '/' || strings.HasPrefix(text[g[1]:], ":") || g[0] == m[2] && m[4] >= 0 && m[5]-m[4] >= 4 {
						add(text[g[0]:g[1]], "", g[0])
					}
				}
			}
		}
	}
	return out
}

func matches(re *regexp.Regexp, text, gate string, n int) [][]int {
	if !strings.Contains(text, gate) {
		return nil
	}
	return re.FindAllStringIndex(text, n)
}

// hosts finds the names that stand without a scheme, line by line where one of
// them is possible at all.
func hosts(text string) [][]int {
	var out [][]int
	at := 0
	for line := range strings.SplitAfterSeq(text, "\n") {
		low := strings.ToLower(line)
		for _, g := range gates {
			if strings.Contains(low, g) {
				for _, m := range hostForm.FindAllStringIndex(line, 200) {
					out = append(out, []int{at + m[0], at + m[1]})
				}
				break
			}
		}
		at += len(line)
	}
	return out
}

// gates are pieces of which every match of hostForm contains one.
var gates = []string{"onion", "ngrok", "cloudflare", "loca.lt", "localhost.run", "serveo", "lhr.life", "bore.pub", "pinggy", "webhook", "requestbin", "pipedream", "interact.sh", "oast", "burpcoll", "requestcatcher", "beeceptor", "hookbin", "duckdns", "no-ip", "ddns", "hopto", "zapto", "sytes", "dynu", "workers.dev", "rentry", "glot.io", "paste", "hastebin", "ghostbin", "controlc", "0x0.st", "transfer.sh", "bashupload", "termbin", "anonfiles", "gofile", "file.io", "tinyurl", "bit.ly", "cutt.ly", "is.gd", "rb.gy", "catbox", "ix.io", "sprunge", "telegram", "discord", "canarytokens"}

// fanged looks at text in which addresses were defused for reading: those are
// citations, and only listed ones count.
func (l *List) fanged(text string) []Sighting {
	return l.Sightings(defanged.ReplaceAllStringFunc(text, func(m string) string { return strings.Repeat("_", len(m)) }))
}

// Context is what the audit knows about a text.
type Context struct {
	// Code says that a program or command holds the text, and not prose.
	Code bool
	// Security says that the document is a reference on security.
	Security bool
	// Declares says whether the skill documents the host.
	Declares func(host string) bool
}

// Findings makes the findings of the sightings in a text, of which at tells
// the places.
func (l *List) Findings(text string, at func(offset int) skill.Place, c Context) []skill.Finding {
	var out []skill.Finding
	for _, s := range l.Sightings(text) {
		if s.Listed {
			f := rule.New("CJS-NET-008", at(s.Offset), "on the list of indicators of "+l.Date+": "+s.Known, s.Host+s.Path)
			if c.Security {
				f.Confidence = f.Confidence.Lower()
			}
			out = append(out, f)
			continue
		}
		f := rule.New("CJS-NET-003", at(s.Offset), s.Host+" is "+string(s.Kind), s.Host+s.Path)
		f.Confidence = confidence(s, c)
		if s.Kind == Messenger || s.Kind == Shortener || s.Kind == Tunnel {
			f.Severity = skill.Medium
			if s.Kind == Messenger && strings.Contains(s.Path, "/bot") && strings.Contains(s.Path, ":AA") || strings.HasPrefix(s.Path, "/api/webhooks/1") || strings.HasPrefix(s.Path, "/api/webhooks/9") {
				// A particular bot or webhook, and not the service: it is
				// where the publisher listens.
				f.Severity, f.Confidence = skill.High, skill.ConfidenceHigh
			}
		}
		out = append(out, f)
	}
	return out
}

func confidence(s Sighting, c Context) skill.Confidence {
	conf := skill.ConfidenceMedium
	documented := c.Declares != nil && c.Declares(s.Host)
	switch s.Kind {
	case Messenger, Tunnel, Shortener:
		conf = skill.ConfidenceLow
		if c.Code && !documented {
			conf = skill.ConfidenceMedium
		}
	case Bin, Onion:
		if c.Code || len(s.Path) > 8 {
			conf = skill.ConfidenceHigh
		}
		if !c.Code && len(s.Path) <= 1 {
			conf = skill.ConfidenceLow
		}
	case Paste, Dynamic:
		if !c.Code && len(s.Path) <= 1 {
			conf = skill.ConfidenceLow
		}
	case Address:
		if c.Code && !documented {
			conf = skill.ConfidenceHigh
		}
	}
	if c.Security {
		conf = conf.Lower()
	}
	return conf
}
