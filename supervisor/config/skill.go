package config

import (
	"fmt"
	"path"
	"strings"
)

// MaxSources bounds Config.SkillSources.
const MaxSources = 64

// LocalSources is the directory that sources which begin with "local/" are
// below: local/verified/ is LocalSources/verified.
const LocalSources = "/etc/clawjail/skills"

// CheckSource refuses what is no source of skills: a host and a path on it
// (github.com/openclaw/), a directory of the host (/srv/skills/), or one below
// LocalSources (local/verified/). It ends in a slash, so that no longer name
// passes for it.
func CheckSource(s string) error {
	first, rest, _ := strings.Cut(s, "/")
	switch {
	case !strings.HasSuffix(s, "/") || s == "/":
		return fmt.Errorf("the source %q does not end in a slash, or is everything", s)
	case strings.Contains(s, "://") || strings.ContainsAny(s, " \t\n\r\\*?#@:"):
		return fmt.Errorf("the source %q is not a host and a path, as in github.com/openclaw/, or a directory", s)
	case path.Clean(s)+"/" != s:
		return fmt.Errorf("the path of source %q is not clean", s)
	case first != "" && first != "local" && (!strings.Contains(first, ".") || rest == ""):
		return fmt.Errorf("the source %q does not begin with a host and name somebody on it, a slash, or local/", s)
	}
	return nil
}

// TrustedSource reports whether a skill from source may be trusted for where it
// comes from: a directory of the host, or a host and a path on it.
func (c Config) TrustedSource(source string) bool {
	for _, s := range c.SkillSources {
		if rest, local := strings.CutPrefix(s, "local/"); local {
			s = LocalSources + "/" + rest
		}
		if strings.HasPrefix(source, s) {
			return true
		}
	}
	return false
}
