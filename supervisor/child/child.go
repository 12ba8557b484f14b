package child

import (
	"os"
	"os/exec"
	"runtime"

	"golang.org/x/sys/unix"
)

// Start starts a command with no_new_privs. The attribute is a thread's, and its
// children have it: so this takes a thread that ends after.
func Start(cmd *exec.Cmd) error {
	result := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		result <- StartHere(cmd)
	}()
	return <-result
}

// StartHere is Start on the calling thread, which must end after: it and all that
// it starts have no_new_privs.
func StartHere(cmd *exec.Cmd) error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return os.NewSyscallError("prctl(PR_SET_NO_NEW_PRIVS)", err)
	}
	return cmd.Start()
}
