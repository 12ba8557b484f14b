package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"clawjail/test/vm/job"
)

// options are the command line.
type options struct {
	suite   string
	kernel  string // a directory made by kernel.sh; empty: ask it
	accel   string
	memory  string
	timeout time.Duration
	perTest time.Duration
	skip    string
	lsm     bool   // leave "bpf" in the kernel's list of security modules
	label   string // goes before the packages in the results
	matrix  bool   // every boot of the matrix
	boots   string // or these
	command bool   // run the arguments as one command instead of tests
}

func main() {
	var o options
	flag.StringVar(&o.suite, "suite", "bookworm", "Debian suite whose kernel is booted")
	flag.StringVar(&o.kernel, "kernel", "", "directory with boot/vmlinuz-* and lib/modules (default: from kernel.sh)")
	flag.StringVar(&o.accel, "accel", "tcg", "qemu accelerator")
	flag.StringVar(&o.memory, "m", "2G", "memory of the guest")
	flag.DurationVar(&o.timeout, "timeout", 2*time.Hour, "for the whole boot")
	flag.DurationVar(&o.perTest, "job-timeout", 30*time.Minute, "for one test binary or command")
	flag.StringVar(&o.skip, "skip", "", "leave out tests whose name matches this expression")
	flag.BoolVar(&o.lsm, "lsm", true, "BPF programs may attach to LSM hooks; false: the notify tier")
	flag.BoolVar(&o.matrix, "matrix", false, "boot every kernel of the matrix, in both tiers")
	flag.StringVar(&o.boots, "boots", "", "with -matrix: only these boots, by their labels (trixie-lsm,sid-notify)")
	flag.BoolVar(&o.command, "command", false, "run the arguments as one command in the guest, print its output")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	start := run
	if o.matrix {
		start = func(ctx context.Context, o options, _ []string) error { return runMatrix(ctx, o) }
	}
	if err := start(ctx, o, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "vm:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, args []string) error {
	work, err := filepath.Abs("build/vm")
	if err != nil {
		return err
	}
	if o.kernel == "" {
		if o.kernel, err = kernelDir(o.suite); err != nil {
			return err
		}
	}
	sharedDir := filepath.Join(work, "shared")
	if err := os.RemoveAll(sharedDir); err != nil {
		return err
	}
	if err := os.MkdirAll(sharedDir, 0o755); err != nil {
		return err
	}
	var tests []testBinary
	var jobs []job.Job
	if o.command {
		jobs, err = commandJob(args, o.perTest)
	} else if tests, err = buildTests(work, o.skip, args); err == nil {
		jobs, err = testJobs(tests, o)
	}
	if err != nil {
		return err
	}
	if err := prebuild(sharedDir); err != nil {
		return err
	}
	m, err := prepare(o, work, sharedDir, jobs)
	if err != nil {
		return err
	}
	bootErr := m.boot(ctx, o.timeout)
	if o.command {
		out, err := os.ReadFile(filepath.Join(sharedDir, jobs[0].Name+job.OutSuffix))
		_, _ = os.Stdout.Write(out)
		return errors.Join(bootErr, err)
	}
	return errors.Join(bootErr, report(os.Stdout, sharedDir, o.label, tests))
}

func kernelDir(suite string) (string, error) {
	c := exec.Command("test/vm/kernel.sh", suite)
	c.Stderr = os.Stderr
	out, err := c.Output()
	if err != nil {
		return "", fmt.Errorf("get the kernel of %s: %w", suite, err)
	}
	return strings.TrimSpace(string(out)), nil
}

func commandJob(args []string, timeout time.Duration) ([]job.Job, error) {
	if len(args) == 0 {
		return nil, errors.New("-command needs a command")
	}
	dir, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	return []job.Job{{Name: "command", Argv: args, Dir: dir, Timeout: timeout}}, nil
}
