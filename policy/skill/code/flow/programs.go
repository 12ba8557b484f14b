package flow

import (
	"maps"
	"strings"

	"mvdan.cc/sh/v3/expand"

	"clawjail/policy/skill/code/decode"
)

func commands() map[string]command {
	out := map[string]command{}
	for _, t := range []map[string]command{textCommands(), runCommands(), netCommands(), fileCommands(), systemCommands()} {
		maps.Copy(out, t)
	}
	return out
}

func several(fn command, names ...string) map[string]command {
	out := map[string]command{}
	for _, n := range names {
		out[n] = fn
	}
	return out
}

func all(tables ...map[string]command) map[string]command {
	out := map[string]command{}
	for _, t := range tables {
		maps.Copy(out, t)
	}
	return out
}

func nothing(m *machine, f *frame, c *cmdCall) *value { return nil }

func cmdEcho(m *machine, f *frame, c *cmdCall) *value {
	args := c.args
	escapes := false
	for len(args) > 0 {
		s := pick(args[0]).known()
		if s != "-n" && s != "-e" && s != "-ne" && s != "-en" && s != "-E" {
			break
		}
		escapes = escapes || strings.Contains(s, "e")
		args = args[1:]
	}
	var parts []*value
	for i, a := range args {
		if i > 0 {
			parts = append(parts, str(" "))
		}
		parts = append(parts, a)
	}
	if len(parts) == 0 {
		return str("")
	}
	v := concat(parts...)
	v.built = false
	if len(args) == 1 {
		v = args[0]
	}
	if s, ok := v.text(); ok && escapes && strings.Contains(s, `\x`) {
		return m.decodedText(v, decode.Escapes(s), false, "escapes", f.place(c.at))
	}
	return v
}

func cmdPrintf(m *machine, f *frame, c *cmdCall) *value {
	args := c.args
	if len(args) > 0 && pick(args[0]).known() == "-v" && len(args) > 2 {
		v := cmdPrintf(m, f, &cmdCall{args: args[2:], at: c.at})
		m.put(f.scope, pick(args[1]).known(), orUnknown(v))
		return nil
	}
	if len(args) == 0 {
		return nil
	}
	format, ok := pick(args[0]).text()
	if !ok {
		return concat(args...)
	}
	var texts []string
	for _, a := range args[1:] {
		s, known := pick(a).text()
		if !known {
			return concat(args[1:]...).withMarks(args[0].marks)
		}
		texts = append(texts, s)
	}
	if len(texts) == 0 && strings.Contains(format, "%") {
		return str(format)
	}
	plain := len(texts) == 1 && strings.TrimRight(format, `\n`) == "%s"
	s, n, err := expand.Format(nil, format, texts)
	for err == nil && n > 0 && n < len(texts) && len(s) < maxText {
		texts = texts[n:]
		var more string
		more, n, err = expand.Format(nil, format, texts)
		s += more
	}
	if strings.Contains(format, `\x`) || strings.Contains(format, `\1`) || strings.Contains(format, "%b") && !plain {
		return m.decodedText(concat(args...), s, false, "escapes", f.place(c.at))
	}
	out := str(s)
	for _, a := range args {
		out.marks = joinMarks(out.marks, a.marks)
	}
	return out
}

// input is what a filter works on: the files it names, or what it is fed.
func (m *machine) input(f *frame, c *cmdCall, files []*value) *value {
	if len(files) == 0 {
		if c.in == nil {
			return m.stdinValue(f, c.at)
		}
		return c.in
	}
	var out *value
	named := 0
	for _, v := range files {
		if _, number := v.number(); number && c.in != nil {
			continue // the value of a flag
		}
		named++
		if v.kind == kRef && v.ref == "procs" {
			out = joinOut(out, v.recv)
			continue
		}
		if pick(v).known() == "-" {
			out = joinOut(out, orUnknown(c.in))
			continue
		}
		out = joinOut(out, m.readFile(f, c.at, v))
	}
	if named == 0 {
		return orUnknown(c.in)
	}
	return orUnknown(out)
}

func cmdCat(m *machine, f *frame, c *cmdCall) *value { return m.input(f, c, c.plain()) }

// filter keeps the marks; its text changes. skip says how many arguments come
// before the files.
func filter(skip int) command {
	return func(m *machine, f *frame, c *cmdCall) *value {
		files := c.plain()
		files = files[min(skip, len(files)):]
		v := m.input(f, c, files)
		return unknown(allMarks(v)...)
	}
}

func cmdHead(m *machine, f *frame, c *cmdCall) *value {
	v := c.in
	if files := c.plain(); len(files) > 0 {
		if n, ok := files[0].number(); ok && n > 0 {
			files = files[1:]
		}
		if len(files) > 0 {
			v = m.input(f, c, files)
		}
	}
	if n, ok := orUnknown(c.value("-c")).number(); ok && n <= 8 {
		return unknown(mask(allMarks(v))...)
	}
	return orUnknown(v)
}

