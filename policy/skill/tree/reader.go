package tree

import (
	"context"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"clawjail/policy/skill"
	"clawjail/policy/skill/rule"
)

// reader is the state of one reading.
type reader struct {
	ctx      context.Context
	tree     skill.Tree
	entries  int
	total    int64
	members  int
	unpacked int64
	folded   map[string]string // case-folded, normalised path -> path as seen
	said     map[string]bool   // limits that were reported already
	shared   map[uint64]*shared
}

func newReader(ctx context.Context, name string) *reader {
	return &reader{ctx: ctx, tree: skill.Tree{Name: name}, folded: map[string]string{}, said: map[string]bool{}, shared: map[uint64]*shared{}}
}

// problem records a finding of reading.
func (r *reader) problem(id, file, message, evidence string) *skill.Finding {
	if len(r.tree.Problems) >= maxProblems {
		// One stands for all that follow: a flood of small problems must not
		// hide a large one.
		if !r.said["problems"] {
			r.said["problems"] = true
			r.tree.Problems = append(r.tree.Problems, rule.New("CJS-COV-001", skill.Place{File: file}, "more than "+strconv.Itoa(maxProblems)+" problems with names, kinds and limits: the others are not listed", ""))
		}
		return &skill.Finding{}
	}
	r.tree.Problems = append(r.tree.Problems, rule.New(id, skill.Place{File: file}, message, evidence))
	return &r.tree.Problems[len(r.tree.Problems)-1]
}

// once records a limit, the first time that it is hit.
func (r *reader) once(key, id, file, message string) *skill.Finding {
	if r.said[key] {
		return &skill.Finding{}
	}
	r.said[key] = true
	return r.problem(id, file, message, "")
}

// add takes a file into the tree and unpacks it when it is an archive.
func (r *reader) add(f skill.File, depth int) {
	f.Lang = Detect(f.Path, f.Data)
	r.tree.Files = append(r.tree.Files, f)
	if f.Data != nil {
		r.unpack(f, depth)
	}
}

// room says whether one more file of this size may be read.
func (r *reader) room(file string, size int64) bool {
	switch {
	case len(r.tree.Files) >= MaxFiles+r.members:
		r.once("files", "CJS-FILE-005", file, "more than "+strconv.Itoa(MaxFiles)+" files: the others were not read").Severity = skill.High
		return false
	case size > MaxFile:
		f := r.problem("CJS-FILE-005", file, "larger than "+strconv.Itoa(MaxFile>>20)+" MiB: not read", "")
		f.Severity = skill.High
		return false
	case r.total+size > MaxTotal:
		r.once("total", "CJS-FILE-005", file, "more than "+strconv.Itoa(MaxTotal>>20)+" MiB in all: the rest was not read").Severity = skill.High
		return false
	}
	r.total += size
	return true
}

// name judges a path below the root: what stands in it, and whether another
// name equals it on a system that folds case or normalises.
func (r *reader) name(p string, archive bool) bool {
	if len(p) > MaxName {
		r.problem("CJS-FILE-008", p[:64], "path of "+strconv.Itoa(len(p))+" bytes, over "+strconv.Itoa(MaxName), p)
		return false
	}
	ok := true
	for _, part := range strings.Split(p, "/") {
		if why := badName(part); why != "" {
			r.problem("CJS-FILE-008", p, why, part)
		}
		if archive && (part == ".." || part == "." || part == "") {
			ok = false
		}
	}
	key := cases.Fold().String(norm.NFKC.String(p))
	if other, taken := r.folded[key]; taken && other != p {
		r.problem("CJS-FILE-008", p, "differs from "+strconv.Quote(other)+" only by case or normalisation: one replaces the other on other systems", p)
	}
	r.folded[key] = p
	return ok
}

func badName(part string) string {
	for _, c := range part {
		switch {
		case c == '\u202e' || c == '\u202d' || c >= '\u2066' && c <= '\u2069':
			return "name with a bidirectional control: it shows another extension than it has"
		case c < 0x20 || c == 0x7f || c >= 0x80 && c < 0xa0:
			return "name with a control character"
		case c == 0xfffd:
			return "name that is not UTF-8"
		case c >= 0x200b && c <= 0x200f || c == 0xfeff || c == 0x2060:
			return "name with an invisible character"
		case c == '\\':
			return "name with a backslash: a path separator on other systems"
		}
	}
	switch {
	case part == "..":
		return "name with a .. component"
	case !norm.NFC.IsNormalString(part):
		return "name that is not in normal form C: two spellings look the same"
	case strings.HasSuffix(part, " ") || strings.HasPrefix(part, " "):
		return "name that begins or ends with a space"
	}
	return ""
}

// mode judges permission bits.
func (r *reader) mode(p string, m fs.FileMode) {
	switch {
	case m&(fs.ModeSetuid|fs.ModeSetgid) != 0:
		r.problem("CJS-FILE-008", p, "setuid or setgid", m.String())
	case m.IsRegular() && m.Perm()&0o002 != 0:
		// Shared folders and some file systems make everything so.
		r.once("writable", "CJS-FILE-008", p, "everybody may write to it, and perhaps to others").Severity = skill.Low
	}
}

// link judges a symbolic link at p (within its root, which is the archive for
// members) to target.
func (r *reader) link(root, p, target string) {
	inside := strings.TrimPrefix(p, root)
	clean := path.Join(path.Dir(inside), target)
	switch {
	case path.IsAbs(target) || strings.Contains(target, `:\`) || strings.HasPrefix(target, `\\`):
		r.problem("CJS-FILE-001", p, "symbolic link to an absolute path", target)
	case clean == ".." || strings.HasPrefix(clean, "../"):
		r.problem("CJS-FILE-001", p, "symbolic link that leaves the skill", target)
	default:
		r.problem("CJS-FILE-001", p, "symbolic link inside the skill: what it names is not what was audited", target).Severity = skill.High
	}
}

// done sorts the files.
func (r *reader) done() skill.Tree {
	r.hardLinks()
	slices.SortFunc(r.tree.Files, func(a, b skill.File) int { return strings.Compare(a.Path, b.Path) })
	return r.tree
}
