package limit

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

// remote is a store of others that answers as it is told.
type remote struct{ err error }

func (r remote) TakeAll([]Claim) ([]int, []int64, error) { return nil, []int64{1}, r.err }
func (r remote) Room([]Claim) ([]int, []int64, error)    { return nil, []int64{1}, r.err }
func (r remote) Add([]Claim) error                       { return r.err }

// TestSharing: a part of the limit while the others do not answer, and nothing
// while they answer with an error.
func TestSharing(t *testing.T) {
	w := newWorld(t)
	c := []Claim{{"k", Limit{10, time.Hour}, 1}}
	away := fmt.Errorf("%w: refused", ErrAway)
	for _, hosts := range []int64{0, 4} {
		s := Sharing{Remote: remote{}, Local: w.Store, Hosts: hosts}
		if over, used, err := s.TakeAll(c); len(over) != 0 || used[0] != 1 || err != nil {
			t.Errorf("there: %v %v %v", over, used, err)
		}
		s.Remote = remote{errors.New("READONLY")}
		if _, _, err := s.TakeAll(c); err == nil || s.Add(c) == nil {
			t.Error("what refuses is shared out")
		}
	}
	none := Sharing{Remote: remote{away}, Local: w.Store}
	if _, _, err := none.TakeAll(c); !errors.Is(err, ErrAway) {
		t.Errorf("without a share: %v", err)
	}
	s := Sharing{Remote: remote{away}, Local: w.Store, Hosts: 4}
	for i, want := range []int{0, 0, 1} { // a quarter of ten is two
		if over, _, err := s.TakeAll(c); len(over) != want || err != nil {
			t.Errorf("take %d: %v %v", i, over, err)
		}
	}
	if err := s.Add(c); err != nil {
		t.Error(err)
	}
	if over, used, err := s.Room(c); len(over) != 1 || used[0] != 3 || err != nil {
		t.Errorf("room: %v %v %v", over, used, err)
	}
}
