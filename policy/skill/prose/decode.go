package prose

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"clawjail/policy/skill"
	"clawjail/policy/skill/rule"
)

// Bounds of decoding inside prose.
const (
	maxLayers  = 5
	maxDecoded = 1 << 20
	maxBlobs   = 50
)

var blobForms = []*regexp.Regexp{
	regexp.MustCompile(`[A-Za-z0-9+/_-]{24,}={0,2}`),
	regexp.MustCompile(`(?:[0-9a-fA-F]{2}){16,}`),
	regexp.MustCompile(`(?:%[0-9a-fA-F]{2}){8,}|(?:\\x[0-9a-fA-F]{2}){8,}|(?:&#x?[0-9a-fA-F]{2,4};){8,}|(?:\\u[0-9a-fA-F]{4}){8,}`),
}

// decoded looks into the encoded pieces of a block.
func (c *checker) decoded(b *Block) {
	if c.depth >= maxLayers {
		return
	}
	blobs := 0
	for _, form := range blobForms {
		for _, m := range form.FindAllStringIndex(b.Text, maxBlobs) {
			if blobs++; blobs > maxBlobs {
				return
			}
			for _, plain := range Decode(b.Text[m[0]:m[1]]) {
				c.inner(b, m[0], plain)
			}
		}
	}
	if containsWord(strings.ToLower(b.Text), "rot13", "reverse", "reversed", "backwards", "rot-13", "caesar") && len(b.Text) < 4096 {
		c.inner(b, 0, rot13(b.Text))
		c.inner(b, 0, reverse(b.Text))
	}
}

// inner judges decoded text: what it says is a finding of language.
func (c *checker) inner(b *Block, offset int, plain string) {
	place := c.place(b, offset)
	sub := &checker{seen: map[string]bool{}, fixed: &place, depth: c.depth + 1}
	text := Block{Kind: Metadata, Text: plain, file: b.file}
	sub.block(&text)
	if strings.Count(plain, " ") > 3 {
		sub.frames([]Block{text})
	}
	for _, f := range sub.out {
		if f.Confidence == skill.ConfidenceLow || len(c.out) >= maxFindings {
			continue
		}
		g := rule.New("CJS-INJ-011", place, "encoded: "+f.Message+" (as "+f.Rule+")", plain)
		g.Severity, g.Confidence, g.Discouraged = f.Severity, f.Confidence, f.Discouraged
		if key := g.Message + fmt.Sprint(g.Line); !c.seen[key] {
			c.seen[key] = true
			c.out = append(c.out, g)
		}
		return
	}
}

// Decode undoes one layer of the encodings that text is smuggled in. It returns
// what came out as readable text.
func Decode(s string) []string {
	var out []string
	add := func(b []byte, err error) {
		if err == nil && len(b) <= maxDecoded && readable(b) {
			out = append(out, string(b))
		}
	}
	if len(s) > 2*maxDecoded {
		return nil
	}
	trimmed := strings.TrimRight(s, "=")
	if len(trimmed) >= 20 {
		if strings.ContainsAny(trimmed, "-_") {
			add(base64.RawURLEncoding.DecodeString(trimmed))
		} else {
			add(base64.RawStdEncoding.DecodeString(trimmed))
		}
	}
	if len(s)%2 == 0 {
		add(hex.DecodeString(s))
	}
	switch {
	case strings.HasPrefix(s, "%"):
		if p, err := url.PathUnescape(s); err == nil {
			add([]byte(p), nil)
		}
	case strings.HasPrefix(s, `\x`), strings.HasPrefix(s, `\u`), strings.HasPrefix(s, "&#"):
		add([]byte(escapes(s)), nil)
	}
	return out
}

var escapeForm = regexp.MustCompile(`\\x([0-9a-fA-F]{2})|\\u([0-9a-fA-F]{4})|&#x([0-9a-fA-F]{2,4});|&#([0-9]{2,4});`)

