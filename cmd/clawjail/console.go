package main

import "github.com/spf13/cobra"

func newConsoleCommand(e *env) *cobra.Command {
	return &cobra.Command{Use: "console", Short: "Approve and deny on a full screen", Args: cobra.NoArgs}
}
