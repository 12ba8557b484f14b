package console

import (
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"clawjail/audit/escape"
	"clawjail/supervisor/api"
	"clawjail/supervisor/approval"
	"clawjail/supervisor/approval/show"
	"clawjail/supervisor/client"
	"clawjail/test/golden"
)

func clock() time.Time { return time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC) }

func held(t testing.TB, id string, r approval.Request) client.Approval {
	t.Helper()
	if r.Jail == "" {
		r.Jail, r.JailName = "j1", "nightly"
	}
	r.Waiting = max(1, r.Waiting)
	r, err := approval.Prepare(r)
	if err != nil {
		t.Fatal(err)
	}
	r.ID = id
	return client.Approval{Request: r, Waited: 2 * time.Minute, Left: 28 * time.Minute}
}

func push(t testing.TB) client.Approval {
	return held(t, "7k2pm0ab", approval.Request{Gate: approval.GateExec, Op: "execve", Path: "/usr/bin/git",
		Argv: []string{"git", "push", "--force"}, Cwd: "/home/u/project", Rule: "exec.rules[3] (openclaw.yaml:14)", Claim: "only formatting"})
}

func three(t testing.TB) []client.Approval {
	hostile := held(t, "bbbbbbbb", approval.Request{Jail: "j2", JailName: "x\x1b[2J", Gate: approval.GateFile, Op: "open",
		Path: "/w/docs/\u202egnp\x1b]0;x\a日本語", Waiting: 4})
	pay := held(t, "cccccccc", approval.Request{Gate: approval.GateConnect, Op: "connect", Host: "api.stripe.com", Port: 443,
		Addr: netip.MustParseAddr("192.0.2.7")})
	pay.Left = 30 * time.Second
	return []client.Approval{push(t), hostile, pay}
}

// screenOf is a model of a size that shows list; what it decides is in sent.
type tester struct {
	t    *testing.T
	m    model
	sent []question
	give decidedMsg
}

func newTester(t *testing.T, w, h int, list []client.Approval) *tester {
	x := &tester{t: t}
	x.m = newModel(Options{}, func(q question) decidedMsg {
		x.sent = append(x.sent, q)
		return x.give
	}, clock())
	x.m.always = true
	x.send(tea.WindowSizeMsg{Width: w, Height: h})
	x.send(client.ApprovalEvent{Kind: approval.Resync, List: list})
	return x
}

// send gives a message to the model, and what its command answers, except for
// the clock.
func (x *tester) send(msg tea.Msg) bool {
	m, cmd := x.m.Update(msg)
	x.m = m.(model)
	if cmd == nil {
		return false
	}
	switch out := cmd().(type) {
	case tea.QuitMsg:
		return true
	case decidedMsg:
		x.send(out)
	}
	return false
}

func (x *tester) keys(keys ...string) (quit bool) {
	x.t.Helper()
	for _, k := range keys {
		quit = x.send(press(k))
	}
	return quit
}

func told(what string, count uint64) api.Notice {
	return api.Notice{Jail: "j1", JailName: "nightly", Gate: "exec", Rule: "exec.rules[0], sensitive (p.yaml:9)", What: what, Count: count, Last: clock()}
}

func TestWhatWasDoneIsTold(t *testing.T) {
	x := newTester(t, 80, 20, nil)
	x.send(toldMsg{told("curl -T a", 1), told("curl -T b", 4)})
	n := told("curl -T a", 2)
	x.send(client.ApprovalEvent{Kind: approval.Told, Notice: &n})
	screen := strings.Join(x.m.screen(), "\n")
	if !strings.Contains(screen, "2 told") || !strings.Contains(screen, "told: nightly: curl -T a, by exec.rules[0], sensitive") {
		t.Error(screen)
	}
	x.keys("t")
	screen = strings.Join(x.m.screen(), "\n")
	first, second := strings.Index(screen, "2× nightly: curl -T a"), strings.Index(screen, "4× nightly: curl -T b")
	if first < 0 || second < first {
		t.Error(screen)
	}
	x.keys("x")
	if x.m.notices {
		t.Error("no key leaves the notices")
	}
	for i := range 2 * maxTold {
		x.m = x.m.tell(told(fmt.Sprint(i), 1))
	}
	if len(x.m.told) != maxTold {
		t.Errorf("%d notices are kept", len(x.m.told))
	}
}

