package audit

import "time"

// Schema is the version of the record's form. A reader refuses a higher one.
const Schema = 1

// Genesis is the Prev of the first record of a log.
const Genesis = "0000000000000000000000000000000000000000000000000000000000000000"

// The gates that a record can name.
const (
	GateExec       = "exec"       // a program was executed, or should have been
	GateFile       = "file"       // a file was opened for writing, renamed, truncated…
	GateDelete     = "delete"     // a file or directory was removed
	GateConnect    = "connect"    // a socket was connected or sent on, seen by the kernel
	GateEgress     = "egress"     // a connection through the egress proxy
	GateDNS        = "dns"        // a name was asked for
	GateJail       = "jail"       // a jail's life: start, stop, freeze, thaw, kill
	GateAction     = "action"     // an agent said what it does in the world, and what came of it
	GateSkill      = "skill"      // a skill was installed, approved, removed…
	GateAuth       = "auth"       // somebody signed in, could not, or was made, changed or barred
	GateSupervisor = "supervisor" // the supervisor's own life, and the clock
	GateGap        = "gap"        // something is missing here; the subject says how much
)

// The classes of gaps and notes that the log writes itself.
const (
	ClassAudit   = "audit"   // records could not be written
	ClassTorn    = "torn"    // the end of a record was missing
	ClassCorrupt = "corrupt" // the last line could not be read
	ClassClock   = "clock"   // the wall clock jumped
	ClassCut     = "cut"     // the log ended before its last checkpoint
)

// Record is one line of the log. The order of the fields is the order of the
// JSON members. Append fills Schema, Seq and Prev, and Time, Boot and Tier when
// they are empty.
type Record struct {
	Schema   int       `json:"schema"`
	Seq      uint64    `json:"seq"`
	Time     time.Time `json:"time"` // of the event, by the wall clock, as it stood
	Boot     string    `json:"boot"` // the kernel's boot id
	Jail     string    `json:"jail,omitempty"`
	ExecID   string    `json:"exec_id,omitempty"`
	Parent   string    `json:"parent,omitempty"` // exec id of the parent
	Gate     string    `json:"gate"`
	Subject  Subject   `json:"subject"`
	Verdict  string    `json:"verdict,omitempty"`
	Rule     string    `json:"rule,omitempty"`
	Tier     string    `json:"tier,omitempty"`
	Decision *Decision `json:"decision,omitempty"`
	Prev     string    `json:"prev"`
}

// Subject is what a record is about. Which fields are set depends on the gate;
// empty ones are left out of the line.
type Subject struct {
	Op         string   `json:"op,omitempty"`   // open, unlink, rename, start, freeze…
	Name       string   `json:"name,omitempty"` // of a jail, in the record of its start
	Path       string   `json:"path,omitempty"`
	Path2      string   `json:"path2,omitempty"`      // the other name of a rename or link
	PathExact  *bool    `json:"path_exact,omitempty"` // resolved by the kernel, not copied from the caller
	Argv       []string `json:"argv,omitempty"`
	Argc       int      `json:"argc,omitempty"`        // set when Append cut Argv: how many there were
	ArgvSHA256 string   `json:"argv_sha256,omitempty"` // with Argc: of all of them, each ended by NUL
	Truncated  bool     `json:"truncated,omitempty"`   // some text above or below was cut
	SHA256     string   `json:"sha256,omitempty"`      // of the file's content
	Dev        uint64   `json:"dev,omitempty"`         // kernel dev_t: major<<20|minor
	Ino        uint64   `json:"ino,omitempty"`
	Pid        int32    `json:"pid,omitempty"`
	PPid       int32    `json:"ppid,omitempty"`
	UID        *uint32  `json:"uid,omitempty"`
	Host       string   `json:"host,omitempty"`
	Addr       string   `json:"addr,omitempty"`
	Port       uint16   `json:"port,omitempty"`
	Proto      string   `json:"proto,omitempty"`
	BytesUp    int64    `json:"bytes_up,omitempty"`
	BytesDown  int64    `json:"bytes_down,omitempty"`
	DurationMS float64  `json:"duration_ms,omitempty"`
	ExitCode   *int     `json:"exit_code,omitempty"`
	Signal     string   `json:"signal,omitempty"`
	Errno      int32    `json:"errno,omitempty"` // the error number the caller was given
	Lost       uint64   `json:"lost,omitempty"`  // records that are not here
	Class      string   `json:"class,omitempty"` // of the loss, or of the note
	Message    string   `json:"message,omitempty"`
}

// Decision is how a held request ended.
type Decision struct {
	ID     string  `json:"id"`
	By     string  `json:"by,omitempty"`
	HeldMS float64 `json:"held_ms,omitempty"`
	Digest string  `json:"digest,omitempty"` // of exactly what was shown
	Reason string  `json:"reason,omitempty"` // rejected, timed out…
}
