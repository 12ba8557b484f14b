package jail

import "context"

// Cgroup is a handle to a jail's cgroup v2 directory.
type Cgroup struct{ path string }

// OpenCgroup opens the cgroup v2 directory at path.
func OpenCgroup(path string) (*Cgroup, error) { return &Cgroup{path: path}, nil }

// Freeze stops every task and waits until the kernel says that all stand.
func (c *Cgroup) Freeze(ctx context.Context) error { return nil }

// Thaw lets the tasks run again.
func (c *Cgroup) Thaw() error { return nil }

// Kill sends SIGKILL to every task at once.
func (c *Cgroup) Kill() error { return nil }

// Frozen reports whether all tasks stand.
func (c *Cgroup) Frozen() (bool, error) { return false, nil }

// Procs lists the processes, as the host numbers them.
func (c *Cgroup) Procs() ([]int, error) { return nil, nil }

// ID is the kernel's number of the cgroup.
func (c *Cgroup) ID() uint64 { return 0 }

// Close releases the handle. The cgroup stays.
func (c *Cgroup) Close() error { return nil }
