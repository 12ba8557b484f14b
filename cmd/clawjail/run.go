package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"clawjail/supervisor/api"
	"clawjail/supervisor/approval/show"
	"clawjail/supervisor/client"
	"clawjail/supervisor/client/launch"
)

// runFlags are the flags of `clawjail run`.
type runFlags struct {
	launch  launch.Options
	detach  bool
	remove  bool
	summary bool
	output  string
	ask     string
	timeout time.Duration
}

func newRunCommand(e *env) *cobra.Command {
	var f runFlags
	c := &cobra.Command{
		Use:   "run [flags] -- COMMAND [ARG ...]",
		Short: "Run a command in a new jail",
		Long: `run starts COMMAND in a new jail and exits with its code: 125 when clawjail
could not start it, 126 when the command may not be executed, 127 when there is
no such command in the jail, 128+n when signal n ended it.

The policy is --policy, else /etc/clawjail/policies/COMMAND.yaml, else the
preset "agent". A policy inside the workspace is used only when named.

The agent runs as the user who called sudo, or as --user, never as root.`,
		Example: `  sudo clawjail run -- bash
  sudo clawjail run --policy claude-code --workspace ~/project -- claude
  sudo clawjail run --ask here -- claude
  sudo clawjail run --detach --name nightly -- ./agent.sh`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("no command to run\n  clawjail run [flags] -- COMMAND [ARG ...]")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error { return run(c, e, f, args) },
	}
	flags := c.Flags()
	flags.SetInterspersed(false) // what follows the command belongs to it
	flags.StringVarP(&f.launch.Policy, "policy", "p", "", "policy file, or one that comes along: agent, locked, shell, skill, claude-code, codex, openclaw")
	flags.StringVarP(&f.launch.Workspace, "workspace", "w", "", "directory that the agent works in (default: the current one)")
	flags.StringVarP(&f.launch.Name, "name", "n", "", "name of the jail")
	flags.StringArrayVarP(&f.launch.Env, "env", "e", nil, "set a variable: KEY=VALUE, or KEY to pass the caller's")
	flags.StringVarP(&f.launch.User, "user", "u", "", "user to run as: a name or a number")
	flags.BoolVarP(&f.detach, "detach", "d", false, "run in the background; its output is kept for clawjail logs")
	flags.BoolVar(&f.remove, "rm", false, "forget the jail when it has ended")
	flags.BoolVar(&f.summary, "summary", false, "say on stderr what was done and refused, at the end")
	flags.DurationVar(&f.timeout, "timeout", 0, "end the jail after this time (shortens the policy's wall limit)")
	flags.StringVar(&f.ask, "ask", "", "\"here\": ask on this terminal about what waits for an approval")
	flags.StringVarP(&f.output, "output", "o", "", "\"json\": print the jail's record at the end (with --detach: at the start)")
	return c
}

func run(c *cobra.Command, e *env, f runFlags, args []string) error {
	if err := checkOutput(f.output); err != nil {
		return err
	}
	if err := f.checkAsk(); err != nil {
		return err
	}
	f.launch.Argv = args
	cl := client.Client{Socket: e.socket}
	ensure := cl.Approach(c.Context()) // beside the reading of the policy
	req, err := launch.Prepare(f.launch)
	if err != nil {
		return err
	}
	req.Detach, req.Remove, req.Timeout = f.detach, f.remove, f.timeout
	survives, err := ensure(c.Context())
	if err != nil {
		return err
	}
	if f.detach {
		return runDetached(c, e, f, cl, req)
	}
	streams := client.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Survives: survives}
	if f.ask != "" {
		streams.Ask = &askHere{client: cl, style: show.Style{Color: os.Getenv("NO_COLOR") == ""}}
	}
	jail, err := cl.Foreground(c.Context(), req, streams)
	if err != nil {
		return err
	}
	if f.output == "json" {
		if err := json.NewEncoder(e.stdout).Encode(jail); err != nil {
			return err
		}
	}
	if f.summary {
		summarise(e.stderr, jail)
	}
	tellAtEnd(e.stderr, noticesOf(c.Context(), cl, jail.ID), f.summary)
	return exitOf(e, jail)
}

// exitOf turns a jail's end into clawjail's own.
func exitOf(e *env, jail api.Jail) error {
	if jail.Exit == nil {
		return errors.New("the jail ended without saying how")
	}
	if jail.Exit.Reason != "" {
		fmt.Fprintf(e.stderr, "clawjail: %s: %s\n", jail.Name, jail.Exit.Reason)
	}
	if jail.Exit.Code != 0 {
		return &exitError{code: jail.Exit.Code}
	}
	return nil
}

func runDetached(c *cobra.Command, e *env, f runFlags, cl client.Client, req api.RunRequest) error {
	jail, _, err := cl.Run(c.Context(), req)
	if err != nil {
		return err
	}
	if f.output == "json" {
		return json.NewEncoder(e.stdout).Encode(jail)
	}
	fmt.Fprintln(e.stdout, jail.Name)
	return nil
}
