// Command clawjail-stage runs inside a jail, before the agent: it gives up what
// is left to give up and executes the agent.
package main

import (
	"os"

	"clawjail/jail/stage"
)

func main() { os.Exit(stage.Main()) }
