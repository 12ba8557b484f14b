package restore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"
)

// MaxListed bounds the names in Differences.
const MaxListed = 1000

// maxDepth bounds the nesting of directories that are compared.
const maxDepth = 256

// Kind is how a name differs from the good copy.
type Kind string

// The kinds.
const (
	Changed Kind = "changed" // other content, kind, owner or mode
	Missing Kind = "missing" // in the copy only
	New     Kind = "new"     // not in the copy; what is below it is not listed
)

// Difference is one name.
type Difference struct {
	Kind Kind
	Path string // relative
}

// Differences are what is between a tree and the good copy.
type Differences struct {
	List   []Difference // the first MaxListed
	Counts map[Kind]int
}

// None says that they are alike.
func (d Differences) None() bool { return len(d.Counts) == 0 }

func (d Differences) String() string {
	return fmt.Sprintf("%d changed, %d missing, %d new", d.Counts[Changed], d.Counts[Missing], d.Counts[New])
}

// Compare says how tree differs from the copy good. A tree that is not there
// differs in all that is in the copy.
func Compare(ctx context.Context, good, tree string) (Differences, error) {
	c := comparison{ctx: ctx, out: Differences{Counts: map[Kind]int{}}}
	var err error
	if c.good, err = os.OpenRoot(good); err != nil {
		return c.out, err
	}
	defer c.good.Close()
	c.tree, err = os.OpenRoot(tree)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.add(Missing, ".")
		return c.out, nil
	case err != nil:
		return c.out, err
	}
	defer c.tree.Close()
	err = c.entry(".", 0)
	return c.out, err
}

type comparison struct {
	ctx        context.Context
	good, tree *os.Root
	out        Differences
}

func (c *comparison) add(k Kind, path string) {
	c.out.Counts[k]++
	if len(c.out.List) < MaxListed {
		c.out.List = append(c.out.List, Difference{k, path})
	}
}

// entry compares what both have under a name.
func (c *comparison) entry(rel string, depth int) error {
	if err := c.ctx.Err(); err != nil {
		return err
	}
	if depth > maxDepth {
		return fmt.Errorf("%s: more than %d directories deep", rel, maxDepth)
	}
	a, err := c.good.Lstat(rel)
	if err != nil {
		return err
	}
	b, err := c.tree.Lstat(rel)
	if err != nil {
		return err
	}
	same := a.Mode() == b.Mode() && sameOwner(a, b)
	switch {
	case !same || a.Mode()&fs.ModeType != b.Mode()&fs.ModeType:
	case a.Mode().IsRegular():
		same, err = c.sameContent(rel, a.Size(), b.Size())
	case a.Mode()&fs.ModeSymlink != 0:
		same, err = c.sameLink(rel)
	}
	if err != nil {
		return err
	}
	if !same {
		c.add(Changed, rel)
	}
	if a.IsDir() && b.IsDir() {
		return c.below(rel, depth)
	}
	return nil
}

func (c *comparison) below(rel string, depth int) error {
	a, err := names(c.good, rel)
	if err != nil {
		return err
	}
	b, err := names(c.tree, rel)
	if err != nil {
		return err
	}
	for name := range b {
		a[name] = a[name] || false
	}
	for _, name := range slices.Sorted(maps.Keys(a)) {
		path := filepath.Join(rel, name)
		switch {
		case !b[name]:
			c.add(Missing, path)
		case !a[name]:
			c.add(New, path)
		default:
			if err := c.entry(path, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// names are those in a directory.
func names(root *os.Root, rel string) (map[string]bool, error) {
	d, err := root.OpenFile(rel, os.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	list, err := d.Readdirnames(-1)
	out := make(map[string]bool, len(list))
	for _, name := range list {
		out[name] = true
	}
	return out, err
}

func sameOwner(a, b fs.FileInfo) bool {
	x, ok1 := a.Sys().(*syscall.Stat_t)
	y, ok2 := b.Sys().(*syscall.Stat_t)
	return ok1 && ok2 && x.Uid == y.Uid && x.Gid == y.Gid
}

func (c *comparison) sameLink(rel string) (bool, error) {
	a, err := c.good.Readlink(rel)
	if err != nil {
		return false, err
	}
	b, err := c.tree.Readlink(rel)
	return a == b, err
}

func (c *comparison) sameContent(rel string, a, b int64) (bool, error) {
	if a != b {
		return false, nil
	}
	// A FIFO that took the file's place meanwhile must not hold this up.
	const how = os.O_RDONLY | unix.O_NONBLOCK | unix.O_NOFOLLOW
	x, err := c.good.OpenFile(rel, how, 0)
	if err != nil {
		return false, err
	}
	defer x.Close()
	y, err := c.tree.OpenFile(rel, how, 0)
	if err != nil {
		return false, err
	}
	defer y.Close()
	return sameBytes(c.ctx, x, y)
}

func sameBytes(ctx context.Context, x, y io.Reader) (bool, error) {
	const block = 256 << 10
	a, b := make([]byte, block), make([]byte, block)
	for {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		n, err := io.ReadFull(x, a)
		m, err2 := io.ReadFull(y, b)
		if !bytes.Equal(a[:n], b[:m]) {
			return false, nil
		}
		for _, err := range []error{err, err2} {
			if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
				return false, err
			}
		}
		if n < block {
			return true, nil
		}
	}
}
