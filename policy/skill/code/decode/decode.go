package decode

import (
	"bytes"
	"compress/bzip2"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/ascii85"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"io"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits.
const (
	// MaxBytes bounds the output of one decoding.
	MaxBytes = 1 << 20
	// MaxLayers bounds how many wrappings are taken off.
	MaxLayers = 5
)

func strip(s string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '\n' || r == '\r' || r == '\t' {
			return -1
		}
		return r
	}, s)
}

// Base64 decodes the standard and the URL alphabet, with or without padding
// and white space.
func Base64(s string) (string, bool) {
	if len(s) > 2*MaxBytes {
		return "", false
	}
	s = strings.TrimRight(strip(s), "=")
	enc := base64.RawStdEncoding
	if strings.ContainsAny(s, "-_") {
		enc = base64.RawURLEncoding
	}
	if len(s)%4 == 1 {
		s = s[:len(s)-1]
	}
	b, err := enc.DecodeString(s)
	return clip(b), err == nil && len(b) > 0
}

// Base32 decodes the standard alphabet.
func Base32(s string) (string, bool) {
	s = strings.TrimRight(strings.ToUpper(strip(s)), "=")
	b, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(s)
	return clip(b), err == nil && len(b) > 0
}

// Hex decodes pairs of digits, also with \x or 0x before each.
func Hex(s string) (string, bool) {
	s = strings.NewReplacer(`\x`, "", "0x", "", ",", "", ":", "").Replace(strip(s))
	b, err := hex.DecodeString(s)
	return clip(b), err == nil && len(b) > 0
}

// Ascii85 decodes Adobe's alphabet.
func Ascii85(s string) (string, bool) {
	s = strings.TrimSuffix(strings.TrimPrefix(strip(s), "<~"), "~>")
	b, err := io.ReadAll(io.LimitReader(ascii85.NewDecoder(strings.NewReader(s)), MaxBytes))
	return clip(b), err == nil && len(b) > 0
}

const alphabet85 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~"

// Base85 decodes the alphabet of RFC 1924, which Python's b85decode reads.
func Base85(s string) (string, bool) {
	s = strip(s)
	if s == "" || len(s) > 2*MaxBytes {
		return "", false
	}
	pad := (5 - len(s)%5) % 5
	s += strings.Repeat("~", pad)
	var out []byte
	for i := 0; i < len(s); i += 5 {
		var v uint64
		for _, c := range []byte(s[i : i+5]) {
			d := strings.IndexByte(alphabet85, c)
			if d < 0 {
				return "", false
			}
			v = v*85 + uint64(d)
		}
		out = append(out, byte(v>>24), byte(v>>16), byte(v>>8), byte(v))
	}
	return clip(out[:len(out)-pad]), true
}

func clip(b []byte) string { return string(b[:min(len(b), MaxBytes)]) }

func readAll(r io.Reader, err error) (string, bool) {
	if err != nil {
		return "", false
	}
	b, err := io.ReadAll(io.LimitReader(r, MaxBytes))
	return string(b), len(b) > 0 && (err == nil || err == io.ErrUnexpectedEOF)
}

// Gunzip, Inflate and Bunzip decompress.
func Gunzip(s string) (string, bool) {
	r, err := gzip.NewReader(strings.NewReader(s))
	if err != nil {
		return "", false
	}
	return readAll(r, nil)
}

// Inflate decompresses zlib data, or raw deflate data.
func Inflate(s string) (string, bool) {
	if r, err := zlib.NewReader(strings.NewReader(s)); err == nil {
		return readAll(r, nil)
	}
	return readAll(flate.NewReader(strings.NewReader(s)), nil)
}

// Bunzip decompresses bzip2 data.
func Bunzip(s string) (string, bool) {
	return readAll(bzip2.NewReader(strings.NewReader(s)), nil)
}

// Percent decodes %41 and, where plus says so, +.
func Percent(s string) (string, bool) {
	t, err := url.PathUnescape(s)
	return t, err == nil
}

// Rot13 turns letters by thirteen.
func Rot13(s string) string { return Rot(s, 13) }

// Rot turns letters by n.
func Rot(s string, n int) string {
	turn := func(c, a rune) rune { return a + (c-a+rune(n%26)+26)%26 }
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return turn(r, 'a')
		case r >= 'A' && r <= 'Z':
			return turn(r, 'A')
		}
		return r
	}, s)
}

