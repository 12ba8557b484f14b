package api

import (
	"fmt"
	"time"
)

// Limits of the control socket. The supervisor refuses what exceeds them.
const (
	// MaxRequestBytes bounds one request body: a policy (1 MiB), argv and
	// environment (2 MiB together as the kernel has it, a third more in base64).
	MaxRequestBytes = 8 << 20
	// MaxArgBytes bounds argv and environment together, as execve(2) does.
	MaxArgBytes = 2 << 20
	// MaxArgs bounds the number of arguments, and of environment entries.
	MaxArgs = 65536
	// MaxName bounds a jail's name in bytes; a name is a DNS label as well,
	// because it becomes the jail's host name.
	MaxName = 63
	// MaxKey bounds RunRequest.Key and ExecRequest.Key in bytes.
	MaxKey = 64
)

// RunRequest asks for a jail. Standard streams ride beside it as file
// descriptors: stdin, stdout, stderr in this order, none of them when Terminal
// or Detach is set.
type RunRequest struct {
	Name      string   `json:"name,omitempty"`   // empty: the supervisor makes one
	Policy    []byte   `json:"policy"`           // compiled form, see policy/compiled
	Argv      [][]byte `json:"argv"`             // what to run, resolved inside the jail
	Env       [][]byte `json:"env"`              // the caller's environment as KEY=value; the policy filters it
	SetEnv    [][]byte `json:"set_env"`          // KEY=value the operator named on the command line: passed as it is
	Workspace string   `json:"workspace"`        // absolute, symlinks resolved
	UID       uint32   `json:"uid"`              // who the agent runs as, never 0
	GID       uint32   `json:"gid"`              //
	User      string   `json:"user"`             // name of the user inside
	Home      string   `json:"home"`             // absolute
	Idmap     bool     `json:"idmap,omitempty"`  // the workspace is root's: show it as the user's own
	Terminal  bool     `json:"terminal"`         // a pty; its master comes back beside the answer
	Rows      uint16   `json:"rows,omitempty"`   // first size of the terminal
	Cols      uint16   `json:"cols,omitempty"`   //
	Detach    bool     `json:"detach,omitempty"` // output to the jail's log; no lease
	Remove    bool     `json:"remove,omitempty"` // forget the jail when it ended
	// Timeout shortens the wall clock limit of the policy, in nanoseconds; 0 leaves it.
	Timeout time.Duration `json:"timeout_ns,omitempty"`
	// Key is what the client calls the jail until it has an answer, at most MaxKey
	// bytes that nobody else guesses. With Rejoin the request makes no jail: it asks
	// for the one that an earlier supervisor was asked for under this key.
	Key    string `json:"key,omitempty"`
	Rejoin bool   `json:"rejoin,omitempty"`
}

// ExecRequest asks for another process in a running jail, under the same
// filter, Landlock rules and limits.
type ExecRequest struct {
	Argv     [][]byte `json:"argv"`
	SetEnv   [][]byte `json:"set_env"`
	Terminal bool     `json:"terminal"`
	Rows     uint16   `json:"rows,omitempty"`
	Cols     uint16   `json:"cols,omitempty"`
	// Key and Rejoin are as in RunRequest, for the process: letters and digits.
	Key    string `json:"key,omitempty"`
	Rejoin bool   `json:"rejoin,omitempty"`
}

// ExecAnswer names the process that was started.
type ExecAnswer struct {
	ID       string `json:"id"`
	Survives bool   `json:"survives,omitempty"` // as its jail
	// NoTerminal says that it has ended while there was no supervisor, and its
	// terminal with it: its exit status is there, its last output is not.
	NoTerminal bool `json:"no_terminal,omitempty"`
}

// SignalRequest passes a signal to the first process of a jail.
type SignalRequest struct {
	Signal int `json:"signal"`
}

// State of a jail.
type State string

// The states of a jail, in the order of its life.
const (
	StateCreating State = "creating" // reserved, not running yet
	StateRunning  State = "running"
	StateFrozen   State = "frozen" // every process stopped by cgroup.freeze
	StateExited   State = "exited"
)

