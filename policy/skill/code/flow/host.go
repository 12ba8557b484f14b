package flow

import (
	"net/netip"
	"net/url"
	"regexp"
	"strings"
)

// dest is where something is sent, as far as it is known.
type dest struct {
	scheme, host, port, path string
	// literal says that all of the host is known; a host like *.example.com has
	// a hole in front.
	literal bool
	// hostMarks are the marks of what the host is made of, pathMarks of the rest.
	hostMarks, pathMarks []*mark
	value                *value
}

var schemeRE = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9+.-]*:/{1,2}`)

// destination reads a URL, or host and port.
func destination(v *value) dest {
	d := dest{value: v}
	v = pick(v)
	d.hostMarks = nil
	if v == nil || v.kind != kString {
		d.hostMarks = allMarks(v)
		return d
	}
	s := v.shape()
	loc := schemeRE.FindStringIndex(s)
	rest := s
	if loc != nil {
		d.scheme = strings.ToLower(strings.TrimRight(s[:loc[1]], ":/"))
		rest = s[loc[1]:]
	} else if strings.HasPrefix(s, "//") {
		rest = s[2:]
	}
	host := rest
	if i := strings.IndexAny(rest, "/?#\\"); i >= 0 {
		host, d.path = rest[:i], rest[i:]
	}
	if i := strings.LastIndexByte(host, '@'); i >= 0 {
		host = host[i+1:]
	}
	d.splitMarks(v, len(s)-len(d.path))
	host, d.port = cutPort(strings.ToLower(strings.TrimSpace(host)))
	if u, err := url.PathUnescape(host); err == nil {
		host = u
	}
	d.host = strings.TrimSuffix(host, ".")
	if strings.ContainsAny(d.host, "\"' \n\t{}<>()$`|;,%") {
		d.host, d.hostMarks = "", nil
	}
	d.literal = d.host != "" && !strings.Contains(d.host, "*")
	if a, ok := oddAddress(d.host); ok {
		d.host = a
	}
	return d
}

func cutPort(host string) (string, string) {
	if strings.HasPrefix(host, "[") {
		if i := strings.IndexByte(host, ']'); i > 0 {
			return host[1:i], strings.TrimPrefix(host[i+1:], ":")
		}
	}
	if i := strings.LastIndexByte(host, ':'); i >= 0 && strings.Count(host, ":") == 1 {
		return host[:i], host[i+1:]
	}
	return host, ""
}

// splitMarks sorts the holes' marks by whether they stand in the host.
func (d *dest) splitMarks(v *value, hostEnd int) {
	at := 0
	for _, p := range v.parts {
		if p.hole == nil {
			at += len(p.text)
			continue
		}
		if at < hostEnd {
			d.hostMarks = joinMarks(d.hostMarks, allMarks(p.hole))
		} else {
			d.pathMarks = joinMarks(d.pathMarks, allMarks(p.hole))
		}
		at++
	}
	for _, k := range v.marks { // known text that came from somewhere
		if k.source == decoded || k.source == netIn {
			d.hostMarks = joinMarks(d.hostMarks, []*mark{k})
		} else if find(d.hostMarks, k.source) == nil {
			d.pathMarks = joinMarks(d.pathMarks, []*mark{k})
		}
	}
}

// oddAddress reads addresses written as one number or in hex or octal.
func oddAddress(h string) (string, bool) {
	if h == "" || strings.ContainsAny(h, "*:") {
		return "", false
	}
	if _, err := netip.ParseAddr(h); err == nil {
		return "", false
	}
	parts := strings.Split(h, ".")
	if len(parts) > 4 {
		return "", false
	}
	var n uint64
	for i, p := range parts {
		v, ok := parseUint(p)
		if !ok {
			return "", false
		}
		if i == len(parts)-1 {
			n = n<<(8*uint(5-len(parts))) | v
		} else {
			n = n<<8 | v
		}
	}
	if len(parts) == 1 && n < 1<<24 {
		return "", false
	}
	return netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}).String(), true
}

func parseUint(s string) (uint64, bool) {
	v, ok := (&value{kind: kString, parts: []part{{text: s}}}).number()
	if s == "" || !ok || v < 0 || v > 1<<32 || s[0] < '0' || s[0] > '9' {
		return 0, false
	}
	return uint64(v), true
}

// port is the destination's port.
func (d dest) portOr(def string) string {
	if d.port != "" {
		return d.port
	}
	switch d.scheme {
	case "https", "wss":
		return "443"
	case "http", "ws":
		return "80"
	case "ftp":
		return "21"
	case "ssh", "sftp", "git+ssh":
		return "22"
	}
	return def
}

// hostClass says what kind of host it is.
type hostClass uint8

const (
	plainHost hostClass = iota
	loopback
	privateNet
	metadataHost
	publicIP
	dropHost  // collects what it is sent: webhook.site
	pasteHost // pastes and file drops
	tunnelHost
	shortHost
	chatHost // Telegram and Discord bots
	dynHost
	onionHost
	punyHost
)

