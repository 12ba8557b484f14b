package incident

import (
	"fmt"
	"time"
)

// MaxPlayed bounds the commands whose results an incident keeps.
const MaxPlayed = 200

// Played is a command of the playbook that was run, and what came of it.
type Played struct {
	Time   time.Time     `json:"time"`
	Name   string        `json:"name"`
	At     State         `json:"at"` // the stage it is for
	Exit   int           `json:"exit"`
	Took   time.Duration `json:"took_ns"`
	Output string        `json:"output,omitempty"` // its beginning, escaped
	Failed string        `json:"failed,omitempty"` // why it did not work
}

// AddPlayed records what came of a command.
func (s *Store) AddPlayed(id string, p Played) (Incident, error) {
	p.Output, p.Failed = cut(p.Output), cut(p.Failed)
	return s.change(id, func(i *Incident) error {
		if len(i.Played) >= MaxPlayed {
			return fmt.Errorf("incident %s has %d results of commands, which is the limit", id, MaxPlayed)
		}
		i.Played = append(i.Played, p)
		return nil
	})
}

// Done says that a command for a stage has worked already.
func (i Incident) Done(name string, at State) bool {
	for _, p := range i.Played {
		if p.Name == name && p.At == at && p.Failed == "" {
			return true
		}
	}
	return false
}
