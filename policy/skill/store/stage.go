package store

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"clawjail/policy/skill/stream"
	"clawjail/policy/skill/trust"
)

// Limits are what a skill may be to be installed.
func Limits() stream.Limits {
	return stream.Limits{Entries: 2 * trust.MaxFiles, Files: trust.MaxFiles, Depth: trust.MaxDepth, File: 64 << 20, Total: 256 << 20}
}

// Source gives the entries of a skill once.
type Source func(visit func(stream.Entry) error) error

// FromDir is the skill in an open directory.
func FromDir(ctx context.Context, dir *os.File) Source {
	return func(visit func(stream.Entry) error) error { return stream.Walk(ctx, dir, Limits(), visit) }
}

// FromStream is the skill in a stream.
func FromStream(r *stream.Reader) Source {
	return func(visit func(stream.Entry) error) error {
		for {
			e, err := r.Next()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err == nil {
				err = visit(e)
			}
			if err != nil && !errors.Is(err, fs.SkipDir) {
				return err
			}
		}
	}
}

// Measured is a skill that was read.
type Measured struct {
	Manifest trust.Manifest
	// Signatures are the files at its top that are named like signatures.
	Signatures []trust.Signature
}

// maxProblems bounds what is said about one skill.
const maxProblems = 10

// collector takes the entries of a skill together.
type collector struct {
	put        func(f trust.File, data []byte) error // nil: only measure
	files      []trust.File
	signatures []trust.Signature
	problems   []error
	more       int
	skillMD    []byte
}

// Measure reads a skill without keeping it. name is what it is called unless
// its SKILL.md says so.
func Measure(name string, src Source) (Measured, error) {
	var c collector
	return c.measure(name, src)
}

func (c *collector) measure(name string, src Source) (Measured, error) {
	if err := src(c.visit); err != nil {
		return Measured{}, err
	}
	if len(c.problems) > 0 {
		if c.more > 0 {
			c.problems = append(c.problems, fmt.Errorf("and %d more of the kind", c.more))
		}
		return Measured{}, errors.Join(c.problems...)
	}
	if said := trust.NameIn(c.skillMD); said != "" {
		name = said
	}
	m, err := trust.New(name, c.files)
	return Measured{Manifest: m, Signatures: c.signatures}, err
}

func (c *collector) bad(format string, args ...any) {
	if len(c.problems) >= maxProblems {
		c.more++
		return
	}
	c.problems = append(c.problems, fmt.Errorf(format, args...))
}

// visit takes one entry. What a skill may not have is collected, so that all of
// it is said at once.
func (c *collector) visit(e stream.Entry) error {
	if trust.Ignored(e.Path) {
		return c.ignored(e)
	}
	switch {
	case e.Kind == stream.Limit && e.State == stream.TooDeep:
		c.bad("%q lies more than %d directories deep", e.Path, trust.MaxDepth)
	case e.Kind == stream.Limit:
		c.bad("the skill has more than %d files and directories", Limits().Entries)
	case e.State == stream.Unreadable:
		c.bad("%q cannot be read", e.Path)
	case e.Kind == stream.Link:
		c.bad("%q is a symbolic link to %q; a skill may have none: put the file there", e.Path, e.Target)
	case e.Kind == stream.Special:
		c.bad("%q is a device, FIFO or socket; remove it", e.Path)
	case e.Kind == stream.Dir:
	case e.State == stream.Omitted:
		c.bad("%q is beyond the limits of a skill: %d files, %d MiB each, %d MiB together", e.Path, Limits().Files, Limits().File>>20, Limits().Total>>20)
	case e.State == stream.Changed:
		c.bad("%q changed while it was read; try again when nobody writes to it", e.Path)
	default:
		return c.file(e)
	}
	return nil
}

func (c *collector) ignored(e stream.Entry) error {
	switch {
	case e.Kind == stream.Dir:
		return fs.SkipDir
	case e.Kind != stream.File || trust.FormOf(e.Path) == trust.None:
		return nil
	case e.State != stream.Read || len(e.Data) > trust.MaxSignature:
		c.bad("the signature %q cannot be read whole", e.Path)
		return nil
	}
	c.signatures = append(c.signatures, trust.Signature{File: e.Path, Data: e.Data})
	return nil
}