func cmdBase64(m *machine, f *frame, c *cmdCall) *value {
	v := m.input(f, c, c.plain())
	if c.has("-d", "-D", "--decode", "-di") {
		return m.decodeWith(f, c.at, v, "base64", false, decode.Base64)
	}
	return unknown(encode(allMarks(v), f.place(c.at), "encoded as base64")...)
}

func cmdXxd(m *machine, f *frame, c *cmdCall) *value {
	v := m.input(f, c, c.plain())
	if c.has("-r") {
		return m.decodeWith(f, c.at, v, "hex", false, decode.Hex)
	}
	return unknown(encode(allMarks(v), f.place(c.at), "encoded as hex")...)
}

func cmdGzip(m *machine, f *frame, c *cmdCall) *value {
	v := m.input(f, c, c.plain())
	if c.has("-d", "-dc", "--decompress") || c.name == "gunzip" || c.name == "zcat" {
		return m.decodeWith(f, c.at, v, "gzip", false, decode.Gunzip)
	}
	return unknown(encode(allMarks(v), f.place(c.at), "packed")...)
}

func cmdRev(m *machine, f *frame, c *cmdCall) *value {
	v := m.input(f, c, c.plain())
	return m.decodeWith(f, c.at, v, "reversed letters", false, func(s string) (string, bool) {
		r := []rune(strings.TrimRight(s, "\n"))
		for i, j := 0, len(r)-1; i < j; i, j = i+1, j-1 {
			r[i], r[j] = r[j], r[i]
		}
		return string(r), true
	})
}

// cmdTr computes turned alphabets and removed letters.
func cmdTr(m *machine, f *frame, c *cmdCall) *value {
	v := orUnknown(c.in)
	s, ok := v.text()
	if !ok {
		return v
	}
	args := c.plain()
	if c.has("-d") && len(args) > 0 {
		set := expandSet(args[0].known())
		return str(strings.Map(func(r rune) rune {
			if strings.ContainsRune(set, r) {
				return -1
			}
			return r
		}, s)).withMarks(v.marks)
	}
	if len(args) < 2 || c.has("-s", "-c", "-cd") {
		return v
	}
	from, to := []rune(expandSet(args[0].known())), []rune(expandSet(args[1].known()))
	if len(from) == 0 || len(to) == 0 {
		return v
	}
	table := map[rune]rune{}
	for i, r := range from {
		table[r] = to[min(i, len(to)-1)]
	}
	out := strings.Map(func(r rune) rune {
		if t, ok := table[r]; ok {
			return t
		}
		return r
	}, s)
	if len(from) > 4 && !strings.Contains(args[0].known(), ":") {
		return m.decodedText(v, out, false, "turned letters", f.place(c.at))
	}
	return str(out).withMarks(v.marks)
}

// expandSet writes out the ranges of a tr set.
func expandSet(s string) string {
	s = decode.Escapes(s)
	var b strings.Builder
	r := []rune(s)
	for i := 0; i < len(r); i++ {
		if i+2 < len(r) && r[i+1] == '-' && r[i+2] >= r[i] && r[i+2]-r[i] < 256 {
			for x := r[i]; x <= r[i+2]; x++ {
				b.WriteRune(x)
			}
			i += 2
			continue
		}
		b.WriteRune(r[i])
	}
	return b.String()
}

// cmdSed computes plain substitutions.
func cmdSed(m *machine, f *frame, c *cmdCall) *value {
	args := c.plain()
	if len(args) == 0 {
		return orUnknown(c.in)
	}
	v := m.input(f, c, args[1:])
	if c.has("-i", "--in-place") {
		for _, a := range args[1:] {
			m.writeFile(f, c.at, a, args[0])
		}
		return nil
	}
	s, ok := v.text()
	script := args[0].known()
	if ok && len(script) > 4 && script[0] == 's' {
		if p := strings.Split(script[2:], script[1:2]); len(p) == 3 && p[0] != "" && !strings.ContainsAny(p[0], `\.[]*^$`) {
			return builtText(strings.ReplaceAll(s, p[0], p[1]), v.marks)
		}
	}
	return unknown(allMarks(v)...)
}

func cmdCut(m *machine, f *frame, c *cmdCall) *value {
	v := m.input(f, c, c.plain())
	if b := orUnknown(c.value("-c", "-b")).known(); strings.HasPrefix(b, "1-") && len(b) == 3 {
		return unknown(mask(allMarks(v))...)
	}
	return unknown(allMarks(v)...)
}

func cmdHash(m *machine, f *frame, c *cmdCall) *value {
	return unknown(mask(allMarks(m.input(f, c, c.plain())))...)
}

func cmdEnv(m *machine, f *frame, c *cmdCall) *value {
	args := c.args
	for len(args) > 0 && c.name == "env" {
		s := pick(args[0]).shape()
		name, _, assigned := strings.Cut(s, "=")
		switch {
		case assigned && !strings.HasPrefix(s, "-"):
			if v, ok := cutShape(args[0], name+"="); ok {
				m.libraryPath(f, name, v, c.at)
			}
		case !strings.HasPrefix(s, "-"):
			return m.command(f, &cmdCall{words: args, in: c.in, at: c.at, depth: c.depth + 1})
		case s == "-u" && len(args) > 1:
			args = args[1:]
		}
		args = args[1:]
	}
	if c.name == "printenv" && len(c.plain()) > 0 {
		return m.envRead(f, c.plain()[0].shape(), c.at)
	}
	return unknown(&mark{source: envAll, name: c.name, at: f.place(c.at)})
}

