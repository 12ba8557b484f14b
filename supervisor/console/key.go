package console

import (
	"slices"
	"time"
	"unicode"

	tea "charm.land/bubbletea/v2"

	"clawjail/supervisor/approval"
)

// lasting is what the key f approves for.
const lasting = time.Hour

// key applies one key press.
func (m model) key(k tea.KeyPressMsg) (tea.Model, tea.Cmd) {
	name := k.String()
	if name == "ctrl+c" {
		return m, tea.Quit
	}
	switch {
	case m.ask != nil && !m.ask.allow:
		return m.reasonKey(k)
	case m.ask != nil:
		return m.confirmKey(name)
	case m.help, m.notices:
		m.help, m.notices = false, false
		return m, nil
	}
	switch name {
	case "q", "esc":
		if m.page && name == "esc" {
			m.page = false
			return m, nil
		}
		return m, tea.Quit
	case "?", "h":
		m.help = true
	case "t":
		m.notices = true
	case "up", "k", "p", "shift+tab":
		return m.move(-1), nil
	case "down", "n", "tab":
		return m.move(1), nil
	case "home", "g":
		return m.move(-len(m.items)), nil
	case "end", "G":
		return m.move(len(m.items)), nil
	case "enter":
		m.page, m.scroll = !m.page, 0
	case "pgdown", "space", "ctrl+d":
		m.scroll += max(1, m.pageHeight()/2)
		return m.bound(), nil
	case "pgup", "b", "ctrl+u":
		m.scroll -= max(1, m.pageHeight()/2)
		return m.bound(), nil
	case "a", "f", "j", "A", "d":
		return m.begin(name), nil
	}
	return m, nil
}

// move changes the selection.
func (m model) move(by int) model {
	if len(m.items) == 0 {
		return m
	}
	i := min(max(m.index(m.selected)+by, 0), len(m.items)-1)
	m.selected, m.scroll = m.items[i].ID, 0
	return m
}

// bound keeps the page on the screen.
func (m model) bound() model {
	m.scroll = max(0, min(m.scroll, len(m.pageLines())-m.pageHeight()))
	return m
}

// begin asks whether the selected request shall be decided.
func (m model) begin(key string) model {
	i, ok := m.current()
	switch {
	case !ok:
		m.status = "nothing is held"
		return m
	case m.busy:
		m.status = "an answer is on its way"
		return m
	case key != "d" && m.height < askHeight:
		m.status = "screen too low to approve"
		return m
	}
	q := question{item: i, allow: key != "d", scope: approval.Once()}
	switch key {
	case "f":
		q.scope = approval.Scope{Kind: approval.ScopeFor, For: lasting}
	case "j":
		q.scope = approval.Scope{Kind: approval.ScopeJail}
	case "A":
		if !m.always {
			m.status = "no policy file can be written from here"
			return m
		}
		q.scope = approval.Scope{Kind: approval.ScopeAlways}
	}
	m.ask, m.status = &q, ""
	return m
}

// confirmKey ends the question about an approval: y approves, everything else
// leaves it.
func (m model) confirmKey(name string) (tea.Model, tea.Cmd) {
	q := *m.ask
	m.ask = nil
	if name != "y" {
		m.status = "not decided"
		return m, nil
	}
	m.busy = true
	return m, m.answer(q)
}

// reasonKey edits the reason of a denial.
func (m model) reasonKey(k tea.KeyPressMsg) (tea.Model, tea.Cmd) {
	q := *m.ask
	switch k.String() {
	case "esc":
		m.ask, m.status = nil, "not decided"
		return m, nil
	case "enter":
		m.ask, m.busy = nil, true
		return m, m.answer(q)
	case "backspace":
		if len(q.reason) > 0 {
			q.reason = q.reason[:len(q.reason)-1]
		}
	case "ctrl+u":
		q.reason = nil
	default:
		q.reason = appendText(q.reason, k.Text)
	}
	m.ask = &q
	return m, nil
}

// paste is text for a reason and nothing else: it must not press keys.
func (m model) paste(s string) model {
	if m.ask == nil || m.ask.allow {
		return m
	}
	q := *m.ask
	q.reason = appendText(q.reason, s)
	m.ask = &q
	return m
}

// appendText adds what was typed or pasted, on one line.
func appendText(to []rune, s string) []rune {
	out := slices.Clone(to)
	for _, r := range s {
		if unicode.IsSpace(r) {
			r = ' '
		}
		out = append(out, r)
	}
	return out[:min(len(out), maxReason)]
}
