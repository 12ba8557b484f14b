package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"clawjail/audit/escape"
	"clawjail/supervisor/api"
	"clawjail/supervisor/client"
	"clawjail/supervisor/config/source"
	"clawjail/supervisor/notify/rota"
)

func newOnDutyCommand(e *env) *cobra.Command {
	var output, when string
	c := &cobra.Command{
		Use:   "on-duty",
		Short: "Show who is asked now about what is held",
		Long: `Lists the groups that are asked about what is held, as hitl in
/etc/clawjail/config.yaml has them: who of them is there, who stands in for whom
and until when, which channels reach them, and which of these quiet hours keep
what is not severe from. Times are those of this terminal's zone.

Without a supervisor it goes by the configuration file.`,
		Example: "  sudo clawjail on-duty\n  sudo clawjail on-duty --at 2026-12-24T12:00 -o json",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			at, err := moment(when)
			if err != nil {
				return err
			}
			d, err := duty(c.Context(), e, at)
			if err != nil {
				return err
			}
			if output == "json" {
				return json.NewEncoder(e.stdout).Encode(d)
			}
			return showDuty(e.stdout, d)
		},
	}
	c.Flags().StringVar(&when, "at", "", "another moment than now: 2026-12-24T12:00, here, or with a zone as 2026-12-24T12:00:00+01:00")
	c.Flags().StringVarP(&output, "output", "o", "", "\"json\": all of it")
	return c
}

// moment reads a time; none is the zero time.
func moment(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	t, err := time.ParseInLocation("2006-01-02T15:04", s, time.Local)
	if err != nil {
		return t, fmt.Errorf("--at: %q is no time, as in 2026-12-24T12:00", clipText(s, 40))
	}
	return t, nil
}

// duty asks the supervisor, or where none runs reads the configuration.
func duty(ctx context.Context, e *env, at time.Time) (api.Duty, error) {
	d, err := client.Client{Socket: e.socket}.Duty(ctx, at)
	if !isNotRunning(err) {
		return d, err
	}
	f, _, err := source.InForce(e.config, nil)
	if err != nil {
		return d, fmt.Errorf("the configuration cannot be used:\n%w\n  see: clawjail config check", err)
	}
	r, err := rota.New(f.Config)
	if err != nil {
		return d, err
	}
	if at.IsZero() {
		at = time.Now()
	}
	return r.Duty(at), nil
}

// showDuty prints a table: a line for each person, and one for each group as a
// whole that has something of its own.
func showDuty(w io.Writer, d api.Duty) error {
	who := "root"
	if d.Approvers != "" {
		who += " and the group " + escape.String(d.Approvers)
	}
	if len(d.Groups) == 0 {
		_, err := fmt.Fprintf(w, "there are no groups under hitl in the configuration; %s may decide\n", who)
		return err
	}
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "GROUP\tPERSON\tON DUTY\tREACHED BY")
	for _, g := range d.Groups {
		for _, p := range g.People {
			on := p.OnDuty
			if p.Until != nil {
				on += ", until " + dutyTime(*p.Until)
			}
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", g.Name, p.Name, on, dutyChannels(p.Channels))
		}
		if g.Unix != "" {
			fmt.Fprintf(t, "%s\t(members of %s)\t\t\n", g.Name, g.Unix)
		}
		if len(g.Channels) > 0 {
			fmt.Fprintf(t, "%s\t(all)\t\t%s\n", g.Name, dutyChannels(g.Channels))
		}
	}
	return t.Flush()
}

func dutyTime(t time.Time) string { return t.Local().Format("2006-01-02 15:04 MST") }

func dutyChannels(list []api.DutyChannel) string {
	var out []string
	for _, c := range list {
		if c.QuietUntil != nil {
			c.Name += " (quiet until " + dutyTime(*c.QuietUntil) + ")"
		}
		out = append(out, c.Name)
	}
	if len(out) == 0 {
		return "-"
	}
	return strings.Join(out, ", ")
}
