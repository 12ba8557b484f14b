package stage

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// checkControl refuses anything but the shim's socket, and makes it block.
func checkControl() error {
	kind, err := unix.GetsockoptInt(ControlFD, unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil {
		return os.NewSyscallError("control socket", err)
	}
	family, err := unix.GetsockoptInt(ControlFD, unix.SOL_SOCKET, unix.SO_DOMAIN)
	if err != nil {
		return os.NewSyscallError("control socket", err)
	}
	if kind != unix.SOCK_SEQPACKET || family != unix.AF_UNIX {
		return fmt.Errorf("control socket: family %d, type %d", family, kind)
	}
	return unix.SetNonblock(ControlFD, false)
}

func send(b, rights []byte) error {
	for {
		err := unix.Sendmsg(ControlFD, b, rights, nil, unix.MSG_NOSIGNAL)
		if err != unix.EINTR {
			return os.NewSyscallError("sendmsg", err)
		}
	}
}

// awaitGo returns nil only for the one word that lets the agent run. An end of
// file, any other packet, or a descriptor with it: the agent does not run.
func awaitGo() error {
	buf := make([]byte, len(goWord)+1)
	for {
		n, oobn, flags, _, err := unix.Recvmsg(ControlFD, buf, make([]byte, unix.CmsgSpace(4)), unix.MSG_CMSG_CLOEXEC)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return os.NewSyscallError("recvmsg", err)
		case n == 0:
			return errors.New("the shim hung up before the agent was released")
		case oobn != 0 || flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0 || string(buf[:n]) != goWord:
			return errors.New("unexpected packet instead of the release")
		}
		return nil
	}
}

// report sends a failure to the shim.
func report(f *failure) error {
	b, err := json.Marshal(message(f))
	if err != nil {
		return err
	}
	return send(b, nil)
}

func message(f *failure) Message {
	m := Message{Type: "error", Op: f.op, Path: clip(f.path), Exit: f.exit, Msg: clip(f.err.Error())}
	var errno unix.Errno
	if errors.As(f.err, &errno) {
		m.Errno = int(errno)
	}
	return m
}

// maxText bounds each text of a message. JSON makes at most six bytes of one,
// so that two of them and the rest stay below MaxMessageBytes.
const maxText = 1200

func clip(s string) string {
	if len(s) > maxText {
		s = s[:maxText] + "…"
	}
	return strings.ToValidUTF8(s, "�")
}
