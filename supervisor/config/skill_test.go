package config

import "testing"

func TestSources(t *testing.T) {
	for _, good := range []string{"github.com/openclaw/", "local/verified/", "/srv/skills/", "git.example.org/team/skills/"} {
		if err := CheckSource(good); err != nil {
			t.Error(err)
		}
	}
	for _, bad := range []string{"", "/", "github.com/openclaw", "github.com/", "https://github.com/openclaw/", "openclaw/", "a.org/../b/", "a.org/x y/", "git@github.com/x/", "a.org/*/"} {
		if CheckSource(bad) == nil {
			t.Errorf("%q is a source", bad)
		}
	}
	c := Default()
	for source, want := range map[string]bool{"github.com/openclaw/skills": true, "github.com/openclawx/skills": false, "github.com/other/openclaw": false,
		LocalSources + "/verified/weather": true, LocalSources + "/other/weather": false, "/srv/skills/a": false, "": false, "local/verified/x": false} {
		if got := c.TrustedSource(source); got != want {
			t.Errorf("%q: %v", source, got)
		}
	}
}
