package main

import (
	"os"

	"clawjail/jail/stage"
)

func main() { os.Exit(stage.Main()) }
