package job

import "time"

// Names inside the shared directory.
const (
	File      = "jobs.json"
	OutSuffix = ".out"
	RCSuffix  = ".rc"
)

// Job is one command that the guest runs.
type Job struct {
	Name    string        `json:"name"` // a file name
	Argv    []string      `json:"argv"`
	Dir     string        `json:"dir"`
	Env     []string      `json:"env"`
	Timeout time.Duration `json:"timeout"`
}

// List is a whole boot. Mounts maps the tag of a shared tree to the place where
// the guest mounts it, read-only; a place under Dirs is made first.
type List struct {
	Mounts map[string]string `json:"mounts"`
	Jobs   []Job             `json:"jobs"`
}
