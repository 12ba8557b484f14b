package protocol

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// Version changes whenever the meaning of a message does. A shim outlives the
// supervisor that started it, so both ends may be of different builds: each
// understands MinVersion to Version, and refuses the rest with ErrVersion.
const (
	Version    = 3
	MinVersion = 3
)

// FD is the shim's end of the socket.
const FD = 3

// ShimEnv is set in the environment of a shim and makes it join a session
// keyring of its own (jail/container/reaper.h:CJ_SHIM_ENV).
const ShimEnv = "_CLAWJAIL_SHIM"

// Files in a jail's state directory.
const (
	PIDFile = "shim.pid"  // names the shim's process
	Socket  = "shim.sock" // where the shim listens once its supervisor has gone
)

// Bounds of a message.
const (
	MaxMessage = 64 << 10
	MaxFiles   = 200 // the kernel takes 253 (include/net/scm.h:SCM_MAX_FD)
	MaxNote    = 8 << 10
	MaxProcs   = 128 // processes of Exec at a time
	MaxGone    = 64  // of those that ended, remembered
)

// Type says what a message is.
type Type string

// The types of message.
const (
	Start  Type = "start"
	Go     Type = "go"
	Exec   Type = "exec"
	Signal Type = "signal"
	Resize Type = "resize"
	Kill   Type = "kill"
	// Keep has the jail live on when the supervisor goes, by the rule in Loss.
	// Its files replace those of the last one: the shim holds them for the next
	// supervisor, and does not look at them.
	Keep Type = "keep"
	// Note replaces the text that the next supervisor gets. Nothing answers it.
	Note Type = "note"
	// Bye says that the supervisor needs the shim no longer: what runs is
	// killed. Nothing answers it but the end of the shim.
	Bye Type = "bye"

	// Hello is the first message to a supervisor that has found the shim. All
	// files that it kept come with it.
	Hello Type = "hello"
	// Running follows it for each process of Exec.
	Running Type = "running"
	// Adopted follows these: from here on it is a connection like the first.
	Adopted Type = "adopted"

	// Placed says where the jail will be, before there is anything in it. ID is
	// the start's, whose answer follows.
	Placed  Type = "placed"
	Created Type = "created"
	// Trapped brings the seccomp listener of a process of Exec, before that
	// process may execute anything, and says which one it is. ID is the request's.
	Trapped Type = "trapped"
	Started Type = "started"
	Done    Type = "done"
	Error   Type = "error"
	Ended   Type = "ended"
	Exit    Type = "exit"
)

// Files that messages carry, in the order of Message.Files.
const (
	FileSpec  = "spec"
	FileIn    = "stdin"
	FileOut   = "stdout"
	FileErr   = "stderr"
	FileNetNS = "netns"
	// FileListener is a copy of the seccomp listener; the shim keeps its own.
	FileListener = "listener"
	FileTCP4     = "tcp4"
	FileTCP6     = "tcp6"
	FileUDP4     = "udp4"
	FileUDP6     = "udp6"
	FilePTY      = "pty"
	// FileFilter is a memfd with the filter, if the shim has compiled it.
	FileFilter = "filter"
	// FileLedger is where the calls are written down that were received from
	// the listener (package seccomp/notify).
	FileLedger = "ledger"
)

// KeptPrefix begins the names of what Keep brought.
const KeptPrefix = "kept/"

// Loss is what becomes of a jail whose supervisor has gone.
type Loss struct {
	Then  string        `json:"then"` // LossHold, LossFreeze or LossKill
	After time.Duration `json:"after"`
}

// The choices of Loss.Then.
const (
	LossHold   = "hold"   // what runs goes on, what waits goes on waiting
	LossFreeze = "freeze" // everything stands still until a supervisor is back
	LossKill   = "kill"
)

// Gone is a process of Exec that has ended.
type Gone struct {
	Proc   uint32 `json:"proc"`
	Name   string `json:"name,omitempty"`
	Status Status `json:"status"`
}

// Message is one packet.
type Message struct {
	Version int    `json:"v"`
	ID      uint32 `json:"id"`
	Type    Type   `json:"type"`
	// Files names the descriptors that came along.
	Files []string `json:"files,omitempty"`

	// Proc is a process of Exec; 0 is the jail's command.
	Proc   uint32 `json:"proc,omitempty"`
	PID    int    `json:"pid,omitempty"`
	Signal int    `json:"signal,omitempty"`
	Rows   uint16 `json:"rows,omitempty"`
	Cols   uint16 `json:"cols,omitempty"`

	// Sent is CLOCK_MONOTONIC in nanoseconds when Start was sent.
	Sent     int64  `json:"sent,omitempty"`
	Cgroup   string `json:"cgroup,omitempty"`
	CgroupID uint64 `json:"cgroup_id,omitempty"`
	// Timings are the phases of a start.
	Timings map[string]time.Duration `json:"timings,omitempty"`

	Failure *Failure `json:"failure,omitempty"`
	Status  *Status  `json:"status,omitempty"`

	// Name is what the supervisor calls a process of Exec.
	Name string `json:"name,omitempty"`
	Loss *Loss  `json:"loss,omitempty"`
	Note string `json:"note,omitempty"`
	// Lost is when the supervisor was lost, and Frozen whether the shim has
	// frozen the jail since: nanoseconds since 1970.
	Lost   int64  `json:"lost,omitempty"`
	Frozen bool   `json:"frozen,omitempty"`
	Gone   []Gone `json:"gone,omitempty"`
}

