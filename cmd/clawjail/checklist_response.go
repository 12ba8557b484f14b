package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"

	"clawjail/supervisor/checklist"
)

// responseOf looks for the document, and for what the playbook runs.
func responseOf(e *env, document string) (checklist.Response, error) {
	r := checklist.Response{Document: document}
	info, err := os.Stat(document)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return r, err
	case !info.Mode().IsRegular():
		return r, fmt.Errorf("%s is not a file", document)
	default:
		r.Bytes, r.Changed = info.Size(), info.ModTime()
	}
	f, _, _, err := readConfig(e, nil)
	if err != nil {
		return r, err
	}
	for _, p := range f.Config.Playbook {
		r.Plays = append(r.Plays, p.Name)
		if len(p.Command) == 0 {
			continue // the configuration is refused for it
		}
		if _, err := exec.LookPath(p.Command[0]); err != nil {
			r.Missing = append(r.Missing, p.Name+": "+p.Command[0])
		}
	}
	return r, nil
}
