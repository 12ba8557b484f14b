package prose

import (
	"net/netip"
	"regexp"
	"sort"
	"strings"
	"unicode"

	"clawjail/policy/skill"
)

// What a document says about an address is one of a few things: here is the
// documentation, here one registers, this is the default. Honest skills say
// little else about addresses that nobody knows, in whatever language. So a
// sentence that names such an address and is none of these hands something
// over, or takes something in, and a person looks at it.

// address is one that a sentence names: byte offsets in its raw text.
type address struct {
	host     string
	from, to int
	mail     bool
}

const topLevel = `com|org|net|io|ai|dev|app|co|me|so|cloud|xyz|tech|info|us|uk|de|fr|eu|jp|cn|ru|in|br|gg|to|tv|fm|is|it|nl|se|ch|be|at|pl|kr|tw|hk|sg|au|nz|ca|es|cz|tr|ir|id|vn|th|mx|ar|cl|pt|gr|hu|ro|ua|kz|site|online|store|space|live|news|top|club|run|link|work|page|pro|zone|world|today|life|icu|vip|cc|ws|su|bid|win|fun|shop|network|systems|services|digital|agency|support|center|email|tools|sh|market|exchange|finance|solutions|codes|technology|cyou|sbs|rest|monster|quest|wtf|onion`

var (
	schemeAddress = regexp.MustCompile("(?i)\\b(?:https?|ftps?|sftp|wss?|hxxps?)://([a-z0-9*%._-]+)[^\\s<>\"')\\]}`,;]*")
	mailAddress   = regexp.MustCompile(`(?i)[\w.+-]+@((?:[a-z0-9-]+\.)+[a-z]{2,})`)
	nameAddress   = regexp.MustCompile(`(?i)((?:[a-z0-9*-]+\.)+(?:` + topLevel + `))(:\d+)?(/[\w./?=&%{}<>$-]*)?`)
	numberAddress = regexp.MustCompile(`\b(\d{1,3}(?:\.\d{1,3}){3})(?::\d+)?\b`)
	// leadIn stands before a bare name that is a place and no product.
	leadIn = regexp.MustCompile("(?i)(?:\\b(?:to|at|with|from|via|on|into|onto|through|against|called|named|host|server|endpoint|an|a|à|vers|sur|para|en|su|na|do|naar|auf|bei|von|über)\\s+`?|`|\\(|[到至向于往从在へに]\\s*)$")
)

// mailLead stands before a mail address that something is sent to.
var mailLead = regexp.MustCompile("(?i)(?:\\b(?:to|at|with|via|on|into|an|à|a|para|na|do|bcc|cc|reach|write|mail|email)\\s+[`<*]*|[到至向于往へに:]\\s*`?)$")

// ambiguous endings are those of names of files and products as well.
var ambiguous = map[string]bool{"sh": true, "net": true, "app": true, "so": true, "me": true, "io": true, "work": true, "tools": true, "info": true, "is": true, "it": true, "in": true, "to": true, "at": true, "be": true, "run": true, "live": true, "link": true, "page": true, "id": true, "co": true, "email": true, "store": true, "network": true, "link.": true, "center": true, "services": true, "support": true, "systems": true, "pro": true, "zone": true, "exchange": true, "market": true, "ai": true, "tv": true, "top": true, "rest": true, "cc": true, "ar": true, "ws": true, "us": true, "digital": true, "codes": true}

// addresses are those of a sentence which nobody knows. Targets of links are
// not among them: a link is there to be read, unless link is set.
func addresses(raw string, link bool) []address {
	if !strings.Contains(raw, ".") {
		return nil
	}
	var out []address
	text := []byte(raw)
	blank := func(from, to int) {
		for i := from; i < to; i++ {
			text[i] = ' '
		}
	}
	take := func(host string, from, to int, mail bool) {
		if strangeName(host) {
			out = append(out, address{strings.ToLower(host), from, to, mail})
		}
		blank(from, to)
	}
	for _, m := range schemeAddress.FindAllStringSubmatchIndex(raw, 20) {
		if !link && m[0] >= 2 && raw[m[0]-2:m[0]] == " (" && m[1] < len(raw) && raw[m[1]] == ')' {
			blank(m[0], m[1])
			continue
		}
		if a, err := netip.ParseAddr(raw[m[2]:m[3]]); err == nil && private(a) {
			blank(m[0], m[1])
			continue
		}
		take(raw[m[2]:m[3]], m[0], m[1], false)
	}
	for _, m := range mailAddress.FindAllSubmatchIndex(text, 20) {
		if m[1]-m[0] < 9 || !mailLead.MatchString(raw[max(0, m[0]-24):m[0]]) && !acting.MatchString(strings.ToLower(raw)) { // a@b.com, authors
			blank(m[0], m[1])
			continue
		}
		take(raw[m[2]:m[3]], m[0], m[1], true)
	}
	for _, m := range numberAddress.FindAllSubmatchIndex(text, 20) {
		if a, err := netip.ParseAddr(raw[m[2]:m[3]]); err == nil && !private(a) && !strings.Contains(raw[max(0, m[0]-2):m[0]], "v") {
			out = append(out, address{raw[m[2]:m[3]], m[0], m[1], false})
		}
		blank(m[0], m[1])
	}
	for _, m := range nameAddress.FindAllSubmatchIndex(text, 40) {
		if bareName(string(text), m) && !linked(raw, m) {
			take(raw[m[2]:m[3]], m[0], m[1], false)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].from < out[j].from })
	return out
}

