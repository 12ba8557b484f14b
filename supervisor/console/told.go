package console

import (
	"fmt"
	"slices"

	"clawjail/audit/escape"
	"clawjail/supervisor/api"
	"clawjail/supervisor/approval/show"
)

// maxTold bounds the notices that are on a screen or wait for one.
const maxTold = 200

// toldLine is a notice in one line. Its texts are escaped already, and escaped
// again they would read as something else.
func toldLine(n api.Notice) string {
	what := n.What
	switch {
	case what != "":
	case n.Default:
		what = "what no rule is about"
	default:
		what = "more by this rule"
	}
	return "told: " + show.Clip(n.JailName, 24) + ": " + what + ", by " + n.Rule
}

// raw undoes the escaping of a line that is escaped where it is shown.
func raw(line string) string {
	if s, err := escape.Unescape(line); err == nil {
		return s
	}
	return line
}

// tell adds a notice, or takes the place of the one that it continues.
func (m model) tell(n api.Notice) model {
	same := func(o api.Notice) bool {
		return o.Jail == n.Jail && o.Gate == n.Gate && o.Rule == n.Rule && o.What == n.What
	}
	m.told = slices.DeleteFunc(slices.Clone(m.told), same)
	m.told = append(m.told, n)
	m.told = m.told[max(0, len(m.told)-maxTold):]
	return m
}

// toldLines are the notices, the latest first.
func (m model) toldLines(w, n int) []string {
	lines := []string{show.Clip("done, and told to you; any key leaves", w), ""}
	for _, one := range slices.Backward(m.told) {
		if len(lines) >= n {
			break
		}
		lines = append(lines, show.Clip(fmt.Sprintf("%s %d× %s", one.Last.Local().Format("15:04"), one.Count, toldLine(one)[len("told: "):]), w))
	}
	return lines
}
