package limit

import (
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestRestartGivesReservationsBack(t *testing.T) {
	w := newWorld(t)
	w.take(true, 1, Limit{1 << 20, time.Hour}, 1)
	if got := w.keys["jail/delete"].w.reserved; got != maxReserve-1 {
		t.Fatalf("%d reserved", got)
	}
	w.restart()
	w.take(true, 1, Limit{1 << 20, time.Hour}, 2)
}

// TestCrash ends the Store after every single take: what was granted is used
// afterwards, and not more than one reservation on top.
func TestCrash(t *testing.T) {
	w := newWorld(t)
	granted := int64(0)
	for range 300 {
		ok, used, err := w.Take("k", hourly, 1)
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			granted++
		}
		w.crash()
		after, err := w.Used("k", hourly)
		if err != nil || after < used || after > used+hourly.Max/share || after > hourly.Max {
			t.Fatalf("%d used before the crash, %d after, %v", used, after, err)
		}
	}
	if granted > hourly.Max || granted == 0 {
		t.Errorf("%d granted of %d", granted, hourly.Max)
	}
	w.clock.pass(time.Hour)
	w.take(true, 50, hourly, 50)
}

// TestCrashAmongManyTakes copies the file while units are taken in parallel: in
// no copy is there less than what had been granted by then, and in none is more
// than the limit.
func TestCrashAmongManyTakes(t *testing.T) {
	w := newWorld(t)
	l := Limit{Max: 3000, Per: time.Hour}
	var granted atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for {
				ok, _, err := w.Take("k", l, 3)
				if err != nil {
					t.Error(err)
				}
				if !ok {
					return
				}
				granted.Add(3)
			}
		})
	}
	dir := t.TempDir()
	for i := range 30 {
		w.group.writing.Lock() // a commit is atomic; this is about what is between
		before := granted.Load()
		b, err := os.ReadFile(w.path)
		w.group.writing.Unlock()
		if err != nil {
			t.Fatal(err)
		}
		image := &world{t: t, path: filepath.Join(dir, strconv.Itoa(i)), clock: w.clock}
		if err := os.WriteFile(image.path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		image.open()
		if used, err := image.Used("k", l); err != nil || used < before || used > l.Max {
			t.Errorf("%d granted, in the copy %d are used, %v", before, used, err)
		}
		image.db.Close()
	}
	all.Wait()
	if got := granted.Load(); got != l.Max {
		t.Errorf("%d granted, want all of %d", got, l.Max)
	}
}

// TestCrashAtTheLatestTime: units that were reserved count from the restart.
func TestCrashAtTheLatestTime(t *testing.T) {
	w := newWorld(t)
	w.take(true, 1, hourly, 1)
	w.clock.pass(30 * time.Minute)
	w.take(true, 3, hourly, 4) // served from what was reserved, so not on disk
	w.crash()
	w.clock.pass(30 * time.Minute) // the first one's hour is over, these three's is not
	if used, err := w.Used("jail/delete", hourly); err != nil || used < 3 {
		t.Errorf("%d used, %v", used, err)
	}
}

func TestParallelTakesNeverExceed(t *testing.T) {
	w := newWorld(t)
	const takers, max = 10_000, 777
	var granted, units atomic.Int64
	var all sync.WaitGroup
	for i := range takers {
		all.Go(func() {
			n := int64(1 + i%3)
			ok, used, err := w.Take("k", Limit{max, time.Hour}, n)
			if err != nil || used > max {
				t.Errorf("%v, %d used", err, used)
			}
			if ok {
				granted.Add(1)
				units.Add(n)
			}
		})
	}
	all.Wait()
	if units.Load() != max {
		t.Errorf("%d units granted in %d takes, want exactly %d", units.Load(), granted.Load(), max)
	}
	w.restart()
	if used, err := w.Used("k", Limit{max, time.Hour}); used != max || err != nil {
		t.Errorf("%d used after the restart, %v", used, err)
	}
}

func TestParallelKeysShareCommits(t *testing.T) {
	w := newWorld(t)
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() {
			key := strconv.Itoa(i % 50)
			for range 5 {
				if _, _, err := w.Take(key, Limit{10, time.Hour}, 1); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	for i := range 50 {
		if used, err := w.Used(strconv.Itoa(i), hourly); used != 10 || err != nil {
			t.Errorf("key %d: %d used, %v", i, used, err)
		}
	}
}
