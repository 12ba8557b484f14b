package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"clawjail/audit/escape"
	"clawjail/supervisor/api"
	"clawjail/supervisor/client"
	"clawjail/supervisor/incident"
)

// defaultIncidentDir is where the supervisor keeps incidents.
const defaultIncidentDir = "/var/lib/clawjail/incidents"

func newIncidentCommand(e *env) *cobra.Command {
	c := &cobra.Command{
		Use:   "incident",
		Short: "Contain, look into and close incidents",
		Long: `An incident is opened when a policy freezes a jail, when something got past a
gate, or by a person. The jail is frozen, cut off from the network and its
requests are denied; evidence is taken and the damage assessed. It stays held,
over restarts too, until somebody who may approve releases or kills it. After a
kill, restore puts a good copy of its workspace in place.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newIncidentListCommand(e), newIncidentShowCommand(e), newIncidentOpenCommand(e), newIncidentPreserveCommand(e),
		newIncidentAssessCommand(e), newIncidentSeverityCommand(e),
		newIncidentDecideCommand(e, "release", "Let the jail of an incident go on", "why it may go on", client.Client.Release),
		newIncidentDecideCommand(e, "kill", "End the jail of an incident", "why it is ended", client.Client.KillIncident),
		newIncidentRestoreCommand(e),
		newIncidentDecideCommand(e, "close", "Close an incident that was released, killed or restored", "", client.Client.CloseIncident),
		newIncidentReportCommand(e), newIncidentVerifyCommand(e), newIncidentDrillCommand(e))
	return c
}

// incidents asks the supervisor, or reads the files where none runs.
func incidents(c *cobra.Command, e *env) ([]api.Incident, error) {
	list, err := client.Client{Socket: e.socket}.Incidents(c.Context())
	if !isNotRunning(err) {
		return list, err
	}
	if _, err := os.Stat(defaultIncidentDir); err != nil {
		return nil, nil // none was ever opened on this host
	}
	s, err := incident.OpenStore(defaultIncidentDir)
	if err != nil {
		return nil, fmt.Errorf("%w; run the command with sudo", err)
	}
	return s.List(), nil
}

func oneIncident(c *cobra.Command, e *env, id string) (api.Incident, error) {
	in, err := client.Client{Socket: e.socket}.Incident(c.Context(), id)
	if !isNotRunning(err) {
		return in, err
	}
	s, err := incident.OpenStore(defaultIncidentDir)
	if err != nil {
		return in, err
	}
	return s.Get(id)
}

func newIncidentListCommand(e *env) *cobra.Command {
	var all bool
	var output string
	c := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List incidents, the newest first",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			list, err := incidents(c, e)
			if err != nil {
				return err
			}
			open := []api.Incident{}
			for _, in := range list {
				if all || in.State != incident.Closed {
					open = append(open, in)
				}
			}
			if output == "json" {
				return json.NewEncoder(e.stdout).Encode(open)
			}
			return printIncidents(e.stdout, open)
		},
	}
	c.Flags().BoolVarP(&all, "all", "a", false, "closed ones too")
	c.Flags().StringVarP(&output, "output", "o", "", "\"json\": the whole records")
	return c
}

func printIncidents(w io.Writer, list []api.Incident) error {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "ID\tSTATE\tSEVERITY\tJAIL\tOPENED\tBECAUSE")
	for _, in := range list {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", in.ID, in.State, in.Severity, escape.String(in.Subject.Name),
			in.Opened.Local().Format(time.DateTime), shorten(escape.String(in.Trigger.What), 60))
	}
	return t.Flush()
}

func newIncidentShowCommand(e *env) *cobra.Command {
	var output string
	c := &cobra.Command{
		Use:   "show ID",
		Short: "Show an incident: what happened, what was done, what can be done",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			in, err := oneIncident(c, e, args[0])
			if err != nil {
				return err
			}
			if output == "json" {
				return json.NewEncoder(e.stdout).Encode(in)
			}
			return printIncident(e.stdout, in)
		},
	}
	c.Flags().StringVarP(&output, "output", "o", "", "\"json\": the whole record")
	return c
}

// printIncident shows an incident on a terminal.
func printIncident(w io.Writer, in api.Incident) error {
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-11s %s\n", name+":", escape.String(fmt.Sprintf(format, args...)))
	}
	line("incident", "%s%s", in.ID, map[bool]string{true: " (drill)"}[in.Drill])
	line("state", "%s", in.State)
	line("severity", "%s (by %s)", in.Severity, in.SeverityBy)
	line("because", "%s: %s", in.Trigger.Kind, in.Trigger.What)
	line("jail", "%s (%s), policy %s, user %s", in.Subject.Name, in.Subject.Jail, in.Subject.Agent, in.Subject.User)
	line("command", "%s", escape.Argv(in.Subject.Argv))
	line("holds", "this %s", in.Scope)
	for _, s := range in.Steps {
		fmt.Fprintf(&b, "  %s  %-8s by %s: %s\n", s.Time.Local().Format("15:04:05"), s.Action, escape.String(s.By), escape.String(s.Detail))
		if s.Failed != "" {
			fmt.Fprintf(&b, "            failed: %s\n", escape.String(s.Failed))
		}
	}
	for _, p := range in.Played {
		fmt.Fprintf(&b, "  %s  playbook %s at %s: %s\n", p.Time.Local().Format("15:04:05"), escape.String(p.Name), p.At, playedText(p))
	}
	if a := in.Assessment; a != nil {
		for _, f := range a.Findings {
			fmt.Fprintf(&b, "  %-8s  %s: %s\n", f.Severity, escape.String(f.Title), escape.String(f.Why))
		}
	}
	switch in.State {
	case incident.Closed:
		line("conclusion", "%s", in.Conclusion)
	case incident.Killed:
		fmt.Fprintf(&b, "\nclawjail incident restore %s --from DIRECTORY --reason WHY\nclawjail incident close %s --reason CONCLUSION\n", in.ID, in.ID)
	case incident.Released, incident.Restored:
		fmt.Fprintf(&b, "\nclawjail incident close %s --reason CONCLUSION\n", in.ID)
	default:
		fmt.Fprintf(&b, "\nclawjail incident report %s\nclawjail incident release %s --reason WHY\nclawjail incident kill %s --reason WHY\n", in.ID, in.ID, in.ID)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// playedText is what came of a command of the playbook, in a few words.
func playedText(p incident.Played) string {
	text := p.Failed
	if text == "" {
		text = fmt.Sprintf("done in %s", p.Took.Round(time.Millisecond))
	}
	if first, _, _ := strings.Cut(p.Output, "\n"); first != "" {
		text += ": " + shorten(first, 100)
	}
	return escape.String(text)
}

func newIncidentOpenCommand(e *env) *cobra.Command {
	var r api.OpenIncidentRequest
	c := &cobra.Command{
		Use:   "open JAIL",
		Short: "Freeze a jail, cut it off, and take evidence",
		Example: `  clawjail incident open claude --reason "sends more than it should"
  clawjail incident open test --drill --reason "monthly drill"`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if strings.TrimSpace(r.Reason) == "" {
				return errors.New("--reason is needed: why is this an incident?")
			}
			r.Jail = args[0]
			in, err := client.Client{Socket: e.socket}.OpenIncident(c.Context(), r)
			if err != nil {
				return err
			}
			return printIncident(e.stdout, in)
		},
	}
	c.Flags().StringVar(&r.Reason, "reason", "", "why")
	c.Flags().StringVar(&r.Hold, "hold", "jail", "what may not start meanwhile: jail, agent or user")
	c.Flags().StringVar(&r.Severity, "severity", "medium", strings.Join(incident.Severities(), ", "))
	c.Flags().BoolVar(&r.Drill, "drill", false, "an exercise: marked as one everywhere")
	return c
}

func newIncidentPreserveCommand(e *env) *cobra.Command {
	var r api.PreserveRequest
	c := &cobra.Command{
		Use:   "preserve ID",
		Short: "Take evidence again, with memory too",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			in, err := client.Client{Socket: e.socket}.Preserve(c.Context(), args[0], r)
			if err != nil {
				return err
			}
			last := in.Evidence[len(in.Evidence)-1]
			fmt.Fprintf(e.stdout, "%s\nsha256 %s, %d files, %d bytes\n", last.Path, last.SHA256, last.Files, last.Bytes)
			for _, f := range last.Failed {
				fmt.Fprintf(e.stderr, "clawjail: not taken: %s\n", escape.String(f))
			}
			return nil
		},
	}
	c.Flags().IntSliceVar(&r.Memory, "memory", nil, "processes whose memory is taken as well, by pid")
	return c
}

func newIncidentAssessCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "assess ID",
		Short: "Judge the damage again by the audit log",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			in, err := client.Client{Socket: e.socket}.Assess(c.Context(), args[0])
			if err != nil {
				return err
			}
			return printIncident(e.stdout, in)
		},
	}
}

func newIncidentSeverityCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "severity ID LEVEL",
		Short: "Set how bad an incident is: " + strings.Join(incident.Severities(), ", "),
		Args:  cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			_, err := client.Client{Socket: e.socket}.Rate(c.Context(), args[0], args[1])
			return err
		},
	}
}
