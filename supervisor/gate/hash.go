package gate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"

	"clawjail/seccomp/tracee"
)

// Limits of hashing programs.
const (
	maxHashes    = 4096    // remembered; all are forgotten when it is full
	maxHashBytes = 1 << 30 // a larger program has no hash, so no rule with one matches
)

// hashCache remembers the content of programs by their identity. A file that
// was written to has another change time, which nobody in a jail can set.
type hashCache struct {
	mu   sync.Mutex
	sums map[tracee.Identity]string
}

func (c *hashCache) get(id tracee.Identity) (string, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	sum, ok := c.sums[id]
	return sum, ok
}

// getAll succeeds only if all of them are known.
func (c *hashCache) getAll(files []tracee.Resolved) ([]string, bool) {
	sums := make([]string, len(files))
	for i, f := range files {
		var ok bool
		if sums[i], ok = c.get(f.ID); !ok {
			return nil, false
		}
	}
	return sums, true
}

// sum reads the file. The identity is compared before and after: what changed
// meanwhile has no hash.
func (c *hashCache) sum(ctx context.Context, r tracee.Resolved) (string, error) {
	if r.ID.Size > maxHashBytes {
		return "", fmt.Errorf("%d bytes are too many to hash", r.ID.Size)
	}
	f, err := os.Open(procPath(r.File))
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, &interruptible{ctx, io.LimitReader(f, maxHashBytes)}); err != nil {
		return "", err
	}
	after, err := tracee.Identify(f)
	if err != nil {
		return "", err
	}
	if after != r.ID {
		return "", errors.New("the file changed while it was read")
	}
	sum := hex.EncodeToString(h.Sum(nil))
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sums == nil || len(c.sums) >= maxHashes {
		c.sums = map[tracee.Identity]string{}
	}
	c.sums[r.ID] = sum
	return sum, nil
}

// procPath names a file of ours that is only pinned, so that it can be opened.
func procPath(f *os.File) string { return "/proc/self/fd/" + strconv.Itoa(int(f.Fd())) }

// interruptible ends a read of many gigabytes when nobody waits any more.
type interruptible struct {
	ctx context.Context
	r   io.Reader
}

func (i *interruptible) Read(b []byte) (int, error) {
	if err := i.ctx.Err(); err != nil {
		return 0, err
	}
	return i.r.Read(b)
}
