package skill

import "strings"

// Manifest is what the skill says of itself: the front matter of SKILL.md, the
// files of the registry beside it, and what SKILL.md documents in plain sight.
type Manifest struct {
	// File is the path of SKILL.md, "" when there is none.
	File string
	// Format is "openclaw", "claude" or "" for neither.
	Format      string
	Name        string
	Description string
	Version     string
	License     string
	Homepage    string
	// Always asks for the skill to be in every prompt.
	Always       bool
	OS           []string
	PrimaryEnv   string
	SkillKey     string
	Bins         []Declared
	AnyBins      []Declared
	Env          []Declared
	Config       []Declared
	AllowedTools []string
	Install      []Install
	// Hosts are the hosts that SKILL.md shows its reader: lower case, without
	// port. A leading dot stands for all names below it.
	Hosts []Declared
	// Programs are those that SKILL.md's prose and fences name.
	Programs []Declared
	// Variables are the environment variables that SKILL.md names.
	Variables []Declared
	// Paths are the paths and globs that SKILL.md names.
	Paths []Declared
}

// Declared is one thing that the skill declares, and where.
type Declared struct {
	Value string
	Place
	// Prose says that it stands in the documentation and not in the front
	// matter.
	Prose bool
}

// Install is one entry of metadata.openclaw.install.
type Install struct {
	ID, Kind, Label                string
	Formula, Tap, Package, Module  string
	URL, Archive, TargetDir, Extra string
	Bins, OS                       []string
	Place
}

func declares(value string, lists ...[]Declared) bool {
	for _, l := range lists {
		for _, d := range l {
			if d.Value == value {
				return true
			}
		}
	}
	return false
}

// DeclaresHost says whether the skill names this host, or a parent domain with
// a leading dot.
func (m Manifest) DeclaresHost(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, d := range m.Hosts {
		if d.Value == host || strings.HasPrefix(d.Value, ".") && strings.HasSuffix(host, d.Value) {
			return true
		}
	}
	return false
}

// DeclaresBin says whether the skill names this program (its base name).
func (m Manifest) DeclaresBin(name string) bool {
	name = name[strings.LastIndexByte(name, '/')+1:]
	return declares(name, m.Bins, m.AnyBins, m.Programs)
}

// DeclaresEnv says whether the skill names this environment variable.
func (m Manifest) DeclaresEnv(name string) bool {
	return name == m.PrimaryEnv && name != "" || declares(name, m.Env, m.Variables)
}

// DeclaresPath says whether the skill names this path.
func (m Manifest) DeclaresPath(path string) bool { return declares(path, m.Paths) }
