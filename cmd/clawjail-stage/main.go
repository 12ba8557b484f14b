// It runs for milliseconds, on one processor: what the Go runtime finds out about
// processor limits in cgroups at its start, half a millisecond, is of no use.
//
//go:debug containermaxprocs=0
//go:debug updatemaxprocs=0

package main

import (
	"os"

	"clawjail/jail/stage"
)

func main() { os.Exit(stage.Main()) }
