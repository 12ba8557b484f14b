package stage

import (
	"errors"
	"os"
	"syscall"

	"clawjail/jail"
)

// The descriptors that the stage finds when it starts.
const (
	ConfigFD  = 3 // sealed memfd with the JSON of Config
	ControlFD = 4 // unix SEQPACKET to the shim
)

// Config is what the shim tells the stage.
type Config struct {
	Filter      []byte // array of struct sock_filter
	Landlock    []jail.PathRule
	LandlockABI int // the exact ABI to use; a kernel below it is an error
	Argv        []string
	Env         []string
	Cwd         string
}

// Message is one packet from the stage.
type Message struct {
	Type  string `json:"type"` // "ready" or "error"
	Op    string `json:"op,omitempty"`
	Path  string `json:"path,omitempty"`
	Errno int    `json:"errno,omitempty"`
	Exit  int    `json:"exit,omitempty"` // status the stage ends with: 125, 126 or 127
	Msg   string `json:"msg,omitempty"`
}

var errUnbuilt = errors.New("stage: not built yet")

// File returns the config as a sealed memfd, to be passed as ConfigFD.
func (c Config) File() (*os.File, error) { return nil, errUnbuilt }

// Await reads one packet of the stage: its readiness, with the listener, or
// its error. io.EOF means that the agent's exec succeeded (after Release) or
// that the stage died (before). A *net.UnixConn is a syscall.Conn.
func Await(conn syscall.Conn) (Message, *os.File, error) { return Message{}, nil, errUnbuilt }

// Release lets the stage execute the agent.
func Release(conn syscall.Conn) error { return errUnbuilt }

// Main is the stage. It returns only when the agent was not executed.
func Main() int { return 125 }
