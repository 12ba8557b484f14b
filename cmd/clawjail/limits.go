package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"clawjail/audit/escape"
	"clawjail/policy"
	"clawjail/supervisor/api"
	"clawjail/supervisor/client"
)

func newLimitsCommand(e *env) *cobra.Command {
	var output string
	c := &cobra.Command{
		Use:   "limits",
		Short: "Show how much of the limits of actions is used",
		Long: `Lists every limit of actions of the jails that run: emails, calls, what is
spent; how much of each is used in the time that it is about, and what is left.
A limit that several jails share stands there once.

Limits are set in a policy, under actions.limits, and for the whole host in
/etc/clawjail/config.yaml, under action_limits.defaults. What is over one waits
for a human, or is refused.`,
		Example: "  sudo clawjail limits\n  sudo clawjail limits -o json",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			list, err := client.Client{Socket: e.socket}.Limits(c.Context())
			if isNotRunning(err) { // nothing runs, so nothing is limited
				list, err = []api.ActionLimit{}, nil
			}
			if err != nil {
				return err
			}
			if output == "json" {
				return json.NewEncoder(e.stdout).Encode(list)
			}
			if len(list) == 0 {
				fmt.Fprintln(e.stderr, "no jail runs that limits are about")
				return nil
			}
			return showLimits(e.stdout, list)
		},
	}
	c.Flags().StringVarP(&output, "output", "o", "", "\"json\": all of it; money in minor units")
	return c
}

// barWidth is how many characters a bar has.
const barWidth = 20

// showLimits prints a table, with bars on a terminal.
func showLimits(w io.Writer, list []api.ActionLimit) error {
	f, ok := w.(*os.File)
	bars := ok && term.IsTerminal(int(f.Fd()))
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	head := "OF\tPER\tWHOSE\tUSED\tLEFT\tOVER"
	if bars {
		head += "\t"
	}
	fmt.Fprintln(t, head)
	for _, l := range list {
		whose := l.Scope
		if l.Subject != "" {
			whose += " " + escape.Clip(l.Subject, 24)
		}
		used, left := amountOf(l.Used, l), amountOf(l.Left, l)
		if l.Error != "" {
			used, left = "unknown", "none: "+escape.Clip(l.Error, 60)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s of %s\t%s\t%s", escape.String(l.Of), policy.Duration(time.Duration(l.PerNS)), whose, used, amountOf(l.Max, l), left, l.Over)
		if bars {
			fmt.Fprintf(t, "\t%s", bar(l))
		}
		fmt.Fprintln(t)
	}
	return t.Flush()
}

func amountOf(n int64, l api.ActionLimit) string {
	if l.Currency != "" {
		return policy.Money(n, l.Currency)
	}
	return strconv.FormatInt(n, 10)
}

// bar shows how much is used. What cannot be told, and a limit of nothing, is full.
func bar(l api.ActionLimit) string {
	full := barWidth
	if l.Error == "" && l.Max > 0 && l.Used < l.Max {
		full = int(float64(l.Used) / float64(l.Max) * barWidth)
		if full == 0 && l.Used > 0 {
			full = 1
		}
	}
	return strings.Repeat("█", full) + strings.Repeat("░", barWidth-full)
}
