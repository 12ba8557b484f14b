package main

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"runtime"

	"golang.org/x/sys/unix"

	"clawjail/test/e2e/smallnet"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "worker" {
		os.Exit(workerMain(os.Args[2:]))
	}
	os.Exit(smallnet.Run(inside))
}

func inside(smallnet.World) int {
	flags := flag.NewFlagSet("bench", flag.ExitOnError)
	bin := flags.String("bin", "bin", "directory of the built binaries")
	only := flags.String("run", ".", "sections to run, a regular expression: cold assert start exec open build outside gated-(exec|open|write|connect|build) approval actions egress freeze memory crowd leaks")
	quick := flags.Bool("quick", false, "a tenth of the rounds")
	strict := flags.Bool("strict", false, "a missed target is a failure")
	if err := flags.Parse(os.Args[1:]); err != nil {
		return 2
	}
	pattern, err := regexp.Compile(*only)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 2
	}
	l, err := newLab(*bin)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
	l.quick = *quick
	var u unix.Utsname
	_ = unix.Uname(&u)
	fmt.Printf("kernel %s, %d processors\n", unix.ByteSliceToString(u.Release[:]), runtime.NumCPU())
	for _, s := range sections() {
		// What is measured must be protected, whatever was asked for.
		if s.name != "assert" && !pattern.MatchString(s.name) {
			continue
		}
		if err := s.run(l); err != nil {
			fmt.Fprintf(os.Stderr, "bench: %s: %v\n", s.name, err)
			return 1
		}
	}
	fmt.Printf("\n%d targets missed\n", l.verdicts.missed)
	if *strict && l.verdicts.missed > 0 {
		return 1
	}
	return 0
}
