package incident

import "fmt"

// Held says that an incident holds what somebody wants to do.
type Held struct {
	ID    string
	Scope Scope
	Since string // RFC 3339
	Why   string
}

func (h Held) Error() string {
	if h.ID == "" {
		return h.Why
	}
	return fmt.Sprintf("incident %s holds this %s since %s: %s", h.ID, h.Scope, h.Since, h.Why)
}

// BlocksJail says why a jail that is there may not go on: an incident holds it.
func (s *Store) BlocksJail(jail string) (Held, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, i := range s.all {
		if i.Subject.Jail == jail && i.State.holds() {
			return i.held(HoldJail), true
		}
	}
	return Held{}, false
}

// BlocksStart says why a new jail may not start. While an incident's file cannot
// be read nobody knows what it holds, so that nothing starts.
func (s *Store) BlocksStart(name, agent string, uid uint32) (Held, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.torn) > 0 {
		return Held{Why: fmt.Sprintf("the file of incident %s cannot be read, and may hold this jail: restore %s, or move the directory away and say why in the log",
			s.torn[0], s.Dir(s.torn[0])+"/"+FileName)}, true
	}
	for _, i := range s.all {
		if !i.State.holds() {
			continue
		}
		switch {
		case name != "" && i.Subject.Name == name:
			return i.held(HoldJail), true
		case i.Scope != HoldJail && i.Subject.Agent == agent && i.Subject.UID == uid:
			return i.held(HoldAgent), true
		case i.Scope == HoldUser && i.Subject.UID == uid:
			return i.held(HoldUser), true
		}
	}
	return Held{}, false
}

func (i *Incident) held(s Scope) Held {
	return Held{ID: i.ID, Scope: s, Since: i.Opened.Format("2006-01-02T15:04:05Z"), Why: i.Trigger.What}
}
