package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"clawjail/audit/escape"
	"clawjail/supervisor/api"
	"clawjail/supervisor/client"
)

func newPsCommand(e *env) *cobra.Command {
	var all bool
	var output string
	c := &cobra.Command{
		Use:     "ps",
		Aliases: []string{"list", "ls"},
		Short:   "List jails",
		Long: `ps lists the jails that run or stand still, the oldest first: how long ago each
was started, how many programs it has executed, and how much it was refused. What
was refused, clawjail audit says.`,
		Example: `  sudo clawjail ps
  sudo clawjail ps --all -o json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			jails, err := jailsOrNone(c, e, all)
			if err != nil {
				return err
			}
			warn(c, e)
			if output == "json" {
				return json.NewEncoder(e.stdout).Encode(jails)
			}
			if output != "" {
				return fmt.Errorf("unknown output %q; the only one is json", output)
			}
			return printJails(e.stdout, jails, time.Now())
		},
	}
	c.Flags().BoolVarP(&all, "all", "a", false, "ended jails too")
	c.Flags().StringVarP(&output, "output", "o", "", "\"json\": the whole records")
	return c
}

// jailsOrNone treats "no supervisor" as "no jails", which is what it means.
func jailsOrNone(c *cobra.Command, e *env, all bool) ([]api.Jail, error) {
	jails, err := client.Client{Socket: e.socket}.Jails(c.Context(), all)
	if isNotRunning(err) {
		return []api.Jail{}, nil
	}
	return jails, err
}

// warn passes on what the supervisor wants whoever looks at jails to know.
func warn(c *cobra.Command, e *env) {
	ping, err := client.Client{Socket: e.socket}.Ping(c.Context())
	if err == nil && ping.Warning != "" {
		fmt.Fprintf(e.stderr, "clawjail: warning: %s\n", escape.String(ping.Warning))
	}
}

func printJails(w io.Writer, jails []api.Jail, now time.Time) error {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "NAME\tSTATE\tPOLICY\tUSER\tAGE\tEXECS\tREFUSED\tCOMMAND")
	for _, j := range jails {
		state := string(j.State)
		if j.Exit != nil {
			state = fmt.Sprintf("exited %d", j.Exit.Code)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%d\t%d\t%s\n", j.Name, state, escape.String(j.Policy), escape.String(j.User),
			age(now.Sub(j.Created)), j.Counts.Execs, j.Counts.Refused, shorten(escape.Argv(j.Argv), 60))
	}
	return t.Flush()
}

func shorten(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n-1]) + "…"
}

// age is a duration in its largest useful unit.
func age(d time.Duration) string {
	d = max(0, d) // the clock was set back
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

func newInspectCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "inspect JAIL",
		Short: "Show everything about a jail, as JSON",
		Long: `inspect shows what ps shows and more: the policy and its digest, the workspace,
the cgroup and the first process, what protects the jail, why it stands still, how
it ended. JAIL is a name or an id.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			jail, err := client.Client{Socket: e.socket}.Jail(c.Context(), args[0])
			if err != nil {
				return notRunningHint(err, args[0])
			}
			enc := json.NewEncoder(e.stdout)
			enc.SetIndent("", "  ")
			return enc.Encode(jail)
		},
	}
}

func newLogsCommand(e *env) *cobra.Command {
	var follow bool
	c := &cobra.Command{
		Use:   "logs JAIL",
		Short: "Show what a detached jail printed",
		Long: `logs shows what a jail that was started with --detach printed, both streams
together: the newest 16 to 32 MiB of it, of the newest 256 jails. A jail in the
foreground prints to its clawjail run.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return notRunningHint(client.Client{Socket: e.socket}.Logs(c.Context(), args[0], follow, e.stdout), args[0])
		},
	}
	c.Flags().BoolVarP(&follow, "follow", "f", false, "go on until the jail ends")
	return c
}
