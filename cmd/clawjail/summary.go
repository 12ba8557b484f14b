package main

import (
	"fmt"
	"io"
	"time"

	"clawjail/supervisor/api"
)

// summarise says in a few lines what a jail did and what became of it.
func summarise(w io.Writer, j api.Jail) {
	took := time.Duration(0)
	if j.Started != nil && j.Ended != nil {
		took = j.Ended.Sub(*j.Started).Round(10 * time.Millisecond)
	}
	code := 0
	if j.Exit != nil {
		code = j.Exit.Code
	}
	fmt.Fprintf(w, "clawjail: %s ended with code %d after %s (policy %s, tier %s)\n", j.Name, code, took, j.Policy, j.Tier)
	fmt.Fprintf(w, "  done:    %d programs, %d opens for writing, %d deletions, %d connections\n",
		j.Counts.Execs, j.Counts.Writes, j.Counts.Deletes, j.Counts.Connections)
	fmt.Fprintf(w, "  refused: %d\n", j.Counts.Refused)
	if j.Counts.Lost > 0 {
		fmt.Fprintf(w, "  lost:    %d events that the record does not have\n", j.Counts.Lost)
	}
	fmt.Fprintf(w, "  record:  clawjail audit query --jail %s\n", j.ID)
}
