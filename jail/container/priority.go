package container

import (
	"bytes"
	"os"
	"strconv"

	"github.com/opencontainers/runc/libcontainer/configs"
	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// deprive gives a jail none of the precedence that a service manager gave the
// supervisor: a jail that eats the machine must not do it ahead of everybody
// else, nor be the last that the kernel kills for want of memory. What the
// supervisor does not have ahead of others stays as it is, because to take some
// of it back needs a capability that it may not have.
func deprive(c *configs.Config) {
	if adj, err := os.ReadFile("/proc/self/oom_score_adj"); err == nil {
		if n, err := strconv.Atoi(string(bytes.TrimSpace(adj))); err == nil && n < 0 {
			none := 0
			c.OomScoreAdj = &none
		}
	}
	// The system call gives 20 minus the nice value: getpriority(2).
	if p, err := unix.Getpriority(unix.PRIO_PROCESS, 0); err == nil && p > 20 {
		c.Scheduler = &configs.Scheduler{Policy: specs.SchedOther}
	}
}
