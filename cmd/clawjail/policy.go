package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"clawjail/jail"
	"clawjail/policy"
	"clawjail/policy/compiled"
	"clawjail/policy/source"
	"clawjail/supervisor/api"
	"clawjail/supervisor/client/launch"
	"clawjail/supervisor/plan"
)

func newPolicyCommand(e *env) *cobra.Command {
	c := &cobra.Command{
		Use:   "policy",
		Short: "Check, explain, test and compare policies",
		Long: `policy works on policy files without a supervisor and without root.

POLICY is a file, or the name of a preset (agent, locked, shell, skill) or of an
example (claude-code, codex, openclaw). A name with a slash or a dot is a file.`,
	}
	c.AddCommand(newPolicyCheckCommand(e), newPolicyExplainCommand(e), newPolicyTestCommand(e), newPolicyDiffCommand(e))
	return c
}

// sampleVars are the circumstances that policies are checked, tested and
// compared under: the same everywhere, so that the outcome is.
func sampleVars() source.Vars {
	return source.Vars{Workspace: "/home/user/project", Home: "/home/user", User: "user", TmpDir: "/tmp"}
}

// loadPolicy reads a policy by file or name and says what is wrong with it.
func loadPolicy(e *env, name string) (*policy.Policy, error) {
	p, err := source.Open(name, sampleVars(), source.Features{Gate: true})
	return p, policyProblems(e, err)
}

// policyProblems prints each problem of a policy on a line of its own and
// leaves the exit code to say.
func policyProblems(e *env, err error) error {
	var problems source.Problems
	if !errors.As(err, &problems) {
		return err
	}
	for _, p := range problems {
		fmt.Fprintf(e.stderr, "clawjail: policy %s\n", p)
	}
	return &exitError{code: 1}
}

// checkOutput refuses what -o does not know.
func checkOutput(output string) error {
	if output != "" && output != "json" {
		return fmt.Errorf("unknown output %q; the only one is json", output)
	}
	return nil
}

// checked is what `policy check -o json` prints for each policy.
type checked struct {
	Policy   string           `json:"policy"`
	OK       bool             `json:"ok"`
	Name     string           `json:"name,omitempty"`
	Digest   string           `json:"digest,omitempty"`
	Problems []source.Problem `json:"problems,omitempty"`
}

func newPolicyCheckCommand(e *env) *cobra.Command {
	var output string
	c := &cobra.Command{
		Use:   "check POLICY [POLICY ...]",
		Short: "Report every problem of policies",
		Long: `check reports every problem of each policy, with file, line and column, and
exits with 1 if there is one.`,
		Example: "  clawjail policy check /etc/clawjail/policies/*.yaml",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			results := make([]checked, 0, len(args))
			bad := false
			for _, name := range args {
				r, err := checkPolicy(name)
				if err != nil {
					return err
				}
				results, bad = append(results, r), bad || !r.OK
			}
			if output == "json" {
				if err := json.NewEncoder(e.stdout).Encode(results); err != nil {
					return err
				}
			} else {
				printChecked(e, results)
			}
			if bad {
				return &exitError{code: 1}
			}
			return nil
		},
	}
	c.Flags().StringVarP(&output, "output", "o", "", "\"json\": one object for each policy")
	return c
}

func checkPolicy(name string) (checked, error) {
	p, err := source.Open(name, sampleVars(), source.Features{Gate: true})
	var problems source.Problems
	if errors.As(err, &problems) {
		return checked{Policy: name, Problems: problems}, nil
	}
	if err != nil {
		return checked{}, err
	}
	b, err := compiled.Encode(p)
	if err != nil {
		return checked{}, err
	}
	return checked{Policy: name, OK: true, Name: p.Name, Digest: compiled.Digest(b)}, nil
}

func printChecked(e *env, results []checked) {
	for _, r := range results {
		if r.OK {
			fmt.Fprintf(e.stdout, "%s: ok, policy %s %s\n", r.Policy, r.Name, r.Digest)
		}
		for _, p := range r.Problems {
			fmt.Fprintf(e.stderr, "clawjail: policy %s\n", p)
		}
	}
}

