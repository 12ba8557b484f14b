package limit

import "errors"

// Counter counts what is taken of limits: a Store, or one that hosts share.
type Counter interface {
	TakeAll([]Claim) (over []int, used []int64, err error)
	Add([]Claim) error
	Room([]Claim) (over []int, used []int64, err error)
}

// Sharing counts in Remote, and while that does not answer a part of each limit
// in Local: the limit divided by Hosts. An error other than ErrAway denies.
type Sharing struct {
	Remote, Local Counter
	Hosts         int64 // 0: no share, so everything is denied while Remote is away
}

// alone reports whether this host goes on by itself.
func (s Sharing) alone(err error) bool { return s.Hosts > 0 && errors.Is(err, ErrAway) }

// part is this host's share of each limit.
func (s Sharing) part(claims []Claim) []Claim {
	out := make([]Claim, len(claims))
	for i, c := range claims {
		out[i] = Claim{Key: "share/" + c.Key, Limit: Limit{Max: c.Limit.Max / s.Hosts, Per: c.Limit.Per}, N: c.N}
		out[i].Key = out[i].Key[:min(len(out[i].Key), MaxKey)]
	}
	return out
}

// TakeAll takes every claim, or none if the limit of one has no room.
func (s Sharing) TakeAll(claims []Claim) (over []int, used []int64, err error) {
	over, used, err = s.Remote.TakeAll(claims)
	if s.alone(err) {
		return s.Local.TakeAll(s.part(claims))
	}
	return over, used, err
}

// Add takes every claim whatever the limits say.
func (s Sharing) Add(claims []Claim) error {
	err := s.Remote.Add(claims)
	if s.alone(err) {
		return s.Local.Add(s.part(claims))
	}
	return err
}

// Room says what TakeAll would say, and takes nothing.
func (s Sharing) Room(claims []Claim) (over []int, used []int64, err error) {
	over, used, err = s.Remote.Room(claims)
	if s.alone(err) {
		return s.Local.Room(s.part(claims))
	}
	return over, used, err
}
