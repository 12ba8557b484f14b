package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
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
	if *output != "" && *output != "json" {
		fmt.Fprintf(os.Stderr, "clawjaild: unknown output %q; the only one is json\n", *output)
		return 2
	}
	c, bad := config.Default(), error(nil)
	if tooOld() == "" {
		if c, bad = loadConfig(*path); bad != nil {
			c = config.Default() // the rest is tried all the same
		}
	}
	report, err := examine(c)
	if err != nil {
		fmt.Fprintln(os.Stderr, "clawjaild:", err)
		return 2
	}
	if tooOld() == "" {
		check := configCheck(*path, bad)
		report.Checks = append(report.Checks, check)
		report.OK = report.OK && check.Status == doctor.OK
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

// configCheck says whether a supervisor would start with the configuration.
func configCheck(path string, err error) doctor.Check {
	c := doctor.Check{ID: "config", Name: "configuration", Status: doctor.OK, Detail: cmp.Or(path, config.DefaultPath)}
	if err == nil {
		if _, err := os.Stat(c.Detail); errors.Is(err, fs.ErrNotExist) {
			c.Detail = "no " + c.Detail + ": the defaults are in force"
		}
		return c
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) > 1 && strings.HasSuffix(lines[0], ":") {
		lines = lines[1:]
	}
	c.Status, c.Detail = doctor.Fail, lines[0]
	c.Fix = strings.TrimSpace("`clawjail config check "+path) + "` lists what to mend"
	return c
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
