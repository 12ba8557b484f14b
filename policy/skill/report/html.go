package report

import (
	"html/template"
	"io"
	"strings"

	"clawjail/policy/skill"
)

// HTML writes a report as one page without scripts or anything from elsewhere.
func HTML(w io.Writer, r skill.Report) error {
	var weighty, other []skill.Finding
	for _, f := range r.Findings {
		if weighs(f) {
			weighty = append(weighty, f)
		} else if f.Class != skill.Ability {
			other = append(other, f)
		}
	}
	t, err := template.New("report").Funcs(template.FuncMap{"place": place, "join": strings.Join, "word": func(v skill.Verdict) string { return strings.ReplaceAll(v.String(), " ", "-") }}).Parse(page)
	if err != nil {
		return err
	}
	return t.Execute(w, struct {
		skill.Report
		Weighty, Other []skill.Finding
	}{r, weighty, other})
}

const page = `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="referrer" content="no-referrer">
<title>{{.Verdict}}: {{.Name}}</title>
<style>
:root{color-scheme:light dark;--line:#8884;--soft:#8882}
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;overflow-wrap:anywhere}
h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}
code,pre{font:13px/1.4 ui-monospace,monospace;background:var(--soft);border-radius:4px;padding:.1em .3em;overflow-wrap:anywhere;white-space:pre-wrap}
pre{padding:.5em .7em;margin:.4em 0}
.verdict{display:inline-block;padding:.15em .7em;border-radius:4px;font-weight:700;color:#fff;text-transform:uppercase;font-size:.85rem}
.rejected{background:#b3261e}.manual-review{background:#8a5a00}.approved{background:#1e6b34}
.finding{border:1px solid var(--line);border-left:6px solid #888;border-radius:6px;padding:.6em .9em;margin:.7em 0}
.critical,.high{border-left-color:#b3261e}.medium{border-left-color:#c98a00}
.meta{opacity:.75;font-size:.9em}dt{font-weight:600}dd{margin:0 0 .4em}table{border-collapse:collapse;width:100%}td,th{text-align:left;border-bottom:1px solid var(--line);padding:.25em .5em;vertical-align:top}
</style></head><body>
<p><span class="verdict {{word .Verdict}}">{{.Verdict}}</span></p>
<h1>{{.Name}}</h1>
<p>{{.Description}}</p>
<p class="meta">{{.Files}} files, {{.Bytes}} bytes, {{.Analysed}} analysed. Rules {{.RuleSet}}.{{with .Root}} Root {{.}}.{{end}}</p>
<h2>Why</h2><ul>{{range .Reasons}}<li>{{.}}</li>{{end}}</ul>
<h2>Findings that weigh</h2>
{{range .Weighty}}<div class="finding {{.Severity}}"><strong>{{.Rule}}</strong> <span class="meta">{{.Severity}}, {{.Confidence}} confidence, {{.Class}}</span> <code>{{place .Place}}</code>
<div>{{.Message}}</div>{{with .Evidence}}<pre>{{.}}</pre>{{end}}
{{if .Flow}}<ol>{{range .Flow}}<li><code>{{place .Place}}</code> {{.Note}}</li>{{end}}</ol>{{end}}
{{with .Fix}}<div><em>Fix:</em> {{.}}</div>{{end}}<div class="meta">{{join .CWE ", "}} {{join .OWASP ", "}} {{.Fingerprint}}</div></div>
{{else}}<p>None.</p>{{end}}
<h2>What it can do</h2>
<table><tr><th>kind</th><th>what</th><th>declared</th><th>where</th></tr>
{{range .Capabilities}}<tr><td>{{.Kind}}</td><td><code>{{.Value}}</code></td><td>{{if .Declared}}yes{{else}}no{{end}}</td><td><code>{{place .Place}}</code></td></tr>
{{else}}<tr><td colspan="4">Nothing was seen.</td></tr>{{end}}</table>
<h2>Hints and quality</h2>
<table><tr><th>rule</th><th>severity</th><th>where</th><th>what</th></tr>
{{range .Other}}<tr><td>{{.Rule}}</td><td>{{.Severity}}</td><td><code>{{place .Place}}</code></td><td>{{.Message}}</td></tr>
{{else}}<tr><td colspan="4">None.</td></tr>{{end}}</table>
{{if .Omitted}}<p>{{.Omitted}} more findings did not fit into the report; the verdict has weighed them.</p>{{end}}
{{if .Baselined}}<p>{{.Baselined}} findings were accepted by the baseline.</p>{{end}}
</body></html>
`
