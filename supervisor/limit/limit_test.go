package limit

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
)

// machine is a clock that tests turn.
type machine struct {
	mu   sync.Mutex
	wall time.Time
	boot time.Duration
	id   string
}

func newMachine() *machine {
	return &machine{wall: time.Unix(1_700_000_000, 0), boot: time.Hour, id: "first"}
}

func (m *machine) Wall() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.wall
}

func (m *machine) Boot() (time.Duration, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.boot, nil
}

func (m *machine) BootID() (string, error) { return m.id, nil }

// pass lets real time pass.
func (m *machine) pass(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.wall, m.boot = m.wall.Add(d), m.boot+d
}

// set sets the wall clock.
func (m *machine) set(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.wall = m.wall.Add(d)
}

// reboot takes down of real time, and shows shift more or less.
func (m *machine) reboot(down, shift time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.id += "+"
	m.boot = time.Second
	m.wall = m.wall.Add(down + shift)
}

// world is a Store, its file and its clock.
type world struct {
	*Store
	t     *testing.T
	path  string
	clock *machine
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, path: filepath.Join(t.TempDir(), "state.db"), clock: newMachine()}
	w.open()
	t.Cleanup(func() { _ = w.db.Close() })
	return w
}

func (w *world) open() {
	w.t.Helper()
	db, err := bolt.Open(w.path, 0o600, &bolt.Options{Timeout: time.Second})
	if err != nil {
		w.t.Fatal(err)
	}
	if w.Store, err = New(db, w.clock); err != nil {
		w.t.Fatal(err)
	}
}

// restart ends the Store as it should be.
func (w *world) restart() {
	w.t.Helper()
	if err := errors.Join(w.Close(), w.db.Close()); err != nil {
		w.t.Fatal(err)
	}
	w.open()
}

// crash goes on with what is on the disk.
func (w *world) crash() {
	w.t.Helper()
	b, err := os.ReadFile(w.path)
	if err != nil {
		w.t.Fatal(err)
	}
	_ = w.db.Close()
	if err := os.WriteFile(w.path, b, 0o600); err != nil {
		w.t.Fatal(err)
	}
	w.open()
}

// reboot ends the Store and takes down of real time, after which the wall clock
// shows shift more or less.
func (w *world) reboot(down, shift time.Duration) {
	w.t.Helper()
	w.restart()
	w.clock.reboot(down, shift)
	w.crash()
}

func (w *world) take(want bool, n int64, l Limit, used int64) {
	w.t.Helper()
	ok, got, err := w.Take("jail/delete", l, n)
	if err != nil || ok != want || got != used {
		w.t.Errorf("take %d of %v: %v, %d used, %v; want %v, %d", n, l, ok, got, err, want, used)
	}
}

var hourly = Limit{Max: 50, Per: time.Hour}

func TestWindowSlides(t *testing.T) {
	w := newWorld(t)
	w.take(true, 30, hourly, 30)
	w.clock.pass(40 * time.Minute)
	w.take(true, 20, hourly, 50)
	w.take(false, 1, hourly, 50)
	w.clock.pass(20*time.Minute - 1)
	w.take(false, 1, hourly, 50)
	w.clock.pass(1) // the 30 are an hour old
	w.take(false, 31, hourly, 20)
	w.take(true, 30, hourly, 50)
	w.clock.pass(40 * time.Minute)
	w.take(true, 20, hourly, 50)
}

func TestKeysDoNotShare(t *testing.T) {
	w := newWorld(t)
	for i := range 20 {
		if ok, used, err := w.Take(strconv.Itoa(i), hourly, 50); !ok || used != 50 || err != nil {
			t.Errorf("%v %d %v", ok, used, err)
		}
	}
}

func TestLimitThatChanges(t *testing.T) {
	w := newWorld(t)
	w.take(true, 50, hourly, 50)
	w.take(true, 50, Limit{100, time.Hour}, 100)
	w.take(false, 1, hourly, 100)
	w.clock.pass(time.Minute)
	w.take(true, 5, Limit{5, time.Minute}, 5)
	w.take(false, 1, Limit{100, time.Hour}, 105) // a shorter window forgot nothing
}

