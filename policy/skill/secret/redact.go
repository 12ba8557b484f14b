package secret

import (
	"regexp"
	"slices"
	"sync"
)

// Redact replaces what looks like a credential with a stub that keeps its kind.
func Redact(text string) string {
	found := find(text, true)
	for _, f := range slices.Backward(found) {
		text = text[:f.From] + "[redacted " + f.Kind + "]" + text[f.To:]
	}
	return text
}

// Found is one credential in a text.
type Found struct {
	Kind     string
	From, To int
	// Sure says that its form is the issuer's own; else entropy and the name of
	// the variable say it.
	Sure bool
	// Example says that the value says of itself that it is none.
	Example bool
}

// MaxFound bounds the answer of Find.
const MaxFound = 200

// Find finds credentials, in the order of the text, none overlapping.
func Find(text string) []Found {
	return slices.DeleteFunc(find(text, false), func(f Found) bool { return f.Example })
}

type form struct {
	kind string
	re   *regexp.Regexp
	// group is the submatch that is the secret.
	group int
	sure  bool
	// gates are pieces of which every match contains one: a cheap first look.
	gates []string
}

// forms are the issuers' own forms, most specific first. They are compiled when
// they are needed: every command of clawjail links this package, and few look
// for secrets.
var forms = sync.OnceValue(func() []form {
	return []form{
		{"private key", regexp.MustCompile(`-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----[A-Za-z0-9+/=:,\s\\-]{16,}`), 0, true, []string{"PRIVATE KEY"}},
		{"AWS access key", regexp.MustCompile(`\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b`), 0, true, []string{"AKIA", "ASIA", "ABIA", "ACCA"}},
		{"GitHub token", regexp.MustCompile(`(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255})\b`), 0, true, []string{"ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"}},
		{"GitLab token", regexp.MustCompile(`glpat-[A-Za-z0-9_-]{20,}`), 0, true, []string{"glpat-"}},
		{"Anthropic key", regexp.MustCompile(`\bsk-ant-[A-Za-z0-9_-]{24,}`), 0, true, []string{"sk-ant-"}},
		{"OpenAI key", regexp.MustCompile(`\bsk-(?:proj-|svcacct-|admin-)?[A-Za-z0-9_-]{32,}`), 0, true, []string{"sk-"}},
		{"OpenRouter key", regexp.MustCompile(`\bsk-or-v1-[0-9a-f]{32,}`), 0, true, []string{"sk-or-"}},
		{"Slack token", regexp.MustCompile(`xox[abeoprs]-[A-Za-z0-9-]{10,}|\bxapp-\d-[A-Za-z0-9-]{10,}`), 0, true, []string{"xox", "xapp-"}},
		{"Slack webhook", regexp.MustCompile(`hooks\.slack\.com/services/T[A-Za-z0-9]+/B[A-Za-z0-9]+/[A-Za-z0-9]{16,}`), 0, true, []string{"hooks.slack"}},
		{"Stripe key", regexp.MustCompile(`\b[rs]k_live_[A-Za-z0-9]{20,}`), 0, true, []string{"k_live_"}},
		{"Google API key", regexp.MustCompile(`AIza[A-Za-z0-9_-]{35}\b`), 0, true, []string{"AIza"}},
		{"Google OAuth secret", regexp.MustCompile(`\bGOCSPX-[A-Za-z0-9_-]{28}\b`), 0, true, []string{"GOCSPX-"}},
		{"npm token", regexp.MustCompile(`npm_[A-Za-z0-9]{36}\b`), 0, true, []string{"npm_"}},
		{"PyPI token", regexp.MustCompile(`pypi-AgEI[A-Za-z0-9_-]{50,}`), 0, true, []string{"pypi-AgEI"}},
		{"Hugging Face token", regexp.MustCompile(`hf_[A-Za-z]{34}\b`), 0, true, []string{"hf_"}},
		{"SendGrid key", regexp.MustCompile(`\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}\b`), 0, true, []string{"SG."}},
		{"Telegram bot token", regexp.MustCompile(`\b\d{8,10}:AA[A-Za-z0-9_-]{33}\b`), 0, true, []string{":AA"}},
		{"Discord token", regexp.MustCompile(`\b[MNO][A-Za-z\d_-]{23,25}\.[A-Za-z\d_-]{6}\.[A-Za-z\d_-]{27,38}\b`), 0, true, []string{"."}},
		{"Twilio key", regexp.MustCompile(`\bSK[0-9a-f]{32}\b`), 0, true, []string{"SK"}},
		{"DigitalOcean token", regexp.MustCompile(`do[opr]_v1_[a-f0-9]{64}\b`), 0, true, []string{"_v1_"}},
		{"Shopify token", regexp.MustCompile(`shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}\b`), 0, true, []string{"shp"}},
		{"Linear key", regexp.MustCompile(`lin_api_[A-Za-z0-9]{40}\b`), 0, true, []string{"lin_api_"}},
		{"Notion token", regexp.MustCompile(`\b(?:secret_[A-Za-z0-9]{43}|ntn_[A-Za-z0-9]{40,50})\b`), 0, true, []string{"secret_", "ntn_"}},
		{"Groq key", regexp.MustCompile(`gsk_[A-Za-z0-9]{50,}\b`), 0, true, []string{"gsk_"}},
		{"JSON web token", regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}`), 0, false, []string{"eyJ"}},
		{"password in a URL", regexp.MustCompile(`\b(?:postgres(?:ql)?|mysql|mariadb|mongodb(?:\+srv)?|redis|rediss|amqps?|ftp|https?)://[^\s:@/"'<>{}$]{1,64}:([^\s@/"'<>]{4,128})@[\w.-]+`), 1, false, []string{"://"}},
		{"credential", regexp.MustCompile(`(?i)\b[\w-]{0,40}(?:api_?-?key|secret(?:_?key)?|access_?-?token|auth_?-?token|passwd|password|private_?-?key|client_?-?secret|bearer)["']?\s{0,4}(?:=|:=|:|=>)\s{0,4}["']([A-Za-z0-9+/=_.~!@#%^&*-]{12,200})["']`), 1, false, []string{"ey", "EY", "ecret", "ECRET", "oken", "OKEN", "assw", "ASSW"}},
		{"credential", regexp.MustCompile(`(?i)\bBearer\s+([A-Za-z0-9+/=_.-]{30,500})`), 1, false, []string{"Bearer", "bearer"}},
	}
})
