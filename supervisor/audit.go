package supervisor

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"clawjail/audit"
	"clawjail/audit/redact"
	"clawjail/audit/seal"
	"clawjail/supervisor/api"
	"clawjail/supervisor/config"
)

// auditor is the supervisor's way to the audit log. It knows whether the log
// can be written and remembers how much it could not write.
type auditor struct {
	log     *audit.Log
	slog    *slog.Logger
	records atomic.Uint64
	errors  atomic.Uint64

	mu     sync.Mutex
	broken error  // why the last Append did not work; nil when it did
	missed uint64 // records lost since then
	steps  map[step]uint64

	// changed says that broken may have: a level, not an event, so that a log
	// that breaks and works again in quick succession leaves no jail in the
	// wrong state. Capacity 1.
	changed chan struct{}

	redact     *redact.Redactor
	sealer     *seal.Sealer
	rotations  chan mark // segments that were closed and not signed yet
	sealErrors atomic.Uint64
	triggers   *triggers // look at every record; nil: none
}

// step is a kind of record that is counted: of jails' lives and of people.
type step struct{ gate, op, verdict string }

// count counts a record that was written; the sets are closed, as with metrics.
func (a *auditor) count(r *audit.Record) {
	if r.Gate != audit.GateJail && r.Gate != audit.GateAuth {
		return
	}
	k := step{gate: r.Gate, op: r.Subject.Op}
	if r.Gate == audit.GateAuth {
		k.verdict = r.Verdict
	}
	if _, known := a.steps[k]; !known && len(a.steps) >= maxLabels {
		k = step{gate: r.Gate, op: "other"}
	}
	a.steps[k]++
}

// counted gives how many records there were of each kind.
func (a *auditor) counted() (jails map[string]uint64, people []api.EventCount) {
	a.mu.Lock()
	defer a.mu.Unlock()
	jails = map[string]uint64{}
	for k, n := range a.steps {
		if k.gate == audit.GateJail {
			jails[k.op] += n
			continue
		}
		people = append(people, api.EventCount{Event: k.op, Verdict: k.verdict, Count: n})
	}
	slices.SortFunc(people, func(a, b api.EventCount) int {
		return strings.Compare(a.Event+" "+a.Verdict, b.Event+" "+b.Verdict)
	})
	return jails, people
}

func openAuditor(c config.Config, tier string, log *slog.Logger, more ...seal.Anchor) (*auditor, error) {
	r, err := openRedactor(c)
	if err != nil {
		return nil, err
	}
	a := &auditor{slog: log, redact: r, steps: map[step]uint64{}, changed: make(chan struct{}, 1), rotations: make(chan mark, maxRotations)}
	a.log, err = audit.Open(c.AuditDir(), audit.Options{
		MaxBytes: c.AuditSegmentBytes, Boot: bootID(), Tier: tier, Redact: r.Record, Rotated: a.rotated,
	})
	if err != nil {
		return nil, fmt.Errorf("open the audit log in %s: %w", c.AuditDir(), err)
	}
	if a.sealer, err = openSealer(c, more...); err != nil {
		return nil, errors.Join(fmt.Errorf("sign the audit log in %s: %w", c.AuditDir(), err), a.log.Close())
	}
	return a, nil
}

// recheck has the jails brought in line with the state of the log.
func (a *auditor) recheck() {
	select {
	case a.changed <- struct{}{}:
	default: // it is going to be looked at already
	}
}

// append writes a record. An error means that it is not in the log; the caller
// that can refuse what it was about to do must refuse it.
func (a *auditor) append(r audit.Record) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.broken != nil {
		if err := a.mend(); err != nil {
			a.missed++
			return err
		}
	}
	_, err := a.log.Append(r)
	if err != nil {
		a.failed(1, err)
		return err
	}
	a.wrote(&r)
	return nil
}

// wrote takes note of a record that is in the log.
func (a *auditor) wrote(r *audit.Record) {
	a.records.Add(1)
	a.count(r)
	a.triggers.see(r)
}

// failed takes note of records that are not.
func (a *auditor) failed(records int, err error) {
	a.errors.Add(1)
	a.missed += uint64(records)
	if a.broken == nil {
		a.broken = err
		a.slog.Error("the audit log cannot be written; no new jail starts until it can", "error", err)
		a.recheck()
	}
}

// mend tries whether the log works again, by writing how much is missing.
func (a *auditor) mend() error {
	_, err := a.log.Append(audit.Record{Gate: audit.GateGap, Subject: audit.Subject{
		Class: "audit", Lost: a.missed, Message: "the log could not be written: " + a.broken.Error()}})
	if err != nil {
		a.errors.Add(1)
		return err
	}
	a.slog.Warn("the audit log works again", "lost", a.missed)
	a.broken, a.missed = nil, 0
	a.recheck()
	return nil
}

// retry is called now and then while the log is broken and nothing happens.
func (a *auditor) retry() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.broken != nil {
		_ = a.mend()
	}
}

// err says why the log cannot be written, or nil.
func (a *auditor) err() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.broken
}

// supervisor records something of the supervisor's own life.
func (a *auditor) supervisor(op, message string) {
	_ = a.append(audit.Record{Gate: audit.GateSupervisor, Subject: audit.Subject{Op: op, Message: message}})
}

// jail records a step of a jail's life. The error matters where the step can
// still be refused.
func (a *auditor) jail(id, op, verdict string, s audit.Subject) error {
	s.Op = op
	return a.append(audit.Record{Jail: id, Gate: audit.GateJail, Subject: s, Verdict: verdict})
}

func (a *auditor) bytes() uint64 { return a.log.Bytes() }

// close signs for everything and closes the log.
func (a *auditor) close() error {
	err := a.sealer.Seal(a.log)
	return errors.Join(err, a.sealer.Close(), a.log.Close())
}
