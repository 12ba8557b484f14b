package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"clawjail/audit/escape"
	"clawjail/supervisor/api"
	"clawjail/supervisor/approval"
	"clawjail/supervisor/client"
)

// answerFlags are the flags of `approve` and `deny`.
type answerFlags struct {
	once, jail, always bool
	lasting            time.Duration
	digest             string
	file               string
	reason             string
	quiet              bool
}

func newApproveCommand(e *env) *cobra.Command {
	var f answerFlags
	c := &cobra.Command{
		Use:   "approve [flags] ID",
		Short: "Let a held action happen",
		Long: `Approves a held action, shows what was approved, and lets it go on.

The approval holds for exactly what was shown and for this one time. --for,
--jail and --always widen it to the same action again: the same program with the
same arguments in the same directory, the same operation on the same path, the
same destination. With --always a rule is written into the policy file too, and
shown.

With --digest the approval applies only to the request that was looked at
before; without, to what is shown now.

Where the configuration asks for four eyes (hitl.categories), the action goes on
when a second person has approved it as well. One denial is enough.`,
		Example: `  clawjail approve 7k2p
  clawjail approve 7k2p --for 1h
  clawjail approve 7k2p --digest 5f1c…`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return answer(c, e, args[0], true, f) },
	}
	addScopeFlags(c, &f)
	c.Flags().BoolVar(&f.always, "always", false, "and write a rule that allows it into the policy file")
	c.Flags().StringVar(&f.file, "policy-file", "", "the file for --always (default: /etc/clawjail/policies/POLICY.yaml)")
	c.Flags().StringVar(&f.reason, "reason", "", "why, for the record")
	c.MarkFlagsMutuallyExclusive("once", "for", "jail", "always")
	return c
}

func newDenyCommand(e *env) *cobra.Command {
	var f answerFlags
	c := &cobra.Command{
		Use:   "deny [flags] ID",
		Short: "Refuse a held action",
		Long: `Refuses a held action: the program that asked gets an error, and goes on.

With --for or --jail the same action is refused from then on without asking.`,
		Example: `  clawjail deny 7k2p --reason "not on a Friday"`,
		Args:    cobra.ExactArgs(1),
		RunE:    func(c *cobra.Command, args []string) error { return answer(c, e, args[0], false, f) },
	}
	addScopeFlags(c, &f)
	c.Flags().StringVar(&f.reason, "reason", "", "why, for the record and for the agent")
	c.MarkFlagsMutuallyExclusive("once", "for", "jail")
	return c
}

func addScopeFlags(c *cobra.Command, f *answerFlags) {
	c.Flags().BoolVar(&f.once, "once", false, "this one time (the default)")
	c.Flags().DurationVar(&f.lasting, "for", 0, "and the same again for this long, such as 1h")
	c.Flags().BoolVar(&f.jail, "jail", false, "and the same again while the jail lives")
	c.Flags().StringVar(&f.digest, "digest", "", "only if the request still has this digest")
	c.Flags().BoolVarP(&f.quiet, "quiet", "q", false, "do not show the request")
}

func (f answerFlags) scope(c *cobra.Command) (approval.Scope, error) {
	s := approval.Once()
	switch {
	case c.Flags().Changed("for"):
		s = approval.Scope{Kind: approval.ScopeFor, For: f.lasting}
	case f.jail:
		s = approval.Scope{Kind: approval.ScopeJail}
	case f.always:
		s = approval.Scope{Kind: approval.ScopeAlways}
	}
	if f.file != "" && !f.always {
		return s, errors.New("--policy-file is for --always")
	}
	return s, s.Validate()
}

// answer fetches a request, sends the digest of what it fetched, and shows it.
func answer(c *cobra.Command, e *env, id string, approve bool, f answerFlags) error {
	scope, err := f.scope(c)
	if err != nil {
		return err
	}
	cl := client.Client{Socket: e.socket}
	a, err := cl.Approval(c.Context(), id)
	if err != nil {
		return noRequest(err, id)
	}
	if !f.quiet {
		fmt.Fprintf(e.stdout, "%s\n", pendingPage(a, pageStyle(e.stdout)))
	}
	if f.digest != "" && f.digest != a.Digest {
		return fmt.Errorf("request %s is not the one that was looked at: its digest is %s\n  nothing was decided", a.ID, a.Digest)
	}
	req := api.DecideRequest{Approve: approve, Digest: a.Digest, Scope: string(scope.Kind), For: scope.For, Reason: f.reason}
	if f.digest == "" {
		req.Waiting = a.Waiting // who names a digest has decided about that, however often
	}
	if scope.Kind == approval.ScopeAlways {
		return answerAlways(c, e, cl, a, req, f.file)
	}
	return decide(c.Context(), e, cl, a.ID, req)
}

// decide sends an answer and says what came of it.
func decide(ctx context.Context, e *env, cl client.Client, id string, req api.DecideRequest) error {
	r, d, err := cl.Decide(ctx, id, req)
	if err != nil {
		return err
	}
	if d.Needs > 0 {
		fmt.Fprintf(e.stdout, "%s  your approval counts; it takes %d more, of somebody else\n", d.ID, d.Needs)
		return nil
	}
	if d.Allowed != req.Approve {
		return fmt.Errorf("request %s: %s", d.ID, ending(d))
	}
	fmt.Fprintf(e.stdout, "%s  %s\n", d.ID, ending(d))
	if req.Scope != string(approval.ScopeOnce) {
		fmt.Fprintf(e.stdout, "          covers %s\n", escape.String(r.Covers()))
	}
	return nil
}
