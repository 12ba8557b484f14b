package limit

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Clock is time, so that tests need not wait for it.
type Clock interface {
	Wall() time.Time
	// Boot is CLOCK_BOOTTIME: it never jumps and counts suspended time.
	Boot() (time.Duration, error)
	// BootID is another one after every boot.
	BootID() (string, error)
}

type systemClock struct{}

func (systemClock) Wall() time.Time { return time.Now() }

func (systemClock) Boot() (time.Duration, error) {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return 0, os.NewSyscallError("clock_gettime", err)
	}
	return time.Duration(ts.Nano()), nil
}

func (systemClock) BootID() (string, error) {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(b)), err
}

// anchor ties the Store's clock to the machine's at one moment.
type anchor struct {
	BootID string
	Boot   int64 // nanoseconds
	Wall   int64 // nanoseconds since 1970
	Now    int64 // the Store's clock, nanoseconds
}

// timeline is the Store's clock: it never goes back.
type timeline struct {
	clock  Clock
	bootID string

	mu   sync.Mutex
	base anchor
	last int64
}

// resume goes on where the last anchor was; the zero anchor is a beginning.
func resume(clock Clock, last anchor) (*timeline, error) {
	id, err := clock.BootID()
	if err != nil {
		return nil, fmt.Errorf("read the id of this boot: %w", err)
	}
	if id == "" || len(id) > maxBootID {
		return nil, fmt.Errorf("read the id of this boot: %d bytes", len(id))
	}
	boot, err := clock.Boot()
	if err != nil {
		return nil, err
	}
	wall := clock.Wall().UnixNano()
	passed := int64(0)
	switch {
	case last.BootID == id:
		passed = int64(boot) - last.Boot
	case last.BootID != "":
		passed = max(int64(boot), add(wall, -max(0, last.Wall)))
	}
	now := add(last.Now, max(0, passed))
	return &timeline{clock: clock, bootID: id, last: now, base: anchor{BootID: id, Boot: int64(boot), Wall: wall, Now: now}}, nil
}

// now is the Store's time.
func (t *timeline) now() (int64, error) {
	boot, err := t.clock.Boot()
	if err != nil {
		return 0, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = max(t.last, add(t.base.Now, int64(boot)-t.base.Boot))
	return t.last, nil
}

// anchor is what to write down now.
func (t *timeline) anchor() (anchor, error) {
	boot, err := t.clock.Boot()
	if err != nil {
		return anchor{}, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = max(t.last, add(t.base.Now, int64(boot)-t.base.Boot))
	return anchor{BootID: t.bootID, Boot: int64(boot), Wall: t.clock.Wall().UnixNano(), Now: t.last}, nil
}
