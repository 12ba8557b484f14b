package supply

import (
	"path"
	"regexp"
	"strings"

	"clawjail/policy/skill"
)

// installForm are the commands with which documents install what install[] names
// too, by the kind of the entry.
var installForm = map[string]*regexp.Regexp{
	"brew":  regexp.MustCompile(`\bbrew install (?:--cask )?([\w@./+-]+)`),
	"node":  regexp.MustCompile(`\b(?:npm (?:i|install)|pnpm add|yarn global add|bun add) (?:-g |--global )([\w@./+-]+)`),
	"go":    regexp.MustCompile(`\bgo install ([\w@./+-]+)`),
	"uv":    regexp.MustCompile(`\buv tool install ([\w@./+\[\]-]+)`),
	"pip":   regexp.MustCompile(`\bpipx? install (?:--user )?([\w@./+\[\]-]+)`),
	"cargo": regexp.MustCompile(`\bcargo install ([\w@./+-]+)`),
}

// unlike compares an install entry with what the skill says: programs that
// nothing names, and a document that installs the same thing from elsewhere. One
// of the two is what a reader looks at, the other what is installed.
func (s *scan) unlike(in skill.Install) {
	used := len(in.Bins) == 0
	for _, b := range in.Bins {
		used = used || s.m.DeclaresBin(b) || s.named(b)
	}
	if !used {
		s.say("CJS-SUP-005", in.Place, "install entry for a program that the skill does not use", strings.Join(in.Bins, ", "))
	}
	kind := in.Kind
	if kind == "npm" {
		kind = "node"
	}
	form, name := installForm[kind], in.Formula+in.Package+in.Module
	if in.Tap != "" && in.Formula != "" && !strings.Contains(in.Formula, "/") {
		name = in.Tap + "/" + in.Formula
	}
	if form == nil || name == "" {
		return
	}
	for _, f := range s.t.Files {
		if f.Lang != skill.Markdown || f.Data == nil {
			continue
		}
		for _, m := range form.FindAllStringSubmatch(string(f.Data), 100) {
			other := unversioned(m[1])
			if want := unversioned(name); other != want && path.Base(other) == path.Base(want) && strings.Contains(other, "/") {
				s.say("CJS-SUP-005", in.Place, "install entry that differs from what "+f.Path+" tells to install", name+" / "+other)
			}
		}
	}
}

// named says that a document or script has the word.
func (s *scan) named(word string) bool {
	for _, f := range s.t.Files {
		if f.Lang == skill.Binary || f.Data == nil {
			continue
		}
		text := string(f.Data)
		if f.Path == s.m.File {
			if _, body, ok := strings.Cut(strings.TrimPrefix(text, "---"), "\n---"); ok {
				text = body
			}
		}
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
}

// unversioned is a package's name without its version.
func unversioned(name string) string {
	name = strings.TrimRight(name, ".,;:`")
	if i := strings.LastIndexByte(name, '@'); i > 0 {
		name = name[:i]
	}
	return strings.ToLower(strings.TrimSuffix(name, "/..."))
}
