package verify

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"clawjail/audit"
	"clawjail/audit/block"
	"clawjail/audit/seal"
)

// Options are what the log is held against.
type Options struct {
	// Keys are trusted to have signed. None: whatever key signed first is taken,
	// which proves that the log is of one piece and not whose it is.
	Keys []seal.Public
	// Anchors are lines that were kept elsewhere; what is not a checkpoint is
	// passed over.
	Anchors [][]byte
}

// Log verifies the log in dir. An error means that it could not be read; what
// is wrong with what was read is in the report.
func Log(ctx context.Context, dir string, o Options) (Report, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return Report{}, fmt.Errorf("open audit directory: %w", err)
	}
	defer root.Close()
	c := &chain{report: Report{OK: true}}
	// Before the segments: the log only grows, so that what is signed is there.
	if err := c.loadMarks(root, o); err != nil {
		return c.report, err
	}
	segs, err := audit.Segments(root)
	if err != nil {
		return c.report, err
	}
	c.begin(segs)
	for i, s := range segs {
		if err := c.segment(ctx, root, s, i == len(segs)-1); err != nil {
			return c.report, err
		}
	}
	c.end()
	return c.report, nil
}

// interval is a run of numbers that are missing so far.
type interval struct {
	first, last uint64
	segment     string
	line        int // that stands where first belongs
}

// maxMissing bounds the intervals remembered; further ones are reported as
// deleted at once.
const maxMissing = 1000

// chain follows the log.
type chain struct {
	report  Report
	marks   []seal.Checkpoint // valid ones, by the number of their record
	lost    uint64            // number of the last record that agreed with a mark
	anew    bool              // a mark did not agree
	want    uint64            // number of the next record
	known   bool              // prev is
	prev    [hexLen]byte      // hash of the record before
	other   [hexLen]byte      // of one that claims the same number
	missing []interval

	seg     audit.Segment
	line    int
	swapped bool // seg begins with another number than its name says
}

func (c *chain) problem(k Kind, seq uint64, format string, args ...any) {
	c.report.add(Problem{Kind: k, Segment: c.seg.Name, Line: c.line, Seq: seq, Message: fmt.Sprintf(format, args...)})
}

// begin finds out where the log has to begin: with record 1, or behind what was
// retired.
func (c *chain) begin(segs []audit.Segment) {
	c.want, c.known = 1, true
	copy(c.prev[:], audit.Genesis)
	if len(segs) == 0 {
		return
	}
	first := segs[0].First
	c.report.First = first
	for _, m := range c.marks {
		if m.Kind == seal.Retire && m.Seq < first {
			c.want = m.Seq + 1
			copy(c.prev[:], m.Head)
			c.report.Retired, c.lost = m.Seq, m.Seq
		}
	}
	c.marks = slices.DeleteFunc(c.marks, func(m seal.Checkpoint) bool { return m.Seq < c.want })
}

// segment reads one segment.
func (c *chain) segment(ctx context.Context, root *os.Root, s audit.Segment, last bool) error {
	c.seg, c.line, c.swapped = s, 0, false
	c.report.Segments++
	f, err := audit.OpenSegment(root, s)
	if err != nil {
		return err
	}
	defer f.Close()
	counted := &countReader{r: f}
	look := func(data []byte, old []fact) []fact { return factsOf(data, old[:0]) }
	err = block.Scan(ctx, counted, look, func(_ []byte, facts []fact, partial bool) error {
		for i := range facts {
			if partial && i == len(facts)-1 {
				c.line++
				if last {
					c.report.Torn = true
				} else {
					c.problem(Unreadable, 0, "the last line has no end")
				}
				continue
			}
			c.step(&facts[i])
		}
		return nil
	})
	c.report.Bytes += counted.n
	if err != nil && ctx.Err() == nil {
		// A compressed segment that was damaged ends in the middle.
		c.problem(Unreadable, 0, "cannot be read further: %v", err)
		c.known = false
		return nil
	}
	return errors.Join(err)
}

