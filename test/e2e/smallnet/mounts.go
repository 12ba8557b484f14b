package smallnet

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// The host's only ordinary user.
const (
	UserName = "agent"
	UserID   = 20001
	UserHome = "/home/agent"
)

// AgentsDir is where the host sees the agents that agents.sh installed.
const AgentsDir = "/opt/agents"

// bundle is the system's list of authorities; the host's has the test
// authority in it as well, so that programs trust it without being told.
const bundle = "/etc/ssl/certs/ca-certificates.crt"

// mountHost gives the host its own /run, /home, /opt and state directories, its
// own resolver, user list and authorities. It runs in the host's own mount
// namespace, whose mounts reach nobody else.
func mountHost(dir string) error {
	agents := filepath.Join(cacheDir(), "agents")
	keep, err := openTree(agents)
	if err != nil {
		return err
	}
	clone, err := holdCovered()
	if err != nil {
		return err
	}
	resolv, err := filepath.EvalSymlinks("/etc/resolv.conf")
	if err != nil {
		return err
	}
	for _, d := range append([]string{"/run", "/home", "/opt"}, stateDirs[:]...) {
		if err := unix.Mount("tmpfs", d, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755"); err != nil {
			return fmt.Errorf("mount tmpfs on %s: %w", d, err)
		}
	}
	if err := errors.Join(keep.attach(AgentsDir), clone.tree.attach(clone.path)); err != nil {
		return err
	}
	if err := os.Mkdir(UserHome, 0o700); err != nil {
		return err
	}
	if err := os.Chown(UserHome, UserID, UserID); err != nil {
		return err
	}
	text := "nameserver " + gateway4 + "\nnameserver " + gateway6 + "\noptions timeout:2 attempts:2\n"
	return errors.Join(
		replace(resolv, func([]byte) []byte { return []byte(text) }),
		replace("/etc/passwd", func(b []byte) []byte {
			return fmt.Appendf(b, "%s:x:%d:%d::%s:/bin/bash\n", UserName, UserID, UserID, UserHome)
		}),
		replace("/etc/group", func(b []byte) []byte { return fmt.Appendf(b, "%s:x:%d:\n", UserName, UserID) }),
		trust(filepath.Join(dir, "ca.pem")),
	)
}

// cacheDir is where make keeps its downloads (.ci/env.sh).
func cacheDir() string {
	if d := os.Getenv("CLAWJAIL_CACHE"); d != "" {
		return d
	}
	return "/var/cache/clawjail"
}

// heldTree is a directory tree that stays reachable while what is above it is
// covered; its descriptor is -1 when there is none.
type heldTree struct{ fd int }

func openTree(path string) (heldTree, error) {
	fd, err := unix.OpenTree(unix.AT_FDCWD, path, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE)
	if errors.Is(err, unix.ENOENT) {
		return heldTree{-1}, nil
	}
	if err != nil {
		return heldTree{-1}, fmt.Errorf("hold %s: %w", path, err)
	}
	return heldTree{fd}, nil
}

// held is a tree and where it was.
type held struct {
	tree heldTree
	path string
}

// holdCovered holds the clone that the code under test was built in, if it lies
// where the host gets something else.
func holdCovered() (held, error) {
	dir, err := os.Getwd()
	if err != nil {
		return held{}, err
	}
	for ; dir != "/"; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
	}
	if !strings.HasPrefix(dir, "/home/") && !strings.HasPrefix(dir, "/opt/") {
		return held{tree: heldTree{-1}}, nil
	}
	t, err := openTree(dir)
	return held{t, dir}, err
}

// attach makes dir and mounts the tree on it.
func (h heldTree) attach(dir string) error {
	if h.fd < 0 {
		return nil
	}
	defer unix.Close(h.fd)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := unix.MoveMount(h.fd, "", unix.AT_FDCWD, dir, unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		return fmt.Errorf("attach %s: %w", dir, err)
	}
	return nil
}

// replace binds an edited copy over a file. Below the new /run the file is just
// written.
func replace(path string, edit func([]byte) []byte) error {
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if strings.HasPrefix(path, "/run/") {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		return os.WriteFile(path, edit(old), 0o644)
	}
	own := filepath.Join("/run", "smallnet"+strings.ReplaceAll(path, "/", "-"))
	if err := os.WriteFile(own, edit(old), 0o644); err != nil {
		return err
	}
	if err := unix.Mount(own, path, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("bind %s: %w", path, err)
	}
	return nil
}

// trust adds the test authority to the system's list, where there is one.
func trust(ca string) error {
	if _, err := os.Stat(bundle); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	cert, err := os.ReadFile(ca)
	if err != nil {
		return err
	}
	return replace(bundle, func(b []byte) []byte { return append(b, cert...) })
}
