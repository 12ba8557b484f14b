package checklist

import (
	"io/fs"
	"time"

	"clawjail/supervisor/checklist/ledger"
	"clawjail/supervisor/checklist/probe"
)

// Tried is a fact, or why there is none.
type Tried[T any] struct {
	Value T      `json:"value"`
	Err   string `json:"error,omitempty"`
}

// Know is a fact.
func Know[T any](v T, err error) Tried[T] {
	if err != nil {
		return Tried[T]{Err: err.Error()}
	}
	return Tried[T]{Value: v}
}

// Facts is everything that Judge looks at.
type Facts struct {
	Time time.Time
	Host string
	// Running is how the supervisor runs.
	Running Tried[Running]
	// Doctor holds what `clawjail doctor` found to fail, as lines.
	Doctor   Tried[[]string]
	Config   Tried[Config]
	Policies Tried[[]Policy]
	Accounts Tried[Accounts]
	SignIn   Tried[SignIn]
	// Passwords holds those of WeakPasswords that were not refused.
	Passwords Tried[[]string]
	Keys      Tried[[]KeyFile]
	Log       Tried[Log]
	Skills    Tried[[]Skill]
	// Jail is what a program in a jail could do.
	Jail Tried[[]probe.Door]
	// Shell holds the commands of DangerousCommands that were not refused.
	Shell    Tried[[]string]
	Response Tried[Response]
	Ledger   Tried[map[string]ledger.Entry]
}

// Running is a supervisor that answers.
type Running struct {
	Started   time.Time
	Private   bool // it belongs to one run and ends with it
	Version   string
	Tier      string
	AuditLost uint64    // records that could not be written
	Scraped   time.Time // when its counters were last read; zero: never
}

// Config is what the checklist needs of the configuration.
type Config struct {
	Exists    bool
	Problems  []string // why a supervisor would refuse it
	Overrides []string // what it weakens on purpose
	Approvers int      // people who may decide, root apart
	Group     string   // of the approvers
	FourEyes  bool
	Retain    time.Duration
	Anchors   int
	Freeze    bool // jails stand still while the log cannot be written
	Channels  int  // ways to tell people
	Unsigned  bool // skills without a signature are left to a person
	Verify    bool // a skill whose signature does not count is rejected
}

// Policy is a file of the host that agents run under, or the preset that they do
// without one.
type Policy struct {
	Name    string
	Problem string   // why no jail starts with it
	Limits  []string // of actions, in words
	// Spares are kinds of actions that it lets through without a human.
	Spares []string
}

// Accounts are the people who may sign in to the console.
type Accounts struct {
	Console   bool // there is one
	TLS       bool
	People    int
	Admins    int
	NoFactor  []string // admins without a second factor
	Given     []string // who was given a password a week ago and did not change it
	CertEnds  time.Time
	CertError string
}

// KeyFile is a secret of this host.
type KeyFile struct {
	Path string
	Mode fs.FileMode
	UID  uint32
}

// Log is what `clawjail audit verify` found.
type Log struct {
	Proven   bool
	New      bool // it is of one piece and has no checkpoint yet
	Records  uint64
	Unsigned uint64 // after the last checkpoint
	SignedAt time.Time
	Problems []string
}

// Skill is one that is installed.
type Skill struct {
	Name    string
	Verdict string    // of its last audit
	Audited time.Time // when that was
}

// Response is how this host is prepared for an incident.
type Response struct {
	Document string    // where it has to be written what is done
	Bytes    int64     // of the document; 0: there is none, or nothing in it
	Changed  time.Time // when somebody last wrote in it
	Plays    []string  // commands of the playbook
	Missing  []string  // those of them whose program is not there
}
