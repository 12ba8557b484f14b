package supervisor

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"clawjail/bpf"
	"clawjail/jail"
	"clawjail/jail/egress"
	"clawjail/jail/shim/protocol"
	"clawjail/policy"
	"clawjail/seccomp"
	"clawjail/supervisor/api"
	"clawjail/supervisor/plan"
)

// wardVersion changes when a supervisor could misread what an earlier one wrote.
const wardVersion = 1

// errWard is a description of a jail that this build does not understand.
var errWard = errors.New("the jail was started by a clawjaild of another version, whose description of it this one does not read")

// ward is what a jail's shim keeps of the jail for the next supervisor: what is
// known when its command is let go, and stays.
type ward struct {
	Version int            `json:"version"`
	Probes  bpf.Handover   `json:"probes"`
	Jail    api.Jail       `json:"jail"`
	Argv    [][]byte       `json:"argv"`
	Env     [][]byte       `json:"env"`
	Cwd     string         `json:"cwd"`
	User    jail.User      `json:"user"`
	Size    int64          `json:"file_size"`
	Policy  *policy.Policy `json:"policy"` // with its bindings to this host
	Gates   seccomp.Gates  `json:"gates"`
	Asks    []plan.Ask     `json:"asks"`
	Egress  egress.Rules   `json:"egress"`
	Probe   plan.Probe     `json:"probe"`
	Remove  bool           `json:"remove"`
	Boot    string         `json:"boot"`
	Key     string         `json:"key,omitempty"`
}

// note is what changes while it runs. It is small, and written often.
type note struct {
	State      api.State  `json:"state"`
	Started    *time.Time `json:"started,omitempty"`
	Standing   string     `json:"standing,omitempty"`
	Reason     string     `json:"reason,omitempty"`
	LossFrozen bool       `json:"loss_frozen,omitempty"`
	Next       int        `json:"next"`
	Counts     api.Counts `json:"counts"`
	// Kind and Why are of a freeze that is under way and opens an incident.
	Kind string `json:"kind,omitempty"`
	Why  string `json:"why,omitempty"`
}

// maxReason bounds the texts of a note.
const maxReason = 1 << 10

func (n note) encode() (string, error) {
	for _, s := range []*string{&n.Standing, &n.Reason, &n.Why} {
		*s = strings.ToValidUTF8((*s)[:min(len(*s), maxReason)], "")
	}
	b, err := json.Marshal(n)
	return string(b), err
}

func decodeNote(text string) (note, error) {
	var n note
	if err := strictly([]byte(text), &n); err != nil {
		return note{}, fmt.Errorf("the note about the jail: %w", err)
	}
	return n, nil
}

func strictly(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("text after its end")
	}
	return nil
}

// ward describes the jail that was built.
func (b *build) ward() (*os.File, error) {
	p := b.plan
	w := ward{Version: wardVersion, Probes: b.s.probes.Handover(), Argv: bytesOf(p.Jail.Argv), Env: bytesOf(p.Jail.Env), Cwd: p.Jail.Cwd,
		User: p.Jail.User, Size: p.Jail.Limits.FileSizeBytes, Policy: p.Policy, Gates: p.Gates, Asks: p.Asks,
		Egress: p.Egress, Probe: p.Probe, Remove: b.entry.remove, Boot: bootID(), Key: b.entry.key}
	b.s.loop.do(func(*table) { w.Jail = b.entry.snapshot() })
	w.Jail.Argv = nil // with the bytes that text cannot carry
	data, err := json.Marshal(w)
	if err != nil {
		return nil, fmt.Errorf("describe the jail: %w", err)
	}
	return protocol.Seal(keptWard, data)
}

// readWard reads what a former supervisor wrote.
func readWard(f *os.File) (ward, error) {
	if f == nil {
		return ward{}, errors.New("its shim keeps no description of it")
	}
	data, err := protocol.Unseal(f)
	if err != nil {
		return ward{}, fmt.Errorf("read the description of the jail: %w", err)
	}
	return decodeWard(data)
}

func decodeWard(data []byte) (ward, error) {
	var version struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(data, &version); err != nil {
		return ward{}, fmt.Errorf("read the description of the jail: %w", err)
	}
	if version.Version != wardVersion {
		return ward{}, fmt.Errorf("version %d, not %d: %w", version.Version, wardVersion, errWard)
	}
	var w ward
	if err := strictly(data, &w); err != nil {
		return ward{}, fmt.Errorf("read the description of the jail: %w: %w", errWard, err)
	}
	if w.Policy == nil || len(w.Argv) == 0 || w.Boot != bootID() {
		return ward{}, errors.New("the description of the jail is incomplete, or of another boot")
	}
	w.Jail.Argv = stringsOf(w.Argv)
	return w, nil
}

// plan is the part of the jail's plan that outlives its start.
func (w ward) plan() plan.Plan {
	p := plan.Plan{Egress: w.Egress, Probe: w.Probe, Policy: w.Policy, Gates: w.Gates, Asks: w.Asks, Tier: w.Jail.Tier}
	p.Jail.ID, p.Jail.Name, p.Jail.Argv, p.Jail.Env, p.Jail.Cwd = w.Jail.ID, w.Jail.Name, stringsOf(w.Argv), stringsOf(w.Env), w.Cwd
	p.Jail.User, p.Jail.Limits.FileSizeBytes = w.User, w.Size
	return p
}

func bytesOf(list []string) [][]byte {
	out := make([][]byte, len(list))
	for i, s := range list {
		out[i] = []byte(s)
	}
	return out
}

// What the shim keeps, by name.
const (
	keptWard  = "ward"
	keptLog   = "log"    // the read end of a detached jail's output
	keptRoot  = "root/"  // and a number: the trees that are written on approval
	keptProbe = "probe/" // and a name of package bpf
	// keptEgress leads to the egress proxy, which lives as long as a shim has it.
	keptEgress = "egress"
)

// below gives the files whose names begin with prefix, without it.
func below(files map[string]*os.File, prefix string) map[string]*os.File {
	out := map[string]*os.File{}
	for name, f := range files {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			out[rest] = f
		}
	}
	return out
}

func rootName(i int) string { return keptRoot + strconv.Itoa(i) }