func newPolicyExplainCommand(e *env) *cobra.Command {
	var o launch.Options
	var output string
	c := &cobra.Command{
		Use:   "explain [POLICY] [-- COMMAND [ARG ...]]",
		Short: "Print what a policy becomes on this host",
		Long: `explain prints the plan that run would carry out here: mounts, Landlock rules,
limits, environment, what egress and the probes let through, programs, and the
text of the system call filter. Without POLICY it is the one that run would
choose for COMMAND.`,
		Example: `  clawjail policy explain agent
  clawjail policy explain openclaw.yaml --workspace ~/project -- openclaw`,
		Args: func(c *cobra.Command, args []string) error {
			if n := policyArgs(c, args); n > 1 {
				return fmt.Errorf("%d policies; explain takes one, and a command behind --", n)
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			n := policyArgs(c, args)
			if n == 1 {
				o.Policy = args[0]
			}
			if o.Argv = args[n:]; len(o.Argv) == 0 {
				o.Argv = []string{"sh"}
			}
			return explain(e, o, output)
		},
	}
	c.Flags().StringVarP(&o.Workspace, "workspace", "w", "", "directory that the agent works in (default: the current one)")
	c.Flags().StringVarP(&o.User, "user", "u", "", "user to run as: a name or a number")
	c.Flags().StringVarP(&output, "output", "o", "", "\"json\": the compiled policy and the plan")
	return c
}

// policyArgs counts the arguments in front of "--".
func policyArgs(c *cobra.Command, args []string) int {
	if n := c.ArgsLenAtDash(); n >= 0 {
		return n
	}
	return len(args)
}

func explain(e *env, o launch.Options, output string) error {
	req, err := launch.Prepare(o)
	if err != nil {
		return policyProblems(e, err)
	}
	pol, err := compiled.Decode(req.Policy)
	if err != nil {
		return err
	}
	p, err := plan.Lower(pol, explainedRun(req))
	if err != nil {
		return err
	}
	if output == "json" {
		out := struct {
			Policy json.RawMessage `json:"policy"`
			Digest string          `json:"digest"`
			Plan   plan.Plan       `json:"plan"`
		}{req.Policy, compiled.Digest(req.Policy), p}
		return json.NewEncoder(e.stdout).Encode(out)
	}
	_, err = fmt.Fprintf(e.stdout, "policy\n  %s %s\n%s", pol.Name, compiled.Digest(req.Policy), p.Text())
	return err
}

// explainedRun is the run that the supervisor would make of a request, as far
// as it can be known without one.
func explainedRun(req api.RunRequest) plan.Run {
	const name = "explained"
	return plan.Run{
		ID: name, Name: name, Argv: texts(req.Argv), Env: texts(req.Env), Workspace: req.Workspace,
		User:        jail.User{UID: req.UID, GID: req.GID, Name: req.User, Home: req.Home, Idmap: req.Idmap},
		Stat:        plan.Host,
		Gate:        true,
		LandlockABI: plan.HostLandlockABI(), UserNS: plan.HostUserNS(), Tier: "shown by clawjail doctor",
		StageBinary: "/clawjail-stage", StateDir: "/run/clawjail/jails/" + name, CgroupParent: "clawjail",
	}
}

func texts(list [][]byte) []string {
	out := make([]string, len(list))
	for i, b := range list {
		out[i] = string(b)
	}
	return out
}

func newPolicyTestCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "test POLICY [EXPECTATIONS]",
		Short: "Check a policy against the expectations beside it",
		Long: `test judges each line of EXPECTATIONS, by default the file beside POLICY that
ends in .expect, and exits with 1 if one is not met:

  given exec git push origin main, expect deny
  given write ${WORKSPACE}/.git/hooks/pre-commit, expect deny
  given delete ${WORKSPACE}/notes.md, expect allow
  given connect api.openai.com:443, expect allow
  given connect api.openai.com:443 at 10.0.0.1, expect deny

The operations are exec, read, write, rename, delete and connect; a program
without a slash is one of /usr/bin.`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(_ *cobra.Command, args []string) error {
			p, err := loadPolicy(e, args[0])
			if err != nil {
				return err
			}
			file := ""
			if len(args) == 2 {
				file = args[1]
			}
			all, where, err := source.OpenExpectations(args[0], file, sampleVars())
			if err != nil {
				return policyProblems(e, err)
			}
			failed := source.Check(p, all)
			for _, f := range failed {
				fmt.Fprintf(e.stderr, "clawjail: policy %s:%d: given %s: expected %s, got %s by %s\n",
					where, f.Line, f.Text, f.Want, f.Got.Verdict, f.Got.Rule)
			}
			fmt.Fprintf(e.stdout, "%s: %d of %d expectations met\n", args[0], len(all)-len(failed), len(all))
			if len(failed) > 0 {
				return &exitError{code: 1}
			}
			return nil
		},
	}
}

func newPolicyDiffCommand(e *env) *cobra.Command {
	var output string
	c := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Show how two policies differ in meaning",
		Long: `diff compares what two policies mean, bases included: comments, order of keys
and line numbers make no difference. It exits with 1 if they differ.`,
		Args: cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			var both [2]*policy.Policy
			for i, name := range args {
				p, err := loadPolicy(e, name)
				if err != nil {
					return err
				}
				both[i] = p
			}
			changes := policy.Diff(both[0], both[1])
			if err := printDiff(e, changes, output); err != nil {
				return err
			}
			if len(changes) > 0 {
				return &exitError{code: 1}
			}
			return nil
		},
	}
	c.Flags().StringVarP(&output, "output", "o", "", "\"json\": a list of changes")
	return c
}

func printDiff(e *env, changes []policy.Change, output string) error {
	if output == "json" {
		if changes == nil {
			changes = []policy.Change{}
		}
		return json.NewEncoder(e.stdout).Encode(changes)
	}
	var b strings.Builder
	for _, c := range changes {
		sign := "-"
		if c.Added {
			sign = "+"
		}
		fmt.Fprintf(&b, "%s %s\n", sign, c.Line)
	}
	_, err := fmt.Fprint(e.stdout, b.String())
	return err
}
