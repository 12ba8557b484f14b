package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"clawjail/supervisor/api"
	"clawjail/supervisor/client"
	"clawjail/supervisor/config"
)

// version is set by the linker.
var version = "dev"

// exitError ends the program with a code of its own and, if err is nil,
// without a word.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit status %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

func main() {
	e := &env{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, socket: client.DefaultSocket, config: config.DefaultPath}
	args := os.Args[1:]
	if sh, ok := asShell(os.Args); ok {
		args = sh
	}
	os.Exit(execute(e, args))
}

// execute runs one command line and gives its exit code.
func execute(e *env, args []string) int {
	// Signals are not caught here: `run` and `exec` pass them on, everything
	// else may simply end.
	ctx := context.Background()
	root := newRootCommand(e)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	return report(e, seeHelp(err))
}

// report prints what went wrong, once, and gives the exit code: 125 when
// clawjail itself could not do what was asked, like its peers.
func report(e *env, err error) int {
	if err == nil {
		return 0
	}
	code := 125
	var exit *exitError
	var apiErr *api.Error
	switch {
	case errors.As(err, &exit):
		code = exit.code
		if exit.err == nil {
			return code
		}
	case errors.As(err, &apiErr) && apiErr.ExitCode != 0:
		code = apiErr.ExitCode
	}
	fmt.Fprintf(e.stderr, "clawjail: %v\n", err)
	return code
}

func newRootCommand(e *env) *cobra.Command {
	root := &cobra.Command{
		Use:   "clawjail",
		Short: "Run AI agents and their skills in jails that hold",
		Long: `clawjail runs AI agents and the skills they load in jails: the kernel enforces
what the policy allows, probes watch what happens, and everything is recorded.

  sudo clawjail run -- agent          start an agent in a jail
  sudo clawjail ps                    what runs
  sudo clawjail freeze NAME           stop everything in a jail, now
  clawjail policy explain             what a policy means on this host
  sudo clawjail doctor                what this host lacks`,
		Version:           version,
		SilenceErrors:     true,
		SilenceUsage:      true,
		DisableAutoGenTag: true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.SetOut(e.stdout)
	root.SetErr(e.stderr)
	root.SetIn(e.stdin)
	root.PersistentFlags().StringVar(&e.socket, "socket", e.socket, "control socket of the supervisor")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return fmt.Errorf("%w\n  see: %s --help", err, c.CommandPath())
	})
	root.AddCommand(
		newRunCommand(e), newShCommand(e), newPsCommand(e), newInspectCommand(e), newLogsCommand(e), newExecCommand(e),
		newFreezeCommand(e), newThawCommand(e), newKillCommand(e), newVersionCommand(e),
		newPendingCommand(e), newApproveCommand(e), newDenyCommand(e), newNoticesCommand(e), newConsoleCommand(e), newLimitsCommand(e), newOnDutyCommand(e),
		newPolicyCommand(e), newSkillCommand(e), newConfigCommand(e), newUserCommand(e), newAuditCommand(e), newIncidentCommand(e), newNotifyCommand(e), newBackupCommand(e), newRestoreCommand(e), newDoctorCommand(e), newChecklistCommand(e), newAccessCommand(e), newCompletionCommand(e), newManCommand(e),
	)
	help(root)
	return root
}
