package shell

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"clawjail/policy"
)

// Bounds.
const (
	MaxBytes    = 64 << 10 // of a command
	MaxNesting  = 200      // brackets and keywords inside one another
	MaxScripts  = 8        // texts of sh -c inside one another
	MaxFindings = 32
	MaxCommands = 4096 // simple commands that are listed
)

// Options are what a judgement depends on.
type Options struct {
	// Program gives the policy's verdict on a program that is started with argv
	// and the rule that says so. nil allows every program.
	Program func(argv []string) (policy.Verdict, string)
}

// Span is a range of bytes of the command, with the place of its first one as
// people count: line and column (in bytes) from 1.
type Span struct {
	Start int `json:"start"`
	End   int `json:"end"`
	Line  int `json:"line"`
	Col   int `json:"column"`
}

// Finding is one part that is refused.
type Finding struct {
	Span
	// Rule names the kind of refusal: "removes-the-system", "needs-root".
	Rule string `json:"rule"`
	// Why says what would happen, in words that hold no text of the command.
	Why string `json:"why"`
	// Next says what to do instead.
	Next string `json:"next,omitempty"`
	// By is the policy's rule, if one refuses.
	By string `json:"by,omitempty"`
}

// Command is one simple command as it stands in the text.
type Command struct {
	Span
	// Argv are the words; one that is only known when it runs is its source.
	Argv []string `json:"argv"`
	// Via is the wrapper that starts it: "xargs", "find -exec", "sh -c".
	Via string `json:"via,omitempty"`
	// Verdict is the policy's: allow, audit or ask for what is not refused.
	Verdict string `json:"verdict"`
	By      string `json:"by,omitempty"`
}

// Report is what Judge found.
type Report struct {
	Commands []Command `json:"commands"`
	Refused  []Finding `json:"refused,omitempty"`
	// More is how many findings were left out.
	More int `json:"more,omitempty"`
}

// Allowed reports whether nothing was refused.
func (r Report) Allowed() bool { return len(r.Refused) == 0 }

// Judge reads a command and judges every part. It always answers: what cannot be
// read is refused.
func Judge(src string, o Options) Report {
	j := &judge{src: src, opt: o, report: Report{Commands: []Command{}}}
	j.script(scriptText{text: src, at: func(n int) int { return n }}, "")
	slices.SortStableFunc(j.report.Refused, func(a, b Finding) int { return a.Start - b.Start })
	return j.report
}

// judge is one judgement.
type judge struct {
	src    string
	opt    Options
	report Report
	depth  int
}

// scriptText is a text to be read as shell: the command itself, or one inside it.
type scriptText struct {
	text string
	// at gives the place in the whole command of a place in text.
	at func(int) int
}

// script judges one text.
func (j *judge) script(t scriptText, via string) {
	whole := [2]int{t.at(0), t.at(len(t.text))}
	switch {
	case len(t.text) > MaxBytes:
		j.refuse(whole, Finding{Rule: "too-long", Why: fmt.Sprintf("it is longer than %d bytes", MaxBytes), Next: "put it into a file of the workspace and run that"})
		return
	case strings.ContainsRune(t.text, 0):
		j.refuse(whole, Finding{Rule: "syntax", Why: "it has a NUL byte, where different shells read on differently"})
		return
	case nesting(t.text) > MaxNesting || j.depth >= MaxScripts:
		j.refuse(whole, Finding{Rule: "nested", Why: "it is nested too deep to be read", Next: "write it as several commands"})
		return
	}
	j.depth++
	defer func() { j.depth-- }()
	file, err := parse(t.text)
	if err != nil {
		at := t.at(min(err.at, len(t.text)))
		j.refuse([2]int{at, at + 1}, Finding{Rule: "syntax", Why: "it cannot be read as shell: " + err.msg, Next: "mend the quoting, or put it into a file"})
		return
	}
	w := &walker{judge: j, text: t, via: via, file: file, vars: constants(file), funcs: functions(file)}
	w.walk()
}

// syntaxError is where and why a text is no shell.
type syntaxError struct {
	at  int
	msg string
}

// parse reads a text. The parser panics on some texts that are no shell.
func parse(text string) (file *syntax.File, problem *syntaxError) {
	defer func() {
		if p := recover(); p != nil {
			file, problem = nil, &syntaxError{msg: "the parser broke off"}
		}
	}()
	f, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(text), "")
	if err == nil {
		return f, nil
	}
	var pe syntax.ParseError
	if errors.As(err, &pe) {
		return nil, &syntaxError{int(pe.Pos.Offset()), plainly(pe.Text)}
	}
	var le syntax.LangError
	if errors.As(err, &le) {
		return nil, &syntaxError{int(le.Pos.Offset()), "a feature of another shell"}
	}
	return nil, &syntaxError{0, "not the language of bash"}
}

// plainly keeps of the parser's message what it made up itself: it quotes tokens
// of the shell, and its text goes to a terminal.
func plainly(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s[:min(len(s), 200)])
}

// nesting bounds how deep constructs can be inside one another. It counts
// without understanding; honest commands stay far below.
func nesting(text string) int {
	depth, worst := 0, 0
	for _, c := range []byte(text) {
		switch c {
		case '(', '{', '[', '`':
			depth++
		case ')', '}', ']':
			depth = max(depth-1, 0)
		}
		worst = max(worst, depth)
	}
	depth = 0
	for _, w := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\n;&|(){}", r) }) {
		switch w {
		case "if", "while", "until", "for", "case", "select", "time", "!", "coproc", "function":
			depth++
		case "fi", "done", "esac":
			depth = max(depth-1, 0)
		}
		worst = max(worst, depth)
	}
	return worst
}

// refuse notes a finding about a range of the command.
func (j *judge) refuse(at [2]int, f Finding) {
	f.Span = j.span(at)
	for _, old := range j.report.Refused {
		if old.Span == f.Span && old.Rule == f.Rule {
			return
		}
	}
	if len(j.report.Refused) >= MaxFindings {
		j.report.More++
		return
	}
	j.report.Refused = append(j.report.Refused, f)
}

// span gives the place of a range of bytes, kept within the command.
func (j *judge) span(at [2]int) Span {
	start := min(max(at[0], 0), len(j.src))
	end := min(max(at[1], start), len(j.src))
	before := j.src[:start]
	return Span{Start: start, End: end, Line: 1 + strings.Count(before, "\n"), Col: start - strings.LastIndexByte(before, '\n')}
}
