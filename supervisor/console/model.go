package console

import (
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"

	"clawjail/supervisor/api"
	"clawjail/supervisor/approval"
	"clawjail/supervisor/client"
)

// maxStatus bounds the line that says what happened last, before it is clipped
// to the screen.
const maxStatus = 512

// maxReason bounds what can be typed as a reason.
const maxReason = 200

// item is one held request, with when it was received.
type item struct {
	client.Approval
	received time.Time
}

// waited and left are extrapolated from what the supervisor said.
func (i item) waited(now time.Time) time.Duration { return i.Waited + now.Sub(i.received) }

func (i item) left(now time.Time) time.Duration { return max(0, i.Left-now.Sub(i.received)) }

// question is what the screen asks before anything is decided.
type question struct {
	item   item // as it stood on the screen when the key was pressed
	allow  bool
	scope  approval.Scope
	reason []rune // of a denial, as typed so far
}

// model is the whole state of the screen.
type model struct {
	color  bool
	always bool                      // a policy file can be written
	decide func(question) decidedMsg // sends an answer; called beside the event loop
	see    func(id string)           // notes that somebody has looked; called like that, may be nil

	width, height int
	now           time.Time

	items    []item
	more     int          // how many the supervisor could not list
	selected string       // id; the selection stays with its request
	looked   string       // the last one that a key was pressed at
	scroll   int          // first line of the page that is shown
	page     bool         // on a small screen: the page instead of the list
	told     []api.Notice // what was done and is told, the latest at the end; at most maxTold
	notices  bool         // they are on the screen
	help     bool
	ask      *question
	busy     bool   // an answer is on its way
	status   string // what happened last
	lost     string // why the supervisor cannot be reached
}

func newModel(o Options, decide func(question) decidedMsg, now time.Time) model {
	return model{color: o.Color, always: o.Always != nil, decide: decide, now: now, width: 80, height: 24}
}

// tickMsg moves the clocks on the screen.
type tickMsg time.Time

func tick() tea.Cmd { return tea.Tick(time.Second, func(t time.Time) tea.Msg { return tickMsg(t) }) }

// Init starts the clock.
func (m model) Init() tea.Cmd { return tick() }

// decidedMsg is what came of an answer.
type decidedMsg struct {
	id       string
	allow    bool
	decision api.ApprovalDecision
	text     string // of Always
	err      error
}

// Update applies one message.
func (m model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tickMsg:
		m.now = time.Time(msg)
		return m, tick()
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
		return m, nil
	case client.ApprovalEvent:
		m.lost = ""
		return m.apply(msg), nil
	case toldMsg:
		m.told = nil
		for _, n := range msg {
			m = m.tell(n)
		}
		return m, nil
	case lostMsg:
		m.lost = msg.err.Error()
		return m, nil
	case decidedMsg:
		return m.decided(msg), nil
	case tea.KeyPressMsg:
		return look(m.key(msg))
	case tea.PasteMsg:
		return m.paste(msg.Content), nil
	}
	return m, nil
}

// look notes that somebody sits before the page of a request: they pressed a key
// while it was there. A screen that nobody is at has seen nothing.
func look(next tea.Model, cmd tea.Cmd) (tea.Model, tea.Cmd) {
	m, ok := next.(model)
	if !ok || cmd != nil || m.see == nil || !m.pageShown() || m.selected == "" || m.selected == m.looked {
		return next, cmd
	}
	m.looked = m.selected
	id, see := m.selected, m.see
	return m, func() tea.Msg { see(id); return nil }
}

// apply takes a change of what is held.
func (m model) apply(ev client.ApprovalEvent) model {
	m.items = slices.Clone(m.items) // a model is a value
	switch ev.Kind {
	case approval.Told:
		if ev.Notice != nil {
			m = m.tell(*ev.Notice)
			m.status = raw(toldLine(*ev.Notice))
			return m
		}
	case approval.Resync:
		m.items, m.more = nil, ev.More
		for _, a := range ev.List {
			m.items = append(m.items, item{a, m.now})
		}
	case approval.Added, approval.Changed:
		i := m.index(ev.Approval.ID)
		if i < 0 {
			m.items = append(m.items, item{ev.Approval, m.now})
		} else {
			m.items[i] = item{ev.Approval, m.now}
		}
	case approval.Removed:
		if i := m.index(ev.Approval.ID); i >= 0 {
			m = m.drop(i)
		}
		if d := ev.Decision; d != nil {
			m.status = ev.Approval.ID + " " + d.String()
		}
	}
	return m.settle()
}

// drop removes an item; the selection goes to the one that takes its place.
func (m model) drop(i int) model {
	id := m.items[i].ID
	m.items = slices.Delete(m.items, i, i+1)
	if m.selected == id {
		m.selected, m.scroll, m.page = "", 0, false
		if len(m.items) > 0 {
			m.selected = m.items[min(i, len(m.items)-1)].ID
		}
	}
	return m
}

// settle makes selection and question fit the items.
func (m model) settle() model {
	if m.index(m.selected) < 0 {
		m.selected, m.scroll = "", 0
		if len(m.items) > 0 {
			m.selected = m.items[0].ID
		}
	}
	if m.ask != nil && m.index(m.ask.item.ID) < 0 {
		m.ask = nil // what it was about is gone; status says how
	}
	return m
}

func (m model) index(id string) int {
	return slices.IndexFunc(m.items, func(i item) bool { return i.ID == id })
}

// current gives the selected item.
func (m model) current() (item, bool) {
	i := m.index(m.selected)
	if i < 0 {
		return item{}, false
	}
	return m.items[i], true
}

func (m model) decided(msg decidedMsg) model {
	m.busy = false
	switch {
	case msg.err != nil:
		m.status = "not decided: " + msg.err.Error()
	case msg.text != "":
		m.status = msg.text
	case msg.decision.Allowed != msg.allow:
		m.status = msg.id + " " + msg.decision.String()
	}
	return m
}

// answer sends what was confirmed.
func (m model) answer(q question) tea.Cmd {
	return func() tea.Msg { return m.decide(q) }
}
