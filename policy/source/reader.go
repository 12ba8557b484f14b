package source

import "clawjail/policy/strict"

// The bounds of a policy file, and what is wrong with one.
const (
	MaxBytes    = strict.MaxBytes
	MaxDepth    = strict.MaxDepth
	MaxProblems = strict.MaxProblems
)

// Problem is one thing that is wrong with a policy.
type Problem = strict.Problem

// Problems is everything that is wrong with a policy, in the order of the file.
type Problems = strict.Problems

// reader turns YAML into a layer and collects what is wrong on the way.
type reader struct {
	*strict.Reader
	at       string // shown in origins
	vars     map[string]string
	features Features
}

func newReader(file, at string, v Vars, f Features) *reader {
	words := strict.Words{One: "policy", Many: "policies",
		Least:    `the least policy is "version: 1", a name and what to extend`,
		Variable: `quote what has a variable in it: "${HOME}"`}
	return &reader{Reader: strict.New(file, words), at: at, vars: v.table(), features: f}
}