// Failure is why something could not be done.
type Failure struct {
	Op    string `json:"op"`
	Path  string `json:"path,omitempty"`
	Errno int    `json:"errno,omitempty"`
	Exit  int    `json:"exit"`
	Msg   string `json:"msg"`
}

// Status is how a process ended.
type Status struct {
	Code      int  `json:"code"`
	Signal    int  `json:"signal,omitempty"`
	OOMKilled bool `json:"oom,omitempty"`
	WallClock bool `json:"wall,omitempty"`
	Lost      bool `json:"lost,omitempty"` // Loss ended it
}

// maxText bounds the texts of a failure: they may quote paths.
const maxText = 16 << 10

// ErrVersion is a message of another protocol version.
var ErrVersion = errors.New("another version of the shim protocol")

// Decode reads one message.
func Decode(b []byte) (Message, error) {
	var m Message
	if len(b) > MaxMessage {
		return m, fmt.Errorf("message of %d bytes, at most %d", len(b), MaxMessage)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		// A newer message may have fields that this decoder does not know.
		var v struct {
			V int `json:"v"`
		}
		if json.Unmarshal(b, &v) == nil && !spoken(v.V) {
			return Message{}, versionError(v.V)
		}
		return Message{}, fmt.Errorf("decode message: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Message{}, errors.New("decode message: more than one value")
	}
	if !spoken(m.Version) {
		return Message{}, versionError(m.Version)
	}
	return m, m.check()
}

func spoken(v int) bool { return MinVersion <= v && v <= Version }

func versionError(v int) error {
	if MinVersion == Version {
		return fmt.Errorf("version %d, this end speaks %d: %w", v, Version, ErrVersion)
	}
	return fmt.Errorf("version %d, this end speaks %d to %d: %w", v, MinVersion, Version, ErrVersion)
}

func (m Message) check() error {
	switch m.Type {
	case Start, Go, Exec, Signal, Resize, Kill, Placed, Created, Started, Trapped, Done:
		if m.ID == 0 {
			return fmt.Errorf("%s without an id", m.Type)
		}
	case Keep:
		if m.ID == 0 || m.Loss == nil {
			return errors.New("keep without an id or a rule")
		}
		if err := m.Loss.check(); err != nil {
			return err
		}
	case Note, Bye, Hello, Running, Adopted:
		if m.ID != 0 {
			return fmt.Errorf("%s with an id", m.Type)
		}
	case Error:
		if m.ID == 0 || m.Failure == nil {
			return errors.New("error without an id or a failure")
		}
	case Ended, Exit:
		if m.ID != 0 || m.Status == nil {
			return fmt.Errorf("%s with an id or without a status", m.Type)
		}
	default:
		return fmt.Errorf("unknown message %q", m.Type)
	}
	switch {
	case len(m.Files) > MaxFiles:
		return fmt.Errorf("%d files, at most %d", len(m.Files), MaxFiles)
	case len(m.Note) > MaxNote:
		return fmt.Errorf("a note of %d bytes, at most %d", len(m.Note), MaxNote)
	case len(m.Gone) > MaxGone:
		return fmt.Errorf("%d ended processes, at most %d", len(m.Gone), MaxGone)
	}
	return nil
}

func (l Loss) check() error {
	switch l.Then {
	case LossHold, LossFreeze, LossKill:
	default:
		return fmt.Errorf("unknown rule %q for a supervisor that is lost", clip(l.Then))
	}
	if l.After < 0 {
		return fmt.Errorf("a time of %s", l.After)
	}
	return nil
}

// Encode writes one message. Texts that are too long are cut.
func Encode(m Message) ([]byte, error) {
	m.Version = Version
	if f := m.Failure; f != nil {
		cut := *f
		cut.Op, cut.Path, cut.Msg = clip(f.Op), clip(f.Path), clip(f.Msg)
		m.Failure = &cut
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	b, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	if len(b) > MaxMessage {
		return nil, fmt.Errorf("message of %d bytes, at most %d", len(b), MaxMessage)
	}
	return b, nil
}

// clip bounds a text; JSON may make six bytes of one.
func clip(s string) string {
	const limit = maxText / 6
	if len(s) > limit {
		return s[:limit] + "..."
	}
	return s
}
