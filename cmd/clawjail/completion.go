package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// newCompletionCommand prints a completion script. It stands in for cobra's own
// so that the help text is ours and the scripts go where the command's output
// goes.
func newCompletionCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "completion {bash|zsh|fish}",
		Short: "Print a shell completion script",
		Long: `completion prints a script that completes clawjail's commands and flags.

make install puts the scripts where the shells look for them. By hand:

  bash   clawjail completion bash > /etc/bash_completion.d/clawjail
  zsh    clawjail completion zsh > "${fpath[1]}/_clawjail"
  fish   clawjail completion fish > ~/.config/fish/completions/clawjail.fish`,
		Args:                  cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs:             []string{"bash", "zsh", "fish"},
		DisableFlagsInUseLine: true,
		RunE: func(c *cobra.Command, args []string) error {
			root := c.Root()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(e.stdout, true)
			case "zsh":
				return root.GenZshCompletion(e.stdout)
			case "fish":
				return root.GenFishCompletion(e.stdout, true)
			}
			return fmt.Errorf("no completion for shell %q: bash, zsh or fish", args[0])
		},
	}
}