func escapes(s string) string {
	return escapeForm.ReplaceAllStringFunc(s, func(e string) string {
		var r rune
		switch {
		case strings.HasPrefix(e, "&#x"):
			fmt.Sscanf(e, "&#x%x;", &r)
		case strings.HasPrefix(e, "&#"):
			fmt.Sscanf(e, "&#%d;", &r)
		default:
			fmt.Sscanf(e[2:], "%x", &r)
		}
		return string(r)
	})
}

// readable says that decoded bytes are text and not a picture of text: UTF-8,
// with spaces or code in it, and almost no controls.
func readable(b []byte) bool {
	if len(b) < 8 || !utf8.Valid(b) {
		return false
	}
	odd, letters := 0, 0
	for _, c := range string(b) {
		switch {
		case c < 0x20 && c != '\n' && c != '\t' && c != '\r' || c == 0x7f:
			odd++
		case unicode.IsLetter(c):
			letters++
		}
	}
	return odd*20 <= len(b) && letters*3 >= utf8.RuneCount(b)
}

func rot13(s string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z':
			return 'a' + (c-'a'+13)%26
		case c >= 'A' && c <= 'Z':
			return 'A' + (c-'A'+13)%26
		}
		return c
	}, s)
}

func reverse(s string) string {
	r := []rune(s)
	for i, j := 0, len(r)-1; i < j; i, j = i+1, j-1 {
		r[i], r[j] = r[j], r[i]
	}
	return string(r)
}

// imageForm is a Markdown image, or an HTML one, whose address has a place to
// fill in.
var imageForm = regexp.MustCompile(`(?i)(?:!\[[^\]]{0,200}\]\(\s*|<img[^>]{0,200}src=["']?|!\[\] \()(https?://[^)\s"'>]*(?:[?&][\w-]+=|/)[^)\n"'>]{0,120}?(\{\{?[^}\n]{1,60}\}|\$\{?\w+|<[a-z_ -]{2,40}>|%s|\[[A-Z_][A-Z_ ]{2,40}\]|\b(?:BASE64|ENCODED|SECRET|STOLEN|EXFIL)[A-Z0-9_]*\b)[^)\n]{0,200})`)

// images finds image templates that carry data out when they are rendered.
func (c *checker) images(b *Block) {
	for _, m := range imageForm.FindAllStringSubmatchIndex(b.Text, 10) {
		target := b.Text[m[2]:m[3]]
		conf := skill.ConfidenceMedium
		if badge(target) || b.Kind == Code {
			conf = skill.ConfidenceLow
		}
		f := rule.New("CJS-INJ-012", c.place(b, m[0]), "image whose address has a place for data: showing it sends the data", b.Text[m[0]:m[1]])
		f.Confidence = conf
		if low := strings.ToLower(target); conf != skill.ConfidenceLow && containsWord(strings.NewReplacer("{", " ", "_", " ", "}", " ").Replace(low), "data", "secret", "token", "key", "conversation", "history", "base64", "encoded", "env", "context", "prompt", "secrets", "content", "exfil", "stolen", "summary", "memory") {
			f.Severity = skill.High
		}
		if b.Security || b.Discouraged {
			f.Confidence = f.Confidence.Lower()
		}
		c.out = append(c.out, f)
	}
}

// badge hosts draw pictures from their address; that is what they are for.
func badge(target string) bool {
	for _, h := range []string{"shields.io", "badge", "img.youtube.com", "githubusercontent.com", "quickchart.io", "mermaid.ink", "api.star-history", "contrib.rocks", "image.pollinations", "placehold", "picsum", "unsplash", "gravatar", "wttr.in", "openstreetmap", "mapbox", "maps.googleapis", "dicebear", "qrserver", "localhost", "example.com", "kroki.io", "plantuml", "cdn."} {
		if strings.Contains(target, h) {
			return true
		}
	}
	return false
}
