package redact

import "strings"

// form is how the keys of a service look.
type form struct {
	prefix string
	least  int // bytes that have to follow
}

// forms gives those of services whose keys agents hold, by their first byte.
// Their own documentation says how the keys begin.
func forms() (table [256][]form) {
	for _, f := range []form{
		{"sk-", 20}, {"ghp_", 20}, {"gho_", 20}, {"ghu_", 20}, {"ghs_", 20}, {"ghr_", 20}, {"github_pat_", 20},
		{"glpat-", 16}, {"xoxb-", 16}, {"xoxp-", 16}, {"xoxa-", 16}, {"xoxs-", 16}, {"xapp-", 16},
		{"AKIA", 16}, {"ASIA", 16}, {"AIza", 30}, {"ya29.", 20}, {"hf_", 20}, {"npm_", 20}, {"pypi-", 20},
		{"sk_live_", 16}, {"rk_live_", 16}, {"SG.", 20}, {"dop_v1_", 20}, {"eyJ", 40},
	} {
		table[f.prefix[0]] = append(table[f.prefix[0]], f)
	}
	table[pemBegin[0]] = []form{{pemBegin, 0}}
	return table
}

const (
	pemBegin = "-----BEGIN "
	pemKey   = "PRIVATE KEY-----"
	pemEnd   = "-----END "
)

// known gives the length of a secret that begins at s because of its form; 0
// when there is none.
func (r *Redactor) known(s string) int {
	for _, f := range r.forms[s[0]] {
		if !strings.HasPrefix(s, f.prefix) {
			continue
		}
		if f.prefix == pemBegin {
			return pem(s)
		}
		n := len(f.prefix)
		for n < len(s) && nameByte(s[n]) {
			n++
		}
		if n-len(f.prefix) >= f.least {
			return n
		}
	}
	return 0
}

// pem gives the length of a private key, to its end or to the end of the text.
func pem(s string) int {
	head := strings.Index(s[len(pemBegin):], "-----")
	if head < 0 || head > 64 || !strings.HasSuffix(s[:len(pemBegin)+head+5], pemKey) {
		return 0
	}
	end := strings.Index(s, pemEnd)
	if end < 0 {
		return len(s)
	}
	rest := strings.Index(s[end+len(pemEnd):], "-----")
	if rest < 0 {
		return len(s)
	}
	return end + len(pemEnd) + rest + 5
}