// linked says that a name is the text of a link to itself, which is there to be
// read.
func linked(raw string, m []int) bool {
	rest, ok := strings.CutPrefix(raw[m[1]:], " (https://")
	return ok && strings.HasPrefix(strings.TrimPrefix(rest, "www."), raw[m[2]:m[3]])
}

// private addresses, and those of well-known resolvers, are nobody's drop.
func private(a netip.Addr) bool {
	switch a.String() {
	case "1.1.1.1", "1.0.0.1", "8.8.8.8", "8.8.4.4", "9.9.9.9":
		return true
	}
	if a.Is4() && (a.As4()[3] == 0 || a.As4()[0] == 100 && a.As4()[1]&0xc0 == 64) {
		return true // a network, an address of an overlay
	}
	return a.IsPrivate() || a.IsLoopback() || a.IsUnspecified() || a.IsMulticast() || a.IsLinkLocalUnicast()
}

// bareName says that a name without a scheme is a host and no file or product.
func bareName(text string, m []int) bool {
	if m[0] > 0 {
		switch c := text[m[0]-1]; {
		case c == '.', c == '/', c == '@', c == '-', c == '_', c == '$', c == '\\', c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
			return false
		}
	}
	if m[1] < len(text) {
		switch c := text[m[1]]; {
		case c == '-', c == '_', c == '(', c == '[', c == '=', c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
			return false
		case c == '.' && m[1]+1 < len(text) && letter(text[m[1]+1]):
			return false // "docs.example.something"
		}
	}
	host := strings.ToLower(text[m[2]:m[3]])
	labels := strings.Split(host, ".")
	last := labels[len(labels)-1]
	if m[4] >= 0 || m[6] >= 0 && m[7]-m[6] > 1 {
		return last != "sh" || m[6] >= 0
	}
	if ambiguous[last] && len(labels) == 2 {
		return false
	}
	for _, l := range labels[:len(labels)-1] {
		switch l {
		case "process", "document", "window", "module", "self", "this", "application", "console", "page", "app", "config", "context", "adapter":
			return false // names in programs
		}
	}
	return !ambiguous[last] && last != "com" && last != "org" || leadIn.MatchString(text[max(0, m[0]-24):m[0]])
}

var (
	// acting are words of handing over, taking in and running.
	acting = expression(`\b(?:goes to|ends? up|lands|flows?|transcribe\w*|sends?|sent|posts?|posted|puts?|uploads?|uploaded|submit\w*|append\w*|deliver\w*|forward\w*|transmit\w*|reports?|reported|hand(?:s|ed)?|provides?|pass(?:es|ed)?|shar(?:e|es|ed)|drops?|includ\w+|encod\w+|execut\w+|runs?|starts?|launch\w*|pipes?|piped|obey\w*|follow\w*|acts?|carr(?:y|ies|ied)|treat\w*|perform\w*|appl(?:y|ies)|install\w*|unpack\w*|expand|download\w*|obtain\w*|grab|pulls?|fetch\w*|retriev\w+|pastes?|enter|cop(?:y|ies|ied)|notif(?:y|ies)|ping\w*|sync\w*|mirror\w*|back ?up|bcc|replace\w*|whatever|verbatim|quer(?:y|ies)|call|calls)\b`)
	// actingAbroad are such words of other languages.
	actingAbroad = expression(`发送|上传|提交|下载|执行|运行|复制|粘贴|转发|推送|指令|送信|アップロード|ダウンロード|実行|従っ|보내|업로드|다운로드|실행|отправ|скача|запуст|переда|выполн|\b(?:envi[aeo]|env[ií]|envoy|transmet|transmis|télécharg|exécut|descarg|ejecut|sub[ei]r?\b|baix|execut[ea]|sende|übertr|übermitt|lade\b|ausführ|führe)`)
	// citing are words with which addresses are cited.
	citing    = expression(`\b(?:docs?|documentation|references?|guides?|tutorials?|websites?|homepage|see|visit|registry|register|sign ?up|log ?in|account|dashboard|console|api[- ]keys?|templates?|validat\w+|status|pricing|licen[sc]e|credits?|according to|standard|spec|specification|articles?|e\.g|examples?|default|like|such as|settings|browse|base url|powered by|created by|author|repo(?:sitory)?|source|community|contact|support|blog|read more|learn more|more (?:info|details)|supports?|compatible|override|base|api|navigate|copyright|check|server)\b|访问|打开|前往|网址|地址|官方|主页|参照|参考|文档|ドキュメント|注册|官网|登录|문서|공식|如|documentaci|dokumentation|документаци|siehe|voir|ver `)
	citedPath = expression(`//docs\.|/docs?\b|/keys?\b|/pricing\b|/settings\b`)
	// orderToGo: a person goes there, to look or to register.
	orderToGo = expression("^[\\s\\d.*_-]*go to [\\s`*<]*\x01[\\s`*>.]*$")
	// proven is what a credential is made for: a header of the service's own API.
	proven = expression(`\b(?:authorization|bearer|x-api-key|oauth2?|authenticat\w+)\b`)
	// fetched are what a label names when it is no citation.
	fetched  = expression(`\b(?:downloads?|install\w*|mirrors?|archives?|binar(?:y|ies)|helpers?|companion|scripts?|updates?|updater|patch|exfil\w*|collect\w*|uploads?|submit|drop|sink|beacon|payload)\b`)
	labelled = regexp.MustCompile("^[^\x01:]{0,70}:[\\s`*\"<]*\x01")
)

