package main

import (
	"os"

	"clawjail/jail/shim/keeper"
)

func main() { os.Exit(keeper.Main()) }
