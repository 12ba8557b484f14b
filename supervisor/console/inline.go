package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"clawjail/audit/escape"
	"clawjail/supervisor/api"
	"clawjail/supervisor/approval"
	"clawjail/supervisor/approval/show"
	"clawjail/supervisor/client"
)

// resetTerminal undoes what a jail may have done to the terminal to make a
// question unreadable: modes, margins, concealed text, character sets, colours.
const resetTerminal = "\x1b[!p\x1b[?7h\x1b[0m\x1b(B\x0f\x1b]104\a\x1b[?25h"

// maxTyped bounds a line that is typed at a prompt.
const maxTyped = 256

// prompt is the state of Inline.
type prompt struct {
	client client.Client
	jail   string
	tty    *Shared
	style  show.Style

	waiting []item          // of this jail, oldest first
	told    []string        // of this jail, not printed yet
	put     map[string]bool // ids that were put off; not asked again
	asked   *item
	line    []byte
}

// Inline asks on a terminal for every request of one jail until ctx ends. The
// words of an answer are whole words: a key that was meant for the agent
// decides nothing. What is not answered here can be answered anywhere else.
//
// The jail's streams must go through tty: its input read from it, all of its
// output written to it. Then ctx is ended when the jail has.
func Inline(ctx context.Context, cl client.Client, jailID string, tty *Shared, style show.Style) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	events := make(chan any) // unbuffered: the watch waits for the prompt, the queue waits for nobody
	var work sync.WaitGroup
	defer work.Wait()
	defer cancel()
	work.Go(func() {
		watch(ctx, cl, func(msg any) {
			select {
			case events <- msg:
			case <-ctx.Done():
			}
		})
	})
	p := &prompt{client: cl, jail: jailID, tty: tty, style: style, put: map[string]bool{}}
	defer p.leave("")
	for {
		select {
		case <-ctx.Done():
			return nil
		case msg := <-events:
			if ev, ok := msg.(client.ApprovalEvent); ok {
				p.apply(ev)
			}
		case b := <-tty.keys:
			p.typed(ctx, b)
		case <-tty.done:
			return fmt.Errorf("ask on the terminal: %w", tty.err)
		}
		p.next()
	}
}

func (p *prompt) apply(ev client.ApprovalEvent) {
	if n := ev.Notice; ev.Kind == approval.Told {
		if n != nil && n.Jail == escape.String(p.jail) && len(p.told) < maxTold {
			p.told = append(p.told, toldLine(*n))
		}
		return
	}
	list := ev.List
	if ev.Kind != approval.Resync {
		list = []client.Approval{ev.Approval}
	} else {
		p.waiting = nil
	}
	for _, a := range list {
		if a.Jail != p.jail {
			continue
		}
		i := slices.IndexFunc(p.waiting, func(i item) bool { return i.ID == a.ID })
		switch {
		case ev.Kind == approval.Removed:
			if i >= 0 {
				p.waiting = slices.Delete(p.waiting, i, i+1)
			}
			if p.asked != nil && p.asked.ID == a.ID && ev.Decision != nil {
				p.leave(a.ID + " " + ev.Decision.String())
			}
		case i >= 0:
			p.waiting[i] = item{a, time.Now()}
		default:
			p.waiting = append(p.waiting, item{a, time.Now()})
		}
	}
	if p.asked != nil && !slices.ContainsFunc(p.waiting, func(i item) bool { return i.ID == p.asked.ID }) {
		p.leave(p.asked.ID + " is decided")
	}
}

// next puts the next question, if none is open.
func (p *prompt) next() {
	if p.asked != nil {
		return
	}
	if len(p.told) > 0 {
		p.tty.open()
		for _, line := range p.told {
			p.print("\n" + show.Clip("clawjail: "+line, max(p.style.Width, show.MinWidth)))
		}
		p.print("\n")
		p.tty.close()
		p.told = nil
	}
	i := slices.IndexFunc(p.waiting, func(i item) bool { return !p.put[i.ID] })
	if i < 0 {
		return
	}
	q := p.waiting[i]
	p.asked, p.line = &q, nil
	p.tty.open()
	now := time.Now()
	p.print(resetTerminal + "\n" + strings.Repeat("─", max(p.style.Width, show.MinWidth)) + "\n" +
		show.Text(q.Request, q.waited(now), q.left(now), p.style) + "\n")
	p.ask()
}

func (p *prompt) ask() { p.print("approve " + p.asked.ID + "? type yes, 1h, jail, no, or later: ") }

// print writes on the terminal, which in raw mode knows no new lines.
func (p *prompt) print(s string) {
	if p.tty.raw {
		s = strings.ReplaceAll(s, "\n", "\r\n")
	}
	_, _ = p.tty.out.Write([]byte(s)) // a terminal that is gone ends the run by itself
}

// leave closes the question, with a last word.
func (p *prompt) leave(word string) {
	if p.asked == nil {
		return
	}
	p.asked = nil
	if word != "" {
		p.print("\n" + escape.Clip(word, maxStatus) + "\n")
	}
	p.print(resetTerminal)
	p.tty.close()
}

// typed takes a piece of input.
func (p *prompt) typed(ctx context.Context, b []byte) {
	for _, c := range b {
		if p.asked == nil {
			return // the rest of the line was for the question that is closed
		}
		switch {
		case c == '\r' || c == '\n':
			line := strings.ToLower(strings.TrimSpace(string(p.line)))
			p.line = nil
			p.answer(ctx, line)
		case c == 3 || c == 4: // ^C, ^D in raw mode
			p.answer(ctx, "later")
		case c == 8 || c == 127:
			if len(p.line) > 0 {
				p.line = p.line[:len(p.line)-1]
				p.echo("\b \b")
			}
		case c >= ' ' && c < 127 && len(p.line) < maxTyped:
			p.line = append(p.line, c)
			p.echo(string(c))
		}
	}
}

func (p *prompt) echo(s string) {
	if p.tty.raw {
		p.print(s)
	}
}

// answer does what a line says.
func (p *prompt) answer(ctx context.Context, line string) {
	q := *p.asked
	r := api.DecideRequest{Approve: true, Digest: q.Digest, Waiting: q.Waiting, Scope: string(approval.ScopeOnce)}
	switch line {
	case "yes":
	case "1h":
		r.Scope, r.For = string(approval.ScopeFor), lasting
	case "jail":
		r.Scope = string(approval.ScopeJail)
	case "no":
		r.Approve = false
	case "later":
		p.put[q.ID] = true
		p.leave("left open: clawjail approve " + q.ID)
		return
	default:
		p.echo("\n")
		p.ask()
		return
	}
	_, d, err := p.client.Decide(ctx, q.ID, r)
	if err != nil {
		// A request that changed meanwhile is asked about again as it is now.
		var refused *api.Error
		p.put[q.ID] = !errors.As(err, &refused) || refused.Status != http.StatusConflict
		p.leave("not decided: " + err.Error())
		return
	}
	p.waiting = slices.DeleteFunc(p.waiting, func(i item) bool { return i.ID == q.ID })
	p.leave(q.ID + " " + d.String())
}
