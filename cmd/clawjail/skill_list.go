package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"clawjail/policy/skill/store"
	"clawjail/supervisor/api"
)

func newSkillListCommand(s *skills) *cobra.Command {
	var output string
	c := &cobra.Command{
		Use:   "list",
		Short: "List the installed skills",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			st, err := store.Read(s.store)
			if errors.Is(err, fs.ErrNotExist) {
				return s.printList(nil, output)
			}
			if err != nil {
				return err
			}
			list, err := st.List()
			if err != nil {
				return err
			}
			return s.printList(list, output)
		},
	}
	c.Flags().StringVarP(&output, "output", "o", "", "\"json\": the records")
	return c
}

func (s *skills) printList(list []store.Listed, output string) error {
	bad := false
	good := []store.Record{}
	for _, l := range list {
		if l.Problem != nil {
			bad = true
			fmt.Fprintf(s.e.stderr, "clawjail: %v\n", l.Problem)
			continue
		}
		good = append(good, l.Record)
	}
	var err error
	if output == "json" {
		err = json.NewEncoder(s.e.stdout).Encode(good)
	} else if len(good) > 0 {
		w := tabwriter.NewWriter(s.e.stdout, 0, 8, 2, ' ', 0)
		fmt.Fprintln(w, "NAME\tVERDICT\tSIGNED BY\tPERMISSIONS\tINSTALLED\tTREE")
		for _, r := range good {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%.19s\n", r.Name, verdictOf(r), readable(principals(r.Vouches)), readable(inWords(r.Kinds)), r.Installed.Format(time.DateOnly), r.Tree)
		}
		err = w.Flush()
	}
	if err == nil && bad {
		err = &exitError{code: exitRejected}
	}
	return err
}

// verdictOf is the latest one, and says when it is not what was approved.
func verdictOf(r store.Record) string {
	if r.Reaudit != nil && r.Reaudit.Verdict != r.Report.Verdict {
		return r.Reaudit.Verdict.String() + " (was " + r.Report.Verdict.String() + ")"
	}
	return r.Report.Verdict.String()
}

func newSkillInspectCommand(s *skills) *cobra.Command {
	var output string
	c := &cobra.Command{
		Use:   "inspect NAME",
		Short: "Show an installed skill: where it is, who signed it, what it may do",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			st, err := store.Read(s.store)
			if err != nil {
				return err
			}
			r, err := st.Get(args[0])
			if err != nil {
				return err
			}
			damage := st.Check(r.Tree)
			if output == "json" {
				return errors.Join(json.NewEncoder(s.e.stdout).Encode(r), damage)
			}
			s.inspect(st, r)
			return damage
		},
	}
	c.Flags().StringVarP(&output, "output", "o", "", "\"json\": the record")
	return c
}

func (s *skills) inspect(st *store.Store, r store.Record) {
	w := s.e.stdout
	fmt.Fprintf(w, "skill %s from %s\n  files in %s\n  root digest %s\n  tree digest %s\n", r.Name, readable(r.Source), st.Path(r.Tree), r.Root, r.Tree)
	for _, v := range r.Vouches {
		fmt.Fprintf(w, "  signed by %s with %s\n", readable(v.Principal), readable(v.Key))
	}
	fmt.Fprintf(w, "verdict: %s (rules %s)\n", r.Report.Verdict, readable(r.Report.RuleSet))
	if x := r.Reaudit; x != nil {
		fmt.Fprintf(w, "  re-audited %s: %s (rules %s), %d new findings\n", x.At.Format(time.DateTime), x.Verdict, readable(x.RuleSet), len(x.New))
		printFindings(w, x.New)
	}
	a := r.Approval
	fmt.Fprintf(w, "approved by %s via %s at %s\n", readable(a.By), readable(a.Via), a.At.Format(time.DateTime))
	fmt.Fprintf(w, "permissions: %s\npolicy %s:\n%s", readable(inWords(r.Permissions)), a.Policy, r.Policy)
}

func newSkillRemoveCommand(s *skills) *cobra.Command {
	return &cobra.Command{
		Use:   "remove NAME",
		Short: "Remove an installed skill",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			st, err := store.Read(s.store)
			if err != nil {
				return err
			}
			if err := st.Lock(); err != nil {
				return err
			}
			defer st.Unlock()
			r, getErr := st.Get(args[0])
			if errors.Is(getErr, store.ErrNotInstalled) {
				return getErr
			}
			if err := st.Remove(args[0]); err != nil {
				return err
			}
			e := api.SkillEvent{Name: args[0], Op: "removed"}
			if getErr == nil {
				e.Tree = r.Tree.String()
			}
			s.recordEvent(c.Context(), e)
			fmt.Fprintf(s.e.stdout, "removed %s\n", args[0])
			return nil
		},
	}
}
