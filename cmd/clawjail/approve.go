package main

import "github.com/spf13/cobra"

func newApproveCommand(e *env) *cobra.Command {
	return &cobra.Command{Use: "approve ID", Short: "Let a held action happen", Args: cobra.ExactArgs(1)}
}

func newDenyCommand(e *env) *cobra.Command {
	return &cobra.Command{Use: "deny ID", Short: "Refuse a held action", Args: cobra.ExactArgs(1)}
}
