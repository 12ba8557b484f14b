package source

import (
	"embed"
	"fmt"
	"slices"

	"clawjail/policy"
	"clawjail/policy/strict"
)

//go:embed presets/*.yaml examples/*.yaml examples/*.expect presets/*.expect
var library embed.FS

// Presets lists what a policy can extend.
func Presets() []string { return presetNames() }

func presetNames() []string { return []string{"agent", "locked", "shell", "skill"} }

// Examples lists the policies for known agents that are built in.
func Examples() []string { return []string{"claude-code", "codex", "openclaw"} }

// Text gives the source of a preset or an example, and its expectations.
func Text(name string) (yaml, expectations []byte, err error) {
	dir := "presets/"
	if slices.Contains(Examples(), name) {
		dir = "examples/"
	} else if !slices.Contains(presetNames(), name) {
		return nil, nil, fmt.Errorf("no preset or example %q; %s", name, strict.DidYouMean(name, append(presetNames(), Examples()...)))
	}
	if yaml, err = library.ReadFile(dir + name + ".yaml"); err != nil {
		return nil, nil, fmt.Errorf("read built-in policy %q: %w", name, err)
	}
	if expectations, err = library.ReadFile(dir + name + ".expect"); err != nil {
		return nil, nil, fmt.Errorf("read built-in policy %q: %w", name, err)
	}
	return yaml, expectations, nil
}

// Preset gives a built-in policy: a preset or an example.
func Preset(name string, v Vars, f Features) (*policy.Policy, error) {
	data, _, err := Text(name)
	if err != nil {
		return nil, Problems{{File: "preset " + name, Msg: err.Error()}}
	}
	return parse(builtin(name, data), v, f)
}

func builtin(name string, data []byte) document {
	return document{file: "preset " + name, at: "preset " + name, data: data, extends: presetNames()}
}

// presetLayer reads a preset with its bases. A preset that extends itself does
// not end; a test loads each.
func presetLayer(name string, v Vars, f Features) (layer, Problems) {
	data, _, err := Text(name)
	if err != nil {
		return layer{}, Problems{{File: "preset " + name, Msg: err.Error()}}
	}
	d := builtin(name, data)
	r := newReader(d.file, d.at, v, f)
	l, _ := r.document(d)
	if r.Count() > 0 {
		return layer{}, r.Problems()
	}
	for _, base := range l.extends {
		b, problems := presetLayer(base, v, f)
		if len(problems) > 0 {
			return layer{}, problems
		}
		l = l.under(b)
	}
	return l, nil
}
