package console

import (
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"clawjail/audit/escape"
	"clawjail/supervisor/approval"
	"clawjail/supervisor/approval/show"
)

// The screen's measures, in columns and lines.
const (
	minWidth   = 20 // narrower: the rest is cut
	sideWidth  = 100
	listWidth  = 44
	tinyHeight = 10 // lower: list or page, not both
	askHeight  = 6  // lower: nothing can be approved, for it could not be seen
)

const (
	reverseOn = "\x1b[7m"
	boldOn    = "\x1b[1m"
	dimOn     = "\x1b[2m"
	redOn     = "\x1b[1;31m"
	allOff    = "\x1b[0m"
)

// View draws the screen.
func (m model) View() tea.View {
	v := tea.NewView(strings.Join(m.screen(), "\n"))
	v.AltScreen = true
	v.WindowTitle = fmt.Sprintf("clawjail: %d held", len(m.items))
	return v
}

// screen gives exactly height lines of at most width columns.
func (m model) screen() []string {
	w, h := max(m.width, minWidth), max(m.height, 3)
	lines := []string{m.header(w)}
	foot := m.footer(w)
	foot = foot[:min(len(foot), h-2)]
	body := h - 1 - len(foot)
	switch {
	case m.help:
		lines = append(lines, fit(helpLines(w), body)...)
	case m.notices:
		lines = append(lines, fit(m.toldLines(w, body), body)...)
	case len(m.items) == 0:
		lines = append(lines, fit([]string{"", show.Clip("nothing is held", w)}, body)...)
	case w >= sideWidth && body >= tinyHeight:
		lines = append(lines, m.sideBySide(w, body)...)
	case body < tinyHeight && m.page:
		lines = append(lines, fit(m.pageWindow(body), body)...)
	case body < tinyHeight:
		lines = append(lines, fit(m.listLines(w, body), body)...)
	default:
		n := m.listHeight(body)
		lines = append(lines, fit(m.listLines(w, n), n)...)
		lines = append(lines, m.paint(dimOn, strings.Repeat("─", w)))
		lines = append(lines, fit(m.pageWindow(body-n-1), body-n-1)...)
	}
	return append(lines, foot...)
}

// listHeight is the list's share of a stacked screen.
func (m model) listHeight(body int) int { return min(len(m.items), max(2, body/3)) }

// pageHeight is how many lines of the page are on the screen.
func (m model) pageHeight() int {
	body := max(m.height, 3) - 1 - len(m.footer(max(m.width, minWidth)))
	switch {
	case m.width >= sideWidth && body >= tinyHeight, body < tinyHeight:
		return max(body, 1)
	}
	return max(body-m.listHeight(body)-1, 1)
}

// pageShown reports whether the page of the selected request is on the screen.
func (m model) pageShown() bool {
	body := max(m.height, 3) - 1 - len(m.footer(max(m.width, minWidth)))
	return !m.help && !m.notices && len(m.items) > 0 && (m.page || body >= tinyHeight)
}

func (m model) header(w int) string {
	s := fmt.Sprintf("clawjail  %d held", len(m.items))
	if m.more > 0 {
		s += fmt.Sprintf(", %d more not listed", m.more)
	}
	if n := len(m.told); n > 0 {
		s += fmt.Sprintf("  %d told", n)
	}
	if m.lost != "" {
		s += "  NOT CONNECTED: " + escape.Clip(m.lost, maxStatus)
	}
	return m.paint(boldOn, show.Clip(s, w))
}

// footer is the question, or what happened last and the keys.
func (m model) footer(w int) []string {
	if m.ask != nil {
		return m.askLines(w)
	}
	keys := "a approve  d deny  f for 1h  j jail  A always  ? help  q quit"
	if w < len(keys) {
		keys = "a d f j A  ?  q"
	}
	return []string{show.Clip(escape.Clip(m.status, maxStatus), w), m.paint(dimOn, show.Clip(keys, w))}
}

