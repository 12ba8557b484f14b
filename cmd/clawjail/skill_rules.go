package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"clawjail/policy/skill/rule"
)

func newSkillRulesCommand(s *skills) *cobra.Command {
	var output string
	c := &cobra.Command{
		Use:   "rules [RULE ...]",
		Short: "Explain the rules of the audit, with examples",
		Example: `  clawjail skill rules
  clawjail skill rules CJS-FLOW-001`,
		RunE: func(_ *cobra.Command, args []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			list := rule.All()
			if len(args) > 0 {
				list = nil
				for _, id := range args {
					r, ok := rule.Find(strings.ToUpper(id))
					if !ok {
						return fmt.Errorf("there is no rule %q\n  clawjail skill rules lists them", id)
					}
					list = append(list, r)
				}
			}
			if output == "json" {
				return json.NewEncoder(s.e.stdout).Encode(list)
			}
			if len(args) > 0 {
				for _, r := range list {
					explainRule(s.e.stdout, r)
				}
				return nil
			}
			return listRules(s.e.stdout, list)
		},
	}
	c.Flags().StringVarP(&output, "output", "o", "", "\"json\": one list")
	return c
}

func listRules(out io.Writer, list []rule.Rule) error {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	for _, r := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", r.ID, r.Severity, r.Class, r.Title)
	}
	return w.Flush()
}

func explainRule(w io.Writer, r rule.Rule) {
	fmt.Fprintf(w, "%s: %s\n  %s, %s\n", r.ID, r.Title, r.Severity, r.Class)
	for _, part := range []struct{ label, text string }{{"why", r.Why}, {"bad", r.Bad}, {"good", r.Good}, {"fix", r.Fix}, {"CWE", strings.Join(r.CWE, ", ")}, {"OWASP", strings.Join(r.OWASP, ", ")}} {
		if part.text != "" {
			fmt.Fprintf(w, "  %-6s %s\n", part.label+":", strings.ReplaceAll(strings.TrimRight(part.text, "\n"), "\n", "\n         "))
		}
	}
}
