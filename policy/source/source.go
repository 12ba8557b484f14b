package source

import "clawjail/policy"

// Vars are the values of ${WORKSPACE}, ${HOME}, ${USER} and ${TMPDIR}.
type Vars struct{ Workspace, Home, User, TmpDir string }

// Features says what the host's clawjail can enforce.
type Features struct {
	// Gate says that operations can be held: ask, freeze and delete.limit work.
	Gate bool
}

// Load reads the policy at path. A policy that cannot be used is Problems.
func Load(path string, v Vars, f Features) (*policy.Policy, error) { return nil, nil }

// Preset gives a built-in policy.
func Preset(name string, v Vars, f Features) (*policy.Policy, error) { return nil, nil }