// askLines is the question. What it is about comes first and is clipped; the
// keys stand on a line of their own and never are, down to the least width.
func (m model) askLines(w int) []string {
	q := m.ask
	what := show.Summary(q.item.Request)
	if !q.allow {
		reason := string(q.reason)
		line := "reason: " + escape.String(reason)
		for show.Width(line) > w-1 && reason != "" {
			reason = string([]rune(reason)[1:])
			line = "…" + escape.String(reason)
		}
		return []string{m.paint(redOn, show.Clip("deny "+q.item.ID+"  "+what, w)), line + "_",
			m.paint(dimOn, show.Clip("enter deny  esc back", w))}
	}
	head := "approve " + q.item.ID
	if q.item.Waiting > 1 {
		head += fmt.Sprintf(" %d×", q.item.Waiting)
	}
	switch q.scope.Kind {
	case approval.ScopeOnce:
	case approval.ScopeAlways:
		head += " always, and write a rule into the policy file"
	default:
		head += " " + q.scope.String() + ": " + q.item.Covers()
	}
	lines := []string{m.paint(redOn, show.Clip(head, w))}
	lines = append(lines, show.Wrap(what, w, max(1, m.height/3))...)
	return append(lines, m.paint(boldOn, show.Clip("y yes  other keys no", w)))
}

// listLines is the list, with the selection in sight.
func (m model) listLines(w, n int) []string {
	at := max(0, m.index(m.selected))
	first := max(0, min(at-n/2, len(m.items)-n))
	var lines []string
	for i := first; i < len(m.items) && len(lines) < n; i++ {
		lines = append(lines, m.listLine(m.items[i], w))
	}
	return lines
}

func (m model) listLine(i item, w int) string {
	mark := "  "
	if i.ID == m.selected {
		mark = "> "
	}
	left := i.left(m.now)
	s := mark + i.ID + " " + pad(short(left), 4)
	if w >= 40 {
		s += " " + pad(escape.Clip(i.JailName, 10), 10)
	}
	if i.Waiting > 1 {
		s += fmt.Sprintf(" %d×", i.Waiting)
	}
	s = show.Clip(s+" "+show.Summary(i.Request), w)
	switch {
	case i.ID == m.selected:
		return m.paint(reverseOn, s+strings.Repeat(" ", max(0, w-show.Width(s))))
	case left < time.Minute:
		return m.paint(redOn, s)
	}
	return s
}

// short is a time in its largest unit.
func short(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}

func pad(s string, n int) string { return s + strings.Repeat(" ", max(0, n-show.Width(s))) }

// pageLines is the page of the selected request.
func (m model) pageLines() []string {
	i, ok := m.current()
	if !ok {
		return nil
	}
	w := max(m.width, minWidth)
	if w >= sideWidth {
		w -= listWidth + 1
	}
	st := show.Style{Width: min(w, 120), Color: m.color}
	text := show.Text(i.Request, i.waited(m.now), i.left(m.now), st)
	if people := show.People(i.Trail, st); people != "" {
		text += "\n" + people
	}
	return strings.Split(strings.TrimRight(text, "\n"), "\n")
}

// pageWindow is the part of the page that fits; the last line says that there
// is more, so that nobody decides on half a page unknowingly.
func (m model) pageWindow(n int) []string {
	lines := m.pageLines()
	from := max(0, min(m.scroll, len(lines)-n))
	lines = lines[from:]
	if len(lines) > n && n > 0 {
		rest := len(lines) - n + 1
		lines = append(append([]string(nil), lines[:n-1]...), m.paint(redOn, fmt.Sprintf("… %d more: space", rest)))
	}
	return lines
}

func (m model) sideBySide(w, n int) []string {
	left, right := fit(m.listLines(listWidth, n), n), fit(m.pageWindow(n), n)
	out := make([]string, n)
	for i := range out {
		gap := max(0, listWidth-show.Width(left[i]))
		out[i] = left[i] + strings.Repeat(" ", gap) + m.paint(dimOn, "│") + right[i]
	}
	return out
}

// fit makes it exactly n lines.
func fit(lines []string, n int) []string {
	out := make([]string, max(n, 0))
	copy(out, lines)
	return out
}

func (m model) paint(style, s string) string {
	if !m.color || s == "" {
		return s
	}
	return style + s + allOff
}

func helpLines(w int) []string {
	lines := []string{"",
		"up, down  choose",
		"enter     page or list",
		"space, b  scroll the page",
		"",
		"a  approve once",
		"f  approve for 1h",
		"j  approve while the jail lives",
		"A  approve and write a rule",
		"d  deny, with a reason",
		"t  what was done and is told",
		"q  leave",
		"",
		"An approval holds for what is",
		"shown. What nobody decides in",
		"time is denied."}
	for i := range lines {
		lines[i] = show.Clip(lines[i], w)
	}
	return lines
}
