package audit

import (
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"clawjail/audit/escape"
)

const hexDigits = "0123456789abcdef"

// AppendJSON appends the record as the one line that Decode accepts, without
// the newline. It is what the log holds, so the line's hash can be taken again
// from a decoded record.
func (r *Record) AppendJSON(dst []byte) []byte {
	dst = r.appendBody(dst)
	dst = append(dst, `,"prev":`...)
	dst = appendString(dst, r.Prev)
	return append(dst, '}')
}

// MarshalJSON gives the same line to encoding/json. Its output can differ in
// the escapes of <, > and &, never in the values.
func (r Record) MarshalJSON() ([]byte, error) { return r.AppendJSON(nil), nil }

// appendBody appends the line up to where "prev" begins.
func (r *Record) appendBody(dst []byte) []byte {
	dst = append(dst, `{"schema":`...)
	dst = strconv.AppendInt(dst, int64(r.Schema), 10)
	dst = append(dst, `,"seq":`...)
	dst = strconv.AppendUint(dst, r.Seq, 10)
	dst = append(dst, `,"time":`...)
	dst = appendTime(dst, r.Time)
	dst = append(dst, `,"boot":`...)
	dst = appendString(dst, r.Boot)
	m := members{dst: dst, comma: true}
	m.text("jail", r.Jail)
	m.text("exec_id", r.ExecID)
	m.text("parent", r.Parent)
	m.key("gate")
	m.dst = appendString(m.dst, r.Gate)
	m.key("subject")
	m.dst = r.Subject.append(m.dst)
	m.text("verdict", r.Verdict)
	m.text("rule", r.Rule)
	m.text("tier", r.Tier)
	if r.Decision != nil {
		m.key("decision")
		m.dst = r.Decision.append(m.dst)
	}
	return m.dst
}

func (s *Subject) append(dst []byte) []byte {
	m := members{dst: append(dst, '{')}
	m.text("op", s.Op)
	m.text("name", s.Name)
	m.text("path", s.Path)
	m.text("path2", s.Path2)
	if s.PathExact != nil {
		m.key("path_exact")
		m.dst = strconv.AppendBool(m.dst, *s.PathExact)
	}
	m.argv(s.Argv)
	m.int("argc", int64(s.Argc))
	m.text("argv_sha256", s.ArgvSHA256)
	m.flag("truncated", s.Truncated)
	m.text("sha256", s.SHA256)
	m.uint("dev", s.Dev)
	m.uint("ino", s.Ino)
	m.int("pid", int64(s.Pid))
	m.int("ppid", int64(s.PPid))
	if s.UID != nil {
		m.key("uid")
		m.dst = strconv.AppendUint(m.dst, uint64(*s.UID), 10)
	}
	m.text("host", s.Host)
	m.text("addr", s.Addr)
	m.uint("port", uint64(s.Port))
	m.text("proto", s.Proto)
	m.int("bytes_up", s.BytesUp)
	m.int("bytes_down", s.BytesDown)
	m.float("duration_ms", s.DurationMS)
	if s.ExitCode != nil {
		m.key("exit_code")
		m.dst = strconv.AppendInt(m.dst, int64(*s.ExitCode), 10)
	}
	m.text("signal", s.Signal)
	m.int("errno", int64(s.Errno))
	m.uint("lost", s.Lost)
	m.text("class", s.Class)
	m.text("message", s.Message)
	return append(m.dst, '}')
}

func (d *Decision) append(dst []byte) []byte {
	m := members{dst: append(dst, '{')}
	m.key("id")
	m.dst = appendString(m.dst, d.ID)
	m.text("by", d.By)
	m.float("held_ms", d.HeldMS)
	m.text("digest", d.Digest)
	m.text("reason", d.Reason)
	return append(m.dst, '}')
}

// members appends the members of one object; empty values are left out.
type members struct {
	dst   []byte
	comma bool
}

func (m *members) key(name string) {
	if m.comma {
		m.dst = append(m.dst, ',')
	}
	m.comma = true
	m.dst = append(m.dst, '"')
	m.dst = append(m.dst, name...)
	m.dst = append(m.dst, '"', ':')
}

func (m *members) text(name, v string) {
	if v != "" {
		m.key(name)
		m.dst = appendString(m.dst, v)
	}
}

func (m *members) argv(v []string) {
	if len(v) == 0 {
		return
	}
	m.key("argv")
	sep := byte('[')
	for _, s := range v {
		m.dst = append(m.dst, sep)
		m.dst = appendString(m.dst, s)
		sep = ','
	}
	m.dst = append(m.dst, ']')
}

func (m *members) int(name string, v int64) {
	if v != 0 {
		m.key(name)
		m.dst = strconv.AppendInt(m.dst, v, 10)
	}
}

func (m *members) uint(name string, v uint64) {
	if v != 0 {
		m.key(name)
		m.dst = strconv.AppendUint(m.dst, v, 10)
	}
}

// float leaves out what JSON cannot say, too.
func (m *members) float(name string, v float64) {
	if v != 0 && !math.IsNaN(v) && !math.IsInf(v, 0) {
		m.key(name)
		m.dst = strconv.AppendFloat(m.dst, v, 'f', -1, 64)
	}
}

func (m *members) flag(name string, v bool) {
	if v {
		m.key(name)
		m.dst = append(m.dst, "true"...)
	}
}

// appendString appends a JSON string. Bytes that are not UTF-8 become the lone
// surrogates \udc80 to \udcff, and characters that must not be seen \u escapes.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c < 0x7f && c != '"' && c != '\\' {
			i++
			continue
		}
		r, size := rune(c), 1
		if c >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				r = 0xdc00 + rune(c)
			} else if !escape.Hidden(r) {
				i += size
				continue
			}
		}
		dst = append(dst, s[start:i]...)
		dst = appendEscape(dst, r)
		i += size
		start = i
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}

// appendEscape appends the JSON escape of a character or of a lone surrogate.
func appendEscape(dst []byte, r rune) []byte {
	switch r {
	case '"', '\\':
		return append(dst, '\\', byte(r))
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	if r > 0xffff { // a pair of surrogates
		r -= 0x10000
		dst = appendEscape(dst, 0xd800+r>>10)
		r = 0xdc00 + r&0x3ff
	}
	return append(dst, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
}

// timeLen is the length of a time in the log, with its quotes. All are equally
// long, so times compare as text.
const timeLen = len(`"2006-01-02T15:04:05.000000000Z"`)

// appendTime appends t in UTC with nanoseconds. A year that four digits cannot
// say is moved to the nearest that they can.
func appendTime(dst []byte, t time.Time) []byte {
	t = t.UTC()
	if y := t.Year(); y < 0 {
		t = time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)
	} else if y > 9999 {
		t = time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC)
	}
	year, month, day := t.Date()
	hour, minute, sec := t.Clock()
	dst = append(dst, '"')
	dst = appendDigits(dst, year, 4, '-')
	dst = appendDigits(dst, int(month), 2, '-')
	dst = appendDigits(dst, day, 2, 'T')
	dst = appendDigits(dst, hour, 2, ':')
	dst = appendDigits(dst, minute, 2, ':')
	dst = appendDigits(dst, sec, 2, '.')
	dst = appendDigits(dst, t.Nanosecond(), 9, 'Z')
	return append(dst, '"')
}

// appendDigits appends v with leading zeros and what follows it.
func appendDigits(dst []byte, v, width int, after byte) []byte {
	var buf [9]byte
	for i := width - 1; i >= 0; i-- {
		buf[i] = byte('0' + v%10)
		v /= 10
	}
	return append(append(dst, buf[:width]...), after)
}