func press(k string) tea.KeyPressMsg {
	switch k {
	case "enter":
		return tea.KeyPressMsg{Code: tea.KeyEnter}
	case "esc":
		return tea.KeyPressMsg{Code: tea.KeyEscape}
	case "up":
		return tea.KeyPressMsg{Code: tea.KeyUp}
	case "down":
		return tea.KeyPressMsg{Code: tea.KeyDown}
	case "backspace":
		return tea.KeyPressMsg{Code: tea.KeyBackspace}
	case "space":
		return tea.KeyPressMsg{Code: tea.KeySpace, Text: " "}
	case "ctrl+c":
		return tea.KeyPressMsg{Code: 'c', Mod: tea.ModCtrl}
	}
	return tea.KeyPressMsg{Code: []rune(k)[0], Text: k}
}

func (x *tester) screen() string { return strings.Join(x.m.screen(), "\n") }

func TestScreens(t *testing.T) {
	tests := []struct {
		name string
		w, h int
		list []client.Approval
		keys []string
	}{
		{"wide", 120, 24, three(t), nil},
		{"usual", 80, 24, three(t), []string{"down"}},
		{"narrow", 20, 12, three(t), nil},
		{"narrow_page", 20, 8, three(t), []string{"enter"}},
		{"narrow_question", 20, 8, three(t), []string{"a"}},
		{"tiny", 20, 3, three(t), nil},
		{"smaller_than_it_can", 5, 1, three(t), nil},
		{"question", 80, 24, three(t), []string{"down", "f"}},
		{"always", 40, 24, three(t), []string{"down", "A"}},
		{"too_low", 60, 5, three(t), []string{"a"}},
		{"reason", 80, 24, three(t), []string{"d", "n", "o", "space", "!"}},
		{"help", 40, 20, three(t), []string{"?"}},
		{"empty", 40, 6, nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := newTester(t, tt.w, tt.h, tt.list)
			x.keys(tt.keys...)
			got := x.screen() + "\n"
			file := filepath.Join("testdata", tt.name+".txt")
			golden.Check(t, file, got)
			x.check()
		})
	}
}

// check: the screen has its size, and shows nothing that a terminal would obey.
func (x *tester) check() {
	x.t.Helper()
	lines := x.m.screen()
	if len(lines) != max(x.m.height, 3) {
		x.t.Errorf("%d lines, want %d", len(lines), x.m.height)
	}
	for _, l := range lines {
		if w := show.Width(l); w > max(x.m.width, minWidth) {
			x.t.Errorf("%d columns: %q", w, l)
		}
		for _, r := range l {
			if escape.Hidden(r) && !(x.m.color && r == 0x1b) {
				x.t.Errorf("%U on the screen: %q", r, l)
			}
		}
	}
}

func TestEverySize(t *testing.T) {
	for w := 1; w <= 130; w += 3 {
		for h := 1; h <= 40; h += 3 {
			for _, k := range []string{"", "a", "d", "A", "?", "enter"} {
				x := newTester(t, w, h, three(t))
				x.m.color = h%2 == 0
				if k != "" {
					x.keys(k)
				}
				x.check()
			}
		}
	}
}

