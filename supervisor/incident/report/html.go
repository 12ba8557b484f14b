package report

import (
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"

	"clawjail/audit/escape"
)

// HTML writes the report as one page that loads and runs nothing.
func (r Report) HTML(w io.Writer) error {
	t, err := template.New("report").Funcs(template.FuncMap{
		"esc": escape.String,
		"at":  func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.000") },
	}).Parse(page)
	if err != nil {
		return err
	}
	return t.Execute(w, struct {
		Report
		Facts   []fact
		Foot    string
		Picture template.HTML
		Tree    template.HTML
	}{r, r.facts(), r.foot(), r.picture(), r.tree()})
}

// The picture's measures, in pixels.
const (
	width, laneHeight, left, top = 960, 48, 150, 24
)

// picture draws the timeline: a lane for each kind, a mark for each event.
func (r Report) picture() template.HTML {
	if len(r.Timeline) == 0 {
		return ""
	}
	lanes := []string{lanePrograms, laneFiles, laneNetwork, lanePeople}
	first, last := r.Timeline[0].Time, r.Timeline[len(r.Timeline)-1].Time
	span := max(last.Sub(first), time.Millisecond)
	height := top + len(lanes)*laneHeight + 24
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %d %d" role="img" aria-label="Timeline from %s to %s">`, width, height, first.UTC().Format(time.RFC3339), last.UTC().Format(time.RFC3339))
	for i, lane := range lanes {
		y := top + i*laneHeight + laneHeight/2
		fmt.Fprintf(&b, `<text x="0" y="%d" class="lane">%s</text><line x1="%d" x2="%d" y1="%d" y2="%d"/>`, y+4, lane, left, width-10, y, y)
		for _, e := range r.Timeline {
			if e.Lane != lane {
				continue
			}
			x := left + float64(width-10-left)*float64(e.Time.Sub(first))/float64(span)
			fmt.Fprintf(&b, `<circle cx="%.1f" cy="%d" r="5" class="%s"><title>%s %s %s</title></circle>`, x, y, mark(e.Verdict),
				e.Time.UTC().Format("15:04:05.000"), template.HTMLEscapeString(e.Text), template.HTMLEscapeString(e.Verdict))
		}
	}
	fmt.Fprintf(&b, `<text x="%d" y="%d">%s</text><text x="%d" y="%d" text-anchor="end">%s</text></svg>`, left, height-4,
		first.UTC().Format("2006-01-02 15:04:05"), width-10, height-4, last.UTC().Format("15:04:05"))
	return template.HTML(b.String()) // everything of the jail's in it is escaped above
}

// mark is the class of a verdict's mark.
func mark(verdict string) string {
	switch verdict {
	case "deny", "kill", "freeze":
		return "bad"
	case "ask", "audit":
		return "seen"
	}
	return "plain"
}

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Incident {{.Incident.ID}}</title>
<style>
:root { color-scheme: light dark; --line: #8884; --bad: #c22; --seen: #c80; --plain: #678; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 62rem; padding: 0 1rem; }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2rem }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; vertical-align: top; padding: .25rem .6rem .25rem 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
th { white-space: nowrap; font-weight: 600 } code, .mono { font-family: ui-monospace, monospace; font-size: .9em }
.critical, .high, .deny, .kill, .freeze { color: var(--bad); font-weight: 600 } .medium, .ask, .audit { color: var(--seen); font-weight: 600 }
svg { width: 100%; height: auto; font: 12px system-ui, sans-serif } svg text { fill: currentColor } svg line { stroke: var(--line) }
svg path { fill: none; stroke: var(--line) } .wide { overflow-x: auto } .wide svg { min-width: 40rem }
circle.bad { fill: var(--bad) } circle.seen { fill: var(--seen) } circle.plain { fill: var(--plain) }
footer { margin-top: 2rem; opacity: .75 }
</style>
</head>
<body>
<h1>Incident {{.Incident.ID}}{{if .Incident.Drill}} (drill){{end}}</h1>
<table>{{range .Facts}}<tr><th scope="row">{{.Name}}</th><td>{{.Value}}</td></tr>{{end}}</table>
<h2>Assessment</h2>
{{with .Incident.Assessment}}
{{if .Findings}}<ul>{{range .Findings}}<li><span class="{{.Severity}}">{{esc .Title}}</span> ({{.Severity}}): {{esc .Why}}</li>{{end}}</ul>{{else}}<p>Nothing stands out.</p>{{end}}
{{if .Sent}}<table><thead><tr><th>Host</th><th>Connections</th><th>Bytes up</th><th>Bytes down</th></tr></thead>{{range $h, $v := .Sent}}<tr><td>{{esc $h}}</td><td>{{$v.Connections}}</td><td>{{$v.Up}}</td><td>{{$v.Down}}</td></tr>{{end}}</table>{{end}}
{{if .Written}}<details><summary>{{len .Written}} files written</summary><ul class="mono">{{range .Written}}<li>{{esc .}}</li>{{end}}</ul></details>{{end}}
{{if .Deleted}}<details><summary>{{len .Deleted}} deleted</summary><ul class="mono">{{range .Deleted}}<li>{{esc .}}</li>{{end}}</ul></details>{{end}}
{{if .Secrets}}<p>Credentials that the jail could see: {{range .Secrets}}<code>{{esc .}}</code> {{end}}</p>{{end}}
{{else}}<p>None yet.</p>{{end}}
<h2>Timeline</h2>
<div class="wide">{{.Picture}}</div>
<table><thead><tr><th>Time (UTC)</th><th>What</th><th>Verdict</th></tr></thead>
{{range .Timeline}}<tr><td class="mono">{{at .Time}}</td><td>{{.Lane}}: <span class="mono">{{.Text}}</span></td><td class="{{.Verdict}}">{{.Verdict}}</td></tr>
{{end}}</table>
{{if .Programs}}<h2>Programs</h2>
<div class="wide">{{.Tree}}</div>{{if .MorePrograms}}<p>And {{.MorePrograms}} more, which the log has.</p>{{end}}{{end}}
{{if .Incident.Played}}<h2>Playbook</h2>
<div class="wide"><table><thead><tr><th>Time</th><th>Command</th><th>Stage</th><th>Result</th><th>Output</th></tr></thead>{{range .Incident.Played}}<tr><td class="mono">{{at .Time}}</td><td>{{esc .Name}}</td><td>{{esc (print .At)}}</td><td{{if .Failed}} class="deny"{{end}}>{{if .Failed}}{{esc .Failed}}{{else}}done{{end}}</td><td class="mono">{{esc .Output}}</td></tr>{{end}}</table></div>{{end}}
{{if .Incident.Evidence}}<h2>Evidence</h2>
<table><thead><tr><th>Taken</th><th>By</th><th>File</th><th>SHA-256</th></tr></thead>{{range .Incident.Evidence}}<tr><td class="mono">{{at .Time}}</td><td>{{esc .By}}</td><td class="mono">{{esc .Path}}</td><td class="mono">{{.SHA256}}</td></tr>{{end}}</table>{{end}}
<footer>{{.Foot}}</footer>
</body>
</html>
`
