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
func newVerbCommand(e *env, use, short string, fn func(client.Client, context.Context, string) (api.Jail, error)) *cobra.Command {
	return &cobra.Command{
		Use:   use + " JAIL...",
		Short: short,
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
	return newVerbCommand(e, "freeze", "Stop every process of a jail where it stands", func(cl client.Client, ctx context.Context, id string) (api.Jail, error) {
		return cl.Freeze(ctx, id)
	})
}

func newThawCommand(e *env) *cobra.Command {
	return newVerbCommand(e, "thaw", "Let a frozen jail go on", func(cl client.Client, ctx context.Context, id string) (api.Jail, error) {
		return cl.Thaw(ctx, id)
	})
}

func newKillCommand(e *env) *cobra.Command {
	return newVerbCommand(e, "kill", "End a jail and everything in it", func(cl client.Client, ctx context.Context, id string) (api.Jail, error) {
		return cl.Kill(ctx, id)
	})
}

func newExecCommand(e *env) *cobra.Command {
	var vars []string
	c := &cobra.Command{
		Use:   "exec [flags] JAIL -- COMMAND [ARG ...]",
		Short: "Run another command in a jail, behind the same filter and rules",
		Args:  cobra.MinimumNArgs(2),
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
