package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"clawjail/policy/skill/store"
)

func newSkillPolicyCommand(s *skills) *cobra.Command {
	var grants []string
	c := &cobra.Command{
		Use:   "policy DIR|ARCHIVE",
		Short: "Print the policy that a skill would run under",
		Long: `policy audits the skill and prints the policy that is derived of it: what it
declares and was seen to do, and what --grant adds. Every line says because of
what. What the skill does and is denied goes to stderr, with the reason. The
policy passes clawjail policy check on this host.`,
		Example: "  clawjail skill policy ./weather > weather.yaml && clawjail policy check weather.yaml",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			cand, err := s.lookAt(c.Context(), args[0], grants)
			if cand == nil {
				return err
			}
			for _, d := range cand.policy.Denied {
				fmt.Fprintf(s.e.stderr, "clawjail: denied: %s: %s\n", readable(d.String()), readable(d.Why))
			}
			if _, err := fmt.Fprint(s.e.stdout, cand.policy.Text); err != nil {
				return err
			}
			return err // too many kinds of permissions
		},
	}
	c.Flags().StringArrayVar(&grants, "grant", nil, "permit KIND=VALUE besides what is derived, as with install")
	return c
}

// lookAt makes a candidate of a skill without keeping anything. An archive is
// unpacked in memory, twice: to be measured and to be looked into.
func (s *skills) lookAt(ctx context.Context, arg string, grants []string) (*candidate, error) {
	cfg, err := s.config()
	if err != nil {
		return nil, err
	}
	p, err := s.trust(cfg)
	if err != nil {
		return nil, err
	}
	g, err := openSkill(arg)
	if err != nil {
		return nil, err
	}
	defer g.close()
	report, err := s.audit(ctx, g.name, g.feed(ctx))
	if err != nil {
		return nil, err
	}
	src, err := g.source(ctx, &s.parser)
	if err != nil {
		return nil, err
	}
	m, err := store.Measure(g.name, src)
	if err != nil {
		return nil, fmt.Errorf("the skill cannot be installed, so there is no policy for it:\n%w", err)
	}
	c := &candidate{source: g.path, grants: grants, report: report, trusted: cfg.TrustedSource(g.path)}
	c.measure(m, p)
	if c.policy, err = s.derive(cfg, report, c.tree, grants, c.outcome.Permissions()); c.policy.Text == "" {
		return nil, err
	}
	return c, err
}
