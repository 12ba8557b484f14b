package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"clawjail/supervisor/api"
	"clawjail/supervisor/approval/show"
	"clawjail/supervisor/client"
)

func newNoticesCommand(e *env) *cobra.Command {
	var jail, output string
	c := &cobra.Command{
		Use:   "notices",
		Short: "Show what was done and is told: the verdicts audit and sensitive",
		Long: `Lists what jails did under rules whose verdict is audit or sensitive: it was
done, and somebody is told. What is alike is counted, and so is what one rule let
happen beyond the first things; the audit log has every single one.

` + "`clawjail pending --watch`" + `, the console and a foreground run tell of it as it
comes. The list is forgotten when the supervisor ends; the log is not:
clawjail audit query --verdict audit.`,
		Example: `  clawjail notices
  clawjail notices --jail nightly -o json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			list, err := client.Client{Socket: e.socket}.Notices(c.Context(), jail)
			if isNotRunning(err) { // nothing runs, so nothing was told
				list, err = []api.Notice{}, nil
			}
			switch {
			case err != nil:
				return err
			case output == "json":
				return json.NewEncoder(e.stdout).Encode(list)
			case len(list) == 0:
				fmt.Fprintln(e.stderr, "nothing to tell")
				return nil
			}
			return printNotices(e.stdout, list)
		},
	}
	c.Flags().StringVarP(&jail, "jail", "j", "", "only of this jail: its name or id")
	c.Flags().StringVarP(&output, "output", "o", "", "\"json\": the list for programs")
	return c
}

// printNotices prints texts that the supervisor has escaped.
func printNotices(w io.Writer, list []api.Notice) error {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "LAST\tJAIL\tGATE\tCOUNT\tRULE\tWHAT")
	for _, n := range list {
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%s\t%s\n", n.Last.Local().Format("15:04:05"), show.Clip(n.JailName, 24), n.Gate,
			n.Count, n.Rule, noticeWhat(n))
	}
	return t.Flush()
}

func noticeWhat(n api.Notice) string {
	switch {
	case n.What != "":
		return n.What
	case n.Default:
		return "everything that no rule is about"
	}
	return "and more by this rule"
}

// noticeLine is a notice on a line of its own, among others.
func noticeLine(n api.Notice) string {
	return fmt.Sprintf("told: %s: %s, by %s", show.Clip(n.JailName, 24), noticeWhat(n), n.Rule)
}

// Bounds of what is told at the end of a run.
const (
	maxToldRules  = 8
	maxToldThings = 3 // of each rule
)

// noticesOf fetches what a jail did that its policy tells of.
func noticesOf(ctx context.Context, cl client.Client, jail string) []api.Notice {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	list, err := cl.Notices(ctx, jail)
	if err != nil {
		return nil // the log has it all; the run itself went well
	}
	return list
}

// tellAtEnd says at the end of a foreground run what it did that somebody has to
// hear of: what rules say so about, and with all also what no rule is about.
func tellAtEnd(w io.Writer, list []api.Notice, all bool) {
	var told []api.Notice
	for _, n := range list {
		if all || !n.Default {
			told = append(told, n)
		}
	}
	if len(told) == 0 {
		return
	}
	fmt.Fprintln(w, "clawjail: the policy has you told of this:")
	lines := 0
	for i, n := range told {
		if slices.ContainsFunc(told[:i], func(o api.Notice) bool { return sameRule(o, n) }) {
			continue // said with the first of its rule
		}
		if lines++; lines > maxToldRules {
			fmt.Fprintf(w, "  and by more rules: clawjail notices --jail %s\n", n.Jail)
			return
		}
		tellRule(w, n, told[i:])
	}
}

func sameRule(a, b api.Notice) bool { return a.Gate == b.Gate && a.Rule == b.Rule }

// tellRule tells what one rule let happen: the first things, and how many more.
// One rule does not push out what another one has to say.
func tellRule(w io.Writer, first api.Notice, rest []api.Notice) {
	fmt.Fprintf(w, "  by %s:\n", first.Rule)
	things, more := 0, uint64(0)
	for _, n := range rest {
		switch {
		case !sameRule(n, first):
		case n.What == "" || things == maxToldThings:
			more += n.Count
		default:
			things++
			fmt.Fprintf(w, "    %d× %s\n", n.Count, noticeWhat(n))
		}
	}
	if more > 0 {
		fmt.Fprintf(w, "    %d more: clawjail audit query --jail %s --verdict audit\n", more, first.Jail)
	}
}
