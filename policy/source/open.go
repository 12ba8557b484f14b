package source

import (
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
	if IsFile(name) {
		return Load(name, v, f)
	}
	return Preset(name, v, f)
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
