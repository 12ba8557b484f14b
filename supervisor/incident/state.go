package incident

import "fmt"

// State is how far an incident has come.
type State string

// The states.
const (
	Open      State = "open"      // found, not contained yet
	Contained State = "contained" // frozen, its network cut, its requests denied
	Preserved State = "preserved" // evidence was taken
	Assessed  State = "assessed"  // what happened was judged
	Released  State = "released"  // a person let it go on
	Killed    State = "killed"    // a person ended it
	Restored  State = "restored"  // ended, and a good copy is in the place of what it wrote
	Closed    State = "closed"    // with a conclusion
)

// Action is what moves an incident on.
type Action string

// The actions.
const (
	Contain  Action = "contain"
	Preserve Action = "preserve"
	Assess   Action = "assess"
	Release  Action = "release"
	Kill     Action = "kill"
	Restore  Action = "restore"
	Close    Action = "close"
)

// transition is one row of the table.
type transition struct {
	from State
	do   Action
	to   State
}

// table is the whole state machine; what is not in it is refused.
func table() []transition {
	return []transition{
		{Open, Contain, Contained},
		{Open, Kill, Killed},
		{Contained, Preserve, Preserved},
		{Contained, Release, Released},
		{Contained, Kill, Killed},
		{Preserved, Preserve, Preserved},
		{Preserved, Assess, Assessed},
		{Preserved, Release, Released},
		{Preserved, Kill, Killed},
		{Assessed, Preserve, Preserved},
		{Assessed, Assess, Assessed},
		{Assessed, Release, Released},
		{Assessed, Kill, Killed},
		{Released, Close, Closed},
		{Killed, Restore, Restored},
		{Killed, Close, Closed},
		{Restored, Restore, Restored},
		{Restored, Close, Closed},
	}
}

// next gives the state that an action leads to.
func next(from State, do Action) (State, error) {
	var can []Action
	for _, t := range table() {
		if t.from != from {
			continue
		}
		if t.do == do {
			return t.to, nil
		}
		can = append(can, t.do)
	}
	return "", fmt.Errorf("an incident that is %s cannot be asked to %s, only to %v", from, do, can)
}

// holds says that an incident in this state holds its jail.
func (s State) holds() bool {
	switch s {
	case Released, Closed:
		return false
	}
	return true // one that was killed still holds its name until it is closed
}