func TestRefusals(t *testing.T) {
	w := newWorld(t)
	long := string(make([]byte, MaxKey+1))
	for name, c := range map[string]struct {
		key string
		l   Limit
		n   int64
	}{
		"nothing to take":     {"k", hourly, 0},
		"less than nothing":   {"k", hourly, -1},
		"no key":              {"", hourly, 1},
		"a key without bound": {long, hourly, 1},
		"no window":           {"k", Limit{1, 0}, 1},
		"an endless window":   {"k", Limit{1, MaxPer + 1}, 1},
		"a negative limit":    {"k", Limit{-1, time.Hour}, 1},
		"an endless limit":    {"k", Limit{MaxMax + 1, time.Hour}, 1},
		"an endless amount":   {"k", Limit{MaxMax, time.Hour}, MaxMax + 1},
	} {
		if ok, _, err := w.Take(c.key, c.l, c.n); ok || !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v %v", name, ok, err)
		}
	}
	if ok, _, err := w.Take("k", Limit{0, time.Hour}, 1); ok || err != nil {
		t.Errorf("a limit of 0: %v %v", ok, err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if ok, _, err := w.Take("k", hourly, 1); ok || !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v %v", ok, err)
	}
}

func TestClock(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(w *world)
		used int64 // of 50 taken before
	}{
		"the wall clock set forward frees nothing":        {func(w *world) { w.clock.set(48 * time.Hour) }, 50},
		"and not after a restart":                         {func(w *world) { w.clock.set(48 * time.Hour); w.restart() }, 50},
		"set back frees nothing":                          {func(w *world) { w.clock.set(-48 * time.Hour); w.restart() }, 50},
		"set back and an hour passed":                     {func(w *world) { w.clock.set(-48 * time.Hour); w.clock.pass(time.Hour) }, 0},
		"an hour passed while nobody ran":                 {func(w *world) { _ = w.Close(); w.clock.pass(time.Hour); w.restart() }, 0},
		"a reboot of an hour":                             {func(w *world) { w.reboot(time.Hour, 0) }, 0},
		"a reboot of less":                                {func(w *world) { w.reboot(time.Hour-2*time.Second, 0) }, 50},
		"a reboot with the clock set back":                {func(w *world) { w.reboot(time.Hour, -2*time.Hour) }, 50},
		"a reboot with the clock set back, an hour later": {func(w *world) { w.reboot(0, -2*time.Hour); w.clock.pass(time.Hour) }, 0},
		"a reboot in 1970": {func(w *world) {
			w.reboot(0, -time.Duration(w.clock.wall.UnixNano()))
			w.clock.pass(time.Hour - 2*time.Second)
		}, 50},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.take(true, 50, hourly, 50)
			c.do(w)
			if used, err := w.Used("jail/delete", hourly); err != nil || used != c.used {
				t.Errorf("%d used, %v; want %d", used, err, c.used)
			}
		})
	}
}

// TestAgainstALog compares with the plain list of everything that was granted.
func TestAgainstALog(t *testing.T) {
	for seed := range uint64(20) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		w := newWorld(t)
		l := Limit{Max: 1 + rnd.Int64N(200), Per: time.Duration(1+rnd.Int64N(1000)) * time.Second}
		type taken struct {
			at time.Duration
			n  int64
		}
		var log []taken
		real := time.Duration(0)
		for range 400 {
			d := time.Duration(rnd.Int64N(int64(l.Per) / 20))
			real += d
			w.clock.pass(d)
			w.clock.set(time.Duration(rnd.Int64N(int64(time.Hour))) - 30*time.Minute)
			n := 1 + rnd.Int64N(l.Max/8+1)
			sum := int64(0)
			for _, e := range log {
				if e.at > real-l.Per {
					sum += e.n
				}
			}
			ok, used, err := w.Take("k", l, n)
			if err != nil {
				t.Fatal(err)
			}
			if want := sum+n <= l.Max; ok != want || (ok && used != sum+n) || (!ok && used != sum) {
				t.Fatalf("seed %d: take %d with %d of %v used: %v, %d", seed, n, sum, l, ok, used)
			}
			if ok {
				log = append(log, taken{real, n})
			}
			if rnd.IntN(40) == 0 {
				w.restart()
			}
		}
	}
}

