package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"clawjail/audit/escape"
	"clawjail/supervisor/doctor"
)

func newDoctorCommand(e *env) *cobra.Command {
	var output string
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Say what this host lacks, and what mends it",
		Long: `Tries every feature of the kernel that jails are made of, on this host, and
says which enforcement tier it gives. With a warning jails run; with a failure
they do not, and the exit code is 1.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			self, err := os.Executable()
			if err != nil {
				return err
			}
			return showDoctor(c.Context(), e, filepath.Join(filepath.Dir(self), "clawjaild"), output)
		},
	}
	c.Flags().StringVarP(&output, "output", "o", "", "\"json\": the report for programs")
	return c
}

// showDoctor has the supervisor's program look, since the probes link what the
// command line does not, and shows its report.
func showDoctor(ctx context.Context, e *env, daemon, output string) error {
	var out, errOut bytes.Buffer
	cmd := exec.CommandContext(ctx, daemon, "doctor", "-o", "json")
	cmd.Stdout, cmd.Stderr = &bounded{w: &out, left: doctor.MaxReportBytes}, &bounded{w: &errOut, left: 4096}
	runErr := cmd.Run()
	report, err := doctor.Decode(out.Bytes())
	switch {
	case errors.Is(runErr, fs.ErrNotExist):
		return fmt.Errorf("%s is missing: install clawjail again, or run it from the directory of its programs", daemon)
	case err != nil && runErr != nil:
		return fmt.Errorf("%s doctor: %w: %s", daemon, runErr, escape.Clip(errOut.String(), 500))
	case err != nil:
		return fmt.Errorf("%s doctor: its report: %w", daemon, err)
	}
	if output == "json" {
		_, err = e.stdout.Write(out.Bytes())
	} else {
		err = doctor.Table(e.stdout, report, wantsColor(e.stdout))
	}
	if err == nil && !report.OK {
		return &exitError{code: 1}
	}
	return err
}

// wantsColor: on a terminal that can, unless NO_COLOR is set (no-color.org).
func wantsColor(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// bounded passes on so many bytes and drops the rest.
type bounded struct {
	w    io.Writer
	left int
}

func (b *bounded) Write(p []byte) (int, error) {
	n := min(len(p), b.left)
	b.left -= n
	if _, err := b.w.Write(p[:n]); err != nil {
		return 0, err
	}
	return len(p), nil
}
