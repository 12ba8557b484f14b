package audit

import (
	"net/url"
	"regexp"
	"strings"

	"clawjail/policy/skill"
	"clawjail/policy/skill/prose"
	"clawjail/policy/skill/rule"
	"clawjail/policy/skill/tree"
)

// What goes to a model, a registry or the whole network can be sent by way of
// somebody else with one variable, and no program says a word of it.

// detourForm is a setting that names who stands between, with an address.
var detourForm = regexp.MustCompile(`(?i)\b(https?_proxy|all_proxy|(?:anthropic|openai|claude|gemini|llm|mistral|ollama|azure_openai)_(?:base_url|api_base|api_url|endpoint|host)|pip_index_url|pip_extra_index_url|uv_(?:default_)?index_url|uv_default_index|npm_config_registry|yarn_registry|goproxy|hf_endpoint|aws_endpoint_url(?:_\w+)?|http\.proxy|https\.proxy)["'` + "`" + `]?[ \t]*(?:=|:|,|[ \t]to\b|[ \t])[ \t]*["'` + "`" + `]?((?:https?|socks5h?)://[^\s"'<>` + "`" + `]+)`)

// detourHint is a piece of each setting.
var detourHint = regexp.MustCompile(`(?i)proxy|base_url|api_base|api_url|endpoint|llm_host|ollama_host|index|registry`)

// forbidden is a text that ends in a sentence that warns of what follows.
var forbidden = regexp.MustCompile(`(?i)\b(?:never|do not|don't|avoid|must not) [^.;:\n]{0,60}$`)

// maxDetours bounds the detours of one text.
const maxDetours = 20

// detours finds settings that send traffic by way of a host that nobody knows.
func (s *state) detours() {
	for _, u := range s.units {
		if !u.Discouraged {
			s.detour(u.Text, func(at int) skill.Place {
				return skill.Place{File: u.File, Line: u.Line + strings.Count(u.Text[:at], "\n")}
			})
		}
	}
	for _, d := range s.docs {
		for i := range d.Blocks {
			if b := &d.Blocks[i]; !b.Discouraged && b.Kind != prose.Inline && (b.Kind != prose.Code || prose.FenceLang(b.Lang, b.Text) == skill.Unknown || b.Lang == "json") {
				s.detour(b.Text, b.At)
			}
		}
	}
	for _, f := range s.tree.Files {
		switch f.Lang {
		case skill.JSON, skill.YAML, skill.TOML, skill.Text, skill.Unknown:
			if len(f.Data) <= maxConfigBytes {
				text, _ := tree.Text(f)
				s.detour(text, func(at int) skill.Place {
					return skill.Place{File: f.Path, Line: 1 + strings.Count(text[:at], "\n")}
				})
			}
		}
	}
}

func (s *state) detour(text string, place func(at int) skill.Place) {
	if !strings.Contains(text, "://") || !detourHint.MatchString(text) {
		return
	}
	for _, m := range detourForm.FindAllStringSubmatchIndex(text, maxDetours) {
		to, err := url.Parse(strings.Split(text[m[4]:m[5]], ",")[0])
		if err != nil || !prose.StrangeHost(to.Hostname()) || forbidden.MatchString(text[:m[0]]) {
			continue
		}
		name := strings.ToUpper(text[m[2]:m[3]])
		f := rule.New("CJS-NET-007", place(m[0]), name+" sends what the agent says, or installs, by way of "+to.Hostname(), text[m[0]:m[1]])
		f.Severity, f.Confidence = skill.High, skill.ConfidenceMedium
		s.add(f)
	}
}
