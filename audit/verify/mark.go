package verify

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"

	"clawjail/audit/seal"
)

// MaxMarksBytes bounds the file of the checkpoints: one a minute for ten years
// has half of it.
const MaxMarksBytes = 4 << 30

// loadMarks reads the checkpoints, proves them, and keeps the valid ones.
func (c *chain) loadMarks(root *os.Root, o Options) error {
	l := marks{report: &c.report, prev: seal.Genesis, keys: make(map[string]seal.Public)}
	for _, k := range o.Keys {
		l.keys[k.ID()] = k
	}
	l.anyKey = len(o.Keys) == 0
	anchors := anchorLines(o.Anchors)
	c.report.Anchors = len(anchors)
	f, err := root.Open(seal.FileName)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return fmt.Errorf("open checkpoints: %w", err)
	default:
		defer f.Close()
		if err := l.read(f, anchors); err != nil {
			return err
		}
	}
	l.missing(anchors)
	c.marks = l.valid
	slices.SortStableFunc(c.marks, func(a, b seal.Checkpoint) int { return cmp.Compare(a.Seq, b.Seq) })
	return nil
}

// marks goes through the lines of the checkpoint file.
type marks struct {
	report *Report
	keys   map[string]seal.Public
	anyKey bool // nobody was named: see Options.Keys
	valid  []seal.Checkpoint
	n      uint64
	prev   string
}

func (l *marks) problem(k Kind, line uint64, format string, args ...any) {
	l.report.add(Problem{Kind: k, Segment: seal.FileName, Line: int(line), Message: fmt.Sprintf(format, args...)})
}

func (l *marks) read(f *os.File, anchors map[uint64][]byte) error {
	r := newLines(io.LimitReader(f, MaxMarksBytes), seal.MaxLineBytes)
	for line := uint64(1); ; line++ {
		b, err := r.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if errors.Is(err, errTorn) {
			// A torn checkpoint covers nothing, and is cut off when the log is opened.
			return nil
		}
		if errors.Is(err, errLong) {
			l.problem(Checkpoint, line, "a line over %d bytes", seal.MaxLineBytes)
			continue
		}
		if err != nil {
			return fmt.Errorf("read checkpoints: %w", err)
		}
		l.step(line, b)
		if a, ok := anchors[line]; ok {
			if !bytes.Equal(a, b) {
				l.problem(Anchor, line, "is not what its anchor holds: the checkpoints were written anew")
			}
			delete(anchors, line)
		}
	}
}

// step looks at one line.
func (l *marks) step(line uint64, b []byte) {
	sum := sha256.Sum256(b)
	defer func() { l.prev = hex.EncodeToString(sum[:]) }()
	m, err := seal.Decode(b)
	if err != nil {
		l.problem(Checkpoint, line, "%v", err)
		l.n++
		return
	}
	if m.N != l.n+1 {
		l.problem(Checkpoint, line, "checkpoint %d stands where %d belongs", m.N, l.n+1)
	} else if m.Prev != l.prev {
		l.problem(Checkpoint, line, "does not follow the line before it: one of the two was altered")
	}
	l.n = m.N
	l.take(line, m)
}

// take keeps a checkpoint that a trusted key signed.
func (l *marks) take(line uint64, m seal.Checkpoint) {
	l.report.Checkpoints++
	key, known := l.keys[m.Key]
	if !known && l.anyKey {
		// Without a key nothing can be checked but the line's own chain.
		l.keep(m)
		return
	}
	if !known && m.Kind == seal.NewKey {
		l.problem(Key, line, "key %s was begun without the signature of the one before", m.Key)
		return
	}
	if !known {
		l.problem(Key, line, "signed by key %s, which is not trusted", m.Key)
		return
	}
	if err := m.Check(key); err != nil {
		l.problem(Checkpoint, line, "%v", err)
		return
	}
	if m.Kind == seal.NewKey {
		next, err := m.NextKey()
		if err != nil {
			l.problem(Checkpoint, line, "%v", err)
			return
		}
		l.keys[next.ID()] = next
	}
	l.keep(m)
}

func (l *marks) keep(m seal.Checkpoint) {
	l.report.Key = m.Key
	if m.Seq > l.report.Signed {
		l.report.Signed, l.report.SignedAt = m.Seq, m.Time
	}
	if m.Seq > 0 {
		l.valid = append(l.valid, m)
	}
}

// missing looks at the anchors that have no line in the file.
func (l *marks) missing(anchors map[uint64][]byte) {
	for _, n := range slices.Sorted(maps.Keys(anchors)) {
		m, err := seal.Decode(anchors[n])
		if err != nil {
			continue
		}
		l.problem(Anchor, n, "an anchor holds checkpoint %d, which is not here: the end of the checkpoints was cut off", n)
		l.take(n, m)
	}
}

// anchorLines finds the checkpoints in lines of any file: syslog puts its own
// words in front, and a webhook or a command gets them as a text in JSON.
func anchorLines(lines [][]byte) map[uint64][]byte {
	out := make(map[uint64][]byte)
	for _, b := range lines {
		i := bytes.Index(b, []byte(`{"schema":`))
		if i < 0 {
			b, i = messageText(b), 0
		}
		if m, err := seal.Decode(bytes.TrimRight(b[i:], "\r\n ")); err == nil {
			out[m.N] = bytes.TrimRight(b[i:], "\r\n ")
		}
	}
	return out
}

// messageText is the text of a message in JSON, the whole or its data.
func messageText(b []byte) []byte {
	var m struct {
		Text string `json:"text"`
		Data struct {
			Text string `json:"text"`
		} `json:"data"`
	}
	if !bytes.Contains(b, []byte(`{\"schema\":`)) || json.Unmarshal(b, &m) != nil {
		return nil
	}
	return []byte(cmp.Or(m.Data.Text, m.Text))
}