func TestAnApprovalNeedsTwoKeys(t *testing.T) {
	tests := []struct {
		keys  []string
		scope approval.Scope
	}{
		{[]string{"a", "y"}, approval.Once()},
		{[]string{"f", "y"}, approval.Scope{Kind: approval.ScopeFor, For: time.Hour}},
		{[]string{"j", "y"}, approval.Scope{Kind: approval.ScopeJail}},
		{[]string{"A", "y"}, approval.Scope{Kind: approval.ScopeAlways}},
	}
	for _, tt := range tests {
		x := newTester(t, 80, 24, three(t))
		x.give = decidedMsg{allow: true, decision: api.ApprovalDecision{Allowed: true}}
		x.keys(tt.keys[0])
		if len(x.sent) != 0 || x.m.ask == nil {
			t.Fatalf("%q alone decided", tt.keys[0])
		}
		x.keys(tt.keys[1])
		if len(x.sent) != 1 || !x.sent[0].allow || x.sent[0].scope != tt.scope || x.sent[0].item.ID != "7k2pm0ab" || x.sent[0].item.Digest == "" {
			t.Errorf("%q sent %+v", tt.keys, x.sent)
		}
	}
	for _, second := range []string{"n", "a", "enter", "esc", "space", "down"} {
		x := newTester(t, 80, 24, three(t))
		if x.keys("a", second); len(x.sent) != 0 || x.m.ask != nil {
			t.Errorf("a and %q decided, or still asks", second)
		}
	}
}

func TestADenialTakesAReason(t *testing.T) {
	x := newTester(t, 80, 24, three(t))
	x.keys("down", "d", "n", "x", "backspace", "o", "space", "a", "y")
	x.send(tea.PasteMsg{Content: "\n\x1b[2Jlater"})
	x.keys("enter")
	if len(x.sent) != 1 || x.sent[0].allow || string(x.sent[0].reason) != "no ay \x1b[2Jlater" || x.sent[0].item.ID != "bbbbbbbb" {
		t.Errorf("%+v", x.sent)
	}
	x = newTester(t, 80, 24, three(t))
	if x.keys("d", "esc"); len(x.sent) != 0 || x.m.ask != nil {
		t.Error("escape denied")
	}
	for range 3 * maxReason {
		x.m.ask = &question{reason: x.m.paste("").askReason(), item: x.m.items[0]}
		x.keys("x")
	}
	if n := len(x.m.ask.reason); n > maxReason {
		t.Errorf("%d characters", n)
	}
}

func (m model) askReason() []rune {
	if m.ask == nil {
		return nil
	}
	return m.ask.reason
}

func TestPasteDecidesNothing(t *testing.T) {
	x := newTester(t, 80, 24, three(t))
	x.send(tea.PasteMsg{Content: "ay"})
	x.keys("a")
	x.send(tea.PasteMsg{Content: "y"})
	if len(x.sent) != 0 {
		t.Error("pasted text approved")
	}
}

func TestTheSelectionStaysWithItsRequest(t *testing.T) {
	x := newTester(t, 80, 24, three(t))
	x.keys("down")
	x.send(client.ApprovalEvent{Kind: approval.Removed, Approval: push(t), Decision: &api.ApprovalDecision{Outcome: "denied: timed out"}})
	if x.m.selected != "bbbbbbbb" {
		t.Errorf("selected %s", x.m.selected)
	}
	x.send(client.ApprovalEvent{Kind: approval.Resync, List: append([]client.Approval{push(t)}, three(t)[1:]...)})
	if x.m.selected != "bbbbbbbb" {
		t.Errorf("selected %s", x.m.selected)
	}
	if !strings.Contains(x.screen(), "7k2pm0ab denied: timed out") {
		t.Error(x.screen())
	}
}

func TestAQuestionEndsWithItsRequest(t *testing.T) {
	x := newTester(t, 80, 24, three(t))
	x.keys("a")
	x.send(client.ApprovalEvent{Kind: approval.Removed, Approval: push(t), Decision: &api.ApprovalDecision{Outcome: "approved", Allowed: true, By: "eve\x1b[2J"}})
	if x.m.ask != nil {
		t.Fatal("it still asks")
	}
	x.keys("y")
	if len(x.sent) != 0 {
		t.Error("another request was approved")
	}
	x.check()
}

