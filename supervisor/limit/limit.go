package limit

import (
	"errors"
	"time"
)

// Bounds of a Store.
const (
	MaxKeys = 1 << 17
	MaxKey  = 256
	MaxPer  = 366 * 24 * time.Hour
	// MaxMax is the highest Limit.Max, and the most units in one take.
	MaxMax = 1 << 40
)

// Errors of Take. All of them deny.
var (
	ErrInvalid = errors.New("not a limit that can be counted")
	ErrKeys    = errors.New("too many keys are counted")
	ErrDamaged = errors.New("the record of the key is damaged")
	ErrAway    = errors.New("the store of shared limits does not answer")
	ErrClosed  = errors.New("the store of limits is closed")
)

// Limit allows Max units in any window of length Per. A Max of 0 allows none.
type Limit struct {
	Max int64
	Per time.Duration
}

func (l Limit) valid() bool {
	return l.Max >= 0 && l.Max <= MaxMax && l.Per > 0 && l.Per <= MaxPer
}
