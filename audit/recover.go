package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// recover finds the end of the log: the newest segment, the last whole line in
// it, its hash and number. What stands behind that line, the torn end of a
// record that was being written when the machine died, is moved aside.
func (l *Log) recover() error {
	segs, err := listSegments(l.root)
	if err != nil {
		return err
	}
	for len(segs) > 0 {
		last := segs[len(segs)-1]
		found, err := l.resume(last)
		if err != nil || found {
			return err
		}
		// No whole line: the chain ends in the segment before.
		if len(segs) == 1 {
			l.seq = last.first - 1
		}
		if err := l.root.Remove(last.name); err != nil {
			return fmt.Errorf("remove empty segment: %w", err)
		}
		segs = segs[:len(segs)-1]
	}
	l.seg, err = l.root.OpenFile(segmentAt(l.seq+1).name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o640)
	if err != nil {
		return writeError(err)
	}
	return syncDir(l.root, ".")
}

// resume makes s the segment that is written to; false when it has no line.
func (l *Log) resume(s segment) (bool, error) {
	if s.packed {
		var err error
		if s, err = l.unpack(s); err != nil {
			return false, fmt.Errorf("make segment %s plain again: %w", s.name, err)
		}
	}
	f, err := l.root.OpenFile(s.name, os.O_RDWR, 0)
	if err != nil {
		return false, fmt.Errorf("open segment: %w", err)
	}
	size, err := l.cutTorn(f, s)
	if err == nil && size > 0 {
		err = l.lastLine(f, s, size)
	}
	if err != nil || size == 0 {
		f.Close()
		return false, err
	}
	l.seg, l.size = f, size
	return true, nil
}

// cutTorn moves what follows the last newline into a file of its own and
// returns the size that is left.
func (l *Log) cutTorn(f *os.File, s segment) (int64, error) {
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, err
	}
	nl, err := lastNewline(f, end)
	if err != nil {
		return 0, fmt.Errorf("read segment %s: %w", s.name, err)
	}
	size := nl + 1
	if size == end {
		return size, nil
	}
	name, err := l.saveTorn(io.NewSectionReader(f, size, end-size), fmt.Sprintf("%s/%s.%d", recoveryDir, s.name, size))
	if err != nil {
		return 0, fmt.Errorf("save the torn end of segment %s: %w", s.name, writeError(err))
	}
	if err := errors.Join(f.Truncate(size), f.Sync()); err != nil {
		return 0, fmt.Errorf("cut the torn end of segment %s: %w", s.name, err)
	}
	l.owe(l.gap(Subject{Class: ClassTorn, Lost: 1, Path: name,
		Message: fmt.Sprintf("the last record was cut off; %d bytes of it were moved", end-size)}))
	return size, nil
}

// saveTorn copies r into a new file, named for where it was found.
func (l *Log) saveTorn(r io.Reader, name string) (string, error) {
	if err := l.root.Mkdir(recoveryDir, 0o750); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	base := name
	for i := 1; ; i++ { // the same place can be torn again: names only grow
		f, err := l.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
		if errors.Is(err, fs.ErrExist) {
			name = fmt.Sprintf("%s.%d", base, i)
			continue
		}
		if err != nil {
			return "", err
		}
		_, err = io.Copy(f, r)
		err = errors.Join(err, f.Sync(), f.Close(), syncDir(l.root, recoveryDir))
		if err != nil {
			return "", errors.Join(err, l.root.Remove(name))
		}
		return name, nil
	}
}

// lastLine takes number and hash from the last line. A line that cannot be
// read stays where it is, the chain goes on over its bytes, and since numbers
// are dense its number follows from its place.
func (l *Log) lastLine(f *os.File, s segment, size int64) error {
	nl, err := lastNewline(f, size-1)
	if err != nil {
		return err
	}
	h := sha256.New()
	section := io.NewSectionReader(f, nl+1, size-1-(nl+1))
	if _, err := io.Copy(h, section); err != nil {
		return err
	}
	l.prev = hex.EncodeToString(h.Sum(nil))
	r, err := readRecord(f, nl+1, size-1)
	if err == nil && (r.Seq < s.first || r.Seq-s.first >= uint64(size)) {
		err = fmt.Errorf("record %d cannot be in this segment", r.Seq)
	}
	if err == nil {
		l.seq = r.Seq
		if now, _ := l.opts.now(); r.Time.After(now.Add(clockStep)) {
			l.owe(clockNote(now, fmt.Sprintf("the clock is behind the last record by %v", r.Time.Sub(now).Round(time.Millisecond))))
		}
		return nil
	}
	lines, cerr := countLines(f, size)
	if cerr != nil {
		return cerr
	}
	l.seq = s.first + lines - 1
	l.owe(l.gap(Subject{Class: ClassCorrupt, Lost: 1, Path: s.name, Message: "the last line cannot be read: " + err.Error()}))
	return nil
}

func (l *Log) gap(s Subject) Record {
	now, _ := l.opts.now()
	return Record{Time: now, Gate: GateGap, Subject: s}
}

// readRecord decodes the line between two offsets.
func readRecord(f io.ReaderAt, from, to int64) (Record, error) {
	if to-from > MaxLineBytes {
		return Record{}, fmt.Errorf("line of %d bytes", to-from)
	}
	line := make([]byte, to-from)
	if _, err := f.ReadAt(line, from); err != nil {
		return Record{}, err
	}
	return Decode(line)
}

// lastNewline gives the offset of the last newline before end, or -1.
func lastNewline(f io.ReaderAt, end int64) (int64, error) {
	buf := make([]byte, 64<<10)
	for end > 0 {
		n := min(end, int64(len(buf)))
		if _, err := f.ReadAt(buf[:n], end-n); err != nil {
			return 0, err
		}
		if i := bytes.LastIndexByte(buf[:n], '\n'); i >= 0 {
			return end - n + int64(i), nil
		}
		end -= n
	}
	return -1, nil
}

func countLines(f io.ReaderAt, size int64) (uint64, error) {
	buf := make([]byte, 256<<10)
	var lines uint64
	for off := int64(0); off < size; {
		n := min(size-off, int64(len(buf)))
		if _, err := f.ReadAt(buf[:n], off); err != nil {
			return 0, err
		}
		lines += uint64(bytes.Count(buf[:n], []byte{'\n'}))
		off += n
	}
	return lines, nil
}
