package prose

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"clawjail/policy/skill"
)

// maxDeclared bounds each list of what a document names.
const maxDeclared = 2000

var (
	variableForm = regexp.MustCompile(`\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b`)
	domainForm   = regexp.MustCompile(`(?i)\b(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?:com|org|net|io|ai|dev|app|co|sh|me|so|cloud|xyz|tech|info|us|uk|de|fr|eu|jp|cn|ru|in|br|gg|to|tv|fm|is|it|nl|se|ch|be|at|pl|kr|tw|hk|sg|au|nz|ca|es|md|rs|rocks|tools|work|page|site|online|store|space|live|news|gov|edu|mil|int|network|finance|trade|exchange)\b`)
	pathForm     = regexp.MustCompile(`(?:~|\$HOME|\$\{HOME\})?/[\w.@-]+(?:/[\w.@*{}-]+)*/?`)
	commandWord  = regexp.MustCompile(`(?m)(?:^|[|;&(]|&&|\$\()\s*(?:\$ )?(?:sudo )?(?:[A-Z_]+=\S+ )*([a-zA-Z][\w.+-]*)`)
)

// Declare adds what the visible part of a document names to the manifest:
// hosts, programs, variables and paths. What is hidden declares nothing.
func Declare(d Document, m *skill.Manifest) {
	s := &declared{m: m, seen: map[string]bool{}}
	for i := range d.Blocks {
		b := &d.Blocks[i]
		if b.Kind.Hidden() || b.Kind == Collapsed || b.Discouraged {
			continue
		}
		for _, l := range within(variableForm, b.Text, '_') {
			s.add(&m.Variables, "v", b.Text[l[0]:l[1]], b.At(l[0]))
		}
		for _, l := range urlForm.FindAllStringIndex(b.Text, 200) {
			if u, err := url.Parse(b.Text[l[0]:l[1]]); err == nil && u.Hostname() != "" {
				s.add(&m.Hosts, "h", strings.ToLower(u.Hostname()), b.At(l[0]))
			}
		}
		for _, l := range within(domainForm, b.Text, '.') {
			s.add(&m.Hosts, "h", strings.ToLower(b.Text[l[0]:l[1]]), b.At(l[0]))
		}
		for _, l := range within(pathForm, b.Text, '/') {
			s.add(&m.Paths, "p", b.Text[l[0]:l[1]], b.At(l[0]))
		}
		if b.Kind == Inline || b.Kind == Code && FenceLang(b.Lang, b.Text) == skill.Shell {
			for _, l := range commandWord.FindAllStringSubmatchIndex(b.Text, 200) {
				s.add(&m.Programs, "b", b.Text[l[2]:l[3]], b.At(l[2]))
			}
		}
	}
}

// within are the matches of a form that each have the letter.
func within(form *regexp.Regexp, text string, letter byte) [][]int {
	if strings.IndexByte(text, letter) < 0 {
		return nil
	}
	return form.FindAllStringIndex(text, 200)
}

type declared struct {
	m    *skill.Manifest
	seen map[string]bool
}

func (s *declared) add(list *[]skill.Declared, kind, value string, at skill.Place) {
	if s.seen[kind+value] || len(*list) >= maxDeclared || slices.ContainsFunc(*list, func(d skill.Declared) bool { return d.Value == value }) {
		return
	}
	s.seen[kind+value] = true
	*list = append(*list, skill.Declared{Value: value, Place: at, Prose: true})
}
