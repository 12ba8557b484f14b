package audit

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// MaxLineBytes bounds a line of the log, its newline excluded. Append cuts long
// text so that no record comes near it.
const MaxLineBytes = 1 << 20

// ErrSchema says that a line was written by a newer clawjail.
var ErrSchema = errors.New("record of a newer schema")

// Decode reads one line, without its newline. It accepts exactly what
// AppendJSON writes: a line with its members in another order, with blanks,
// with unknown members or with another spelling of a value is an error.
func Decode(line []byte) (Record, error) {
	if len(line) > MaxLineBytes {
		return Record{}, fmt.Errorf("line of %d bytes is over the bound of %d", len(line), MaxLineBytes)
	}
	p := parser{b: line}
	r := p.record()
	if p.err != nil {
		return Record{}, p.err
	}
	if p.i != len(line) {
		return Record{}, fmt.Errorf("offset %d: text after the record", p.i)
	}
	// The parser is plain because this catches every freedom it leaves:
	// leading zeros, empty members, escapes that were not needed.
	again := r.AppendJSON(make([]byte, 0, len(line)+1))
	if !bytes.Equal(again, line) {
		return Record{}, errors.New("not in canonical form")
	}
	return r, nil
}

// parser reads the members in their one order. After the first error it stands
// still and gives zero values.
type parser struct {
	b     []byte
	i     int
	first bool // the next member is the first of its object: no comma
	err   error
}

func (p *parser) fail(what string) {
	if p.err == nil {
		p.err = fmt.Errorf("offset %d: %s", p.i, what)
	}
}

func (p *parser) record() (r Record) {
	p.open()
	p.must("schema")
	r.Schema = int(p.int(32))
	if p.err == nil && r.Schema != Schema {
		p.err = fmt.Errorf("schema %d, this reader knows %d: %w", r.Schema, Schema, ErrSchema)
		return r
	}
	p.must("seq")
	r.Seq = p.uint(64)
	p.must("time")
	r.Time = p.time()
	p.must("boot")
	r.Boot = p.str()
	r.Jail = p.text("jail")
	r.ExecID = p.text("exec_id")
	r.Parent = p.text("parent")
	p.must("gate")
	r.Gate = p.str()
	p.must("subject")
	r.Subject = p.subject()
	r.Verdict = p.text("verdict")
	r.Rule = p.text("rule")
	r.Tier = p.text("tier")
	if p.has("decision") {
		r.Decision = p.decision()
	}
	p.must("prev")
	r.Prev = p.str()
	p.lit("}")
	return r
}

func (p *parser) subject() (s Subject) {
	p.open()
	s.Op = p.text("op")
	s.Name = p.text("name")
	s.Path = p.text("path")
	s.Path2 = p.text("path2")
	if p.has("path_exact") {
		s.PathExact = new(p.bool())
	}
	if p.has("argv") {
		s.Argv = p.argv()
	}
	s.Argc = int(p.optInt("argc", 64))
	s.ArgvSHA256 = p.text("argv_sha256")
	s.Truncated = p.has("truncated") && p.bool()
	s.SHA256 = p.text("sha256")
	s.Dev = p.optUint("dev", 64)
	s.Ino = p.optUint("ino", 64)
	s.Pid = int32(p.optInt("pid", 32))
	s.PPid = int32(p.optInt("ppid", 32))
	if p.has("uid") {
		s.UID = new(uint32(p.uint(32)))
	}
	s.Host = p.text("host")
	s.Addr = p.text("addr")
	s.Port = uint16(p.optUint("port", 16))
	s.Proto = p.text("proto")
	s.BytesUp = p.optInt("bytes_up", 64)
	s.BytesDown = p.optInt("bytes_down", 64)
	s.DurationMS = p.optFloat("duration_ms")
	if p.has("exit_code") {
		s.ExitCode = new(int(p.int(64)))
	}
	s.Signal = p.text("signal")
	s.Errno = int32(p.optInt("errno", 32))
	s.Lost = p.optUint("lost", 64)
	s.Class = p.text("class")
	s.Message = p.text("message")
	p.lit("}")
	p.first = false
	return s
}

