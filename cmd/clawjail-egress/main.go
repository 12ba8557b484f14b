// Command clawjail-egress answers DNS and relays TCP for all jails, as its own
// user, without capabilities, under its own filter. Only the supervisor starts
// it.
package main

import (
	"os"

	"clawjail/jail/egress/daemon"
)

func main() {
	os.Exit(daemon.Main())
}