// Escapes decodes \x41, \101, \u0041 and the usual letters.
func Escapes(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			i++
			continue
		}
		i++
		digits, base, from := 0, 16, i+1
		switch c := s[i]; {
		case c == 'x':
			digits = 2
		case c == 'u':
			digits = 4
		case c >= '0' && c <= '7':
			digits, base, from = 3, 8, i
			if c == '0' && i+3 < len(s) && s[i+1] >= '0' && s[i+1] <= '7' {
				digits = 4
			}
		default:
			if n := strings.IndexByte("abfnrtve", c); n >= 0 {
				b.WriteByte("\a\b\f\n\r\t\v\x1b"[n])
			} else {
				b.WriteByte(c)
			}
			i++
			continue
		}
		end := from
		for end < len(s) && end < from+digits && isDigit(s[end], base) {
			end++
		}
		if v, err := strconv.ParseUint(s[from:end], base, 32); err == nil && v <= utf8.MaxRune {
			if v < 0x80 || digits == 4 && base == 16 {
				b.WriteRune(rune(v))
			} else {
				b.WriteByte(byte(v))
			}
		}
		i = max(end, i+1)
	}
	return b.String()
}

func isDigit(c byte, base int) bool {
	if base == 8 {
		return c >= '0' && c <= '7'
	}
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f'
}

// Layer is one reading of a text with its wrappings taken off.
type Layer struct {
	Chain []string
	Data  string
}

// Peel takes off what wraps s, as far as a look at the content says that there
// is something inside. It answers nil where s is plain.
func Peel(s string) []Layer {
	var out []Layer
	var chain []string
	for range MaxLayers {
		name, inner, ok := peelOne(s)
		if !ok {
			break
		}
		chain = append(chain, name)
		out = append(out, Layer{Chain: append([]string(nil), chain...), Data: inner})
		s = inner
	}
	return out
}

func peelOne(s string) (string, string, bool) {
	switch {
	case strings.HasPrefix(s, "\x1f\x8b"):
		t, ok := Gunzip(s)
		return "gzip", t, ok
	case strings.HasPrefix(s, "BZh"):
		t, ok := Bunzip(s)
		return "bzip2", t, ok
	case len(s) > 2 && s[0] == 0x78 && (s[1] == 0x9c || s[1] == 0xda || s[1] == 0x01 || s[1] == 0x5e):
		t, ok := Inflate(s)
		return "zlib", t, ok
	}
	t := strip(s)
	if len(t) < 16 {
		return "", "", false
	}
	if strings.Count(s, `\x`)*4 > len(s)/2 {
		return "escapes", Escapes(s), true
	}
	if only(t, "0123456789abcdefABCDEF") {
		if d, ok := Hex(t); ok && Meaningful(d) {
			return "hex", d, true
		}
	}
	if only(t, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=-_") {
		if d, ok := Base64(t); ok && Meaningful(d) {
			return "base64", d, true
		}
		if only(t, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567=") {
			if d, ok := Base32(t); ok && Meaningful(d) {
				return "base32", d, true
			}
		}
		if r := reverse(t); len(t) > 24 {
			if d, ok := Base64(r); ok && Meaningful(d) {
				return "reversed base64", d, true
			}
		}
	}
	if len(t) >= 40 && len(strings.Fields(s)) == 1 {
		if d, ok := Base85(t); ok && Meaningful(d) {
			return "base85", d, true
		}
	}
	if strings.Count(s, "%")*3 > len(s)/2 {
		if d, ok := Percent(s); ok {
			return "percent", d, true
		}
	}
	return "", "", false
}

func reverse(s string) string {
	b := []byte(s)
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	return string(b)
}

func only(s, set string) bool {
	var in [256]bool
	for i := range len(set) {
		in[set[i]] = true
	}
	for i := range len(s) {
		if !in[s[i]] {
			return false
		}
	}
	return true
}

// Meaningful says whether data is text or begins with a magic number that is
// looked into.
func Meaningful(data string) bool {
	return Printable(data) || Binary(data) != "" || bytes.HasPrefix([]byte(data), []byte{0x1f, 0x8b}) || strings.HasPrefix(data, "BZh") || len(data) > 2 && data[0] == 0x78 && (data[1] == 0x9c || data[1] == 0xda)
}

// Printable says whether data is text of some length.
func Printable(data string) bool {
	if len(data) < 6 || !utf8.ValidString(data) {
		return false
	}
	odd := 0
	for _, r := range data {
		if r < 32 && r != '\n' && r != '\r' && r != '\t' || r == 127 || r > 0x2fff {
			odd++
		}
	}
	return odd == 0
}

// Binary names the executable format of data, or is "".
func Binary(data string) string {
	switch {
	case strings.HasPrefix(data, "\x7fELF"):
		return "ELF"
	case strings.HasPrefix(data, "MZ") && len(data) > 64 && (strings.Contains(data[:min(len(data), 512)], "PE\x00\x00") || strings.Contains(data[:min(len(data), 512)], "DOS mode")):
		return "PE"
	case strings.HasPrefix(data, "\xcf\xfa\xed\xfe"), strings.HasPrefix(data, "\xfe\xed\xfa\xcf"), strings.HasPrefix(data, "\xca\xfe\xba\xbe"):
		return "Mach-O"
	case strings.HasPrefix(data, "\x00asm"):
		return "WebAssembly"
	}
	return ""
}
