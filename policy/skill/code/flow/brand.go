package flow

import (
	"strings"
)

// secretName says whether a variable's name says that it holds a secret.
func secretName(name string) bool {
	up := strings.ToUpper(name)
	switch up {
	case "SSH_AUTH_SOCK", "PWD", "OLDPWD", "XDG_SESSION_ID", "XDG_SESSION_TYPE", "SESSION_MANAGER", "DESKTOP_SESSION", "KEYBOARD", "MAX_TOKENS", "AUTHOR", "TOKENIZERS_PARALLELISM", "SESSION_ID", "OPENCLAW_SESSION_ID":
		return false
	}
	if strings.HasSuffix(up, "_TOKENS") || strings.HasSuffix(up, "_FILE") || strings.HasSuffix(up, "_PATH") || strings.HasSuffix(up, "_DIR") || strings.HasSuffix(up, "_URL") || strings.Contains(up, "KEYWORD") || strings.Contains(up, "PUBLIC_KEY") {
		return strings.Contains(up, "DATABASE_URL") || strings.Contains(up, "MONGODB_UR")
	}
	for _, n := range []string{"KEY", "TOKEN", "SECRET", "PASS", "CRED", "COOKIE", "SESSION", "AUTH", "MNEMONIC", "SEED_PHRASE", "PRIVATE", "BEARER", "JWT", "APIKEY", "DATABASE_URL", "MONGODB_URI", "DSN", "PAT"} {
		if n == "PAT" {
			if strings.HasSuffix(up, "_PAT") {
				return true
			}
			continue
		}
		if strings.Contains(up, n) {
			return true
		}
	}
	return false
}

// brands ties words in names of variables to the domains that their secrets are
// for, where the domain does not contain the word.
var brands = map[string][]string{
	"gemini": {"googleapis.com", "google.com"}, "google": {"googleapis.com", "google.com"}, "gcp": {"googleapis.com"}, "youtube": {"googleapis.com"}, "gmail": {"googleapis.com", "gmail.com"}, "firebase": {"googleapis.com", "firebaseio.com"}, "goplaces": {"googleapis.com"}, "maps": {"googleapis.com"},
	"gh": {"github.com", "githubusercontent.com"}, "github": {"githubusercontent.com"}, "hf": {"huggingface.co"}, "claude": {"anthropic.com"}, "chatgpt": {"openai.com"}, "gpt": {"openai.com"}, "whisper": {"openai.com"}, "azure": {"azure.com", "windows.net", "microsoft.com", "microsoftonline.com"}, "msft": {"microsoft.com"}, "outlook": {"microsoft.com", "office.com"}, "ms": {"microsoft.com", "microsoftonline.com"},
	"aws": {"amazonaws.com"}, "s3": {"amazonaws.com"}, "slack": {"slack.com"}, "tg": {"telegram.org"}, "telegram": {"telegram.org"}, "x": {"twitter.com", "x.com"}, "twitter": {"x.com"}, "fb": {"facebook.com"}, "meta": {"facebook.com"}, "instagram": {"facebook.com", "instagram.com"}, "whatsapp": {"facebook.com"}, "npm": {"npmjs.org", "npmjs.com"}, "jira": {"atlassian.net", "atlassian.com"}, "confluence": {"atlassian.net"}, "xai": {"x.ai"}, "grok": {"x.ai"}, "moonshot": {"moonshot.cn", "moonshot.ai"}, "kimi": {"moonshot.cn"}, "dashscope": {"aliyuncs.com"}, "qwen": {"aliyuncs.com"}, "zhipu": {"bigmodel.cn"}, "glm": {"bigmodel.cn", "z.ai"}, "minimax": {"minimax.chat", "minimaxi.com", "minimax.io"}, "ark": {"volces.com"}, "doubao": {"volces.com"}, "fal": {"fal.ai", "fal.run"}, "bsky": {"bsky.social"}, "eleven": {"elevenlabs.io"}, "xi": {"elevenlabs.io"}, "cf": {"cloudflare.com"}, "do": {"digitalocean.com"}, "hubspot": {"hubapi.com"}, "owm": {"openweathermap.org"}, "weather": {"openweathermap.org"}, "brave": {"search.brave.com"}, "feishu": {"feishu.cn", "larksuite.com"}, "lark": {"larksuite.com", "feishu.cn"}, "dingtalk": {"dingtalk.com"}, "spotify": {"spotify.com"}, "tmdb": {"themoviedb.org"}, "baidu": {"baidubce.com"}, "serp": {"serpapi.com", "serper.dev"},
}

// wordsOf cuts the name of a variable into words that may name a service.
func wordsOf(name string) []string {
	var out []string
	for _, w := range strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return r == '_' || r == '-' || r == '.' }) {
		switch w {
		case "api", "key", "token", "secret", "access", "pass", "password", "auth", "id", "client", "app", "user", "username", "bot", "private", "public", "bearer", "credentials", "credential", "session", "cookie", "oauth", "refresh", "the", "my", "personal", "pat", "email", "account", "service", "host", "apikey", "url", "jwt", "master", "admin", "web", "data", "cloud", "dev", "prod", "test", "ai", "io", "com":
			continue
		}
		out = append(out, w)
	}
	return out
}

// affine says whether a secret's name names the service that a host belongs to.
func affine(name, host string) bool {
	labels := strings.Split(strings.TrimPrefix(host, "*."), ".")
	if len(labels) < 2 {
		return false
	}
	// The registered name, and not a label that anybody can put in front.
	registered := labels[len(labels)-2]
	if len(labels) > 2 && len(registered) <= 3 && len(labels[len(labels)-1]) == 2 {
		registered = labels[len(labels)-3]
	}
	flat := strings.ReplaceAll(registered, "-", "")
	words := wordsOf(name)
	for i, w := range words {
		if len(w) >= 3 && (flat == w || strings.HasPrefix(flat, w) || len(flat) >= 4 && strings.HasPrefix(w, flat)) {
			return true
		}
		if i+1 < len(words) && strings.Contains(flat, w+words[i+1]) {
			return true
		}
		for _, d := range brands[w] {
			if host == d || strings.HasSuffix(host, "."+d) {
				return true
			}
		}
	}
	return false
}

// foreign says that a variable holds a secret of a service everybody uses, so
// that a skill for something else has no business with it.
func foreign(name string) bool {
	for _, w := range wordsOf(name) {
		switch w {
		case "aws", "github", "gh", "openai", "anthropic", "google", "gcp", "azure", "stripe", "slack", "npm", "pypi", "docker", "ssh", "gitlab", "hf", "huggingface", "database", "postgres", "mongodb", "mysql", "wallet", "mnemonic", "seed", "sudo", "telegram", "discord", "gemini", "openclaw", "clawdbot", "claude", "twilio", "sendgrid", "heroku", "cloudflare", "digitalocean", "kube", "vault":
			return true
		}
	}
	return false
}