func cmdRead(m *machine, f *frame, c *cmdCall) *value {
	v := c.in
	if v == nil {
		v = m.stdinValue(f, c.at)
	}
	for _, a := range c.plain() {
		if s := a.known(); s != "" {
			if w := orUnknown(v); w.kind == kString {
				m.put(f.scope, s, w)
			} else {
				m.put(f.scope, s, unknown(allMarks(w)...))
			}
		}
	}
	return nil
}

func cmdJq(m *machine, f *frame, c *cmdCall) *value {
	files := c.plain()
	marks := c.marks()
	if len(files) > 1 {
		marks = joinMarks(marks, allMarks(m.readFile(f, c.at, files[len(files)-1])))
	}
	return unknown(marks...)
}

func textCommands() map[string]command {
	return all(
		several(cmdEcho, "echo"), several(cmdPrintf, "printf"),
		several(cmdCat, "cat", "tac", "less", "more", "bat", "nl", "strings", "fold", "column", "type", "get-content"),
		several(cmdHead, "head", "tail"),
		several(filter(1), "grep", "egrep", "fgrep", "awk", "gawk", "mawk", "rg", "ag"), several(filter(0), "sort", "uniq", "paste", "fmt", "iconv", "sponge", "pv", "split", "join", "comm", "shuf", "expand", "unexpand", "csplit", "dos2unix", "envsubst"),
		several(cmdSed, "sed"), several(cmdTr, "tr"), several(cmdRev, "rev"), several(cmdCut, "cut"), several(cmdJq, "jq", "yq", "xmllint", "xmlstarlet"),
		several(cmdBase64, "base64", "base32", "gbase64"), several(cmdXxd, "xxd", "od", "hexdump"), several(cmdGzip, "gzip", "gunzip", "zcat", "bzip2", "xz", "zstd", "pigz"),
		several(cmdHash, "sha256sum", "md5sum", "sha1sum", "shasum", "wc", "cksum", "md5", "b2sum", "sha512sum"),
		several(cmdEnv, "env", "printenv"), several(cmdRead, "read", "mapfile", "readarray"),
		several(func(m *machine, f *frame, c *cmdCall) *value {
			if c.name == "set" && c.text(0) == "--" {
				m.put(f.scope, "@", list(c.args[1:]...))
				return nil
			}
			if len(c.args) == 0 || c.has("-p") && len(c.plain()) == 0 {
				return unknown(&mark{source: envAll, name: c.name, at: f.place(c.at)})
			}
			return nil
		}, "export", "set", "declare"),
		several(func(m *machine, f *frame, c *cmdCall) *value { return m.userValue(f, c.at, "the clipboard") }, "pbpaste", "xclip", "xsel", "wl-paste", "get-clipboard"),
		several(func(m *machine, f *frame, c *cmdCall) *value {
			v := m.userValue(f, c.at, "a screenshot")
			for _, a := range c.plain() {
				m.writeFile(f, c.at, a, v)
			}
			return v
		}, "screencapture", "scrot", "grim", "gnome-screenshot", "maim", "spectacle"),
		several(nothing, "cd", "true", "false", ":", "exit", "return", "shift", "trap", "wait", "pushd", "popd", "shopt", "local", "break", "continue"),
		map[string]command{
			"dirname": func(m *machine, f *frame, c *cmdCall) *value {
				if len(c.args) > 0 {
					return orUnknown(pathDir(m, f, &call{args: c.args[:1]}))
				}
				return unknown()
			},
			"basename": func(m *machine, f *frame, c *cmdCall) *value {
				if len(c.args) > 0 {
					return orUnknown(pathBase(m, f, &call{args: c.args[:1]}))
				}
				return unknown()
			},
			"pwd":      func(m *machine, f *frame, c *cmdCall) *value { return str(".") },
			"realpath": func(m *machine, f *frame, c *cmdCall) *value { return orUnknown(last(c.plain())) },
			"readlink": func(m *machine, f *frame, c *cmdCall) *value { return orUnknown(last(c.plain())) },
			"mktemp":   func(m *machine, f *frame, c *cmdCall) *value { return str("/tmp/made" + formatNum(float64(c.at.Line))) },
			"date":     silentCmd, "uname": silentCmd, "hostname": silentCmd, "whoami": silentCmd, "id": silentCmd, "which": silentCmd, "nproc": silentCmd, "tput": silentCmd,
		})
}

func silentCmd(m *machine, f *frame, c *cmdCall) *value { return unknown() }

func last(list []*value) *value {
	if len(list) == 0 {
		return nil
	}
	return list[len(list)-1]
}
