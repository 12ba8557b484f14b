package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"clawjail/bpf"
	"clawjail/supervisor/config"
	"clawjail/supervisor/doctor"
	"clawjail/supervisor/doctor/host"
)

// runDoctor is `clawjaild doctor`: it tries what this host can do and prints
// the report. The result is the exit status, 1 when a jail could not start.
func runDoctor(args []string, stdout io.Writer) int {
	flags := flag.NewFlagSet("clawjaild doctor", flag.ContinueOnError)
	output := flags.String("o", "", "\"json\": the report for programs")
	path := flags.String("config", "", "configuration file (default: "+config.DefaultPath+" if it exists)")
	try := flags.String("try", "", "used by doctor itself: one try, in this process")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if *try != "" {
		return host.Try(*try, doctorSelf, os.Stdin, stdout, os.Stderr)
	}
	c, err := loadConfig(*path)
	if err == nil && *output != "" && *output != "json" {
		err = fmt.Errorf("unknown output %q; the only one is json", *output)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "clawjaild:", err)
		return 2
	}
	report, err := examine(c)
	if err != nil {
		fmt.Fprintln(os.Stderr, "clawjaild:", err)
		return 2
	}
	if *output == "json" {
		err = json.NewEncoder(stdout).Encode(report)
	} else {
		err = doctor.Table(stdout, report, false)
	}
	if err != nil || !report.OK {
		return 1
	}
	return 0
}

func examine(c config.Config) (doctor.Report, error) {
	self, err := os.Executable()
	if err != nil {
		return doctor.Report{}, err
	}
	prober := host.New(host.Options{Binaries: filepath.Dir(self), StateDir: c.StateDir, BPF: probeBPF, Self: doctorSelf})
	return doctor.Run(prober, doctor.Settings{Version: version, RunDir: c.RunDir, StateDir: c.StateDir}), nil
}

// doctorSelf is this program with one try to do. The magic link works for a
// user who cannot reach the program's directory.
func doctorSelf(try string) []string { return []string{"/proc/self/exe", "doctor", "-try", try} }

// probeBPF hands the findings of package bpf to the doctor, which does not
// link it.
func probeBPF() (doctor.BPF, error) {
	found, err := bpf.Probe()
	if err != nil {
		return doctor.BPF{}, err
	}
	out := doctor.BPF{Tier: found.Tier()}
	for _, f := range found.List {
		out.Features = append(out.Features, doctor.Feature{Name: f.Name, Required: f.Required, Err: plain(f.Err), Hint: f.Hint})
	}
	return out, nil
}

// plain takes away what the BPF library adds to every refusal for kernels
// before 5.11: package bpf has lifted that limit already.
func plain(err error) error {
	if err == nil {
		return nil
	}
	text, _, found := strings.Cut(err.Error(), " (MEMLOCK may be too low")
	if !found {
		return err
	}
	return errors.New(text)
}
