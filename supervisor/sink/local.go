package sink

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"clawjail/audit"
	"clawjail/audit/view"
)

const (
	journalSocket = "/run/systemd/journal/socket"
	syslogSocket  = "/dev/log"
	writeTime     = 2 * time.Second
	maxDatagram   = 128 << 10 // below what the kernel's default buffer takes
	maxSyslog     = 2 << 10   // of a line: what RFC 5424 asks receivers to take
)

// socket is a local datagram socket that is dialed again when it breaks.
type socket struct{ conn *net.UnixConn }

func (s *socket) send(path string, b []byte) error {
	if s.conn == nil {
		c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
		if err != nil {
			return err
		}
		s.conn = c
	}
	err := s.conn.SetWriteDeadline(time.Now().Add(writeTime))
	if err == nil {
		_, err = s.conn.Write(b)
	}
	if err != nil {
		return errors.Join(err, s.close())
	}
	return nil
}

func (s *socket) close() error {
	if s.conn == nil {
		return nil
	}
	c := s.conn
	s.conn = nil
	return c.Close()
}

// priority is a record's, as syslog(3) has it.
func priority(r *audit.Record) int {
	const err, warning, notice, info = 3, 4, 5, 6
	switch {
	case r.Gate == audit.GateGap:
		return err
	case r.Verdict == "kill" || r.Verdict == "freeze":
		return warning
	case r.Verdict == "deny" || r.Verdict == "ask":
		return notice
	}
	return info
}

// text is a record in one escaped line.
func text(r *audit.Record) string {
	parts := []string{r.Gate, r.Verdict, view.Subject(r)}
	if r.Jail != "" {
		parts = append([]string{"jail", r.Jail}, parts...)
	}
	return strings.Join(strings.Fields(strings.Join(parts, " ")), " ")
}

// journald writes to journald's native socket
// (https://systemd.io/JOURNAL_NATIVE_PROTOCOL).
type journald struct {
	s      socket
	socket string
}

func (j *journald) close() error { return j.s.close() }

func (j *journald) write(r *audit.Record) error {
	b := entry(r, true)
	if len(b) > maxDatagram {
		b = entry(r, false)
	}
	return j.s.send(j.socket, b)
}

// entry is a record in the form of the journal, whole or without its JSON.
func entry(r *audit.Record, whole bool) []byte {
	var b bytes.Buffer
	message := text(r)
	field(&b, "MESSAGE", message[:min(len(message), maxSyslog)])
	field(&b, "PRIORITY", strconv.Itoa(priority(r)))
	field(&b, "SYSLOG_IDENTIFIER", "clawjail-audit")
	field(&b, "CLAWJAIL_SEQ", strconv.FormatUint(r.Seq, 10))
	field(&b, "CLAWJAIL_GATE", r.Gate)
	for _, f := range [...]struct{ name, value string }{{"CLAWJAIL_JAIL", r.Jail}, {"CLAWJAIL_VERDICT", r.Verdict}, {"CLAWJAIL_RULE", r.Rule}} {
		if f.value != "" {
			field(&b, f.name, f.value)
		}
	}
	if whole {
		field(&b, "CLAWJAIL_RECORD", string(r.AppendJSON(nil)))
	}
	return b.Bytes()
}

// field writes one field. A value with a newline has its length before it, so
// that none can begin a field of its own.
func field(b *bytes.Buffer, name, value string) {
	if !strings.Contains(value, "\n") {
		b.WriteString(name + "=" + value + "\n")
		return
	}
	b.WriteString(name + "\n")
	var n [8]byte
	binary.LittleEndian.PutUint64(n[:], uint64(len(value)))
	b.Write(n[:])
	b.WriteString(value + "\n")
}

// syslog writes to the local syslog socket, in the form of RFC 3164 as the C
// library has it.
type syslog struct {
	s      socket
	socket string
}

func (s *syslog) close() error { return s.s.close() }

func (s *syslog) write(r *audit.Record) error {
	const authpriv = 10
	line := fmt.Sprintf("<%d>%s clawjail-audit[%d]: seq %d %s", authpriv<<3|priority(r), r.Time.Local().Format(time.Stamp), os.Getpid(), r.Seq, text(r))
	return s.s.send(s.socket, []byte(line[:min(len(line), maxSyslog)]))
}
