package shell

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// inner judges what a command starts by itself: the text of sh -c, the command
// behind env or xargs. It answers true when nothing more is to be said about the
// command itself.
func (w *walker) inner(base string, argv []word, at [2]int) bool {
	switch base {
	case "eval":
		w.judge.refuse(at, Finding{Rule: "eval", Why: "it makes a command of text when it runs, and that text cannot be judged before", Next: "write the command itself"})
		return true
	case "source", ".":
		return w.sourced(argv, at)
	case "trap":
		if len(argv) > 1 && !strings.HasPrefix(argv[1].text, "-") {
			w.nested(argv[1], "trap")
		}
		return false
	case "alias", "enable", "hash":
		if len(argv) > 1 && (base == "alias" || argv[1].text == "-f" || argv[1].text == "-p") {
			w.judge.refuse(at, Finding{Rule: "renames-programs", Why: "names would mean other programs than the ones judged here", Next: "leave it out, and use the program's own name"})
			return true
		}
		return false
	case "find":
		w.finds(argv)
		return false
	case "xargs":
		w.xargs(argv)
		return false
	case "parallel", "watch", "script", "entr":
		w.judge.refuse(at, Finding{Rule: "unknown-program", Why: "it makes commands of text when it runs", Next: "write the commands themselves, or use xargs"})
		return true
	}
	if shells(base) {
		return w.shell(base, argv, at)
	}
	if slices.Contains(interpreters[:], strings.TrimRight(base, "0123456789.")) && w.runsItsInput(argv) {
		w.judge.refuse(at, Finding{Rule: "pipe-to-a-shell", Why: "an interpreter would run whatever comes through the pipe", Next: "write it to a file of the workspace, look at it, and run that"})
		return true
	}
	if rest, ok := behind(base, argv); ok {
		if len(rest) > 0 {
			w.run(rest, base)
		} else {
			w.wrapped(argv, at)
		}
		// exec, command and builtin are no programs; the others are judged too.
		return base == "exec" || base == "command" || base == "builtin" || base == "coproc"
	}
	return false
}

// wrapped refuses a wrapper whose command cannot be made out.
func (w *walker) wrapped(argv []word, at [2]int) {
	for _, a := range argv[1:] {
		if !a.known() || strings.HasPrefix(a.text, "-S") || strings.HasPrefix(a.text, "--split-string") {
			w.judge.refuse(at, Finding{Rule: "unknown-program", Why: "which program this runs is only known when it runs", Next: "write the command itself"})
			return
		}
	}
}

// interpreters run what they read when they are given nothing else.
var interpreters = [...]string{"python", "pypy", "perl", "ruby", "node", "nodejs", "deno", "bun", "php", "lua", "luajit", "tclsh", "Rscript", "guile", "osascript", "ts-node", "julia", "ghci", "R"}

func shells(base string) bool {
	return slices.Contains([]string{"sh", "bash", "dash", "zsh", "ksh", "ksh93", "mksh", "ash", "fish", "csh", "tcsh", "rbash", "yash", "rc", "pwsh"}, base)
}

// runsItsInput reports whether an interpreter reads its program from a pipe.
func (w *walker) runsItsInput(argv []word) bool {
	if !w.input().piped {
		return false
	}
	for _, a := range argv[1:] {
		if a.text == "-" || a.text == "/dev/stdin" || strings.HasPrefix(a.text, "/dev/fd/") || strings.HasPrefix(a.text, "/proc/self/fd/") {
			return true
		}
		if !strings.HasPrefix(a.text, "-") || strings.HasPrefix(a.text, "-c") || strings.HasPrefix(a.text, "-e") || a.text == "-m" || a.text == "-p" || a.text == "-r" || a.text == "-n" {
			return false // a script, or its text, is on the command line
		}
	}
	return true
}

