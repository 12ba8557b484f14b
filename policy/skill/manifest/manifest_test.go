package manifest

import (
	"strings"
	"testing"

	"clawjail/policy/skill"
)

const openclaw = `---
name: sag
description: "Text to speech."
homepage: https://sag.invalid
metadata:
  {
    "openclaw":
      {
        "requires": { "bins": ["sag"], "anyBins": ["a", "b"], "env": ["ELEVENLABS_API_KEY"], "config": ["x.y"] },
        "primaryEnv": "ELEVENLABS_API_KEY", "always": true, "os": ["darwin"], "skillKey": "k",
        "install": [ { "id": "brew", "kind": "brew", "formula": "steipete/tap/sag", "bins": ["sag"], "label": "Install" } ],
      },
  }
---
# sag
`

func TestOpenClaw(t *testing.T) {
	for name, text := range map[string]string{
		"openclaw": openclaw,
		"clawdbot": strings.Replace(openclaw, `"openclaw"`, `"clawdbot"`, 1),
		"clawdis":  strings.Replace(openclaw, `"openclaw"`, `"clawdis"`, 1),
		"string":   "---\nname: sag\ndescription: x\nmetadata: '{\"openclaw\":{\"requires\":{\"bins\":[\"sag\"],\"anyBins\":[\"a\",\"b\"],\"env\":[\"ELEVENLABS_API_KEY\"],\"config\":[\"x.y\"]},\"primaryEnv\":\"ELEVENLABS_API_KEY\",\"always\":true,\"os\":[\"darwin\"],\"skillKey\":\"k\",\"install\":[{\"kind\":\"brew\",\"formula\":\"steipete/tap/sag\"}]}}'\n---\n",
	} {
		r := Parse("SKILL.md", text)
		if r.Name != "sag" || !r.DeclaresBin("sag") || !r.DeclaresEnv("ELEVENLABS_API_KEY") || !r.Always || r.Format != "openclaw" || len(r.AnyBins) != 2 || len(r.Config) != 1 || len(r.Install) != 1 || r.Install[0].Formula != "steipete/tap/sag" || r.OS[0] != "darwin" || r.SkillKey != "k" {
			t.Errorf("%s: %+v", name, r.Manifest)
		}
		if len(r.Findings) != 0 {
			t.Errorf("%s: %v", name, r.Findings)
		}
	}
}

func TestClaude(t *testing.T) {
	r := Parse("SKILL.md", "---\nname: pdf\ndescription: reads PDFs\nlicense: MIT\nallowed-tools: Read, Bash(git:*), Write\n---\n")
	if r.Format != "claude" || len(r.AllowedTools) != 3 || r.AllowedTools[1] != "Bash(git:*)" || r.License != "MIT" {
		t.Errorf("%+v", r.Manifest)
	}
}

func TestWhatIsWrongIsAFinding(t *testing.T) {
	for _, c := range []struct{ name, text, rule, message string }{
		{"no front matter", "# hello\n", "CJS-MAN-001", "no front matter"},
		{"never closed", "---\nname: x\n", "CJS-MAN-001", "no front matter"},
		{"broken YAML", "---\nname: x\ndescription: a: b: c\n\t- x\n---\n", "CJS-MAN-001", "not YAML"},
		{"not a mapping", "---\n- a\n---\n", "CJS-MAN-001", "not a mapping"},
		{"no name", "---\ndescription: x\n---\n", "CJS-MAN-001", "no name"},
		{"not UTF-8", "---\nname: x\xff\ndescription: y\n---\n", "CJS-MAN-001", "not UTF-8"},
		{"a key twice", "---\nname: x\nname: y\ndescription: z\n---\n", "CJS-MAN-006", "twice"},
		{"an anchor", "---\nname: &a x\ndescription: *a\n---\n", "CJS-MAN-006", "anchor"},
		{"a tag", "---\nname: !!binary x\ndescription: y\n---\n", "CJS-MAN-006", "tag"},
		{"a wildcard", "---\nname: x\ndescription: y\nhosts: [\"*\"]\n---\n", "CJS-MAN-003", "wildcard"},
		{"nested too deeply", "---\nname: " + strings.Repeat("[", 10_000) + "\n---\n", "CJS-COV-001", "nested"},
		{"lists too deep", "---\nx:\n  " + strings.Repeat("- ", 1000) + "a\n---\n", "CJS-COV-001", "nested"},
		{"too long", "---\nname: " + strings.Repeat("x", MaxBytes) + "\n---\n", "CJS-COV-001", "64 KiB"},
	} {
		r := Parse("SKILL.md", c.text)
		found := false
		for _, f := range r.Findings {
			found = found || f.Rule == c.rule && strings.Contains(f.Message, c.message)
		}
		if !found {
			t.Errorf("%s: no %s %q in %v", c.name, c.rule, c.message, r.Findings)
		}
	}
}

func TestNameIsReadFromBrokenYAML(t *testing.T) {
	r := Parse("SKILL.md", "---\nname: x\ndescription: Foo: use when a: b\n---\n")
	if r.Name != "x" || !strings.HasPrefix(r.Description, "Foo") {
		t.Errorf("%+v", r.Manifest)
	}
}

func TestReadFindsNone(t *testing.T) {
	if r := Read(skill.Tree{}); len(r.Findings) != 1 || r.Findings[0].Rule != "CJS-MAN-001" {
		t.Errorf("%+v", r.Findings)
	}
	r := Read(skill.Tree{Name: "other", Files: []skill.File{{Path: "skill.md", Data: []byte("---\nname: x\ndescription: y\n---\n")}}})
	if r.Name != "x" || len(r.Findings) != 1 || r.Findings[0].Rule != "CJS-MAN-006" {
		t.Errorf("%+v", r)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(openclaw)
	f.Add("---\nname: &a [*a]\n? - -\n: x\n---\n")
	f.Add("---\r\nname: x\r\n---\r\n")
	f.Add("\ufeff---\nmetadata: '{\"openclaw\": {\"install\": [[]]}}'\n...\n")
	f.Fuzz(func(t *testing.T, text string) {
		r := Parse("SKILL.md", text)
		for _, s := range r.Strings {
			if s.Line < 1 {
				t.Fatalf("string at line %d", s.Line)
			}
		}
	})
}
