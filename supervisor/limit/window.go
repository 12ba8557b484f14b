package limit

import "math"

// maxEntries bounds the distinct times that are kept of one key.
const maxEntries = 4096

// joined is into how many parts a window is divided when there are more
// distinct times than maxEntries: at most two entries stay in each.
const joined = 1024

// entry is a number of units taken at one time of the Store's clock.
type entry struct{ at, units int64 }

// window is what was taken of one key: entries in the order of time, at most
// keep old when they were last looked at.
type window struct {
	keep     int64 // nanoseconds: the longest window that the key was asked for
	entries  []entry
	total    int64 // units of all entries; at most maxEntries * MaxMax
	reserved int64 // units that are on disk as used and not granted yet
}

// add adds without wrapping around.
func add(a, b int64) int64 {
	if b > 0 && a > math.MaxInt64-b {
		return math.MaxInt64
	}
	if b < 0 && a < math.MinInt64-b {
		return math.MinInt64
	}
	return a + b
}

// expire forgets what no window reaches any more.
func (w *window) expire(now int64) {
	for len(w.entries) > 0 && w.entries[0].at <= add(now, -w.keep) {
		w.total -= w.entries[0].units
		w.entries = w.entries[1:]
	}
}

// used are the units taken in the window of length per that ends now, after
// expire.
func (w *window) used(now, per int64) int64 {
	if per >= w.keep {
		return w.total
	}
	sum := int64(0)
	for i := len(w.entries) - 1; i >= 0 && w.entries[i].at > add(now, -per); i-- {
		sum += w.entries[i].units
	}
	return sum
}

// take notes units as taken now. At most MaxMax units stand at one time: that
// many are over every limit already.
func (w *window) take(now, units int64) {
	if n := len(w.entries); n > 0 && w.entries[n-1].at >= now {
		w.total -= w.entries[n-1].units
		w.entries[n-1].units = min(MaxMax, w.entries[n-1].units+units)
		w.total += w.entries[n-1].units
		return
	}
	if len(w.entries) >= maxEntries {
		w.expire(now)
		w.join()
	}
	w.entries = append(w.entries, entry{now, units})
	w.total += units
}

// join counts neighbours that are close to each other at the later time.
func (w *window) join() {
	gap := w.keep/joined + 1
	out := w.entries[:0]
	first := int64(0) // where the group that the last of out stands for begins
	w.total = 0
	for _, e := range w.entries {
		w.total += e.units
		if n := len(out); n > 0 && e.at-first < gap {
			both := min(MaxMax, out[n-1].units+e.units)
			w.total -= out[n-1].units + e.units - both
			out[n-1] = entry{e.at, both}
			continue
		}
		out = append(out, e)
		first = e.at
	}
	w.entries = out
}
