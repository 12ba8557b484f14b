package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"clawjail/audit/escape"
	"clawjail/policy/skill/trust"
	"clawjail/supervisor/client"
)

// grant is somebody who may do something.
type grant struct {
	Who string `json:"who"`
	May string `json:"may"`
	Why string `json:"why"` // the setting or file that says so
}

func newAccessCommand(e *env) *cobra.Command {
	c := &cobra.Command{
		Use:   "access",
		Short: "Review who may do what",
	}
	c.AddCommand(newAccessReviewCommand(e))
	return c
}

func newAccessReviewCommand(e *env) *cobra.Command {
	var output, note string
	var sign bool
	c := &cobra.Command{
		Use:   "review",
		Short: "List who may do what, and sign it off",
		Long: `review lists everybody who may start jails, approve, respond, sign in or sign
skills on this host, and which file says so.

With --sign-off it is written down that you looked and found it right: into the
audit log, with the list itself, and into the checklist.`,
		Example: `  sudo clawjail access review
  sudo clawjail access review --sign-off --note 'left the team: nobody'`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			grants, err := accessGrants(e)
			if err != nil {
				return err
			}
			if err := printGrants(e.stdout, grants, output); err != nil || !sign {
				return err
			}
			return signOff(c.Context(), e, grants, note)
		},
	}
	c.Flags().StringVarP(&output, "output", "o", "", "\"json\": the list for programs")
	c.Flags().BoolVar(&sign, "sign-off", false, "write down that you found it right")
	c.Flags().StringVar(&note, "note", "", "with --sign-off: what you changed or left")
	return c
}

// accessGrants gathers who may do what. A source that cannot be read is an
// error: a list with holes is nothing to sign.
func accessGrants(e *env) ([]grant, error) {
	f, name, _, err := readConfig(e, nil)
	if err != nil {
		return nil, fmt.Errorf("who may do what is in %s, which cannot be used: see clawjail config check", name)
	}
	grants := []grant{{Who: "root", May: "everything", Why: "the system"}}
	for _, g := range []struct{ group, may, setting string }{
		{f.Config.Group, "start jails, freeze and end their own, approve unless barred", "access.group"},
		{f.Config.Approvers, "approve and deny", "hitl.approvers"},
	} {
		if g.group == "" {
			continue
		}
		names, err := membersOf(g.group)
		if err != nil {
			return nil, fmt.Errorf("the members of the group %q: %w", g.group, err)
		}
		if len(names) == 0 {
			names = []string{"nobody"}
		}
		for _, n := range names {
			grants = append(grants, grant{Who: n, May: g.may, Why: "group " + g.group + " (" + g.setting + ")"})
		}
	}
	people, err := accountsOf(f.Config)
	if err != nil {
		return nil, fmt.Errorf("who may sign in: %w", err)
	}
	for _, u := range people {
		g := grant{Who: u.Name, May: "sign in as " + string(u.Role), Why: f.Config.UserDir()}
		if u.Disabled {
			g.May = "nothing: disabled (was " + string(u.Role) + ")"
		}
		grants = append(grants, g)
	}
	signers, err := skillSigners()
	return append(grants, signers...), err
}

// skillSigners are the people whose signatures on skills count.
func skillSigners() ([]grant, error) {
	b, err := readList(signersPath, true)
	if err != nil {
		return nil, err
	}
	signers, err := trust.ParseSigners(signersPath, b)
	if err != nil {
		return nil, fmt.Errorf("the list of allowed signers cannot be used:\n%w", err)
	}
	var grants []grant
	for _, s := range signers {
		grants = append(grants, grant{Who: strings.Join(s.Principals, ","), May: "sign skills", Why: signersPath})
	}
	return grants, nil
}

func printGrants(w io.Writer, grants []grant, output string) error {
	if output == "json" {
		return json.NewEncoder(w).Encode(grants)
	}
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "WHO\tMAY\tBECAUSE OF")
	for _, g := range grants {
		fmt.Fprintf(t, "%s\t%s\t%s\n", escape.String(g.Who), g.May, escape.String(g.Why))
	}
	return t.Flush()
}

// signOff writes down the list and that somebody agreed to it.
func signOff(ctx context.Context, e *env, grants []grant, note string) error {
	text := fmt.Sprintf("%d grants", len(grants))
	if note != "" {
		text += ": " + note
	}
	var list []string
	for _, g := range grants {
		list = append(list, g.Who+": "+g.May+", by "+g.Why)
	}
	cl := client.Client{Socket: e.socket}
	if err := cl.TaskDone(ctx, "access-review", text, list...); err != nil {
		return err
	}
	_, err := fmt.Fprintln(e.stderr, "signed off: the checklist and the audit log say so")
	return err
}
