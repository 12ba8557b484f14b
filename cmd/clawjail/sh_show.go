package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"clawjail/audit/escape"
	"clawjail/policy/shell"
	"clawjail/supervisor/api"
	"clawjail/supervisor/approval/show"
	"clawjail/supervisor/client"
)

// shResult is what `sh -o json` prints.
type shResult struct {
	Command string `json:"command"`
	Verdict string `json:"verdict"` // allowed, refused
	shell.Report
	Jail     string `json:"jail,omitempty"`
	Stdout   string `json:"stdout"`
	Stderr   string `json:"stderr"`
	Encoding string `json:"encoding,omitempty"` // base64: of stdout and stderr, which are no UTF-8
	// Truncated says that there was more than is kept.
	StdoutTruncated bool    `json:"stdout_truncated"`
	StderrTruncated bool    `json:"stderr_truncated"`
	ExitCode        int     `json:"exit_code"`
	Ended           string  `json:"ended,omitempty"` // exit, signal, timeout, memory
	DurationMS      float64 `json:"duration_ms,omitempty"`
}

// captureShell runs a command and prints all that came of it as JSON.
func captureShell(c *cobra.Command, e *env, f shFlags, cl client.Client, req api.RunRequest, text string, report shell.Report, stdin *os.File) error {
	out, err := newKept(f.most)
	if err != nil {
		return err
	}
	errs, err := newKept(f.most)
	if err != nil {
		return err
	}
	begun := time.Now()
	jail, err := cl.Foreground(c.Context(), req, client.Streams{In: stdin, Out: out.w, Err: errs.w})
	stdout, stderr := out.close(), errs.close()
	if err != nil {
		return err
	}
	r := shResult{Command: text, Verdict: "allowed", Report: report, Jail: jail.ID, StdoutTruncated: out.more, StderrTruncated: errs.more,
		Ended: shEnd(jail.Exit), DurationMS: float64(time.Since(begun).Microseconds()) / 1000}
	if jail.Exit != nil {
		r.ExitCode = jail.Exit.Code
	}
	if r.Stdout, r.Stderr = string(stdout), string(stderr); !utf8.Valid(stdout) || !utf8.Valid(stderr) {
		r.Encoding = "base64"
		r.Stdout, r.Stderr = base64.StdEncoding.EncodeToString(stdout), base64.StdEncoding.EncodeToString(stderr)
	}
	if err := writePlainJSON(e.stdout, r); err != nil {
		return err
	}
	if r.ExitCode != 0 {
		return &exitError{code: r.ExitCode}
	}
	return nil
}

// kept keeps the beginning of what is written to a pipe and drops the rest.
type kept struct {
	w    *os.File
	most int64
	buf  []byte
	more bool
	done sync.WaitGroup
}

func newKept(most int64) (*kept, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	k := &kept{w: w, most: most}
	k.done.Go(func() {
		defer r.Close()
		k.buf, _ = io.ReadAll(io.LimitReader(r, most))
		n, _ := io.Copy(io.Discard, r)
		k.more = n > 0
	})
	return k, nil
}

// close ends the pipe and gives what was kept, cut between two characters.
func (k *kept) close() []byte {
	_ = k.w.Close()
	k.done.Wait()
	if !k.more {
		return k.buf
	}
	for cut := 0; cut < utf8.UTFMax && cut < len(k.buf); cut++ {
		if b := k.buf[:len(k.buf)-cut]; utf8.Valid(b) {
			return b
		}
	}
	return k.buf
}

// writePlainJSON writes JSON whose strings say exactly what they hold, with every
// character that a terminal would obey or hide as an escape.
func writePlainJSON(w io.Writer, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	var out strings.Builder
	for _, r := range string(b) {
		switch {
		case !escape.Hidden(r):
			out.WriteRune(r)
		case r > 0xffff:
			hi, lo := utf16.EncodeRune(r)
			fmt.Fprintf(&out, `\u%04x\u%04x`, hi, lo)
		default:
			fmt.Fprintf(&out, `\u%04x`, r)
		}
	}
	out.WriteByte('\n')
	_, err = io.WriteString(w, out.String())
	return err
}

// explainShell prints what a command starts, and what of it is refused.
func explainShell(e *env, f shFlags, text string, r shell.Report) error {
	verdict, code := "allowed", 0
	if !r.Allowed() {
		verdict, code = "refused", 126
	}
	if f.output == "json" {
		if err := writePlainJSON(e.stdout, shResult{Command: text, Verdict: verdict, Report: r, ExitCode: code}); err != nil {
			return err
		}
	} else {
		for _, c := range r.Commands {
			via := ""
			if c.Via != "" {
				via = " by " + c.Via
			}
			fmt.Fprintf(e.stdout, "%d:%d  %-5s  %s%s  (%s)\n", c.Line, c.Col, c.Verdict, show.Words(c.Argv), via, escape.String(c.By))
		}
		showRefused(e.stdout, text, r)
	}
	if code != 0 {
		return &exitError{code: code}
	}
	return nil
}

// showRefused prints every finding with its line and a mark below the part.
func showRefused(w io.Writer, text string, r shell.Report) {
	for _, f := range r.Refused {
		fmt.Fprintf(w, "clawjail: refused at %d:%d: %s (%s)\n", f.Line, f.Col, f.Why, f.Rule)
		line, mark := underline(text, f.Start, f.End)
		fmt.Fprintf(w, "  %s\n  %s\n", line, mark)
		if f.By != "" {
			fmt.Fprintf(w, "  by %s\n", escape.String(f.By))
		}
		if f.Next != "" {
			fmt.Fprintf(w, "  %s\n", f.Next)
		}
	}
	if r.More > 0 {
		fmt.Fprintf(w, "clawjail: and %d more\n", r.More)
	}
}

// Widths of what is shown around and of a part that is refused.
const (
	beforePart = 48
	ofPart     = 60
	afterPart  = 40
)

// underline gives the line that a range of text begins on, and the marks that
// stand below the range. Both are safe to print.
func underline(text string, start, end int) (line, mark string) {
	begin := strings.LastIndexByte(text[:start], '\n') + 1
	stop := len(text)
	if i := strings.IndexByte(text[start:], '\n'); i >= 0 {
		stop = start + i
	}
	end = min(max(end, start), stop)
	before := escape.String(text[begin:start])
	if runes := []rune(before); len(runes) > beforePart {
		before = "…" + string(runes[len(runes)-beforePart:])
	}
	part, after := "", ""
	if start < end {
		part = escape.Clip(text[start:end], ofPart)
	}
	if end < stop {
		after = escape.Clip(text[end:stop], afterPart)
	}
	return before + part + after, strings.Repeat(" ", show.Width(before)) + "^" + strings.Repeat("~", max(show.Width(part)-1, 0))
}
