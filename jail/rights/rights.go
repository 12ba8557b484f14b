package rights

import (
	"os"

	"golang.org/x/sys/unix"
)

// Files gives the descriptors of a message's control data as files of that
// name, none for no data. With an error too: they are open, and the caller's to
// close.
func Files(oob []byte, name string) ([]*os.File, error) {
	if len(oob) == 0 {
		return nil, nil
	}
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil, os.NewSyscallError("recvmsg", err)
	}
	var files []*os.File
	var failed error
	for i := range messages {
		fds, err := unix.ParseUnixRights(&messages[i])
		if err != nil {
			failed = os.NewSyscallError("recvmsg", err) // not descriptors; those of the others are
			continue
		}
		for _, fd := range fds {
			files = append(files, os.NewFile(uintptr(fd), name))
		}
	}
	return files, failed
}

// Close closes files.
func Close(files []*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}