// lettered counts the words of text.
func lettered(s string) int {
	n := 0
	for _, w := range strings.FieldsFunc(s, func(c rune) bool { return !unicode.IsLetter(c) }) {
		if len(w) > 1 {
			n++
		}
	}
	return n
}

// cited says that a sentence only cites the addresses that it names.
func cited(raw string, list []address) bool {
	var b strings.Builder
	at := 0
	for _, a := range list {
		if a.from < at {
			continue
		}
		b.WriteString(raw[at:a.from] + " \x01 ")
		at = a.to
	}
	b.WriteString(raw[at:])
	text := strings.ToLower(schemeAddress.ReplaceAllString(b.String(), " "))
	if strings.HasPrefix(strings.TrimSpace(text), "<") && strings.Contains(text, ">") {
		return true // an element of a page that was left in the text
	}
	words := lettered(text)
	if words <= 1 && !hasUnspaced(text) && !fetched.MatchString(text) || orderToGo.MatchString(text) {
		return true
	}
	labels := true
	for line := range strings.SplitSeq(text, "\n") {
		m := labelled.FindStringIndex(line)
		labels = labels && (!strings.Contains(line, "\x01") || m != nil && lettered(line[m[1]:]) <= 6)
	}
	if proven.MatchString(text) && !allSecrets.MatchString(text) {
		return true
	}
	if labels && !fetched.MatchString(text) {
		return true
	}
	return !actingAbroad.MatchString(text) && (citing.MatchString(text) || citedPath.MatchString(strings.ToLower(raw))) && !acting.MatchString(text)
}

// reaches: the sentence names an address that nobody knows, and does not cite
// it.
func reaches(p passage) (match, bool) {
	b := p.s.block
	if b.Kind == Code && !proseLang(b.Lang) && b.Lang != "" || b.Kind == Front {
		return match{}, false
	}
	list := addresses(p.s.raw, false)
	if len(list) == 0 || cited(p.s.raw, list) || p.s.negatedAll() || b.Kind == Cell && !givingWords.MatchString(strings.ToLower(p.s.raw)) {
		return match{}, false
	}
	h := hit{cURL, p.s.toNormal(list[0].from), p.s.toNormal(list[0].to)}
	m, ok := scene(reachRule(strings.ToLower(p.s.raw)), h, h, "hands something to "+list[0].host+", which nobody knows, or takes something from there")
	if b.Kind == Cell {
		m.conf = skill.ConfidenceHigh // one step goes for the place
	}
	return m, ok
}

var (
	givingWords = expression(`\b(?:send|post|put|upload|submit|append|deliver|forward|transmit|report|hand|provide|pass|share|drop|includ\w+|encod\w+|enter|copy|notify|sync|bcc|back ?up)\w*\b`)
	takingWords = expression(`\b(?:download|obtain|grab|install|unpack|paste|binary|archive|executable|installer)\w*\b`)
)

// reachRule is the rule that says best what happens with an address.
func reachRule(low string) string {
	switch {
	case takingWords.MatchString(low):
		return "CJS-INJ-004"
	case givingWords.MatchString(low):
		return "CJS-INJ-003"
	}
	return "CJS-INJ-007"
}

// negatedAll says that the sentence forbids, whatever it names.
func (s *sentence) negatedAll() bool {
	low := strings.ReplaceAll(strings.ToLower(strings.TrimLeft(s.raw, " \n*_-#>\"'")), "’", "'")
	for _, p := range []string{"never ", "do not ", "don't ", "avoid ", "must not ", "no ", "refuse "} {
		if strings.HasPrefix(low, p) {
			return true
		}
	}
	return false
}
