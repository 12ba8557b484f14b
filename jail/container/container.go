package container

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/opencontainers/cgroups"
	_ "github.com/opencontainers/cgroups/devices" // the device rules need it registered
	devices "github.com/opencontainers/cgroups/devices/config"
	"github.com/opencontainers/cgroups/manager"
	"github.com/opencontainers/runc/libcontainer"
	"github.com/opencontainers/runc/libcontainer/configs"
	_ "github.com/opencontainers/runc/libcontainer/nsenter" // the C half of Init
	"golang.org/x/sys/unix"

	"clawjail/jail"
)

// RootID is the uid and gid of the host that user namespaces show as 0. No
// account has it: it lies above the range of subordinate ids and of systemd's
// container ids, and below the sign bit.
const RootID = 0x7ffd_c1a0

// Config is everything libcontainer needs in order to start the first process.
type Config struct {
	ID       string
	Hostname string
	// Rootfs is the finished tree in the calling mount namespace.
	Rootfs string
	// StateDir is libcontainer's own directory; it must exist.
	StateDir string
	// Cgroup is the path below the root of each hierarchy: "/clawjail/ID".
	Cgroup string
	// NetNS and PidNS are paths to namespaces that exist.
	NetNS, PidNS string
	User         jail.User
	UserNS       bool
	Limits       jail.Limits
}

// Container is a jail as libcontainer sees it.
type Container struct {
	c   *libcontainer.Container
	cfg Config
}

// Create makes the container's state and starts nothing.
func Create(cfg Config) (*Container, error) {
	if cfg.User.UID == 0 || cfg.User.GID == 0 {
		return nil, errors.New("a jail never runs as root")
	}
	if cfg.NetNS == "" || cfg.PidNS == "" {
		return nil, errors.New("a jail needs a network and a pid namespace")
	}
	c, err := libcontainer.Create(cfg.StateDir, cfg.ID, cfg.lower())
	if err != nil {
		return nil, fmt.Errorf("create container %q: %w", cfg.ID, err)
	}
	return &Container{c: c, cfg: cfg}, nil
}

// lower translates cfg into libcontainer's language.
func (cfg Config) lower() *configs.Config {
	out := &configs.Config{
		Rootfs:   cfg.Rootfs,
		Hostname: cfg.Hostname,
		// The tree is complete; this bind only says that /dev is, too, or
		// libcontainer would make its own entries there.
		Mounts: []*configs.Mount{{
			Device: "bind", Source: filepath.Join(cfg.Rootfs, "dev"), Destination: "/dev",
			Flags: unix.MS_BIND | unix.MS_REC,
		}},
		Namespaces: configs.Namespaces{
			{Type: configs.NEWNS}, {Type: configs.NEWIPC}, {Type: configs.NEWUTS}, {Type: configs.NEWCGROUP},
			{Type: configs.NEWNET, Path: cfg.NetNS},
			{Type: configs.NEWPID, Path: cfg.PidNS},
		},
		Capabilities:    &configs.Capabilities{},
		NoNewPrivileges: true,
		NoNewKeyring:    true, // see the package's Decisions
		Rlimits:         rlimits(cfg.Limits),
		Cgroups:         &cgroups.Cgroup{Path: cfg.Cgroup, Resources: resources(cfg.Limits)},
	}
	deprive(out)
	if cfg.UserNS {
		out.Namespaces = append(out.Namespaces, configs.Namespace{Type: configs.NEWUSER})
		out.UIDMappings, out.GIDMappings = mappings(cfg.User)
	}
	return out
}

// mappings shows the user as itself and RootID as 0, and nobody else: other
// owners appear as the overflow id.
func mappings(u jail.User) (uids, gids []configs.IDMap) {
	uids = []configs.IDMap{
		{ContainerID: 0, HostID: RootID, Size: 1},
		{ContainerID: int64(u.UID), HostID: int64(u.UID), Size: 1},
	}
	gids = []configs.IDMap{
		{ContainerID: 0, HostID: RootID, Size: 1},
		{ContainerID: int64(u.GID), HostID: int64(u.GID), Size: 1},
	}
	seen := map[uint32]bool{u.GID: true}
	for _, g := range u.Groups {
		if !seen[g] {
			seen[g] = true
			gids = append(gids, configs.IDMap{ContainerID: int64(g), HostID: int64(g), Size: 1})
		}
	}
	return uids, gids
}

func rlimits(l jail.Limits) []configs.Rlimit {
	out := []configs.Rlimit{{Type: unix.RLIMIT_CORE}} // 0: no core dumps
	add := func(kind int, value int64) {
		if value > 0 {
			out = append(out, configs.Rlimit{Type: kind, Soft: uint64(value), Hard: uint64(value)})
		}
	}
	add(unix.RLIMIT_NOFILE, l.OpenFiles)
	add(unix.RLIMIT_FSIZE, l.FileSizeBytes)
	add(unix.RLIMIT_NPROC, l.Nproc)
	add(unix.RLIMIT_MEMLOCK, l.MemlockBytes)
	return out
}

// cpuPeriod is the period of the processor quota, in microseconds.
const cpuPeriod = 100_000

func resources(l jail.Limits) *cgroups.Resources {
	r := &cgroups.Resources{Devices: deviceRules()}
	if l.MemoryBytes > 0 {
		r.Memory = l.MemoryBytes
		if swapAccounted() {
			r.MemorySwap = l.MemoryBytes // the sum of both: no swap
		}
	}
	if l.CPUs > 0 {
		r.CpuPeriod = cpuPeriod
		// The kernel takes no quota below 1 ms.
		r.CpuQuota = max(int64(l.CPUs*cpuPeriod), 1000)
	}
	if l.Pids > 0 {
		r.PidsLimit = &l.Pids
	}
	return r
}

// swapAccounted reports whether the kernel can bound memory and swap together.
// cgroup v1 has the file only with swap accounting on; cgroup v2 always can.
func swapAccounted() bool {
	if cgroups.IsCgroup2UnifiedMode() {
		return true
	}
	_, err := os.Stat("/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes")
	return err == nil
}

// deviceRules allow to use the devices of the jail's /dev and to make none.
// The nodes are the jail's boundary; this is the second one.
func deviceRules() []*devices.Rule {
	rules := []*devices.Rule{{Type: devices.WildcardDevice, Major: -1, Minor: -1, Permissions: "rwm", Allow: false}}
	for _, d := range []struct{ major, minor int64 }{
		{1, 3}, {1, 5}, {1, 7}, {1, 8}, {1, 9}, // null zero full random urandom
		{5, 0}, {5, 2}, {136, devices.Wildcard}, // tty ptmx pts
	} {
		rules = append(rules, &devices.Rule{
			Type: devices.CharDevice, Major: d.major, Minor: d.minor, Permissions: "rw", Allow: true,
		})
	}
	return rules
}

// Prime has libcontainer do what it does once in a process: read the host's
// cgroup mounts, and find out how its types look in JSON. Nothing is made.
func Prime() {
	cfg := Config{User: jail.User{UID: 1, GID: 1}, UserNS: true, Limits: jail.Limits{OpenFiles: 1}}.lower()
	cfg.Cgroups.Path = "/clawjail-prime"
	// Errors come again when it matters.
	_, _ = manager.New(cfg.Cgroups)
	_, _ = json.Marshal(libcontainer.State{BaseState: libcontainer.BaseState{Config: *cfg}})
}
