package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"filippo.io/age"
	"golang.org/x/sys/unix"

	"clawjail/audit"
	"clawjail/audit/seal"
	"clawjail/audit/verify"
	"clawjail/supervisor/backup/swap"
)

// Target is what is replaced.
type Target struct {
	State  string
	Config string
	// Lock is the file that a running supervisor holds.
	Lock string
	// Keys are trusted to have signed the backup. None: the keys of the state that
	// is there, and where there is none those of the backup itself.
	Keys []seal.Public
	// Force replaces a state that is newer or another one, and takes a backup whose
	// log does not prove itself.
	Force bool
}

// Restored is what was done.
type Restored struct {
	Manifest Manifest
	Log      verify.Report
	Before   []string // where what was there is now
	OwnKeys  bool     // nothing but the backup itself vouches for its signature
}

// ErrRunning says that a supervisor runs.
var ErrRunning = errors.New("a supervisor is running: its state cannot be replaced\n  systemctl stop clawjail, and end what `clawjail run` started")

// Restore puts a backup in the place of what is there, all of it or nothing.
func Restore(ctx context.Context, r io.Reader, t Target, ids []age.Identity) (Restored, error) {
	lock, err := Hold(t.Lock)
	if err != nil {
		return Restored{}, err
	}
	defer lock.Close()
	if err := t.settle(); err != nil {
		return Restored{}, err
	}
	stage, err := os.MkdirTemp(filepath.Dir(t.State), swap.StagePrefix)
	if err != nil {
		return Restored{}, err
	}
	defer t.tidy(stage)
	root, err := os.OpenRoot(stage)
	if err != nil {
		return Restored{}, err
	}
	defer root.Close()
	var out Restored
	out.Manifest, err = unpack(r, root, ids, func() (Checker, error) {
		keys, own, err := t.trusted(filepath.Join(stage, "state", "keys"))
		out.OwnKeys = own
		return anyKey(keys), err
	})
	if err != nil {
		return out, err
	}
	if out.Log, err = prove(ctx, filepath.Join(stage, "state")); err != nil && !t.Force {
		return out, err
	}
	if err := t.mayReplace(ctx, filepath.Join(stage, "state"), out.Log); err != nil && !t.Force {
		return out, fmt.Errorf("%w\n  --force replaces it all the same; what is there is kept beside it", err)
	}
	if err := syncTree(stage); err != nil {
		return out, err
	}
	out.Before, err = t.swap(stage)
	return out, err
}

// Hold takes the lock of the supervisor, so that none starts until it is closed.
func Hold(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, ErrRunning
		}
		return nil, os.NewSyscallError("flock", err)
	}
	return f, nil
}

