package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"clawjail/audit/escape"
	"clawjail/policy/source"
	"clawjail/supervisor/api"
	"clawjail/supervisor/approval"
	"clawjail/supervisor/client"
	"clawjail/supervisor/client/rule"
	"clawjail/supervisor/console"
)

// policyDir is where policies are looked for by name.
const policyDir = "/etc/clawjail/policies"

// answerAlways approves, and writes a rule into the policy file.
func answerAlways(c *cobra.Command, e *env, cl client.Client, a client.Approval, req api.DecideRequest, file string) error {
	diff, d, err := approveAlways(c.Context(), cl, a, req, file)
	if err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "%s  %s\n\n%s\nallowed from now on %s\n", d.ID, ending(d), diff, rule.Wider(a.Request))
	return nil
}

// alwaysFrom is what the console does for "always".
func alwaysFrom(cl client.Client) console.Always {
	return func(ctx context.Context, a client.Approval) (string, error) {
		req := api.DecideRequest{Approve: true, Digest: a.Digest, Waiting: a.Waiting, Scope: string(approval.ScopeAlways)}
		if _, _, err := approveAlways(ctx, cl, a, req, ""); err != nil {
			return "", err
		}
		return a.ID + " approved; the rule is in the policy file, allowed " + rule.Wider(a.Request), nil
	}
}

// approveAlways makes the change of the file, approves, and puts the change in
// its place: nothing is approved that could not be written, and nothing is
// written that was not approved.
func approveAlways(ctx context.Context, cl client.Client, a client.Approval, req api.DecideRequest, file string) (string, api.ApprovalDecision, error) {
	file, err := policyFile(a.Request, file)
	if err != nil {
		return "", api.ApprovalDecision{}, err
	}
	change, err := rule.Prepare(file, a.Request, func(text []byte) error {
		_, err := source.Parse(file, text, sampleVars(), source.Features{Gate: true})
		return err
	})
	if err != nil {
		return "", api.ApprovalDecision{}, fmt.Errorf("--always: %w\n  nothing was decided; --jail approves without a rule", err)
	}
	defer change.Discard()
	req.File = change.Path
	_, d, err := cl.Decide(ctx, a.ID, req)
	if err != nil {
		return "", d, err
	}
	if !d.Allowed {
		return "", d, fmt.Errorf("request %s: %s", d.ID, ending(d))
	}
	if err := change.Apply(); err != nil {
		return "", d, fmt.Errorf("request %s is approved while the jail lives, but the rule is not written: %w", d.ID, err)
	}
	return change.Diff, d, nil
}

// policyFile finds the file that a rule goes into.
func policyFile(r approval.Request, named string) (string, error) {
	if named != "" {
		return filepath.Abs(named)
	}
	if r.Policy == "" || filepath.Base(r.Policy) != r.Policy {
		return "", errors.New("--always: the jail's policy has no name; give its file with --policy-file")
	}
	for _, ext := range []string{".yaml", ".yml"} {
		path := filepath.Join(policyDir, r.Policy+ext)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return "", fmt.Errorf("--always: there is no policy %q in %s; give its file with --policy-file", escape.String(r.Policy), policyDir)
}
