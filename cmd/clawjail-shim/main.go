// Command clawjail-shim builds one jail, is its parent and keeps what must
// outlive the supervisor. It is started by the supervisor, never by hand.
package main

import (
	"os"

	"clawjail/jail/shim/keeper"
)

func main() { os.Exit(keeper.Main()) }
