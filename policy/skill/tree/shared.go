package tree

import (
	"maps"
	"slices"
	"strconv"

	"clawjail/policy/skill"
)

// shared is a file that has several names.
type shared struct {
	links uint64
	names []string // those in the skill
}

// hardLink remembers a name of a file that has several.
func (r *reader) hardLink(path string, inode, links uint64) {
	if links < 2 {
		return
	}
	s := r.shared[inode]
	if s == nil {
		s = &shared{links: links}
		r.shared[inode] = s
	}
	s.names = append(s.names, path)
}

// hardLinks reports such files when all names are known. The content is what was
// read; somebody else can change it through a name elsewhere. Package managers
// with a store link so too, and so a person decides.
func (r *reader) hardLinks() {
	list := slices.SortedFunc(maps.Values(r.shared), func(a, b *shared) int { return slices.Compare(a.names, b.names) })
	for _, s := range list {
		text := "hard link: the same file has " + strconv.FormatUint(s.links, 10) + " names"
		if uint64(len(s.names)) >= s.links {
			f := r.problem("CJS-FILE-001", s.names[0], text+", all of them in the skill", s.names[1])
			f.Severity, f.Confidence = skill.High, skill.ConfidenceMedium
			continue
		}
		f := r.problem("CJS-FILE-001", s.names[0], text+", and can be changed through those outside of the skill", "")
		f.Confidence = skill.ConfidenceMedium
	}
}
