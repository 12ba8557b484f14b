package counter

import (
	"errors"
	"strings"
	"testing"

	"clawjail/supervisor/limit"
)

// TestRepliesAreChecked: the process is believed within bounds.
func TestRepliesAreChecked(t *testing.T) {
	tests := []struct {
		name string
		r    Reply
		n    int
		ok   bool
	}{
		{"two of two", Reply{Used: []int64{1, 2}, Over: []int{1}}, 2, true},
		{"too few", Reply{Used: []int64{1}}, 2, false},
		{"too many", Reply{Used: []int64{1, 2, 3}}, 2, false},
		{"negative", Reply{Used: []int64{-1}}, 1, false},
		{"over what is not there", Reply{Used: []int64{1}, Over: []int{1}}, 1, false},
		{"over twice", Reply{Used: []int64{1, 1}, Over: []int{0, 0}}, 2, false},
		{"over before the first", Reply{Used: []int64{1}, Over: []int{-1}}, 1, false},
		{"an error", Reply{Error: "x"}, 1, false},
	}
	for _, tt := range tests {
		if err := tt.r.check(tt.n); (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	if err := (Reply{Error: "x", Away: true}).check(1); !errors.Is(err, limit.ErrAway) {
		t.Error(err)
	}
	if err := (Reply{Error: strings.Repeat("\x1b", 1<<16)}).check(1); errors.Is(err, limit.ErrAway) || len(err.Error()) > 8*maxError || strings.Contains(err.Error(), "\x1b") {
		t.Errorf("%d bytes", len(err.Error()))
	}
}

func TestNotAsRoot(t *testing.T) {
	if _, err := Start(nil, "/bin/true", 0, 0, Settings{}, nil); err == nil {
		t.Error("it starts as root")
	}
}
