package flow

import (
	"strings"
)

func cmdTee(m *machine, f *frame, c *cmdCall) *value {
	for _, a := range c.plain() {
		if a.kind == kRef && a.ref == "procs" {
			continue
		}
		m.writeFile(f, c.at, a, orUnknown(c.in))
	}
	return orUnknown(c.in)
}

func cmdCopy(m *machine, f *frame, c *cmdCall) *value {
	args := c.plain()
	if c.name == "install" && c.value("-m") != nil && len(args) > 2 {
		args = args[1:]
	}
	if len(args) < 2 {
		return nil
	}
	to := args[len(args)-1]
	for _, a := range args[:len(args)-1] {
		v := m.readFile(f, c.at, a)
		if c.has("-r", "-R", "-a", "--recursive") {
			v = v.withMarks(allMarks(m.readTree(f, c.at, a)))
		}
		dest := to
		if s := to.shape(); strings.HasSuffix(s, "/") || s == "~" || s == "." {
			base := a.shape()
			dest = concat(to, str(base[strings.LastIndexByte(base, '/')+1:]))
		}
		m.writeFile(f, c.at, dest, v)
		if k := m.shared.made[fileKey(a)]; k.v != nil {
			m.shared.made[fileKey(dest)] = k
		}
	}
	return nil
}

func cmdRemove(m *machine, f *frame, c *cmdCall) *value {
	tree := c.has("-r", "-R", "-rf", "-fr", "--recursive")
	for _, a := range c.plain() {
		p := cleanPath(a)
		m.remove(f, c.at, a, tree)
		if tree && (p == "/" || p == "~" || p == "/*" || p == "~/*" || p == "." && c.has("--no-preserve-root")) {
			m.emit(f, "CJS-EXEC-010", c.at, "deletes "+p)
		}
	}
	return nil
}

func cmdDD(m *machine, f *frame, c *cmdCall) *value {
	var in *value
	for _, a := range c.args {
		if v, ok := cutShape(a, "if="); ok {
			in = m.readFile(f, c.at, v)
		}
	}
	for _, a := range c.args {
		v, ok := cutShape(a, "of=")
		if !ok {
			continue
		}
		if disk(v.shape()) {
			m.emit(f, "CJS-EXEC-010", c.at, "overwrites the disk "+v.shape())
		}
		m.writeFile(f, c.at, v, orUnknown(in))
		return nil
	}
	return orUnknown(in)
}

func disk(p string) bool {
	for _, d := range []string{"/dev/sd", "/dev/nvme", "/dev/disk", "/dev/hd", "/dev/vd", "/dev/mmcblk", "/dev/rdisk", "/dev/xvd"} {
		if strings.HasPrefix(p, d) {
			return true
		}
	}
	return false
}

func cmdChmod(m *machine, f *frame, c *cmdCall) *value {
	args := c.plain()
	mode := c.text(0)
	if len(args) > 0 && strings.HasPrefix(mode, "-") && !strings.HasPrefix(mode, "-x") {
		mode = args[0].shape()
	}
	if strings.Contains(mode, "+s") || strings.Contains(mode, "u+s") || len(mode) == 4 && mode[0] >= '2' && mode[0] <= '7' && isIndex(mode) {
		m.emit(f, "CJS-EXEC-008", c.at, "makes a file set-user-id")
	}
	if strings.Contains(mode, "x") || strings.ContainsAny(mode, "1357") {
		for _, a := range args[min(1, len(args)):] {
			m.executable(f, c.at, a)
		}
	}
	return nil
}

// cmdXattr takes the mark of a download off.
func cmdXattr(m *machine, f *frame, c *cmdCall) *value {
	if c.has("-d", "-c", "-cr", "-rc", "-dr", "-rd") {
		for _, a := range c.args {
			if s := a.shape(); strings.Contains(s, "quarantine") || s == "-c" || s == "-cr" || s == "-rc" {
				m.emit(f, "CJS-FS-006", c.at, "takes the quarantine mark off a file, so that the system does not check it")
				return nil
			}
		}
	}
	return nil
}

func cmdTar(m *machine, f *frame, c *cmdCall) *value {
	flags := c.text(0)
	create := c.has("-c", "--create") || flags != "" && flags[0] != '-' && strings.Contains(flags, "c") && !strings.Contains(flags, "x") || strings.HasPrefix(flags, "-") && strings.Contains(flags, "c") && !strings.HasPrefix(flags, "--")
	if c.name == "zip" || c.name == "7z" || c.name == "7za" || c.name == "rar" {
		create = true
	}
	args := c.plain()
	if c.name == "tar" && flags != "" && flags[0] != '-' && len(args) > 0 {
		args = args[1:]
	}
	if strings.HasPrefix(c.name, "7z") && len(args) > 0 {
		create = args[0].shape() == "a"
		args = args[1:]
	}
	if !create {
		return m.unpackFiles(f, c, args)
	}
	if len(args) == 0 {
		return unknown()
	}
	out := args[0]
	var marks []*mark
	for i, a := range args {
		if i == 0 && out.shape() != "-" && len(args) > 1 {
			continue
		}
		if v := c.value("-C"); v != nil && v == a {
			marks = joinMarks(marks, allMarks(m.readTree(f, c.at, a)))
			continue
		}
		marks = joinMarks(marks, archived(allMarks(m.readTree(f, c.at, a))))
	}
	v := unknown(archived(marks)...)
	if out.shape() == "-" || len(args) == 1 {
		return v
	}
	m.writeFile(f, c.at, out, v)
	return v
}