// shell judges a shell that a command starts: the text it is given, or the place
// that it reads its commands from.
func (w *walker) shell(base string, argv []word, at [2]int) bool {
	script, file := -1, -1
	stdin := false
	for i := 1; i < len(argv) && script < 0 && file < 0; i++ {
		t := argv[i].text
		switch {
		case !argv[i].known():
			w.judge.refuse(argv[i].at, Finding{Rule: "unknown-program", Why: "what the shell runs is only known when it runs", Next: "write the command itself"})
			return true
		case t == "-" || t == "--":
		case strings.HasPrefix(t, "--"):
			if t == "--rcfile" || t == "--init-file" {
				i++
			}
		case len(t) > 1 && (t[0] == '-' || t[0] == '+'):
			if strings.HasSuffix(t, "o") || strings.HasSuffix(t, "O") {
				i++
			}
			if strings.ContainsRune(t, 'c') && t[0] == '-' {
				script = i + 1
			}
			stdin = stdin || strings.ContainsRune(t, 's')
		default:
			file = i
		}
	}
	for script > 0 && script < len(argv) && len(argv[script].text) > 1 && argv[script].text[0] == '-' {
		script++ // bash -c -e TEXT
	}
	switch {
	case script > 0:
		if script < len(argv) {
			w.nested(argv[script], base+" -c")
		}
		return false
	case file > 0 && !stdin && !pseudo(argv[file].text):
		return false // a file: its commands are the gate's to judge
	}
	return w.shellReads(at)
}

// pseudo reports whether a file's name means a descriptor.
func pseudo(p string) bool {
	p = cleaned(p)
	return p == "/dev/stdin" || under(p, "/dev/fd") || strings.HasPrefix(p, "/proc/")
}

// shellReads judges a shell that reads its commands from standard input.
func (w *walker) shellReads(at [2]int) bool {
	in := w.input()
	switch {
	case in.text != nil:
		doc := in.text.Hdoc
		if doc == nil {
			doc = in.text.Word // <<<
		}
		for _, text := range w.word(doc) {
			if in.text.Hdoc != nil { // its quotes are its own: backslashes and quotes are the inner shell's
				text.text = w.heredoc(in.text)
				text.whole, text.inner = !strings.Contains(text.text, unknown) && in.text.Op == syntax.Hdoc, text.at[0]
			}
			w.nested(text, "here-document")
		}
		return false
	case in.file:
		return false
	}
	f := Finding{Rule: "pipe-to-a-shell", Why: "a shell would run whatever comes through the pipe", Next: "write it to a file of the workspace, look at it, and run that"}
	if !in.piped {
		f = Finding{Rule: "reads-commands", Why: "a shell would run whatever it is given to read", Next: "give the command: sh -c 'COMMAND'"}
	}
	w.judge.refuse(at, f)
	return true
}

