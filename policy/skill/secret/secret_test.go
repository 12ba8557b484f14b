package secret

import (
	"strings"
	"testing"
)

// body makes a value that is random enough and obviously nobody's.
func body(n int) string {
	const set = "aZ3kQ9xW7bN5cM1vR8tY2uE6iO4pL0sD"
	return strings.Repeat(set, n/len(set)+1)[:n]
}

func TestFind(t *testing.T) {
	for text, kind := range map[string]string{
		"AKIA" + "QWERTYUIOPASDFGH":                    "AWS access key",
		"ghp_" + body(36):                              "GitHub token",
		"sk-ant-" + body(40):                           "Anthropic key",
		"sk-proj-" + body(40):                          "OpenAI key",
		"xoxb-" + body(24):                             "Slack token",
		"hooks.slack.com/services/TQQ/BQQ/" + body(20): "Slack webhook",
		"AIza" + body(35):                              "Google API key",
		"-----BEGIN RSA PRIVATE KEY-----\n" + strings.Repeat(body(60)+"\n", 5): "private key",
		"postgres://svc:" + body(20) + "@prod.corp.invalid/db":                 "password in a URL",
		"api_key = \"" + body(28) + "\"":                                       "credential",
	} {
		got := Find(text)
		if len(got) != 1 || got[0].Kind != kind {
			t.Errorf("%.30q: %+v, want %s", text, got, kind)
		}
		if r := Redact(text); !strings.Contains(r, "[redacted") || strings.Contains(r, body(20)) {
			t.Errorf("%.30q was not redacted: %q", text, r)
		}
	}
}

func TestFindLeavesExamples(t *testing.T) {
	for _, text := range []string{
		`api_key = "your_api_key_here"`, `token: "xxxxxxxxxxxxxxxxxxxxxxxx"`, "AKIAIOSFODNN7EXAMPLE", `password = "correct horse battery staple"`,
		"postgres://user:password@localhost/db", `secret = os.environ["SECRET_KEY_VALUE"]`, "sk-" + strings.Repeat("x", 40), `client_secret: "${CLIENT_SECRET_VALUE}"`, "Bearer YOUR_TOKEN",
	} {
		if got := Find(text); len(got) != 0 {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

func FuzzRedact(f *testing.F) {
	f.Add("ghp_" + body(36) + " and api_key='" + body(20) + "'")
	f.Add("-----BEGIN PRIVATE KEY-----")
	f.Fuzz(func(t *testing.T, text string) {
		last := 0
		for _, x := range Find(text) {
			if x.From < last || x.To > len(text) || x.To <= x.From {
				t.Fatalf("%+v in %d bytes after %d", x, len(text), last)
			}
			last = x.To
		}
		Redact(text)
	})
}
