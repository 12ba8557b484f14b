package main

import (
	"errors"

	"github.com/spf13/cobra"

	"clawjail/supervisor/api"
	"clawjail/supervisor/client"
)

// answerAlways approves and writes a rule into the policy file.
func answerAlways(c *cobra.Command, e *env, cl client.Client, a client.Approval, req api.DecideRequest, file string) error {
	return errors.New("--always: no writer yet")
}
