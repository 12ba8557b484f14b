package audit

// AppendAll appends records one behind the other, with one write to the file
// where one segment takes them: a write is half of what a record costs. It
// gives how many were written; the rest, from there on, was refused and is
// counted, as with Append. Gaps of ClassAudit, which count for themselves, are
// not for it.
func (l *Log) AppendAll(records []Record) (written int, err error) {
	if len(records) == 0 {
		return 0, nil
	}
	own := make([]Record, len(records)) // the caller's stay as they are
	hurry := false
	for i, r := range records {
		if l.opts.Redact != nil {
			l.opts.Redact(&r)
		}
		bound(&r)
		own[i], hurry = r, hurry || urgent(&r)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return 0, l.err
	}
	wall := l.tick()
	for i := range own {
		if own[i].Time.IsZero() {
			own[i].Time = wall
		}
	}
	written, err = l.putAll(own)
	if written > 0 {
		l.notify(hurry)
	}
	if err != nil {
		return written, err
	}
	if err := l.waitSynced(l.seq); err != nil {
		return 0, err
	}
	return written, nil
}

// putAll is put for several records.
func (l *Log) putAll(records []Record) (written int, err error) {
	if err = l.settle(); err == nil {
		written, err = l.writeAll(records)
	}
	if err != nil {
		l.lost += uint64(len(records) - written)
		l.why = err.Error()
	}
	return written, err
}

// writeAll appends the lines of records to the segment with one write. Where
// the segment or the disk does not take them all it does so one by one.
func (l *Log) writeAll(records []Record) (written int, err error) {
	b, seq, prev := l.buf[:0], l.seq, l.prev
	for i := range records {
		start := len(b)
		b = l.line(b, &records[i], seq+1, prev)
		sum := hashLine(b[start : len(b)-1])
		seq, prev = seq+1, string(sum[:])
	}
	l.buf = b[:0]
	if l.size+int64(len(b)) <= l.opts.MaxBytes && l.store(b) == nil {
		l.seq, l.prev = seq, prev
		return len(records), nil
	}
	for i := range records {
		if err := l.write(&records[i]); err != nil {
			return i, err
		}
	}
	return len(records), nil
}
