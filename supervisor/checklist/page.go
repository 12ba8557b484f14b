package checklist

import (
	_ "embed"
	"html/template"
	"io"
	"time"

	"clawjail/audit/escape"
)

//go:embed page.html
var page string

// Page writes a report as one HTML file that loads nothing.
func Page(w io.Writer, r Report) error {
	t, err := template.New("checklist").Funcs(template.FuncMap{
		"show":    escape.String,
		"verdict": func(r Report) string { return verdict(r) },
		"stamp": func(t *time.Time) string {
			if t == nil {
				return "—"
			}
			return stamp(*t)
		},
		"word": Status.Word,
	}).Parse(page)
	if err != nil {
		return err
	}
	return t.Execute(w, r)
}
