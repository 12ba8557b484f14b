package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"clawjail/audit/escape"
	"clawjail/supervisor/api"
	"clawjail/supervisor/approval"
	"clawjail/supervisor/approval/show"
	"clawjail/supervisor/client"
)

func newPendingCommand(e *env) *cobra.Command {
	var watch bool
	var output string
	c := &cobra.Command{
		Use:   "pending [ID]",
		Short: "Show what is held until somebody approves or denies it",
		Long: `Lists the actions that are held until a human decides, the longest held of
every jail first. With an ID, or the beginning of one, everything about it: also
who was told, who has looked (which this notes of you), and who has approved it
already where that takes two people. With -o json and a whole ID also how one
ended that is held no more.

An action that nobody decides in time is denied.

With --watch also what was done and is told (see clawjail notices), a line each.`,
		Example: `  clawjail pending
  clawjail pending --watch
  clawjail pending 7k2p
  clawjail approve 7k2p`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			switch {
			case output != "" && output != "json":
				return fmt.Errorf("unknown output %q; the only one is json", output)
			case watch && len(args) > 0:
				return fmt.Errorf("--watch shows everything that is held; leave out %q", args[0])
			case watch:
				return watchPending(c, e, output == "json")
			case len(args) > 0:
				return showPending(c, e, args[0], output == "json")
			}
			return listPending(c, e, output == "json")
		},
	}
	c.Flags().BoolVarP(&watch, "watch", "w", false, "go on, and show what comes and how it ends")
	c.Flags().StringVarP(&output, "output", "o", "", "\"json\": the whole requests, texts escaped")
	return c
}

func listPending(c *cobra.Command, e *env, asJSON bool) error {
	list, more, err := client.Client{Socket: e.socket}.Approvals(c.Context())
	if isNotRunning(err) { // nothing runs, so nothing is held
		list, err = nil, nil
	}
	if err != nil {
		return err
	}
	if asJSON {
		out := make([]json.RawMessage, len(list))
		for i, a := range list {
			if out[i], err = pendingJSON(a); err != nil {
				return err
			}
		}
		return json.NewEncoder(e.stdout).Encode(out)
	}
	if len(list) == 0 {
		fmt.Fprintln(e.stderr, "nothing is held")
		return nil
	}
	return printPending(e.stdout, list, more)
}

func printPending(w io.Writer, list []client.Approval, more int) error {
	width := max(columns(w)-50, 30)
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "ID\tJAIL\tGATE\tHELD\tLEFT\tWHAT")
	for _, a := range list {
		what := show.Summary(a.Request)
		if a.Waiting > 1 {
			what = fmt.Sprintf("%d× %s", a.Waiting, what)
		}
		if n := len(a.Trail.Consents); n > 0 {
			what = fmt.Sprintf("[%d of %d approved] %s", n, a.Trail.Rule.People, what)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", a.ID, escape.Clip(a.JailName, 24), escape.String(a.Gate),
			age(a.Waited), age(a.Left), show.Clip(what, width))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if more > 0 {
		fmt.Fprintf(w, "and %d more\n", more)
	}
	return nil
}

// columns is how wide the terminal behind w is; 100 for anything else.
func columns(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if cols, _, err := term.GetSize(int(f.Fd())); err == nil && cols > 0 {
			return cols
		}
	}
	return 100
}

// pageStyle fits a page to where it is printed.
func pageStyle(w io.Writer) show.Style {
	f, ok := w.(*os.File)
	color := ok && term.IsTerminal(int(f.Fd())) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	return show.Style{Width: min(columns(w), 120), Color: color}
}

func showPending(c *cobra.Command, e *env, id string, asJSON bool) error {
	a, err := client.Client{Socket: e.socket}.Approval(c.Context(), id)
	if err != nil {
		return showEnded(c, e, id, asJSON, noRequest(err, id))
	}
	if asJSON {
		b, err := pendingJSON(a)
		if err != nil {
			return err
		}
		fmt.Fprintf(e.stdout, "%s\n", b)
		return nil
	}
	fmt.Fprint(e.stdout, pendingPage(a, pageStyle(e.stdout)))
	return nil
}

