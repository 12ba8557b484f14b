package supply

import (
	"slices"
	"testing"

	"clawjail/policy/skill"
)

// shown says that a person is asked where something comes from.
func shown(m skill.Manifest, files map[string]string, units ...string) bool {
	t := skill.Tree{Name: "x"}
	for name, text := range files {
		lang := skill.JSON
		if name == "SKILL.md" {
			lang = skill.Markdown
		}
		t.Files = append(t.Files, skill.File{Path: name, Data: []byte(text), Lang: lang})
	}
	var list []skill.Unit
	for i, u := range units {
		list = append(list, skill.Unit{File: "SKILL.md", Lang: skill.Shell, Text: u, Line: i + 1, Column: 1, Fenced: true, Told: true})
	}
	return slices.ContainsFunc(Scan(t, m, list), func(f skill.Finding) bool {
		return f.Rule == "CJS-SUP-003" && f.Class == skill.Threat && f.Confidence == skill.ConfidenceMedium
	})
}

func TestOrigins(t *testing.T) {
	for _, u := range []string{
		"npm i -g nobody-knows-bridge", "pip install nobody-knows-core", "npx nobody-knows-tool@latest", "uvx nobody-knows-mcp",
		"brew install nobody/tap/helper", "brew tap nobody/tools", "go install github.com/nobody-here/helper@latest",
		"cargo install --git https://github.com/nobody-here/helper", "docker run -d nobody-here/agent:1",
		"winget install --id A.B --source https://pkg.nobody.test/winget", "git clone https://github.com/nobody-here/x && cd x && make install",
		"git remote add copy https://github.com/nobody-here/store.git", "npm config set registry https://npm.nobody.test/",
		"openclaw plugins install nobody-here/plugin",
	} {
		if !shown(skill.Manifest{}, nil, u) {
			t.Errorf("nobody is asked about %q", u)
		}
	}
	if !shown(skill.Manifest{}, map[string]string{"mcp.json": `{"mcpServers":{"a":{"command":"npx","args":["-y","@nobody-here/all@latest"]}}}`}) {
		t.Error("a server of nobody's is not shown")
	}
	if !shown(skill.Manifest{}, map[string]string{"package.json": `{"dependencies":{"nobody-knows-utils":"1.0.0"}}`}) {
		t.Error("a dependency of nobody's is not shown")
	}
	if !shown(skill.Manifest{}, nil, "git clone https://github.com/nobody-here/x /tmp/x", "cd /tmp/x && ./bootstrap") {
		t.Error("a repository that another line runs is not shown")
	}
}

func TestKnownOrigins(t *testing.T) {
	for _, u := range []string{
		"npm i -g typescript", "pip install requests pandas", "brew install ffmpeg", "brew install hashicorp/tap/terraform", "npx prettier --write .",
		"go install golang.org/x/tools/cmd/goimports@latest", "docker run --rm -v \"$PWD\":/w alpine ls", "git clone https://github.com/<owner>/<repo>",
		"npm install", "pip install -r requirements.txt", "pip install .",
	} {
		if shown(skill.Manifest{}, nil, u) {
			t.Errorf("somebody is asked about %q", u)
		}
	}
	// What the skill says up front that it is about can be looked up.
	m := skill.Manifest{Name: "gifsearch", Description: "Searches GIFs with gifsearch.", Bins: []skill.Declared{{Value: "gifsearch"}}}
	if shown(m, nil, "brew install somebody/tap/gifsearch", "gifsearch cats") {
		t.Error("the tool that the skill is about is shown")
	}
	if !shown(m, nil, "npm i -g gif-companion-daemon") {
		t.Error("a companion is not shown")
	}
}
