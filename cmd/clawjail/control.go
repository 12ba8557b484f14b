package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"clawjail/supervisor/api"
	"clawjail/supervisor/client"
)

func isNotRunning(err error) bool { return errors.Is(err, client.ErrNotRunning) }

// notRunningHint says what "no supervisor" means for somebody who named a jail.
func notRunningHint(err error, jail string) error {
	if isNotRunning(err) {
		return fmt.Errorf("no jail %q: %w", jail, err)
	}
	return err
}

// newVerbCommand makes a command that changes the state of jails.
func newVerbCommand(e *env, use, short, long string, fn func(client.Client, context.Context, string) (api.Jail, error)) *cobra.Command {
	return &cobra.Command{
		Use:   use + " JAIL...",
		Short: short,
		Long:  long,
		Args:  cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			var errs []error
			for _, name := range args {
				jail, err := fn(client.Client{Socket: e.socket}, c.Context(), name)
				if err != nil {
					errs = append(errs, notRunningHint(err, name))
					continue
				}
				fmt.Fprintf(e.stdout, "%s %s\n", jail.Name, jail.State)
			}
			return errors.Join(errs...)
		},
	}
}

func newFreezeCommand(e *env) *cobra.Command {
	c := newVerbCommand(e, "freeze", "Stop every process of a jail where it stands",
		`freeze stops every process of the jails at once. Nothing in them runs, ends or
notices until thaw; connections stay open until their other ends give up. JAIL
is a name or an id, as ps shows them.

When the supervisor does not answer, --direct acts on the jails' cgroups itself,
as root. The supervisor records that as soon as it is back. There is no direct
thaw: what goes on must be recorded.`, func(cl client.Client, ctx context.Context, id string) (api.Jail, error) {
			return cl.Freeze(ctx, id)
		})
	c.Example = `  sudo clawjail freeze claude
  sudo clawjail freeze --direct --all --reason "the supervisor hangs"`
	var onCgroup, all bool
	var reason string
	c.Flags().BoolVar(&onCgroup, "direct", false, "on the cgroup itself, without the supervisor")
	c.Flags().BoolVarP(&all, "all", "a", false, "every jail of this host")
	c.Flags().StringVar(&reason, "reason", "", "why, for the record (with --direct)")
	some := c.RunE
	named := c.Args
	c.Args = func(c *cobra.Command, args []string) error {
		switch {
		case all && len(args) > 0:
			return errors.New("--all is every jail: name none")
		case all:
			return nil
		}
		return named(c, args)
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		if onCgroup {
			return freezeDirect(c.Context(), e, args, all, reason)
		}
		if all {
			jails, err := client.Client{Socket: e.socket}.Jails(c.Context(), false)
			if err != nil {
				return err
			}
			for _, j := range jails {
				args = append(args, j.ID)
			}
		}
		return some(c, args)
	}
	return c
}

func newThawCommand(e *env) *cobra.Command {
	return newVerbCommand(e, "thaw", "Let a frozen jail go on",
		`thaw lets frozen jails go on where they stood. It is refused while the audit log
cannot be written and the configuration says that jails stand still then.`, func(cl client.Client, ctx context.Context, id string) (api.Jail, error) {
			return cl.Thaw(ctx, id)
		})
}

func newKillCommand(e *env) *cobra.Command {
	return newVerbCommand(e, "kill", "End a jail and everything in it",
		`kill ends every process of the jails with SIGKILL, frozen ones too, and returns
when nothing of them is left. Its clawjail run exits with 137.`, func(cl client.Client, ctx context.Context, id string) (api.Jail, error) {
			return cl.Kill(ctx, id)
		})
}

func newExecCommand(e *env) *cobra.Command {
	var vars []string
	c := &cobra.Command{
		Use:   "exec [flags] JAIL -- COMMAND [ARG ...]",
		Short: "Run another command in a jail, behind the same filter and rules",
		Long: `exec runs COMMAND in a running jail, as its user, behind the same filter, rules,
limits and network, and exits with its code, like run.

It is confined for itself: of the kernel's Landlock rules it has the same and not
the one set that the agent's processes share. So it sees the jail's files,
processes and network, but cannot signal or trace the processes of the agent, nor
they it. To end the agent use clawjail kill, to stop it clawjail freeze.`,
		Example: `  sudo clawjail exec NAME -- bash
  sudo clawjail exec NAME -- cat /etc/resolv.conf`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			command := args[1:]
			if command[0] == "--" {
				command = command[1:]
			}
			if len(command) == 0 {
				return errors.New("no command to run\n  clawjail exec JAIL -- COMMAND [ARG ...]")
			}
			for _, kv := range vars {
				if key, _, has := strings.Cut(kv, "="); !has || key == "" {
					return fmt.Errorf("--env %q: give KEY=VALUE", kv)
				}
			}
			req := api.ExecRequest{Argv: bytesOf(command), SetEnv: bytesOf(vars)}
			exit, err := client.Client{Socket: e.socket}.ForegroundExec(c.Context(), args[0], req,
				client.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})
			if err != nil {
				return notRunningHint(err, args[0])
			}
			if exit.Code != 0 {
				return &exitError{code: exit.Code}
			}
			return nil
		},
	}
	c.Flags().SetInterspersed(false)
	c.Flags().StringArrayVarP(&vars, "env", "e", nil, "set a variable: KEY=VALUE")
	return c
}

func bytesOf(list []string) [][]byte {
	out := make([][]byte, len(list))
	for i, s := range list {
		out[i] = []byte(s)
	}
	return out
}

func newVersionCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Show the version of clawjail, and of the supervisor if one runs",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			fmt.Fprintf(e.stdout, "clawjail   %s\n", version)
			ping, err := client.Client{Socket: e.socket}.Ping(c.Context())
			if err != nil {
				return nil // none runs, or none for us: nothing to compare with
			}
			fmt.Fprintf(e.stdout, "supervisor %s, pid %d, tier %s\n", ping.Version, ping.PID, ping.Tier)
			return nil
		},
	}
}
