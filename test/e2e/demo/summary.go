package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"clawjail/audit"
	"clawjail/audit/escape"
)

// summary prints what the record says about the run, and keeps a copy of it:
// the small internet's host is gone in a moment.
func (d *demo) summary(code int, took time.Duration) error {
	list, err := d.records()
	if err != nil {
		return err
	}
	fmt.Printf("\nThe agent ended with code %d after %s. What the record says:\n", code, took.Round(10*time.Millisecond))
	var ran, wrote, talked, refused lines
	for _, r := range list {
		switch s := r.Subject; {
		case r.Verdict == "deny" || r.Verdict == "kill" || r.Verdict == "freeze":
			refused.add(r.Gate + " " + about(r))
		case r.Gate == audit.GateExec && len(s.Argv) > 0: // not its fork and its exit
			ran.add(about(r))
		case r.Gate == audit.GateFile && !strings.HasPrefix(s.Path, "/dev/"):
			wrote.add(about(r))
		case r.Gate == audit.GateEgress:
			talked.add(fmt.Sprintf("%s:%d, %d bytes up, %d down", escape.String(s.Host), s.Port, s.BytesUp, s.BytesDown))
		}
	}
	ran.print("ran")
	wrote.print("wrote")
	talked.print("talked to")
	refused.print("REFUSED")
	if err := d.keepRecord(); err != nil {
		return err
	}
	fmt.Printf("\nThe whole record, %d lines: bin/clawjail audit query --dir %s\n", len(list), d.keep)
	return nil
}

// about says what a record is about, in one line.
func about(r audit.Record) string {
	s := r.Subject
	switch {
	case len(s.Argv) > 0:
		return escape.Argv(s.Argv)
	case s.Path != "":
		return escape.String(strings.TrimSpace(s.Op + " " + s.Path))
	case s.Host != "":
		return escape.String(s.Host)
	case s.Addr == "":
		return escape.String(strings.TrimSpace(s.Op + " " + s.Message))
	default:
		return escape.String(fmt.Sprintf("%s %s:%d", s.Proto, s.Addr, s.Port))
	}
}

// lines are distinct, in the order of their first time.
type lines struct {
	text  []string
	count map[string]int
}

func (l *lines) add(s string) {
	const most = 90
	if len(s) > most {
		s = s[:most] + "…"
	}
	if l.count == nil {
		l.count = map[string]int{}
	}
	if l.count[s]++; l.count[s] == 1 {
		l.text = append(l.text, s)
	}
}

func (l *lines) print(title string) {
	fmt.Printf("  %s\n", title)
	for _, s := range l.text {
		if n := l.count[s]; n > 1 {
			s = fmt.Sprintf("%s  (%d times)", s, n)
		}
		fmt.Printf("    %s\n", s)
	}
	if len(l.text) == 0 {
		fmt.Println("    nothing")
	}
}

func (d *demo) records() ([]audit.Record, error) {
	c := exec.Command(d.clawjail, "audit", "query", "--jail", "demo", "-o", "json")
	c.Stderr = os.Stderr
	out, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("audit query: %w", err)
	}
	var list []audit.Record
	dec := json.NewDecoder(bytes.NewReader(out))
	for dec.More() {
		var r audit.Record
		if err := dec.Decode(&r); err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, nil
}

func (d *demo) keepRecord() error {
	if err := os.RemoveAll(d.keep); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(d.keep), 0o755); err != nil {
		return err
	}
	out, err := exec.Command("cp", "-r", "/var/lib/clawjail/audit", d.keep).CombinedOutput()
	if err != nil {
		return fmt.Errorf("keep the record: %w: %s", err, out)
	}
	return nil
}
