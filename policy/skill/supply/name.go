package supply

import (
	_ "embed" // for the list of names
	"strings"
	"sync"
)

//go:embed popular.txt
var popularText string

// popular are the names by ecosystem, made once.
var popular = sync.OnceValue(func() map[string]map[string]bool {
	out := map[string]map[string]bool{}
	for line := range strings.SplitSeq(popularText, "\n") {
		words := strings.Fields(line)
		if len(words) < 2 || words[0] == "#" {
			continue
		}
		set := map[string]bool{}
		for _, w := range words[1:] {
			set[w] = true
		}
		out[words[0]] = set
	}
	return out
})

// Imitates names the popular package that name imitates, "" for none.
func Imitates(ecosystem, name string) string {
	name = strings.ToLower(name)
	set := popular()[ecosystem]
	if set[name] || known(name) {
		return ""
	}
	if ascii := skeleton(name); ascii != name && set[ascii] {
		return ascii
	}
	if len(name) < 5 {
		return ""
	}
	flat := flatten(name)
	for p := range set {
		if flatten(p) == flat && ecosystem != "pypi" && len(p) >= 6 {
			return p // separators moved: cross_env
		}
		if len(p) >= 6 && len(name) >= 6 && len(name)-len(p) <= 1 && len(p)-len(name) <= 1 && near(name, p) {
			return p
		}
	}
	// The name of a popular scope without the scope: anthropic-ai-sdk.
	for p := range set {
		if scope, rest, ok := strings.Cut(strings.TrimPrefix(p, "@"), "/"); ok && strings.HasPrefix(p, "@") && (name == scope+"-"+rest || name == rest && len(rest) >= 8) {
			return p
		}
	}
	return ""
}

// known are honest packages one edit away from a popular one.
func known(name string) bool {
	switch name {
	case "preact", "reacts", "mongodb", "markdown2", "markdown-it", "requests2", "redis-py", "rediss", "pypdf3", "pypdf4", "pypdf2", "glob2", "colors.js", "chalk2", "moments", "eslintd", "eslint_d", "sqlite", "sqlite-vec", "jsonwebtokens", "pydantic2", "spacy2", "torch2", "pytest2", "expresss2", "webpack5", "openapi", "opencl", "fastapi2", "express2", "langchain4j", "dataset", "discord.py2", "telegram", "rollups", "playwright2", "sharps", "docker2", "typers", "archive", "archives", "httpx2", "passport2", "pillow2", "gradios", "bootstrap5", "puppeteer2", "nodemon2", "prettier2", "prettierd", "openai2", "ethers5", "execa2", "undici2", "mysql", "psycopg", "psycopg3", "request", "requests", "scheduler", "validators", "valid8r", "seaborns", "markers", "commander2", "whisperx", "reduxjs":
		return true
	}
	return false
}

func flatten(s string) string { return strings.NewReplacer("-", "", "_", "", ".", "").Replace(s) }

func skeleton(s string) string {
	return strings.NewReplacer("а", "a", "е", "e", "о", "o", "р", "p", "с", "c", "у", "y", "х", "x", "і", "i", "0", "o", "1", "l").Replace(s)
}

// near says that two names are one insertion, deletion, replacement or swap of
// neighbours apart (Damerau-Levenshtein distance one).
func near(a, b string) bool {
	if a == b {
		return false
	}
	if len(a) > len(b) {
		a, b = b, a
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) < len(b) {
		return a[i:] == b[i+1:]
	}
	return a[i+1:] == b[i+1:] || i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
}