func (c *collector) file(e stream.Entry) error {
	if err := trust.CheckPath(e.Path); err != nil {
		c.bad("%w", err)
		return nil
	}
	if e.Mode&(fs.ModeSetuid|fs.ModeSetgid) != 0 {
		c.bad("%q is setuid or setgid; chmod ug-s it", e.Path)
		return nil
	}
	if e.Path == "SKILL.md" {
		c.skillMD = e.Data
	}
	f := trust.File{Name: e.Path, Digest: sha256.Sum256(e.Data), Size: int64(len(e.Data)), Exec: e.Mode&0o111 != 0}
	c.files = append(c.files, f)
	if c.put == nil {
		return nil
	}
	return c.put(f, e.Data)
}

// Staged is a skill in staging. Keep or Discard it.
type Staged struct {
	Measured
	s   *Store
	dir string
}

// Dir is where its files are, for who has to look into them. They do not
// change.
func (st *Staged) Dir() string { return filepath.Join(st.dir, filesDir) }

// Stage copies a skill to where nobody else writes. Lock the store before.
func (s *Store) Stage(name string, src Source) (_ *Staged, err error) {
	dir, err := os.MkdirTemp(filepath.Join(s.dir, stagingDir), "skill-")
	if err != nil {
		return nil, fmt.Errorf("stage the skill: %w", err)
	}
	st := &Staged{s: s, dir: dir}
	defer func() {
		if err != nil {
			st.Discard()
		}
	}()
	if err := os.Mkdir(st.Dir(), 0o755); err != nil {
		return nil, fmt.Errorf("stage the skill: %w", err)
	}
	root, err := os.OpenRoot(st.Dir())
	if err != nil {
		return nil, fmt.Errorf("stage the skill: %w", err)
	}
	defer root.Close()
	c := collector{put: func(f trust.File, data []byte) error { return put(root, f, data) }}
	if st.Measured, err = c.measure(name, src); err != nil {
		return nil, err
	}
	return st, nil
}

// put writes one file. Its mode is set when all are written.
func put(root *os.Root, f trust.File, data []byte) error {
	if dir := path.Dir(f.Name); dir != "." {
		if err := root.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("copy %q: %w", f.Name, err)
		}
	}
	w, err := root.OpenFile(f.Name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, modeOf(f))
	if err != nil {
		return fmt.Errorf("copy %q: %w", f.Name, err)
	}
	_, err = w.Write(data)
	return errors.Join(err, w.Close())
}

func modeOf(f trust.File) fs.FileMode {
	if f.Exec {
		return 0o555
	}
	return 0o444
}

// Discard removes what was staged. It does nothing to what was kept.
func (st *Staged) Discard() {
	if st.dir != "" {
		_ = removeTree(st.dir)
		st.dir = ""
	}
}

// Keep puts the skill into the store, where Path finds it by its tree digest,
// and says which that is. Without modes no file may be executed, which makes it
// another tree. A skill that is there already is checked, and replaced if it is
// not what it should be.
func (st *Staged) Keep(modes bool) (trust.Digest, error) {
	m := st.Manifest
	if !modes {
		m = m.WithoutModes()
	}
	tree := m.Tree()
	if err := st.finish(m); err != nil {
		return tree, fmt.Errorf("store the skill: %w", err)
	}
	target := st.s.treeDir(tree)
	if _, err := os.Lstat(target); err == nil {
		if st.s.Check(tree) == nil {
			st.Discard()
			return tree, nil
		}
		old := st.dir + "-damaged"
		if err := os.Rename(target, old); err != nil {
			return tree, fmt.Errorf("take a damaged copy away: %w", err)
		}
		defer func() { _ = removeTree(old) }()
	}
	if err := os.Rename(st.dir, target); err != nil {
		return tree, fmt.Errorf("store the skill: %w", err)
	}
	st.dir = ""
	return tree, syncDir(filepath.Dir(target))
}

// finish sets modes, writes the manifest and brings all of it to disk.
func (st *Staged) finish(m trust.Manifest) error {
	if err := os.WriteFile(filepath.Join(st.dir, manifestFile), m.Statement(), 0o444); err != nil {
		return err
	}
	root, err := os.OpenRoot(st.Dir())
	if err != nil {
		return err
	}
	defer root.Close()
	dirs := map[string]bool{".": true}
	for _, f := range m.Files {
		if err := root.Chmod(f.Name, modeOf(f)); err != nil {
			return err
		}
		for d := path.Dir(f.Name); d != "."; d = path.Dir(d) {
			dirs[d] = true
		}
	}
	for d := range dirs {
		if err := root.Chmod(d, 0o555); err != nil {
			return err
		}
	}
	return syncFS(st.dir)
}

// hexOf is the name of a tree's directory.
func hexOf(d trust.Digest) string { return strings.TrimPrefix(d.String(), "sha256:") }