func TestWhatIsAnsweredIsWhatWasShown(t *testing.T) {
	x := newTester(t, 80, 24, three(t))
	x.keys("a")
	more := push(t)
	more.Waiting = 9
	x.send(client.ApprovalEvent{Kind: approval.Changed, Approval: more})
	x.keys("y")
	if len(x.sent) != 1 || x.sent[0].item.Waiting != 1 {
		t.Errorf("%+v", x.sent)
	}
}

func TestRefusalsAreShown(t *testing.T) {
	x := newTester(t, 80, 24, three(t))
	x.give = decidedMsg{err: errors.New("request 7k2pm0ab was already denied by eve")}
	x.keys("a", "y")
	if !strings.Contains(x.screen(), "not decided: request 7k2pm0ab was already denied by eve") {
		t.Error(x.screen())
	}
	x.send(lostMsg{errors.New("the supervisor went\x1b away")})
	if !strings.Contains(x.screen(), "NOT CONNECTED") {
		t.Error(x.screen())
	}
	x.check()
}

func TestTimesRun(t *testing.T) {
	x := newTester(t, 80, 24, three(t))
	x.m.now = clock() // the clock's command is not run here
	m, _ := x.m.Update(tickMsg(clock().Add(10 * time.Minute)))
	x.m = m.(model)
	if !strings.Contains(x.screen(), "waits for 12m 0s, 18m 0s left") {
		t.Error(x.screen())
	}
	if got := x.m.items[2].left(x.m.now); got != 0 {
		t.Errorf("left %v", got)
	}
}

func TestKeysOfNoRequest(t *testing.T) {
	x := newTester(t, 80, 24, nil)
	for _, k := range []string{"a", "d", "f", "j", "A", "up", "down", "enter", "space", "?", "x"} {
		if x.keys(k) || x.m.ask != nil {
			t.Errorf("%q did something", k)
		}
	}
	x.m.help = false
	if !x.keys("q") {
		t.Error("q does not leave")
	}
	if !newTester(t, 80, 24, three(t)).keys("a", "ctrl+c") {
		t.Error("ctrl+c does not leave")
	}
}

func TestALongListScrolls(t *testing.T) {
	var list []client.Approval
	for i := range 100 {
		list = append(list, held(t, fmt.Sprintf("%08d", i), approval.Request{Gate: approval.GateFile, Op: "open", Path: fmt.Sprint("/w/", i)}))
	}
	x := newTester(t, 80, 24, list)
	x.keys("G")
	if !strings.Contains(x.screen(), "> 00000099") {
		t.Error(x.screen())
	}
	x.keys("g", "down", "down")
	if !strings.Contains(x.screen(), "> 00000002") {
		t.Error(x.screen())
	}
	x.check()
}

// Somebody at the keyboard has seen what is on the screen, once; a screen that
// nobody is at has seen nothing.
func TestWhoLooksHasSeen(t *testing.T) {
	x := newTester(t, 120, 30, three(t))
	var seen []string
	x.m.see = func(id string) { seen = append(seen, id) }
	x.send(tickMsg(clock()))
	x.send(client.ApprovalEvent{Kind: approval.Resync, List: three(t)})
	if len(seen) != 0 {
		t.Errorf("before a key: %v", seen)
	}
	first := x.m.selected
	x.keys("pgdown", "down", "up", "up", "?", "down")
	if len(seen) != 3 || seen[0] != first || seen[1] == first || seen[2] != first {
		t.Errorf("%v", seen)
	}
	low := newTester(t, 60, 8, three(t))
	low.m.see = func(id string) { seen = append(seen, "low "+id) }
	low.keys("down")
	if len(seen) != 3 {
		t.Errorf("the list alone: %v", seen)
	}
	low.keys("enter")
	if len(seen) != 4 {
		t.Errorf("its page: %v", seen)
	}
}
