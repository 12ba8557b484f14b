package source

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"clawjail/policy"
	"clawjail/policy/strict"
)

// IsFile reports whether a name that an operator gave means a file: it has a
// slash or a dot. Otherwise it means a preset or an example, so that a file
// that happens to be called "agent" is never taken for the preset or the other
// way round.
func IsFile(name string) bool { return strings.ContainsAny(name, "/.") }

// Open reads the policy that an operator named: a file, a preset or an example.
func Open(name string, v Vars, f Features) (*policy.Policy, error) {
	if !IsFile(name) {
		return Preset(name, v, f)
	}
	p, err := Load(name, v, f)
	return p, helpMissing(name, err)
}

// helpMissing says what to name instead of a file that is not there.
func helpMissing(name string, err error) error {
	var ps Problems
	if !errors.As(err, &ps) || len(ps) != 1 || ps[0].Msg != strict.NoSuchFile {
		return err
	}
	known := append(presetNames(), Examples()...)
	base := strings.TrimSuffix(strings.TrimSuffix(path.Base(name), ".yaml"), ".yml")
	hint := "give the path of a policy file, or one that comes along, by its name: " + strings.Join(known, ", ")
	if slices.Contains(known, base) {
		hint = fmt.Sprintf("the one that comes along is named without .yaml or a path: %s", base)
	}
	return Problems{{File: ps[0].File, Msg: ps[0].Msg, Hint: hint}}
}

// OpenExpectations reads the expectations of the policy that an operator
// named: those in file, or if that is empty those beside the policy. where is
// their file, for messages.
func OpenExpectations(name, file string, v Vars) (all []Expectation, where string, err error) {
	if file == "" && !IsFile(name) {
		_, data, err := Text(name)
		if err != nil {
			return nil, name, Problems{{File: "preset " + name, Msg: err.Error()}}
		}
		all, err = ParseExpectations(name+".expect", data, v)
		return all, name + ".expect", err
	}
	if file == "" {
		file = strings.TrimSuffix(strings.TrimSuffix(name, ".yaml"), ".yml") + ".expect"
	}
	data, err := strict.ReadFile(file)
	if err != nil {
		return nil, file, err
	}
	all, err = ParseExpectations(file, data, v)
	return all, file, err
}