// heredoc gives the text of a here-document as the shell that reads it sees it.
func (w *walker) heredoc(r *syntax.Redirect) string {
	quoted := false
	for _, p := range r.Word.Parts {
		l, ok := p.(*syntax.Lit)
		quoted = quoted || !ok || strings.Contains(l.Value, `\`)
	}
	var b strings.Builder
	for _, p := range r.Hdoc.Parts {
		l, ok := p.(*syntax.Lit)
		switch {
		case !ok:
			return unknown
		case quoted:
			b.WriteString(l.Value)
		default:
			text, _ := literal(l.Value, true)
			b.WriteString(text)
		}
	}
	return b.String()
}

// nested judges a word that a shell will read as commands.
func (w *walker) nested(text word, via string) {
	if !text.known() {
		w.judge.refuse(text.at, Finding{Rule: "unknown-program", Why: "what the shell runs is only known when it runs", Next: "write the command itself"})
		return
	}
	at := func(n int) int { return text.at[0] + min(n, 1)*(text.at[1]-text.at[0]) }
	if text.whole {
		at = func(n int) int { return text.inner + n }
	}
	w.judge.script(scriptText{text: text.text, at: at}, via)
}

// sourced judges source: what it reads becomes part of this shell.
func (w *walker) sourced(argv []word, at [2]int) bool {
	if len(argv) < 2 {
		return true
	}
	w.judge.refuse(at, Finding{Rule: "eval", Why: "it runs a text in this very shell, which cannot be judged before", Next: "run the file as a program: bash FILE"})
	return true
}

// behind gives the command that a wrapper starts; ok is false for no wrapper.
func behind(base string, argv []word) (rest []word, ok bool) {
	// Options that take a value of their own.
	values := map[string]string{
		"env": "uC", "nohup": "", "timeout": "ks", "nice": "n", "ionice": "cnpPu", "stdbuf": "ioe", "setsid": "", "chrt": "TPDp",
		"taskset": "p", "time": "fo", "command": "", "builtin": "", "exec": "a", "coproc": "", "unbuffer": "", "chronic": "", "flock": "wEc",
		"strace": "eopPsSuEIaOXbU", "ltrace": "eopnsuaAlDFx", "busybox": "", "toybox": "", "catchsegv": "", "prlimit": "p", "numactl": "CNmilp", "gdb": "", "valgrind": "",
		"firejail": "", "bwrap": "", "proot": "", "fakeroot": "lsfb", "ssh-agent": "atP", "dbus-run-session": "", "xvfb-run": "efnps", "systemd-inhibit": "", "ld.so": "", "eatmydata": "", "linux64": "", "linux32": "", "setarch": "", "i386": "", "x86_64": "",
	}
	takes, ok := values[base]
	if !ok {
		return nil, strings.HasPrefix(base, "ld-linux") || strings.HasPrefix(base, "ld-musl")
	}
	i := 1
	for ; i < len(argv); i++ {
		t := argv[i].text
		if !argv[i].known() && !strings.Contains(t, "=") {
			return nil, true
		}
		if t == "--" {
			i++
			break
		}
		if base == "env" && strings.Contains(t, "=") && t[0] != '-' && t[0] != '=' {
			continue
		}
		if len(t) < 2 || t[0] != '-' {
			if base == "env" && t == "-" {
				continue
			}
			break
		}
		if base == "command" && strings.ContainsAny(t, "vV") {
			return argv[:0], true // asks about a command only
		}
		if base == "env" && (strings.HasPrefix(t, "-S") || strings.HasPrefix(t, "--split") || strings.Contains(t, "S") && t[1] != '-') {
			return nil, true
		}
		if t[1] != '-' && strings.IndexByte(takes, t[len(t)-1]) >= 0 {
			i++ // its value is the next word
		}
	}
	switch base {
	case "timeout", "flock", "taskset", "chrt", "setarch":
		i++ // the time, the file, the mask
	}
	return argv[min(i, len(argv)):], true
}

// xargs judges the command that it makes; it is echo if there is none.
func (w *walker) xargs(argv []word) {
	for i := 1; i < len(argv); i++ {
		t := argv[i].text
		switch {
		case t == "--":
			w.run(argv[i+1:], "xargs")
			return
		case len(t) > 1 && t[0] == '-':
			if len(t) == 2 && strings.ContainsAny(t, "aEdILnPs") {
				i++
			}
		default:
			w.xargsRun(argv[i:])
			return
		}
	}
}

// xargsRun judges the command behind xargs, which gets more arguments than stand
// there: nobody knows which.
func (w *walker) xargsRun(argv []word) {
	more := word{text: unknown, source: "…", at: argv[len(argv)-1].at}
	if base := argv[0].text[strings.LastIndexByte(argv[0].text, '/')+1:]; shells(base) && len(argv) > 1 {
		w.run(argv, "xargs") // sh -c TEXT: the rest are its parameters
		return
	}
	if argv[0].text == "rm" || strings.HasSuffix(argv[0].text, "/rm") {
		w.run(argv, "xargs") // what it removes comes from a list that the gate sees
		return
	}
	w.run(append(slices.Clone(argv), more), "xargs")
}

// finds judges the commands of find -exec and its like.
func (w *walker) finds(argv []word) {
	for i := 1; i < len(argv); i++ {
		switch argv[i].text {
		case "-exec", "-execdir", "-ok", "-okdir":
			end := i + 1
			for end < len(argv) && argv[end].text != ";" && argv[end].text != "+" {
				end++
			}
			if end > i+1 {
				w.run(argv[i+1:end], "find "+argv[i].text)
			}
			i = end
		}
	}
}

// builtin reports whether a name is part of the shell itself, and does nothing
// but to this shell.
func builtin(name string) bool {
	switch name {
	case ":", "[", "[[", "alias", "bg", "bind", "break", "caller", "cd", "compgen", "complete", "compopt", "continue", "declare", "dirs", "disown",
		"echo", "enable", "exit", "export", "false", "fc", "fg", "getopts", "hash", "help", "history", "jobs", "kill", "let", "local", "logout",
		"mapfile", "popd", "printf", "pushd", "pwd", "read", "readarray", "readonly", "return", "set", "shift", "shopt", "suspend", "test", "times",
		"trap", "true", "type", "typeset", "ulimit", "umask", "unalias", "unset", "wait":
		return true
	}
	return false
}
