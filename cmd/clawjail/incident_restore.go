package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"clawjail/audit/escape"
	"clawjail/supervisor/api"
	"clawjail/supervisor/client"
	"clawjail/supervisor/incident"
	"clawjail/supervisor/incident/restore"
)

// shownDifferences bounds those that are printed.
const shownDifferences = 40

// restoreFlags are what is asked for.
type restoreFlags struct {
	from, into, reason string
	dry                bool
}

func newIncidentRestoreCommand(e *env) *cobra.Command {
	var f restoreFlags
	c := &cobra.Command{
		Use:   "restore ID --from DIRECTORY --reason TEXT",
		Short: "End the jail, and put a good copy of its workspace in place",
		Long: `Ends the jail of an incident, if nobody has, and puts a copy of a directory that
is known to be good, a snapshot or a backup, in the place of the jail's workspace,
in one step. What was there stays beside it as WORKSPACE.incident-ID, for root
only. --dry-run shows what differs and does nothing.`,
		Example: `  clawjail incident restore 7f3a2c --from /snapshots/last/project --dry-run
  clawjail incident restore 7f3a2c --from /snapshots/last/project --reason "bad docs"`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return restoreIncident(c.Context(), e, args[0], f) },
	}
	c.Flags().StringVar(&f.from, "from", "", "the good copy")
	c.Flags().StringVar(&f.into, "into", "", "what it replaces (default: the jail's workspace)")
	c.Flags().StringVar(&f.reason, "reason", "", "why, and which copy it is")
	c.Flags().BoolVar(&f.dry, "dry-run", false, "only show what differs")
	return c
}

func restoreIncident(ctx context.Context, e *env, id string, f restoreFlags) error {
	switch {
	case f.from == "":
		return errors.New("--from is needed: a directory with a good copy")
	case strings.TrimSpace(f.reason) == "" && !f.dry:
		return errors.New("--reason is needed: why, and which copy it is")
	case os.Geteuid() != 0:
		return errors.New("restore replaces files of others, and so needs root: use sudo")
	}
	cl := client.Client{Socket: e.socket}
	in, err := cl.Incident(ctx, id)
	if err != nil {
		return err
	}
	into := f.into
	if into == "" {
		into = in.Subject.Workspace
	}
	if into, err = filepath.Abs(into); err != nil {
		return err
	}
	if f.from, err = restore.Check(f.from, into); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	d, err := restore.Compare(ctx, f.from, into)
	if err != nil {
		return fmt.Errorf("compare %s with %s: %w", into, f.from, err)
	}
	fmt.Fprintf(e.stdout, "%s is not as in %s: %s\n", escape.String(into), escape.String(f.from), d)
	printDifferences(e.stdout, d)
	if f.dry {
		return nil
	}
	if in, err = ended(ctx, cl, in, f.reason); err != nil {
		return err
	}
	what := fmt.Sprintf("%s: %s is as in %s again", f.reason, into, f.from)
	if !d.None() {
		aside, err := restore.Replace(ctx, f.from, into, in.ID)
		if err != nil {
			return fmt.Errorf("restore %s: %w", into, err)
		}
		what += fmt.Sprintf(" (%s)", d)
		if aside != "" {
			what += ", what was there is " + aside
		}
	}
	now, err := cl.RestoredIncident(ctx, in.ID, what)
	if err != nil {
		return fmt.Errorf("the files are restored, and the incident does not say so: %w; the same command again records it", err)
	}
	fmt.Fprintf(e.stdout, "incident %s is %s: %s\n", now.ID, now.State, escape.String(what))
	return nil
}

// ended ends the jail of an incident that nobody has decided about.
func ended(ctx context.Context, cl client.Client, in api.Incident, reason string) (api.Incident, error) {
	switch in.State {
	case incident.Killed, incident.Restored:
		return in, nil
	case incident.Released, incident.Closed:
		return in, fmt.Errorf("incident %s is %s: nothing is restored below a jail that may run; end it (clawjail kill %s) and copy the files yourself", in.ID, in.State, in.Subject.Name)
	}
	return cl.KillIncident(ctx, in.ID, reason)
}

func printDifferences(w io.Writer, d restore.Differences) {
	for i, x := range d.List {
		if i == shownDifferences {
			break
		}
		fmt.Fprintf(w, "  %-8s %s\n", x.Kind, escape.String(x.Path))
	}
	total := 0
	for _, n := range d.Counts {
		total += n
	}
	if more := total - shownDifferences; more > 0 {
		fmt.Fprintf(w, "  and %d more\n", more)
	}
}
