//go:build oldkernel

package refusal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// clawjail runs one command line of the built CLI.
func clawjail(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	program, err := filepath.Abs("../../../bin/clawjail")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, program, args...)
	var out, errs bytes.Buffer
	c.Dir, c.Stdout, c.Stderr = "/", &out, &errs
	err = c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("clawjail %v: %v", args, err)
	}
	t.Logf("clawjail %v: exit %d\n%s%s", args, c.ProcessState.ExitCode(), out.String(), errs.String())
	return c.ProcessState.ExitCode(), out.String(), errs.String()
}

func release(t *testing.T) string {
	t.Helper()
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		t.Fatal(err)
	}
	return unix.ByteSliceToString(u.Release[:])
}

func TestDoctorSaysTooOld(t *testing.T) {
	code, out, _ := clawjail(t, "doctor")
	if code != 1 {
		t.Errorf("exit %d, want 1", code)
	}
	for _, want := range []string{release(t), "too old", "boot Linux 6.1 or newer"} {
		if !strings.Contains(out, want) {
			t.Errorf("the table does not say %q", want)
		}
	}
}

func TestDoctorSaysTooOldToPrograms(t *testing.T) {
	code, out, _ := clawjail(t, "doctor", "-o", "json")
	var report struct {
		OK     bool   `json:"ok"`
		Kernel string `json:"kernel"`
		Checks []struct {
			ID, Status, Fix string
		} `json:"checks"`
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatal(err)
	}
	if code != 1 || report.OK || report.Kernel != release(t) {
		t.Errorf("exit %d, report %+v", code, report)
	}
	for _, c := range report.Checks {
		if c.ID == "kernel" && (c.Status != "fail" || c.Fix == "") {
			t.Errorf("check %+v", c)
		}
	}
}

// TestRunRefuses: nothing is executed, and what stands on the terminal is a
// sentence about the kernel and not a verifier's log.
func TestRunRefuses(t *testing.T) {
	mark := filepath.Join(t.TempDir(), "ran")
	code, out, errs := clawjail(t, "run", "--workspace", filepath.Dir(mark), "--", "/bin/sh", "-c", "echo ran; touch "+mark)
	if code != 125 || out != "" {
		t.Errorf("exit %d with %q, want 125 and nothing", code, out)
	}
	if _, err := os.Stat(mark); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the command ran: %v", err)
	}
	for _, want := range []string{release(t), "too old", "clawjail doctor"} {
		if !strings.Contains(errs, want) {
			t.Errorf("%q is not in what run says", want)
		}
	}
	if n := strings.Count(errs, "\n"); n > 3 || len(errs) > 1000 {
		t.Errorf("run says %d lines of %d bytes", n, len(errs))
	}
}
