package source

import "path"

// PolicyDir holds the operator's policies, one for each command.
const PolicyDir = "/etc/clawjail/policies"

// DefaultPreset is the policy of a command without one of its own.
const DefaultPreset = "agent"

// Choose says which policy a command gets when none is named: the operator's
// file for it, if exists says so, else DefaultPreset. A file is never looked for in
// the workspace: the agent writes there. Exactly one result is not empty.
func Choose(command string, exists func(path string) bool) (file, preset string) {
	name := path.Base(command)
	if command == "" || name == "." || name == ".." || name == "/" {
		return "", DefaultPreset
	}
	if file = path.Join(PolicyDir, name+".yaml"); exists(file) {
		return file, ""
	}
	return "", DefaultPreset
}