func (p *parser) decision() *Decision {
	p.open()
	var d Decision
	p.must("id")
	d.ID = p.str()
	d.By = p.text("by")
	d.HeldMS = p.optFloat("held_ms")
	d.Digest = p.text("digest")
	d.Reason = p.text("reason")
	p.lit("}")
	p.first = false
	return &d
}

func (p *parser) open() {
	p.lit("{")
	p.first = true
}

func (p *parser) lit(s string) {
	if p.err != nil {
		return
	}
	if len(p.b)-p.i < len(s) || string(p.b[p.i:p.i+len(s)]) != s {
		p.fail("expected " + s)
		return
	}
	p.i += len(s)
}

// has reports whether the named member comes next, and steps to its value.
func (p *parser) has(name string) bool {
	if p.err != nil {
		return false
	}
	rest := p.b[p.i:]
	if !p.first {
		if len(rest) == 0 || rest[0] != ',' {
			return false
		}
		rest = rest[1:]
	}
	if len(rest) < len(name)+3 || rest[0] != '"' || string(rest[1:1+len(name)]) != name ||
		rest[1+len(name)] != '"' || rest[2+len(name)] != ':' {
		return false
	}
	p.i = len(p.b) - len(rest) + len(name) + 3
	p.first = false
	return true
}

func (p *parser) must(name string) {
	if !p.has(name) {
		p.fail("expected member " + name)
	}
}

func (p *parser) text(name string) string {
	if !p.has(name) {
		return ""
	}
	return p.str()
}

func (p *parser) optInt(name string, bits int) int64 {
	if !p.has(name) {
		return 0
	}
	return p.int(bits)
}

func (p *parser) optUint(name string, bits int) uint64 {
	if !p.has(name) {
		return 0
	}
	return p.uint(bits)
}

func (p *parser) optFloat(name string) float64 {
	if !p.has(name) {
		return 0
	}
	f, err := strconv.ParseFloat(p.number(), 64)
	if err != nil {
		p.fail("bad number")
	}
	return f
}

func (p *parser) int(bits int) int64 {
	v, err := strconv.ParseInt(p.number(), 10, bits)
	if err != nil {
		p.fail("bad integer")
	}
	return v
}

func (p *parser) uint(bits int) uint64 {
	v, err := strconv.ParseUint(p.number(), 10, bits)
	if err != nil {
		p.fail("bad integer")
	}
	return v
}

// number gives the run of bytes that a number may have.
func (p *parser) number() string {
	start := p.i
	for p.err == nil && p.i < len(p.b) && (p.b[p.i] >= '0' && p.b[p.i] <= '9' || p.b[p.i] == '-' || p.b[p.i] == '.') {
		p.i++
	}
	return string(p.b[start:p.i])
}

func (p *parser) bool() bool {
	if p.i < len(p.b) && p.b[p.i] == 't' {
		p.lit("true")
		return true
	}
	p.lit("false")
	return false
}

func (p *parser) argv() []string {
	p.lit("[")
	var v []string
	for p.err == nil {
		v = append(v, p.str())
		if p.i < len(p.b) && p.b[p.i] == ',' {
			p.i++
			continue
		}
		p.lit("]")
		break
	}
	return v
}

func (p *parser) time() time.Time {
	if p.err != nil {
		return time.Time{}
	}
	if len(p.b)-p.i < timeLen {
		p.fail("bad time")
		return time.Time{}
	}
	t, ok := parseTime(p.b[p.i : p.i+timeLen])
	if !ok {
		p.fail("bad time")
	}
	p.i += timeLen
	return t
}

// parseTime reads what appendTime wrote. Digits only are looked at: what
// stands between them, and days that no month has, the comparison with the
// canonical form refuses.
func parseTime(b []byte) (time.Time, bool) {
	var n [7]int
	at := 1
	for i, width := range [7]int{4, 2, 2, 2, 2, 2, 9} {
		for ; width > 0; width-- {
			if b[at] < '0' || b[at] > '9' {
				return time.Time{}, false
			}
			n[i] = n[i]*10 + int(b[at]-'0')
			at++
		}
		at++
	}
	return time.Date(n[0], time.Month(n[1]), n[2], n[3], n[4], n[5], n[6], time.UTC), true
}