func TestManyDistinctTimes(t *testing.T) {
	w := newWorld(t)
	l := Limit{Max: 20_000, Per: time.Hour}
	for i := range int64(20_000) {
		w.take(true, 1, l, i+1)
		w.clock.pass(100 * time.Millisecond)
	}
	w.take(false, 1, l, 20_000)
	if n := len(w.keys["jail/delete"].w.entries); n > maxEntries {
		t.Errorf("%d entries", n)
	}
	// The first came 2,000 s ago; it leaves after an hour, at most 2 parts late.
	w.clock.pass(time.Hour - 2000*time.Second)
	w.clock.pass(2 * time.Hour / joined)
	if used, err := w.Used("jail/delete", l); err != nil || used >= 20_000 {
		t.Errorf("%d used, %v", used, err)
	}
	w.clock.pass(2000 * time.Second)
	if used, err := w.Used("jail/delete", l); err != nil || used != 0 {
		t.Errorf("%d used in the end, %v", used, err)
	}
}

func TestKeysAreBounded(t *testing.T) {
	w := newWorld(t)
	records := map[string][]byte{}
	now, err := w.time.now()
	if err != nil {
		t.Fatal(err)
	}
	for i := range MaxKeys {
		full := &window{keep: int64(time.Hour)}
		full.take(now, 1)
		records["k"+strconv.Itoa(i)] = encodeWindow(full)
	}
	if err := w.group.write(records); err != nil {
		t.Fatal(err)
	}
	w.restart()
	if ok, _, err := w.Take("one more", hourly, 1); ok || !errors.Is(err, ErrKeys) {
		t.Errorf("%v %v", ok, err)
	}
	if ok, _, err := w.Take("k0", hourly, 1); !ok || err != nil {
		t.Errorf("a key that is there: %v %v", ok, err)
	}
	w.clock.pass(time.Hour)
	if ok, _, err := w.Take("one more", hourly, 1); !ok || err != nil {
		t.Errorf("after the others expired: %v %v", ok, err)
	}
	w.restart()
	if n := len(w.keys); n != 1 {
		t.Errorf("%d keys are on disk", n)
	}
}

func TestDamagedRecordDenies(t *testing.T) {
	w := newWorld(t)
	w.take(true, 1, hourly, 1)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.db.Update(func(tx *bolt.Tx) error {
		return w.group.sum.put(tx, anchor{BootID: "b"}, map[string][]byte{"jail/delete": {version, 0xff}}) // as another version writes it
	}); err != nil {
		t.Fatal(err)
	}
	w.restart()
	if ok, _, err := w.Take("jail/delete", hourly, 1); ok || !errors.Is(err, ErrDamaged) {
		t.Errorf("%v %v", ok, err)
	}
	if _, err := w.Used("jail/delete", hourly); !errors.Is(err, ErrDamaged) {
		t.Errorf("%v", err)
	}
	w.restart()
	if err := w.Remove("jail/delete"); err != nil {
		t.Fatal(err)
	}
	w.take(true, 50, hourly, 50)
}

func TestDamagedAnchorStopsTime(t *testing.T) {
	w := newWorld(t)
	w.take(true, 50, hourly, 50)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.db.Update(func(tx *bolt.Tx) error {
		return tx.Bucket([]byte(bucket)).Put([]byte(anchorKey), []byte("?"))
	}); err != nil {
		t.Fatal(err)
	}
	w.clock.pass(24 * time.Hour)
	w.restart()
	w.take(false, 1, hourly, 50)
	w.clock.pass(time.Hour)
	w.take(true, 50, hourly, 50)
}

func TestUnwritableDenies(t *testing.T) {
	w := newWorld(t)
	w.take(true, 1, hourly, 1)
	_ = w.db.Close()
	for i := int64(1); i < hourly.Max/share+1; i++ {
		w.take(true, 1, hourly, i+1) // what is on disk as reserved
	}
	if ok, _, err := w.Take("jail/delete", hourly, 1); ok || err == nil {
		t.Errorf("%v %v", ok, err)
	}
	if err := w.Close(); err == nil {
		t.Error("Close wrote to a closed database")
	}
}

func TestOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "limits.db")
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if ok, _, err := s.Take("k", hourly, 50); !ok || err != nil {
		t.Fatalf("%v %v", ok, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("twice: %v", err)
	}
	if st, err := os.Stat(path); err != nil || st.Mode() != 0o600 {
		t.Errorf("%v %v", st, err)
	}
	if s, err = Open(path); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if ok, used, err := s.Take("k", hourly, 1); ok || used != 50 || err != nil {
		t.Errorf("%v %d %v", ok, used, err)
	}
}