func (c hostClass) String() string {
	return [...]string{"a host", "this machine", "a private network", "the cloud's metadata service", "a bare public address", "a service that collects requests", "a paste or file-drop service", "a tunnel", "a link shortener", "a chat webhook", "a dynamic name", "an onion service", "a punycode name"}[c]
}

// suspicious says that honest skills seldom talk to it.
func (c hostClass) suspicious() bool {
	return c >= publicIP
}

func classify(host string) hostClass {
	if a, err := netip.ParseAddr(host); err == nil {
		return classifyAddress(a)
	}
	switch {
	case host == "localhost" || strings.HasSuffix(host, ".localhost") || host == "host.docker.internal":
		return loopback
	case host == "metadata.google.internal" || host == "metadata" || host == "instance-data":
		return metadataHost
	case strings.HasSuffix(host, ".onion"):
		return onionHost
	case strings.HasSuffix(host, ".local") || strings.HasSuffix(host, ".lan") || strings.HasSuffix(host, ".internal") || strings.HasSuffix(host, ".home.arpa"):
		return privateNet
	}
	for _, t := range hostTables {
		for _, h := range t.hosts {
			if host == h || strings.HasSuffix(host, "."+h) {
				return t.class
			}
		}
	}
	if strings.HasPrefix(host, "xn--") || strings.Contains(host, ".xn--") {
		return punyHost
	}
	return plainHost
}

func classifyAddress(a netip.Addr) hostClass {
	a = a.Unmap()
	switch {
	case a.String() == "169.254.169.254" || a.String() == "fd00:ec2::254" || a.String() == "100.100.100.200" || a.String() == "169.254.170.2":
		return metadataHost
	case a.IsLoopback() || a.IsUnspecified():
		return loopback
	case a.IsPrivate() || a.IsLinkLocalUnicast() || a.IsMulticast():
		return privateNet
	}
	return publicIP
}

type hostTable struct {
	class hostClass
	hosts []string
}

var hostTables = []hostTable{
	{dropHost, []string{"webhook.site", "requestbin.com", "requestbin.net", "pipedream.net", "beeceptor.com", "hookbin.com", "requestcatcher.com", "interact.sh", "oast.pro", "oast.live", "oast.site", "oast.online", "oast.fun", "oast.me", "burpcollaborator.net", "oastify.com", "dnslog.cn", "ceye.io", "canarytokens.com", "postb.in", "mockbin.org", "webhook.cool", "requestinspector.com", "smee.io", "hookdeck.com", "typedwebhook.tools", "webhookinbox.com", "ptsv3.com", "ptsv2.com", "bxss.me", "ezstat.ru", "iplogger.org", "grabify.link", "xss.ht", "requestrepo.com", "dnsbin.zhack.ca"}},
	{pasteHost, []string{"pastebin.com", "paste.ee", "hastebin.com", "ghostbin.com", "rentry.co", "rentry.org", "dpaste.com", "dpaste.org", "ix.io", "sprunge.us", "termbin.com", "transfer.sh", "file.io", "0x0.st", "gofile.io", "anonfiles.com", "catbox.moe", "bashupload.com", "temp.sh", "oshi.at", "controlc.com", "glot.io", "pastes.io", "privatebin.net", "paste.rs", "filebin.net", "tmpfiles.org", "store1.gofile.io", "bpa.st", "textbin.net", "paste.c-net.org", "pixeldrain.com", "uguu.se", "litterbox.catbox.moe", "send.vis.ee", "wetransfer.com", "sendspace.com"}},
	{tunnelHost, []string{"ngrok.io", "ngrok.app", "ngrok-free.app", "ngrok.dev", "ngrok-free.dev", "trycloudflare.com", "loca.lt", "localtunnel.me", "serveo.net", "localhost.run", "lhr.life", "lhr.rocks", "bore.pub", "pagekite.me", "telebit.io", "tunnelto.dev", "devtunnels.ms", "portmap.io", "playit.gg", "pinggy.link", "pinggy.io", "zrok.io", "packetriot.net", "localxpose.io"}},
	{shortHost, []string{"bit.ly", "tinyurl.com", "t.co", "goo.gl", "is.gd", "v.gd", "cutt.ly", "rb.gy", "shorturl.at", "ow.ly", "rebrand.ly", "t.ly", "s.id", "tiny.cc", "clck.ru", "shorte.st", "adf.ly"}},
	{chatHost, []string{"api.telegram.org", "discord.com/api/webhooks", "discordapp.com"}},
	{dynHost, []string{"duckdns.org", "no-ip.org", "no-ip.com", "ddns.net", "hopto.org", "zapto.org", "sytes.net", "dynu.net", "dynu.com", "servebeer.com", "myftp.org", "serveftp.com", "serveo.net", "freedns.afraid.org", "mooo.com", "chickenkiller.com", "strangled.net", "nip.io", "sslip.io", "xip.io", "dyndns.org", "redirectme.net", "bounceme.net", "freemyip.com"}},
}