// showEnded shows how a request ended that does not wait any more. It is not held,
// so that stays an error unless a program asks.
func showEnded(c *cobra.Command, e *env, id string, asJSON bool, why error) error {
	d, trail, err := client.Client{Socket: e.socket}.EndedApproval(c.Context(), id)
	if err != nil {
		return why
	}
	if !asJSON {
		fmt.Fprint(e.stdout, show.People(trail, pageStyle(e.stdout)))
		return why
	}
	t, err := approval.EncodeTrail(trail)
	if err != nil {
		return err
	}
	return json.NewEncoder(e.stdout).Encode(api.EndedApproval{Decision: d, Trail: t})
}

// pendingPage is a request, and what people were told, saw and said of it.
func pendingPage(a client.Approval, st show.Style) string {
	page := show.Text(a.Request, a.Waited, a.Left, st)
	if people := show.People(a.Trail, st); people != "" {
		page += "\n" + people
	}
	return page
}

func noRequest(err error, id string) error {
	if isNotRunning(err) {
		return fmt.Errorf("no request %q: %w", id, err)
	}
	return err
}

// pendingJSON is one request for programs: the form of the control socket.
func pendingJSON(a client.Approval) ([]byte, error) {
	b, err := approval.Encode(a.Request)
	if err != nil {
		return nil, err
	}
	trail, err := approval.EncodeTrail(a.Trail)
	if err != nil {
		return nil, err
	}
	return json.Marshal(api.Approval{Request: b, WaitedMS: a.Waited.Milliseconds(), LeftMS: a.Left.Milliseconds(), Trail: trail})
}

// watchPending prints what comes, until it is interrupted.
func watchPending(c *cobra.Command, e *env, asJSON bool) error {
	known, consents := map[string]bool{}, map[string]int{}
	return client.Client{Socket: e.socket}.WatchApprovals(c.Context(), func(ev client.ApprovalEvent) error {
		if asJSON {
			return watchJSON(e.stdout, ev)
		}
		switch ev.Kind {
		case approval.Told:
			if ev.Notice != nil {
				fmt.Fprintln(e.stdout, show.Clip(noticeLine(*ev.Notice), columns(e.stdout)))
			}
		case approval.Resync:
			for _, a := range ev.List {
				if !known[a.ID] {
					printArrival(e.stdout, a)
				}
			}
			clear(known)
			for _, a := range ev.List {
				known[a.ID] = true
			}
		case approval.Added:
			known[ev.Approval.ID] = true
			printArrival(e.stdout, ev.Approval)
		case approval.Changed:
			if line := secondLine(ev.Approval, consents); line != "" {
				fmt.Fprintf(e.stdout, "%s\n\n", line)
			}
		case approval.Removed:
			delete(consents, ev.Approval.ID)
			delete(known, ev.Approval.ID)
			if d := ev.Decision; d != nil {
				fmt.Fprintf(e.stdout, "%s  %s\n\n", ev.Approval.ID, ending(*d))
			}
		}
		return nil
	})
}

// secondLine says that one person approved and another has to, once for each.
func secondLine(a client.Approval, told map[string]int) string {
	n := len(a.Trail.Consents)
	if n <= told[a.ID] {
		return ""
	}
	told[a.ID] = n
	return fmt.Sprintf("%s  approved by %s, takes %d more", a.ID, escape.String(a.Trail.Consents[n-1].By.String()), a.Trail.Needs())
}

func printArrival(w io.Writer, a client.Approval) {
	fmt.Fprintf(w, "%s\n", pendingPage(a, pageStyle(w)))
}

// ending says how a request ended, and after how long.
func ending(d api.ApprovalDecision) string {
	return escape.String(d.String()) + ", after " + show.Duration(time.Duration(d.HeldMS*float64(time.Millisecond)))
}

// watchLine is one line of `pending --watch -o json`.
type watchLine struct {
	Event    string                `json:"event"`
	Approval json.RawMessage       `json:"approval,omitempty"`
	List     []json.RawMessage     `json:"list,omitempty"` // of a resync: everything that is held
	Decision *api.ApprovalDecision `json:"decision,omitempty"`
	Notice   *api.Notice           `json:"notice,omitempty"`
}

func watchJSON(w io.Writer, ev client.ApprovalEvent) error {
	line := watchLine{Event: string(ev.Kind), Decision: ev.Decision, Notice: ev.Notice}
	for _, a := range ev.List {
		b, err := pendingJSON(a)
		if err != nil {
			return err
		}
		line.List = append(line.List, b)
	}
	if ev.Approval.ID != "" {
		b, err := pendingJSON(ev.Approval)
		if err != nil {
			return err
		}
		line.Approval = b
	}
	return json.NewEncoder(w).Encode(line)
}
