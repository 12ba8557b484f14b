package flow

import (
	"strconv"
	"strings"
)

func formatBase(n int64, base int) string { return strconv.FormatInt(n, base) }

// knownString computes a method of a known string.
func knownString(name, s string, recv *value, c *call) *value {
	make := func(t string) *value { v := str(t); v.raw = recv.raw; return v }
	switch name {
	case "strip", "trim":
		if set := pickText(c.arg(0)); set != "" {
			return make(strings.Trim(s, set))
		}
		return make(strings.TrimSpace(s))
	case "rstrip", "trimEnd":
		if set := pickText(c.arg(0)); set != "" {
			return make(strings.TrimRight(s, set))
		}
		return make(strings.TrimRight(s, " \t\r\n"))
	case "lstrip", "trimStart":
		return make(strings.TrimLeft(s, nonEmpty(pickText(c.arg(0)), " \t\r\n")))
	case "upper", "toUpperCase":
		return make(strings.ToUpper(s))
	case "lower", "toLowerCase", "casefold":
		return make(strings.ToLower(s))
	case "expanduser", "absolute", "as_posix", "toString", "valueOf", "normalize", "resolve":
		return make(s)
	case "charAt", "at":
		return stringAt(recv, intArg(c, 0))
	case "charCodeAt", "codePointAt":
		ch := stringAt(recv, intArg(c, 0))
		if t, ok := ch.text(); ok {
			for _, r := range t {
				return num(float64(r))
			}
		}
		return unknown()
	case "slice":
		return slice(recv, floatArg(c, 0), floatArg(c, 1), nil)
	case "substring", "substr":
		return substring(name, recv, c)
	case "repeat":
		return times(recv, orUnknown(c.arg(0)))
	case "split":
		return splitString(s, recv, c)
	case "splitlines":
		return texts(strings.Split(s, "\n"), recv)
	case "startswith", "startsWith":
		if p, ok := c.arg(0).text(); ok {
			return boolean(strings.HasPrefix(s, p))
		}
	case "endswith", "endsWith":
		if p, ok := c.arg(0).text(); ok {
			return boolean(strings.HasSuffix(s, p))
		}
	case "includes":
		if p, ok := c.arg(0).text(); ok {
			return boolean(strings.Contains(s, p))
		}
	case "indexOf", "find", "index":
		if p, ok := c.arg(0).text(); ok {
			return num(float64(strings.Index(s, p)))
		}
	case "removeprefix":
		return make(strings.TrimPrefix(s, pickText(c.arg(0))))
	case "removesuffix":
		return make(strings.TrimSuffix(s, pickText(c.arg(0))))
	}
	return nil
}

func intArg(c *call, i int) int {
	n, _ := c.arg(i).number()
	return int(n)
}

func substring(name string, recv *value, c *call) *value {
	from, to := floatArg(c, 0), floatArg(c, 1)
	if from == nil {
		return unknown(recv.marks...)
	}
	if name == "substr" && to != nil {
		n := *from + *to
		if *from < 0 && n >= 0 {
			to = nil
		} else {
			to = &n
		}
	}
	return slice(recv, from, to, nil)
}

func texts(list []string, recv *value) *value {
	out := &value{kind: kList}
	for _, s := range list {
		if len(out.items) == maxItems {
			break
		}
		out.items = append(out.items, str(s))
	}
	return out
}

func splitString(s string, recv *value, c *call) *value {
	sep, ok := c.arg(0).text()
	switch {
	case c.arg(0) == nil:
		return texts(strings.Fields(s), recv)
	case c.arg(0).kind == kRef: // a regular expression
		pattern := strings.Trim(c.arg(0).shapeOfRegex(), "/")
		if len(pattern) != 1 {
			return unknown()
		}
		sep = pattern
	case !ok:
		return unknown()
	}
	if len(s) > maxText/4 {
		return unknown()
	}
	return texts(strings.Split(s, sep), recv)
}

func (v *value) shapeOfRegex() string {
	if v.ref == "regex" && len(v.parts) == 1 {
		return v.parts[0].text
	}
	return ""
}

// replaceString is replace and its relatives, also with a function.
func (m *machine) replaceString(f *frame, name, s string, recv *value, c *call) *value {
	switch name {
	case "replace", "replaceAll":
		old, ok := c.arg(0).text()
		if !ok && c.arg(0) != nil {
			return m.replacePattern(f, s, recv, c)
		}
		with, ok2 := c.arg(1).text()
		if !ok || !ok2 || old == "" {
			return recv.withMarks(c.marks())
		}
		if len(s)/max(len(old), 1)*len(with) > maxText {
			return nil
		}
		return str(strings.ReplaceAll(s, old, with))
	case "translate", "match", "matchAll", "search":
		return unknown(c.marks()...)
	}
	return nil
}

// replacePattern handles the regular expressions that decoders use: /x/g with
// plain letters, and character classes in front of a function.
func (m *machine) replacePattern(f *frame, s string, recv *value, c *call) *value {
	pattern := c.arg(0).shapeOfRegex()
	with := c.arg(1)
	if with == nil || pattern == "" {
		return recv.withMarks(c.marks())
	}
	pattern = strings.TrimSuffix(strings.TrimPrefix(pattern, "/"), "/")
	if with.kind == kFunc {
		if len(s) > 4096 || !strings.HasPrefix(pattern, "[") {
			return unknown(recv.marks...)
		}
		var parts []*value
		f.loop++
		for _, r := range s {
			if r|0x20 >= 'a' && r|0x20 <= 'z' {
				parts = append(parts, m.apply(f, with, &call{args: []*value{str(string(r))}, at: c.at}))
			} else {
				parts = append(parts, str(string(r)))
			}
		}
		f.loop--
		if v := joinKnown(parts, ""); v != nil {
			return v
		}
		return concat(parts...)
	}
	t, ok := with.text()
	if ok && !strings.ContainsAny(pattern, `\.[](){}*+?^$|`) && pattern != "" {
		return str(strings.ReplaceAll(s, pattern, t))
	}
	if ok && strings.HasPrefix(pattern, "[") && strings.HasSuffix(pattern, "]") && !strings.ContainsAny(pattern[1:len(pattern)-1], `[]^-\`) && t == "" {
		return str(strings.Map(func(r rune) rune {
			if strings.ContainsRune(pattern[1:len(pattern)-1], r) {
				return -1
			}
			return r
		}, s))
	}
	return recv.withMarks(c.marks())
}
