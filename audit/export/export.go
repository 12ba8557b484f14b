package export

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"clawjail/audit"
)

// Format is a form of export.
type Format string

// The forms.
const (
	JSONL Format = "jsonl"
	CSV   Format = "csv"
	OCSF  Format = "ocsf"
)

// Formats are all of them.
func Formats() []string { return []string{string(JSONL), string(CSV), string(OCSF)} }

// Writer writes records in one form.
type Writer struct {
	format Format
	out    io.Writer
	csv    *csv.Writer
	buf    []byte
}

// NewWriter makes a writer; product is the version of clawjail that exports.
func NewWriter(out io.Writer, f Format) (*Writer, error) {
	w := &Writer{format: f, out: out}
	switch f {
	case JSONL, OCSF:
	case CSV:
		w.csv = csv.NewWriter(out)
		return w, w.csv.Write(columns())
	default:
		return nil, fmt.Errorf("unknown form %q; there are %s", f, strings.Join(Formats(), ", "))
	}
	return w, nil
}

// Write writes one record.
func (w *Writer) Write(r *audit.Record) error {
	var err error
	switch w.format {
	case CSV:
		return w.csv.Write(row(r))
	case OCSF:
		if w.buf, err = appendOCSF(w.buf[:0], r); err != nil {
			return err
		}
	default:
		w.buf = r.AppendJSON(w.buf[:0])
	}
	_, err = w.out.Write(append(w.buf, '\n'))
	return err
}

// Flush writes what is left.
func (w *Writer) Flush() error {
	if w.csv == nil {
		return nil
	}
	w.csv.Flush()
	return w.csv.Error()
}

func columns() []string {
	return []string{"seq", "time", "boot", "jail", "exec_id", "gate", "op", "verdict", "rule", "tier", "path", "path2", "argv",
		"host", "addr", "port", "proto", "bytes_up", "bytes_down", "duration_ms", "exit_code", "signal", "pid", "sha256",
		"decision", "by", "held_ms", "reason", "class", "lost", "message", "prev"}
}

// row gives the cells of a record, in the order of columns.
func row(r *audit.Record) []string {
	s := &r.Subject
	var d audit.Decision
	if r.Decision != nil {
		d = *r.Decision
	}
	exit := ""
	if s.ExitCode != nil {
		exit = strconv.Itoa(*s.ExitCode)
	}
	cells := []string{strconv.FormatUint(r.Seq, 10), r.Time.UTC().Format(time.RFC3339Nano), r.Boot, r.Jail, r.ExecID, r.Gate, s.Op, r.Verdict, r.Rule, r.Tier,
		s.Path, s.Path2, argv(s.Argv), s.Host, s.Addr, number(int64(s.Port)), s.Proto, number(s.BytesUp), number(s.BytesDown), float(s.DurationMS),
		exit, s.Signal, number(int64(s.Pid)), s.SHA256, d.ID, d.By, float(d.HeldMS), d.Reason, s.Class, number(int64(s.Lost)), s.Message, r.Prev}
	for i, c := range cells {
		cells[i] = tame(c)
	}
	return cells
}

// argv quotes arguments as JSON does, so that they can be told apart.
func argv(list []string) string {
	if len(list) == 0 {
		return ""
	}
	quoted := make([]string, len(list))
	for i, a := range list {
		quoted[i] = strconv.Quote(a)
	}
	return strings.Join(quoted, " ")
}

// tame keeps a spreadsheet from taking a cell for a formula.
func tame(s string) string {
	if s != "" && strings.IndexByte("=+-@\t\r", s[0]) >= 0 {
		return "'" + s
	}
	return s
}

func number(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

func float(f float64) string {
	if f == 0 {
		return ""
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}
