package audit

import (
	"context"
	"iter"
	"time"
)

// Filter chooses records. Empty fields choose everything.
type Filter struct {
	Jail         string
	Gate         string    // one gate, or several separated by commas
	Verdict      string    // one verdict, or several separated by commas
	Since, Until time.Time // by Record.Time; Since inclusive, Until exclusive
	Limit        int       // only the newest so many; 0: all. In Follow it bounds what is old, and negative means nothing old
}

// Query gives the records of dir that f chooses, oldest first. A line that
// cannot be read or does not fit the chain gives a *CorruptError, and the walk
// goes on behind it.
func Query(dir string, f Filter) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {}
}

// Follow gives what Query gives, and then records as they are written, until
// ctx ends.
func Follow(ctx context.Context, dir string, f Filter) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {}
}
