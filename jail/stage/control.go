package stage

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"clawjail/jail/rights"
)

// MaxMessageBytes bounds one packet of the stage.
const MaxMessageBytes = 16 << 10

// readyMessage is the good one; it is written out because encoding it would
// be a tenth of the stage's time.
const readyMessage = `{"type":"ready"}`

// goWord is the only packet that lets the stage execute.
const goWord = "go"

// The exit statuses of a stage that did not execute the agent.
const (
	ExitFailed        = 125 // the jail could not be finished
	ExitNotExecutable = 126
	ExitNotFound      = 127
)

// Message is one packet from the stage.
type Message struct {
	// Type is "ready", which carries the listener, or "error".
	Type string `json:"type"`
	// Op is the step that failed: config, privileges, chdir, landlock,
	// lookup, seccomp, control or exec. Path is its operand, in the jail.
	Op   string `json:"op,omitempty"`
	Path string `json:"path,omitempty"`
	// Errno is 0 if the failure was no system call's.
	Errno int `json:"errno,omitempty"`
	// Exit is the status that the stage ends with.
	Exit int    `json:"exit,omitempty"`
	Msg  string `json:"msg,omitempty"`
}

// String returns the message of a failed stage as one line. The path is quoted:
// it comes from the jail.
func (m Message) String() string {
	if m.Path == "" {
		return fmt.Sprintf("%s: %s", m.Op, m.Msg)
	}
	return fmt.Sprintf("%s %q: %s", m.Op, m.Path, m.Msg)
}

// Await reads one packet of the stage: "ready", with the listener, or "error".
// io.EOF means that the agent was executed (after Release) or that the stage
// died (before). Deadlines of conn hold. A *net.UnixConn is a syscall.Conn.
func Await(conn syscall.Conn) (Message, *os.File, error) {
	buf, oob := make([]byte, MaxMessageBytes), make([]byte, unix.CmsgSpace(4*4))
	var n, oobn, flags int
	err := onSocket(conn, func(rc syscall.RawConn, do func(fd uintptr) error) error {
		return retry(rc.Read, do)
	}, func(fd uintptr) (err error) {
		n, oobn, flags, _, err = unix.Recvmsg(int(fd), buf, oob, unix.MSG_CMSG_CLOEXEC|unix.MSG_DONTWAIT)
		return err
	})
	if err != nil {
		return Message{}, nil, fmt.Errorf("read from the stage: %w", err)
	}
	files, err := rights.Files(oob[:oobn], "seccomp listener")
	if err != nil {
		rights.Close(files)
		return Message{}, nil, fmt.Errorf("read from the stage: %w", err)
	}
	m, err := decodeMessage(buf[:n], flags, len(files))
	if err != nil {
		rights.Close(files)
		return Message{}, nil, err
	}
	if len(files) == 0 {
		return m, nil, nil
	}
	return m, files[0], nil
}

// decodeMessage checks one packet that came with some descriptors.
func decodeMessage(b []byte, flags, files int) (Message, error) {
	if flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0 {
		return Message{}, errors.New("stage message: too long")
	}
	if len(b) == 0 {
		return Message{}, io.EOF
	}
	var m Message
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&m); err != nil {
		return Message{}, fmt.Errorf("stage message: %w", err)
	}
	switch {
	case m.Type == "ready" && files == 1:
		return m, nil
	case m.Type == "error" && files == 0 && m.Exit >= ExitFailed && m.Exit <= ExitNotFound:
		return m, nil
	}
	return Message{}, fmt.Errorf("stage message: type %q, exit %d, with %d descriptors", m.Type, m.Exit, files)
}

// Release lets the stage execute the agent.
func Release(conn syscall.Conn) error {
	err := onSocket(conn, func(rc syscall.RawConn, do func(fd uintptr) error) error {
		return retry(rc.Write, do)
	}, func(fd uintptr) error {
		return unix.Sendmsg(int(fd), []byte(goWord), nil, nil, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
	})
	if err != nil {
		return fmt.Errorf("release the stage: %w", err)
	}
	return nil
}

func onSocket(conn syscall.Conn, run func(syscall.RawConn, func(uintptr) error) error, do func(uintptr) error) error {
	rc, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	return run(rc, do)
}

// retry calls do until it does not say "again", with the poller in between.
func retry(wait func(func(fd uintptr) bool) error, do func(fd uintptr) error) error {
	var err error
	if werr := wait(func(fd uintptr) bool {
		for {
			if err = do(fd); err != unix.EINTR {
				return err != unix.EAGAIN
			}
		}
	}); werr != nil {
		return werr
	}
	return os.NewSyscallError("control socket", err)
}
