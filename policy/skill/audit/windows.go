package audit

import (
	"encoding/base64"
	"regexp"
	"strings"

	"clawjail/policy/skill"
	"clawjail/policy/skill/prose"
	"clawjail/policy/skill/rule"
)

// windowsForms are what attacks with the shells of Windows consist of. There is
// no parser for these languages; a command that fetches and runs in one line is
// recognised by its parts.
var windowsForms = []struct {
	id, why string
	re      *regexp.Regexp
}{
	{"CJS-EXEC-001", "fetches a script and runs it", regexp.MustCompile(`(?i)\b(?:iwr|irm|curl|wget|invoke-webrequest|invoke-restmethod|downloadstring)\b[^\n]{0,300}\|\s*(?:iex|invoke-expression)\b|\b(?:iex|invoke-expression)\b[^\n]{0,80}(?:downloadstring|\birm\b|\biwr\b|invoke-webrequest|invoke-restmethod|net\.webclient)`)},
	{"CJS-EXEC-001", "has Windows run a script from an address", regexp.MustCompile(`(?i)\b(?:mshta|regsvr32|rundll32|wscript|cscript)(?:\.exe)?\b[^\n]{0,80}(?:https?:|javascript:|vbscript:)`)},
	{"CJS-EXEC-001", "fetches a program with a tool that is not for that", regexp.MustCompile(`(?i)\bcertutil(?:\.exe)?\b[^\n]{0,80}-urlcache|\bbitsadmin(?:\.exe)?\b[^\n]{0,80}/transfer`)},
	{"CJS-EXEC-001", "fetches a program and starts it", regexp.MustCompile(`(?is)\b(?:invoke-webrequest|iwr|start-bitstransfer|downloadfile)\b.{0,300}\.(?:exe|msi|ps1|bat|scr|dll).{0,300}\b(?:start-process|invoke-item|saps|& ?["'$]|cmd /c)`)},
	{"CJS-FLOW-005", "runs an encoded command", regexp.MustCompile(`(?i)\b(?:powershell|pwsh)(?:\.exe)?\b[^\n]{0,120}\s-e(?:nc|ncodedcommand|c)?\s+[A-Za-z0-9+/=]{16,}`)},
	{"CJS-FS-002", "has itself started again", regexp.MustCompile(`(?i)\bschtasks(?:\.exe)?\b[^\n]{0,40}/create|\\currentversion\\run\b|\bregister-scheduledtask\b|\\start menu\\programs\\startup`)},
	{"CJS-FS-007", "switches the virus scanner off, or excepts itself", regexp.MustCompile(`(?i)\b(?:set|add)-mppreference\b|disablerealtimemonitoring|\bsc(?:\.exe)? stop windefend`)},
	{"CJS-EXEC-010", "deletes backups or whole drives", regexp.MustCompile(`(?i)\bvssadmin\b[^\n]{0,40}delete|\bformat\s+[a-z]:|remove-item[^\n]{0,60}-recurse[^\n]{0,40}(?:\$home|\$env:userprofile|c:\\)\s*(?:-|$)|\brd /s /q c:\\|\bdel /[fsq] [^\n]{0,20}c:\\`)},
}

// established installers are fetched and run in the documentation of half of
// all tools.
var established = regexp.MustCompile(`(?i)https://(?:astral\.sh|get\.scoop\.sh|bun\.sh|deno\.land|community\.chocolatey\.org|get\.pnpm\.io|raw\.githubusercontent\.com/(?:Homebrew|nvm-sh)|openclaw\.ai|claude\.ai|ollama\.com|win\.rustup\.rs|aka\.ms|dot\.net|install\.python-poetry\.org)`)

// windows looks for the forms in a unit.
func windows(u skill.Unit) []skill.Finding {
	var out []skill.Finding
	for _, w := range windowsForms {
		for _, m := range w.re.FindAllStringIndex(u.Text, 10) {
			text := u.Text[m[0]:m[1]]
			f := rule.New(w.id, u.At(m[0]), w.why, text)
			if established.MatchString(u.Text[m[0]:min(len(u.Text), m[1]+120)]) {
				f.Severity, f.Confidence = skill.Medium, skill.ConfidenceLow
			}
			if w.id == "CJS-FS-002" && u.Setup {
				f.Confidence = skill.ConfidenceLow
			}
			if u.Discouraged {
				f.Confidence, f.Discouraged = f.Confidence.Lower(), true
			}
			out = append(out, f)
			if w.id == "CJS-FLOW-005" {
				out = append(out, encodedCommand(u, m[0], text)...)
			}
		}
	}
	return out
}

// encodedCommand judges what -EncodedCommand carries: UTF-16 in base64.
func encodedCommand(u skill.Unit, offset int, text string) []skill.Finding {
	blob := text[strings.LastIndexAny(text, " \t")+1:]
	raw, err := base64.StdEncoding.DecodeString(blob)
	if err != nil || len(u.Decoded) > 3 {
		return nil
	}
	var plain strings.Builder
	for i := 0; i+1 < len(raw); i += 2 {
		plain.WriteRune(rune(raw[i]) | rune(raw[i+1])<<8)
	}
	at := u.At(offset)
	inner := windows(skill.Unit{File: u.File, Lang: skill.PowerShell, Text: plain.String(), Line: at.Line, Column: at.Column, Decoded: append(u.Decoded, "base64")})
	return append(inner, prose.Scan(plain.String(), at, true)...)
}