// Jail is what `ps` and `inspect` show.
type Jail struct {
	ID         string             `json:"id"`
	Name       string             `json:"name"`
	State      State              `json:"state"`
	Policy     string             `json:"policy"`        // its name
	Digest     string             `json:"policy_digest"` // sha256 of the compiled form
	Tier       string             `json:"tier"`          // lsm or notify
	Argv       []string           `json:"argv"`          // raw: escape before showing
	UID        uint32             `json:"uid"`
	User       string             `json:"user"`
	Workspace  string             `json:"workspace"`
	Created    time.Time          `json:"created"`
	Started    *time.Time         `json:"started,omitempty"`
	Ended      *time.Time         `json:"ended,omitempty"`
	InitPID    int                `json:"init_pid,omitempty"` // in the host's pid namespace
	Cgroup     string             `json:"cgroup,omitempty"`   // on cgroup v2, or the unified mount of a hybrid host
	Detached   bool               `json:"detached"`
	Terminal   bool               `json:"terminal"`
	By         uint32             `json:"by_uid"`                   // who started it, by SO_PEERCRED
	Standing   string             `json:"frozen_because,omitempty"` // why it is frozen
	Survives   bool               `json:"survives,omitempty"`       // goes on without the supervisor that started it
	Exit       *Exit              `json:"exit,omitempty"`
	Counts     Counts             `json:"counts"`
	Protection Protection         `json:"protection"`
	Notes      []string           `json:"notes,omitempty"`    // what the operator should know of the plan
	StartMS    map[string]float64 `json:"start_ms,omitempty"` // where the start's milliseconds went
}

// Exit says how a jail ended.
type Exit struct {
	Code      int    `json:"code"` // as a shell has it: 128+n when killed by signal n
	Signal    int    `json:"signal,omitempty"`
	OOM       bool   `json:"oom_killed,omitempty"`
	WallClock bool   `json:"wall_clock,omitempty"` // the limit of the policy or --timeout ended it
	Reason    string `json:"reason,omitempty"`     // in words, when it was not the agent's own doing
}

// Counts is what a jail did so far.
type Counts struct {
	Execs       uint64 `json:"execs"`
	Writes      uint64 `json:"writes"`      // opens for writing
	Deletes     uint64 `json:"deletes"`     // unlink, rmdir, rename-over, truncate
	Connections uint64 `json:"connections"` // through egress
	Refused     uint64 `json:"refused"`     // by policy or by the kernel on its behalf
	Lost        uint64 `json:"lost"`        // events that the probes could not deliver
}

// Protection is what really holds a jail, as measured when it started.
type Protection struct {
	FilterBytes int  `json:"filter_bytes"`
	Listener    bool `json:"listener"`
	LandlockABI int  `json:"landlock_abi"`
	UserNS      bool `json:"user_ns"`
	Probes      bool `json:"probes"`
	Egress      bool `json:"egress"`
	// Traps are the kinds of call that the filter hands to the supervisor:
	// exec, files, deletes.
	Traps []string `json:"traps,omitempty"`
}

// RunAnswer follows a successful start.
type RunAnswer struct {
	Jail Jail `json:"jail"`
}

// Ping says who answers the socket.
type Ping struct {
	Version string `json:"version"`
	PID     int    `json:"pid"`
	Private bool   `json:"private"` // started by `run`, ends by itself
	Tier    string `json:"tier"`
	Warning string `json:"warning,omitempty"` // something that whoever looks at jails should know
}

// Error is every answer that is not a success. It satisfies error.
type Error struct {
	Message  string `json:"error"`
	Hint     string `json:"hint,omitempty"`      // the next step
	ExitCode int    `json:"exit_code,omitempty"` // what `clawjail run` returns: 125, 126 or 127
	Status   int    `json:"-"`                   // HTTP status
}

// Error gives the cause, and the next step on a line of its own.
func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Message
	}
	return e.Message + "\n  " + e.Hint
}

// Errorf makes an Error with a status and the exit code 125.
func Errorf(status int, format string, args ...any) *Error {
	return &Error{Status: status, ExitCode: 125, Message: fmt.Sprintf(format, args...)}
}

// WithHint adds the next step.
func (e *Error) WithHint(format string, args ...any) *Error {
	c := *e
	c.Hint = fmt.Sprintf(format, args...)
	return &c
}
