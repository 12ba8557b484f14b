package limit

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestManyTakeAtOnce: ten thousand at the same time, of keys that overlap in every
// way, and none of them ever holds one unit too many.
func TestManyTakeAtOnce(t *testing.T) {
	w := newWorld(t)
	const callers = 10_000
	limits := []Claim{{"user", Limit{3000, time.Hour}, 1}, {"all", Limit{5000, time.Hour}, 1}, {"jail", Limit{1000, time.Hour}, 1}}
	var taken [3]atomic.Int64
	var work sync.WaitGroup
	for i := range callers {
		work.Go(func() {
			pick := [][]int{{0, 1}, {1, 2}, {2, 0}, {2, 1, 0}, {1}}[i%5]
			claims := make([]Claim, len(pick))
			for k, n := range pick {
				claims[k] = limits[n]
			}
			over, used, err := w.TakeAll(claims)
			if err != nil {
				t.Error(err)
				return
			}
			for k, n := range pick {
				if used[k] > limits[n].Limit.Max {
					t.Errorf("%s holds %d, at most %d", limits[n].Key, used[k], limits[n].Limit.Max)
				}
				if len(over) == 0 {
					taken[n].Add(1)
				}
			}
		})
	}
	work.Wait()
	for n, c := range limits {
		used, err := w.Used(c.Key, c.Limit)
		if got := taken[n].Load(); err != nil || used != got || got > c.Limit.Max || n == 2 && got != c.Limit.Max {
			t.Errorf("%s: %d taken, %d used, %d at most, %v", c.Key, got, used, c.Limit.Max, err)
		}
	}
	w.restart()
	for n, c := range limits {
		if used, err := w.Used(c.Key, c.Limit); err != nil || used != taken[n].Load() {
			t.Errorf("%s after a restart: %d of %d, %v", c.Key, used, taken[n].Load(), err)
		}
	}
}

// TestAllOrNothing: a claim without room leaves the others as they are, and what
// a human let happen counts all the same.
func TestAllOrNothing(t *testing.T) {
	w := newWorld(t)
	a, b := Claim{"a", Limit{100, time.Hour}, 40}, Claim{"b", Limit{50, time.Hour}, 40}
	if over, _, err := w.TakeAll([]Claim{b, a}); len(over) != 0 || err != nil {
		t.Fatal(over, err)
	}
	over, used, err := w.TakeAll([]Claim{a, b})
	if err != nil || !slices.Equal(over, []int{1}) || !slices.Equal(used, []int64{40, 40}) {
		t.Errorf("%v %v %v", over, used, err)
	}
	if over, used, err := w.Room([]Claim{a, b}); err != nil || !slices.Equal(over, []int{1}) || !slices.Equal(used, []int64{40, 40}) {
		t.Errorf("room: %v %v %v", over, used, err)
	}
	if err := w.Add([]Claim{a, b}); err != nil {
		t.Fatal(err)
	}
	w.crash()
	for _, c := range []Claim{a, b} {
		if used, err := w.Used(c.Key, c.Limit); err != nil || used < 80 {
			t.Errorf("%s: %d used, %v", c.Key, used, err)
		}
	}
	for name, claims := range map[string][]Claim{
		"negative": {{"a", a.Limit, -1}}, "nothing": {{"a", a.Limit, 0}}, "too much": {{"a", a.Limit, MaxMax + 1}}, "no key": {{"", a.Limit, 1}},
		"twice": {a, b, a}, "a limit below nothing": {{"a", Limit{-1, time.Hour}, 1}}, "many": make([]Claim, MaxClaims+1),
	} {
		if _, _, err := w.TakeAll(claims); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
		if err := w.Add(claims); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestMemoryOfManyKeys: a hundred thousand keys fit into 100 MiB.
func TestMemoryOfManyKeys(t *testing.T) {
	const keys = 100_000
	w := newWorld(t)
	now, err := w.time.now()
	if err != nil {
		t.Fatal(err)
	}
	records := map[string][]byte{}
	for i := range keys {
		full := &window{keep: int64(time.Hour)}
		for k := range 10 {
			full.take(now+int64(k), 1)
		}
		records[fmt.Sprintf("act/send_email/1h/user/%d", i)] = encodeWindow(full)
	}
	if err := w.group.write(records); err != nil {
		t.Fatal(err)
	}
	records = nil
	var before, after runtime.MemStats
	if err := errors.Join(w.Close(), w.db.Close()); err != nil {
		t.Fatal(err)
	}
	w.Store = nil
	runtime.GC()
	runtime.ReadMemStats(&before)
	w.open()
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 100<<20 {
		t.Errorf("%d keys take %d bytes", len(w.keys), grown)
	} else {
		t.Logf("%d keys take %d KiB of the heap", len(w.keys), grown>>10)
	}
}