// step looks at one line.
func (c *chain) step(f *fact) {
	c.line++
	c.report.Records++
	if !f.ok {
		c.problem(Unreadable, c.want, "this line is no record")
		c.known = !f.long // the chain goes over its bytes
		c.prev = f.hash
		c.want++
		return
	}
	if c.line == 1 && f.seq != c.seg.First {
		c.swapped = true
		c.problem(Swapped, f.seq, "begins with record %d; its name promises %d", f.seq, c.seg.First)
	}
	if f.seq < c.want {
		c.again(f)
		return
	}
	if f.seq > c.want {
		c.skip(f.seq)
	} else if c.known && f.prev != c.prev && f.prev != c.other {
		c.problem(Edited, c.want-1, "the record before this line is not the one that it was written after")
	}
	c.accept(f)
}

// accept makes a line the end of the chain.
func (c *chain) accept(f *fact) {
	c.known, c.prev, c.other = true, f.hash, [hexLen]byte{}
	c.want = f.seq + 1
	for len(c.marks) > 0 && c.marks[0].Seq <= f.seq {
		c.compare(c.marks[0], f)
		c.marks = c.marks[1:]
	}
}

// compare holds a signed head against the record that it is about.
func (c *chain) compare(m seal.Checkpoint, f *fact) {
	if m.Seq != f.seq { // it stood in what is missing
		return
	}
	if m.Head == string(f.hash[:]) {
		c.lost = m.Seq
		return
	}
	if !c.anew {
		c.problem(Rewritten, m.Seq, "record %d is not what was signed at %s; the log was written anew somewhere after record %d", m.Seq, m.Time.Format("2006-01-02T15:04:05Z"), c.lost)
	}
	c.anew = true
}

// skip remembers the numbers that do not come.
func (c *chain) skip(to uint64) {
	gap := interval{first: c.want, last: to - 1, segment: c.seg.Name, line: c.line}
	if len(c.missing) >= maxMissing {
		c.gone(gap)
		return
	}
	c.missing = append(c.missing, gap)
}

// again looks at a number that is behind: it comes late, or twice.
func (c *chain) again(f *fact) {
	for i, m := range c.missing {
		if f.seq < m.first || f.seq > m.last {
			continue
		}
		if !c.swapped {
			c.problem(Reordered, f.seq, "stands behind records that were written later")
		}
		c.missing = slices.Delete(c.missing, i, i+1)
		if f.seq > m.first {
			c.missing = append(c.missing, interval{m.first, f.seq - 1, m.segment, m.line})
		}
		if f.seq < m.last {
			c.missing = append(c.missing, interval{f.seq + 1, m.last, m.segment, m.line})
		}
		return
	}
	if f.seq+1 == c.want {
		c.other = f.hash
	}
	c.problem(Inserted, f.seq, "its number is there twice")
}

func (c *chain) gone(m interval) {
	what := fmt.Sprintf("records %d to %d are missing", m.first, m.last)
	if m.first == m.last {
		what = fmt.Sprintf("record %d is missing", m.first)
	}
	if m.first == 1 && m.segment == c.firstName() {
		what += ", and no retirement of them is signed"
	}
	c.report.add(Problem{Kind: Deleted, Segment: m.segment, Line: m.line, Seq: m.first, LastSeq: m.last, Message: what})
}

func (c *chain) firstName() string {
	return fmt.Sprintf("%020d.jsonl", c.report.First)
}

// end says what never came.
func (c *chain) end() {
	slices.SortFunc(c.missing, func(a, b interval) int { return int(min(max(int64(a.first)-int64(b.first), -1), 1)) })
	for _, m := range c.missing {
		c.gone(m)
	}
	r := &c.report
	r.Last = c.want - 1
	if c.known && r.Records > 0 {
		r.Head = string(c.prev[:])
	}
	for _, m := range c.marks {
		if m.Seq > r.Last {
			last := c.marks[len(c.marks)-1]
			r.add(Problem{Kind: Truncated, Segment: c.seg.Name, Line: c.line, Seq: r.Last + 1, LastSeq: last.Seq,
				Message: fmt.Sprintf("the log ends with record %d; %d was signed at %s", r.Last, last.Seq, last.Time.Format("2006-01-02T15:04:05Z"))})
			break
		}
	}
	if r.Checkpoints == 0 && r.Records > 0 {
		r.add(Problem{Kind: Unsigned, Message: "there is no checkpoint: the log was never signed, or its checkpoints were removed"})
	}
	if r.Last > r.Signed {
		r.Unsigned = r.Last - r.Signed
	}
}

type countReader struct {
	r interface{ Read([]byte) (int, error) }
	n int64
}

func (c *countReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}
