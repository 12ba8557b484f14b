package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"clawjail/supervisor/checklist"
	"clawjail/supervisor/checklist/ledger"
	"clawjail/supervisor/checklist/probe"
	"clawjail/supervisor/client"
)

func newChecklistCommand(e *env) *cobra.Command {
	var output string
	c := &cobra.Command{
		Use:   "checklist",
		Short: "Go through what a deployment needs, by trying it",
		Long: `checklist tries everything that a deployment needs before people trust it: the
host, the configuration, the keys, the audit log, the skills, the sandboxed
shell, the monitoring, and from inside a jail of its own what a jail holds. Then
it says what has to be done again and again, when it was last done, and by when
it is due.

The console shows the last run to who responds and to admins.

It exits with 1 if something failed or could not be tried. What is marked "look"
is permitted, and somebody should know of it.`,
		Example: `  sudo clawjail checklist
  sudo clawjail checklist -o html > checklist.html
  sudo clawjail checklist done log-review --note 'week 47: nothing unusual'`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return showChecklist(c.Context(), e, output) },
	}
	c.Flags().StringVarP(&output, "output", "o", "", "\"json\": for programs; \"html\": a page to keep or to print")
	c.AddCommand(newChecklistDoneCommand(e), newChecklistProbeCommand(e))
	return c
}

func showChecklist(ctx context.Context, e *env, output string) error {
	switch output {
	case "", "json", "html":
	default:
		return fmt.Errorf("unknown output %q; there are json and html", output)
	}
	if os.Geteuid() != 0 {
		return fmt.Errorf("the checklist looks at what is root's: sudo clawjail checklist")
	}
	r := checklist.Judge(checklistFacts(ctx, e))
	if err := (client.Client{Socket: e.socket}).KeepChecklist(ctx, r); err != nil && !isNotRunning(err) {
		fmt.Fprintln(e.stderr, "clawjail: the console does not have this:", err)
	}
	var err error
	switch output {
	case "json":
		enc := json.NewEncoder(e.stdout)
		enc.SetIndent("", "  ")
		err = enc.Encode(r)
	case "html":
		err = checklist.Page(e.stdout, r)
	default:
		err = checklist.Table(e.stdout, r, columns(e.stdout), wantsColor(e.stdout))
	}
	if err == nil && !r.OK {
		err = &exitError{code: 1}
	}
	return err
}

func newChecklistDoneCommand(e *env) *cobra.Command {
	var note string
	c := &cobra.Command{
		Use:   "done TASK",
		Short: "Write down that something recurring was done",
		Long: `done writes down that you did what has to be done again and again, now. It is a
record in the audit log. TASK is one of those that checklist lists; a re-audit, a
drill, an access review that is signed off and a restored backup write themselves
down.`,
		Args: func(c *cobra.Command, args []string) error {
			if err := cobra.ExactArgs(1)(c, args); err != nil {
				return err
			}
			return ledger.Check(args[0])
		},
		RunE: func(c *cobra.Command, args []string) error {
			cl := client.Client{Socket: e.socket}
			if err := cl.TaskDone(c.Context(), args[0], note); err != nil {
				return err
			}
			for _, k := range ledger.Tasks() {
				if k.ID == args[0] {
					fmt.Fprintf(e.stdout, "%s: done; due again at %s\n", k.ID, time.Now().Add(k.Within).Format(time.DateOnly))
				}
			}
			return nil
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			var ids []string
			for _, k := range ledger.Tasks() {
				ids = append(ids, k.ID)
			}
			return ids, cobra.ShellCompDirectiveNoFileComp
		},
	}
	c.Flags().StringVar(&note, "note", "", "what came of it, or where that is written")
	return c
}

// newChecklistProbeCommand is what runs in the jail.
func newChecklistProbeCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:    "probe",
		Short:  "Try what a jail must not permit (checklist runs it in a jail)",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return json.NewEncoder(e.stdout).Encode(probe.Doors(c.Context(), e.socket))
		},
	}
}
