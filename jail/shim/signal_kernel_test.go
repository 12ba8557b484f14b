//go:build kernel

package shim_test

import (
	"os/signal"
	"testing"

	"golang.org/x/sys/unix"
)

// What the supervisor ignores, as under nohup, is none of the jail's business.
func TestNothingIsIgnored(t *testing.T) {
	signals := []unix.Signal{unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGPIPE, unix.SIGTSTP}
	for _, s := range signals {
		signal.Ignore(s)
		t.Cleanup(func() { signal.Reset(s) })
	}
	want(t, sh(t, "while read -r name value; do case $name in SigIgn:|SigBlk:) echo $name$value;; esac; done < /proc/self/status"),
		"SigBlk:0000000000000000\nSigIgn:0000000000000000")
}