// trusted are the keys that may have signed the backup.
func (t Target) trusted(inBackup string) (keys []seal.Public, own bool, err error) {
	if len(t.Keys) > 0 {
		return t.Keys, false, nil
	}
	keys, err = seal.ReadPublics(filepath.Join(t.State, "keys"))
	if err == nil && !t.Force {
		return keys, false, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !t.Force {
		return nil, false, err
	}
	keys, err = seal.ReadPublics(inBackup)
	if err != nil {
		return nil, true, fmt.Errorf("the backup has no public key: %w", err)
	}
	return keys, true, nil
}

// anyKey trusts several keys.
type anyKey []seal.Public

// CheckMessage reports whether one of the keys signed the message.
func (k anyKey) CheckMessage(domain string, message, signature []byte, keyID string) error {
	for _, p := range k {
		if p.ID() == keyID {
			return p.CheckMessage(domain, message, signature, keyID)
		}
	}
	return fmt.Errorf("signed by key %q, which is not trusted here\n  --key names another key; --force takes the backup's word", keyID)
}

// prove verifies the log of a state.
func prove(ctx context.Context, state string) (verify.Report, error) {
	keys, err := seal.ReadPublics(filepath.Join(state, "keys"))
	if err != nil {
		return verify.Report{}, fmt.Errorf("keys of the backup: %w", err)
	}
	rep, err := verify.Log(ctx, filepath.Join(state, "audit"), verify.Options{Keys: keys})
	if err != nil {
		return rep, err
	}
	if !rep.OK {
		return rep, fmt.Errorf("the log in the backup does not prove itself: %s", rep.Problems[0])
	}
	return rep, nil
}

// mayReplace refuses to lose records: what is there must be the beginning of
// what is in the backup.
func (t Target) mayReplace(ctx context.Context, staged string, backup verify.Report) error {
	dir := filepath.Join(t.State, "audit")
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	there, err := verify.Log(ctx, dir, verify.Options{})
	switch {
	case err != nil:
		return fmt.Errorf("the log that is there cannot be compared: %w", err)
	case there.Records == 0:
		return nil
	case there.Last > backup.Last:
		return fmt.Errorf("the log that is there has records up to %d, the backup only up to %d: they would be lost", there.Last, backup.Last)
	}
	head, err := headAt(filepath.Join(staged, "audit"), there.Last, backup)
	if err != nil {
		return err
	}
	if head != there.Head {
		return fmt.Errorf("the log that is there is another one: record %d is not the same in the backup", there.Last)
	}
	return nil
}

// headAt is the hash of a record of a log.
func headAt(dir string, seq uint64, rep verify.Report) (string, error) {
	if seq == rep.Last {
		return rep.Head, nil
	}
	for r, err := range audit.Query(dir, audit.Filter{}) {
		var corrupt *audit.CorruptError
		if err != nil && !errors.As(err, &corrupt) {
			return "", err
		}
		if err == nil && r.Seq == seq+1 {
			return r.Prev, nil
		}
	}
	return "", nil
}

// swap exchanges what is there with what is staged, all of it or nothing, over a
// loss of power: package swap says how.
func (t Target) swap(stage string) (before []string, err error) {
	stamp := "." + time.Now().UTC().Format("20060102T150405.000") + ".before"
	pairs := []swap.Pair{{Staged: filepath.Join(stage, "state"), Place: t.State, Before: t.State + stamp}}
	if config := filepath.Join(stage, "config"); exists(config) {
		// The configuration is on another disk often, and exchanged there.
		near, err := os.MkdirTemp(filepath.Dir(t.Config), swap.StagePrefix)
		if err != nil {
			return nil, err
		}
		defer t.tidy(near)
		if err := copyTree(config, filepath.Join(near, "config")); err != nil {
			return nil, err
		}
		if err := syncTree(near); err != nil {
			return nil, err
		}
		pairs = append(pairs, swap.Pair{Staged: filepath.Join(near, "config"), Place: t.Config, Before: t.Config + stamp})
	}
	return swap.Do(swap.Journal(t.Config), pairs)
}

// tidy removes a directory that something was staged in, unless a swap that is not
// finished needs it.
func (t Target) tidy(stage string) {
	if !exists(swap.Journal(t.Config)) {
		_ = os.RemoveAll(stage)
	}
}

// settle finishes what a loss of power has interrupted, and removes what was staged
// and never begun: it holds keys.
func (t Target) settle() error {
	if _, err := swap.Finish(swap.Journal(t.Config)); err != nil {
		return err
	}
	for _, dir := range []string{filepath.Dir(t.State), filepath.Dir(t.Config)} {
		left, err := filepath.Glob(filepath.Join(dir, swap.StagePrefix+"*"))
		for _, path := range left {
			err = errors.Join(err, os.RemoveAll(path))
		}
		if err != nil {
			return fmt.Errorf("remove what an earlier restore has left: %w", err)
		}
	}
	return nil
}

// syncTree brings a whole file system to the disk.
func syncTree(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return os.NewSyscallError("syncfs", unix.Syncfs(int(d.Fd())))
}

// copyTree copies files, directories and links with their owners and modes.
func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, p)
		if err != nil {
			return err
		}
		var st unix.Stat_t
		if err := unix.Lstat(p, &st); err != nil {
			return err
		}
		at := filepath.Join(to, rel)
		switch {
		case d.IsDir():
			err = os.Mkdir(at, 0o700)
		case d.Type()&fs.ModeSymlink != 0:
			var target string
			if target, err = os.Readlink(p); err == nil {
				err = errors.Join(os.Symlink(target, at), os.Lchown(at, int(st.Uid), int(st.Gid)))
			}
			return err
		default:
			err = copyFile(p, at)
		}
		return errors.Join(err, os.Lchown(at, int(st.Uid), int(st.Gid)), os.Chmod(at, fs.FileMode(st.Mode&0o777)))
	})
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