func (m *machine) unpackFiles(f *frame, c *cmdCall, args []*value) *value {
	if v := c.value("-P"); v != nil && c.name == "unzip" || c.has("-P") {
		m.emit(f, "CJS-FS-006", c.at, "unpacks an archive with a password, which hides its content from scanners", medium)
	}
	m.unpackInto(f, c, args)
	if c.in != nil && len(args) == 0 {
		return c.in
	}
	return nil
}

func cmdFind(m *machine, f *frame, c *cmdCall) *value {
	args := c.plain()
	for i, a := range c.args {
		if s := a.shape(); s == "-exec" || s == "-execdir" || s == "-ok" {
			var words []*value
			for _, w := range c.args[i+1:] {
				if s := w.shape(); s == ";" || s == "+" || s == `\;` {
					break
				} else if s == "{}" && len(args) > 0 {
					w = m.walkTree(f, c.at, args[0])
				}
				words = append(words, w)
			}
			m.command(f, &cmdCall{words: words, at: c.at, expr: nil, depth: c.depth + 1})
		}
	}
	if len(args) == 0 {
		return unknown()
	}
	m.findDeletes(f, c, args[0])
	if m.secretPattern(f, c) {
		return unknown(&mark{source: secretFile, name: "files found by name", at: f.place(c.at)})
	}
	return m.walkTree(f, c.at, args[0])
}

// secretPattern says that find looks for secrets by name.
func (m *machine) secretPattern(f *frame, c *cmdCall) bool {
	for i, a := range c.args {
		if s := a.shape(); (s == "-name" || s == "-iname" || s == "-path") && i+1 < len(c.args) {
			p := strings.Trim(c.args[i+1].shape(), "*/")
			what, weak := secretPath("~/" + p)
			if what != "" && !weak || p == ".env" || p == ".pem" || p == "id_rsa" || p == "wallet" || p == ".key" {
				if roots := c.plain(); len(roots) > 0 && (homeTree(cleanPath(roots[0])) || strings.HasPrefix(cleanPath(roots[0]), "~") || strings.HasPrefix(cleanPath(roots[0]), "/")) {
					return true
				}
			}
		}
	}
	return false
}

func cmdList(m *machine, f *frame, c *cmdCall) *value {
	if args := c.plain(); len(args) > 0 {
		p := cleanPath(args[0])
		if what, weak := secretPath(p); what != "" && !weak {
			return concat(str(p+"/"), unknown(&mark{source: secretFile, name: p, at: f.place(c.at)}))
		}
		v := m.walkTree(f, c.at, args[0])
		return v
	}
	return unknown()
}

func cmdLink(m *machine, f *frame, c *cmdCall) *value {
	if args := c.plain(); len(args) > 1 {
		m.writeFile(f, c.at, args[len(args)-1], unknown())
	}
	return nil
}

func cmdTouch(m *machine, f *frame, c *cmdCall) *value {
	for _, a := range c.plain() {
		if class, what := writeClass(cleanPath(a)); class == persistence && c.name == "touch" && what != "shell start-up files" {
			m.writeFile(f, c.at, a, unknown())
		}
	}
	return nil
}

func cmdTruncate(m *machine, f *frame, c *cmdCall) *value {
	for _, a := range c.plain() {
		p := cleanPath(a)
		if class, what := writeClass(p); class == logs {
			m.emit(f, "CJS-FS-007", c.at, "empties "+p+": "+what)
		}
		if disk(p) || c.name == "shred" && homeTree(p) {
			m.emit(f, "CJS-EXEC-010", c.at, "overwrites "+p)
		}
	}
	return nil
}

func fileCommands() map[string]command {
	return all(
		several(cmdTee, "tee"), several(cmdCopy, "cp", "mv", "install", "gcp", "ditto"), several(cmdRemove, "rm", "unlink", "trash"),
		several(nothing, "ssh-keygen", "ssh-add", "ssh-copy-id", "ssh-keyscan", "stat", "file", "chown", "chgrp"),
		several(cmdDD, "dd"), several(cmdChmod, "chmod"), several(cmdXattr, "xattr"), several(cmdTar, "tar", "zip", "unzip", "7z", "7za", "bsdtar", "rar", "cpio"),
		several(cmdFind, "find", "fd", "fdfind"), several(cmdList, "ls", "tree", "du", "locate", "mdfind"), several(cmdLink, "ln"), several(cmdTouch, "touch", "mkdir"),
		several(cmdTruncate, "truncate", "shred", "srm", "wipe"),
		several(func(m *machine, f *frame, c *cmdCall) *value {
			for _, a := range c.plain() {
				if disk(a.shape()) {
					m.emit(f, "CJS-EXEC-010", c.at, "formats "+a.shape())
				}
			}
			return nil
		}, "mkfs", "mkfs.ext4", "mkfs.xfs", "mkswap", "fdisk", "parted", "wipefs", "diskutil"),
		map[string]command{
			"mkfifo": func(m *machine, f *frame, c *cmdCall) *value {
				m.shared.flag(f, "fifo")
				return nil
			},
			"mknod": func(m *machine, f *frame, c *cmdCall) *value {
				if c.text(1) == "p" {
					m.shared.flag(f, "fifo")
				}
				return nil
			},
		})
}
