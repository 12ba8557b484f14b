package main

import (
	"os"

	"clawjail/jail/egress/daemon"
)

func main() {
	os.Exit(daemon.Main())
}
