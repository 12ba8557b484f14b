package supervisor

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/audit"
	"clawjail/audit/redact"
	"clawjail/audit/seal"
	"clawjail/supervisor/config"
	"clawjail/supervisor/notify"
)

// redactName is the file of the key that fingerprints of redacted values need.
const redactName = "redact.key"

// Bounds of what keeps the audit log.
const (
	// maxRotations is how many closed segments wait for their checkpoint. One
	// that does not find room is covered by the next checkpoint.
	maxRotations = 64
	// plainSegments is how many closed segments stay uncompressed: queries are
	// mostly about today.
	plainSegments = 4
	// upkeepEvery is how often old segments are looked at.
	upkeepEvery = time.Hour
)

// mark is where a segment of the log was closed.
type mark struct {
	seq  uint64
	head string
}

// openRedactor makes the redactor of the log, and its key when there is none.
func openRedactor(c config.Config) (*redact.Redactor, error) {
	key, err := redactKey(c.KeyDir())
	if err != nil {
		return nil, fmt.Errorf("key for redaction: %w", err)
	}
	return redact.New(key, c.AuditRedact)
}

func redactKey(dir string) ([]byte, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, redactName)
	key, err := readKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	key = make([]byte, redact.KeyBytes)
	_, _ = rand.Read(key) // never fails
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	_, err = f.Write(key)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, err
	}
	return key, os.Rename(path+".new", path)
}

// readKey reads a key that nobody but its owner can read.
func readKey(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if st.Mode().Perm()&0o077 != 0 || !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%s (mode %#o) can be read by others: chmod 600 it, or remove it and a new one is made", path, st.Mode().Perm())
	}
	if st.Size() != redact.KeyBytes {
		return nil, fmt.Errorf("%s has %d bytes, not %d: remove it and a new one is made; equal values before and after will not look alike", path, st.Size(), redact.KeyBytes)
	}
	key := make([]byte, redact.KeyBytes)
	_, err = f.ReadAt(key, 0)
	return key, err
}

// openSealer opens the checkpoints of the log.
func openSealer(c config.Config, more ...seal.Anchor) (*seal.Sealer, error) {
	anchors := more
	for _, s := range c.AuditAnchors {
		a, err := seal.ParseAnchor(s)
		if err != nil {
			return nil, err
		}
		anchors = append(anchors, a)
	}
	return seal.Open(c.AuditDir(), c.KeyDir(), seal.Options{Boot: bootID(), Anchors: anchors})
}

// channelAnchor has channels keep checkpoints. Who they are the configuration says.
type channelAnchor struct{ s *Supervisor }

func (channelAnchor) String() string { return "channels" }

// Put queues a checkpoint, durably, for whoever sends it.
func (a channelAnchor) Put(line []byte) error {
	if h := a.s.herald; h.Wanted(notify.Checkpoint) {
		h.Tell(notify.Message{Category: notify.Checkpoint, Event: "signed", Title: "a checkpoint of the audit log", Text: string(line)})
	}
	return nil
}

// unanchored counts and says that a channel did not get a checkpoint.
func (a *auditor) unanchored(r notify.Result) {
	if r.Outcome == notify.Sent || r.Outcome == notify.Kept {
		return
	}
	a.sealErrors.Add(1)
	a.slog.Error("have a channel keep a checkpoint of the audit log", "channel", r.Delivery.Channel, "outcome", r.Outcome, "error", r.Delivery.Error)
}

// rotated is called by the log, locked, when it closes a segment.
func (a *auditor) rotated(seq uint64, head string) {
	select {
	case a.rotations <- mark{seq, head}:
	default:
	}
}

// checkCut says so when the log ends before what was signed: records were cut
// off while nobody wrote.
func (a *auditor) checkCut() {
	last, ok := a.sealer.Last()
	if seq, _ := a.log.Head(); ok && last.Seq > seq {
		a.slog.Error("the audit log ends before its last checkpoint: records were cut off", "last", seq, "signed", last.Seq)
		_ = a.append(audit.Record{Gate: audit.GateGap, Subject: audit.Subject{Class: audit.ClassCut, Lost: last.Seq - seq,
			Message: fmt.Sprintf("the log ended with record %d, but record %d was signed at %s", seq, last.Seq, last.Time.Format(time.RFC3339))}})
	}
}

// unsigned is how many records no checkpoint covers yet.
func (a *auditor) unsigned() uint64 {
	seq, _ := a.log.Head()
	last, _ := a.sealer.Last()
	return seq - min(seq, last.Seq)
}

// sealAudit signs where the log stands, at intervals and when a segment is
// closed, and keeps old segments small and within their time.
func (s *Supervisor) sealAudit() {
	s.audit.checkCut()
	mark, upkeep := time.NewTicker(time.Duration(s.opt.Config.AuditCheckpoint)), time.NewTicker(upkeepEvery)
	defer mark.Stop()
	defer upkeep.Stop()
	s.audit.sealError(s.audit.sealer.Seal(s.audit.log))
	s.packAudit()
	before := time.Now()
	for {
		var err error
		select {
		case <-s.base.Done():
			return
		case <-mark.C:
			err = s.audit.sealer.Seal(s.audit.log)
		case m := <-s.audit.rotations:
			err = s.audit.sealer.SealAt(m.seq, m.head)
			s.packAudit()
		case <-upkeep.C:
			now := time.Now()
			if steady(now.Round(0).Sub(before.Round(0)), now.Sub(before)) {
				s.retireAudit(now)
			}
			before = now
		}
		s.audit.sealError(err)
	}
}

// sealError counts and says what went wrong with a checkpoint.
func (a *auditor) sealError(err error) {
	if err == nil {
		return
	}
	a.sealErrors.Add(1)
	a.slog.Error("sign the audit log; what is written from here on is chained but not signed", "error", err)
}

// packAudit compresses closed segments.
func (s *Supervisor) packAudit() {
	if _, err := audit.Pack(s.base, s.opt.Config.AuditDir(), plainSegments); err != nil && s.base.Err() == nil {
		s.log.Error("compress the audit log", "error", err)
	}
}

// steady says that the wall clock went with the monotonic one. A clock that was
// set says nothing about how old a record is, and what is removed is gone: an
// hour of agreement has to come first.
func steady(wall, mono time.Duration) bool { return (wall - mono).Abs() < time.Minute }

// retireAudit removes segments that are too old.
func (s *Supervisor) retireAudit(now time.Time) {
	if s.opt.Config.AuditHold {
		return
	}
	if err := s.audit.retire(s.opt.Config.AuditDir(), time.Duration(s.opt.Config.AuditRetain), now); err != nil {
		s.log.Error("remove old audit records", "error", err)
	}
}

// retire removes segments older than keep. First it is signed for, then they
// go, then the log says so.
func (a *auditor) retire(dir string, keep time.Duration, now time.Time) error {
	b, ok, err := audit.Expired(dir, now.Add(-keep))
	if err != nil || !ok {
		return err
	}
	reason := fmt.Sprintf("older than %s", keep)
	if err := a.sealer.Retire(b.Through, b.Head, reason); err != nil {
		return fmt.Errorf("sign for what goes: %w", err)
	}
	if err := audit.Remove(dir, b); err != nil {
		return err
	}
	a.supervisor("retire", fmt.Sprintf("removed records up to %d, %s: %d segments, %d bytes", b.Through, reason, len(b.Segments), b.Bytes))
	return nil
}
