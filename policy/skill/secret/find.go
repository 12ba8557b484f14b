package secret

import (
	"math"
	"slices"
	"strings"
)

// minEntropy is what a value without an issuer's form needs, in bits a
// character: words and placeholders have about 3, random base62 about 5.
const minEntropy = 3.6

func find(text string, redact bool) []Found {
	var out []Found
	taken := func(from, to int) bool {
		return slices.ContainsFunc(out, func(f Found) bool { return from < f.To && f.From < to })
	}
	for _, f := range forms() {
		if !slices.ContainsFunc(f.gates, func(g string) bool { return strings.Contains(text, g) }) {
			continue
		}
		for _, m := range f.re.FindAllStringSubmatchIndex(text, MaxFound) {
			from, to := m[2*f.group], m[2*f.group+1]
			if taken(from, to) || len(out) >= MaxFound {
				continue
			}
			value := text[from:to]
			example := placeholder(value)
			if !f.sure && !example && (f.kind == "credential" && !random(value) || f.kind == "password in a URL" && (common(value) || local(text[from:min(len(text), to+40)]))) {
				example = true
			}
			if example && !f.sure && redact {
				continue
			}
			out = append(out, Found{Kind: f.kind, From: from, To: to, Sure: f.sure, Example: example})
		}
	}
	slices.SortFunc(out, func(a, b Found) int { return a.From - b.From })
	return out
}

// placeholder says that the value says of itself that it is an example.
func placeholder(v string) bool {
	low := strings.ToLower(v)
	for _, w := range []string{"example", "your", "xxxx", "placeholder", "changeme", "change-me", "change_me", "dummy", "fake", "sample", "redacted", "insert", "replace", "<", "${", "{{", "todo", "...", "…", "test", "abcdef", "123456", "aaaa", "0000", "1111", "secret-here", "key-here", "here", "mock", "notreal", "not-real", "my-", "my_", "some", "process.env", "os.environ", "getenv", "****", "abc123", "deadbeef", "foobar", "demo"} {
		if strings.Contains(low, w) {
			return true
		}
	}
	return distinct(v) < 6 || strings.Contains(v, "PRIVATE KEY") && len(v) < 200
}

func distinct(v string) int {
	seen := map[rune]bool{}
	for _, c := range v {
		seen[c] = true
	}
	return len(seen)
}

// random says that the value does not read like words: digits and letters
// mixed, and much entropy.
func random(v string) bool {
	digits, upper, lower := 0, 0, 0
	for _, c := range v {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case c >= 'A' && c <= 'Z':
			upper++
		case c >= 'a' && c <= 'z':
			lower++
		}
	}
	return len(v) >= 16 && digits >= 3 && upper+lower >= 6 && Entropy(v) >= minEntropy && strings.Count(v, "-") <= 4 && strings.Count(v, "_") <= 3 && strings.Count(v, ".") <= 2
}

func common(v string) bool {
	switch strings.ToLower(v) {
	case "password", "pass", "passwd", "secret", "postgres", "root", "admin", "user", "pwd", "guest", "token", "mysql", "redis", "mongo", "hunter2", "letmein":
		return true
	}
	return strings.HasPrefix(v, "$") || strings.HasPrefix(v, "{") || strings.HasPrefix(v, "%") || strings.ToUpper(v) == v && !strings.ContainsAny(v, "0123456789") || Entropy(v) < 2.5
}

func local(rest string) bool {
	_, host, _ := strings.Cut(rest, "@")
	for _, h := range []string{"localhost", "127.0.0.1", "host", "db", "postgres", "redis", "server", "example", "mongo", "mysql", "proxy", "0.0.0.0", "hostname"} {
		if strings.HasPrefix(host, h) {
			return true
		}
	}
	return false
}

// Entropy is Shannon's, in bits a byte.
func Entropy(s string) float64 {
	if s == "" {
		return 0
	}
	var n [256]int
	for i := 0; i < len(s); i++ {
		n[s[i]]++
	}
	e := 0.0
	for _, c := range n {
		if c > 0 {
			p := float64(c) / float64(len(s))
			e -= p * math.Log2(p)
		}
	}
	return e
}
