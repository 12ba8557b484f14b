package main

import "github.com/spf13/cobra"

func newPendingCommand(e *env) *cobra.Command {
	return &cobra.Command{Use: "pending [ID]", Short: "Show what waits for a human", Args: cobra.MaximumNArgs(1)}
}
