package main

import (
	"os"

	"github.com/spf13/cobra"

	"clawjail/supervisor/client"
	"clawjail/supervisor/console"
)

func newConsoleCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "console",
		Short: "Approve and deny on a full screen, as it comes",
		Long: `Shows everything that is held, live, with all of what is known about it, and
takes decisions by keys; ? lists them. Every approval is confirmed with a second
key, and holds for exactly what was on the screen.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cl := client.Client{Socket: e.socket}
			return console.Run(c.Context(), console.Options{Client: cl, In: os.Stdin, Out: os.Stdout,
				Color: os.Getenv("NO_COLOR") == "", Always: alwaysFrom(cl)})
		},
	}
}
