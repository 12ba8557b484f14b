package doctor

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Settings are where clawjail lives on this host.
type Settings struct {
	Version  string
	RunDir   string
	StateDir string
}

// The oldest kernel: seccomp's WAIT_KILLABLE_RECV came with 5.19, and without
// it a signal makes a held call vanish and come back under another name.
const (
	oldestMajor = 5
	oldestMinor = 19
)

// Run tries everything and judges it.
func Run(p Prober, s Settings) Report {
	r := Report{OK: true, Version: s.Version}
	old := r.kernel(p)
	root := r.privileges(p)
	if old {
		return r
	}
	if root {
		r.namespaces(p)
		r.cgroups(p)
		r.seccomp(p)
		r.landlock(p)
		r.bpf(p)
		r.idmap(p)
	}
	r.libseccomp(p)
	r.try("memfd", "sealed memfd", p.Memfd, "CONFIG_MEMFD_CREATE=y, and /proc/sys/vm/memfd_noexec below 2")
	r.try("pidfd", "process descriptors", p.Pidfd, "a kernel from 5.10 on")
	if root {
		r.space(p, "run_dir", s.RunDir, 16<<20, 64<<20)
		r.space(p, "state_dir", s.StateDir, 128<<20, 1<<30)
	}
	r.clock(p)
	r.binaries(p)
	return r
}

// try adds a check of something that jails cannot do without.
func (r *Report) try(id, name string, probe func() error, fix string) {
	c := Check{ID: id, Name: name, Status: OK}
	if err := probe(); err != nil {
		c.Status, c.Detail, c.Fix = Fail, err.Error(), fix
	}
	r.add(c)
}

// kernel reports whether the kernel is too old for anything else to be tried.
func (r *Report) kernel(p Prober) (old bool) {
	c := Check{ID: "kernel", Name: "kernel", Status: OK}
	k, err := p.Kernel()
	r.Kernel = k.Release
	c.Detail = fmt.Sprintf("Linux %s on %s", k.Release, k.Machine)
	major, minor, known := parseRelease(k.Release)
	switch {
	case err != nil:
		c.Status, c.Detail = Fail, err.Error()
	case k.Machine != "x86_64":
		c.Status, c.Fix = Fail, "use a machine of the architecture x86_64: the filters are made for its system calls"
	case !known:
		c.Status, c.Fix = Warn, "none: the version cannot be read, what follows was tried all the same"
	case TooOld(k.Release):
		old = true
		c.Status = Fail
		c.Detail += fmt.Sprintf(": too old, a held call could be lost to a signal before %d.%d; nothing else was tried", oldestMajor, oldestMinor)
		c.Fix = "boot Linux 6.1 or newer (Debian 12: apt install linux-image-amd64)"
	case major < 6 || major == 6 && minor < 1:
		c.Status = Warn
		c.Detail += ": older than what clawjail is tested on"
		c.Fix = "boot Linux 6.1 or newer"
	}
	r.add(c)
	return old
}

// TooOld reports whether a kernel of this release cannot run jails, whatever it
// is tried with. What cannot be read is not too old.
func TooOld(release string) bool {
	major, minor, known := parseRelease(release)
	return known && (major < oldestMajor || major == oldestMajor && minor < oldestMinor)
}

// parseRelease reads the first two numbers of a release.
func parseRelease(s string) (major, minor int, ok bool) {
	a, rest, _ := strings.Cut(s, ".")
	b := rest
	if i := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' }); i >= 0 {
		b = rest[:i]
	}
	major, err1 := strconv.Atoi(a)
	minor, err2 := strconv.Atoi(b)
	return major, minor, err1 == nil && err2 == nil
}

func (r *Report) privileges(p Prober) bool {
	uid := p.UID()
	c := Check{ID: "privileges", Name: "privileges", Status: OK, Detail: "root"}
	if uid != 0 {
		c.Status = Fail
		c.Detail = fmt.Sprintf("user %d: namespaces, cgroups, filters and probes were not tried", uid)
		c.Fix = "run the command with sudo"
	}
	r.add(c)
	return uid == 0
}

func (r *Report) namespaces(p Prober) {
	r.try("namespaces", "namespaces", p.Namespaces, "a kernel with CONFIG_NAMESPACES, PID_NS, NET_NS, IPC_NS, UTS_NS and CGROUPS; inside a container, run it privileged")
	c := Check{ID: "userns", Name: "user namespaces", Status: OK}
	if err := p.UserNS(); err != nil {
		c.Status, c.Detail = Warn, err.Error()+"; jails run without one"
		c.Fix = "sysctl -w user.max_user_namespaces=10000 (and kernel.unprivileged_userns_clone=1 where it exists)"
	}
	r.add(c)
}

func (r *Report) cgroups(p Prober) {
	c := Check{ID: "cgroup", Name: "cgroups", Status: OK}
	cg, err := p.Cgroup()
	switch {
	case err != nil:
		c.Status, c.Detail = Fail, err.Error()
		c.Fix = "mount cgroup v2 writable: mount -t cgroup2 none /sys/fs/cgroup"
	case len(cg.Missing) > 0:
		c.Status = Fail
		c.Detail = fmt.Sprintf("%s, but these controllers do not work: %s", cg.Mode, strings.Join(cg.Missing, ", "))
		c.Fix = "enable them: take cgroup_disable= off the kernel command line, add cgroup_enable=memory, or write +memory +cpu +pids to cgroup.subtree_control"
	default:
		c.Detail = cg.Mode + " with memory, cpu and pids"
	}
	r.add(c)

	c = Check{ID: "freeze", Name: "freeze and kill", Status: OK}
	f, err := p.Freeze()
	if err != nil {
		c.Status, c.Detail = Fail, err.Error()
		c.Fix = "a kernel from 5.14 on with cgroup v2 mounted (cgroup.freeze, cgroup.kill)"
	} else {
		c.Detail = fmt.Sprintf("one process stood still after %.2f ms", float64(f.Took.Microseconds())/1000)
	}
	r.add(c)
}

func (r *Report) seccomp(p Prober) {
	c := Check{ID: "seccomp", Name: "seccomp notification", Status: OK}
	s, err := p.Seccomp()
	switch {
	case err != nil:
		c.Status, c.Detail = Fail, err.Error()
		c.Fix = "a kernel with CONFIG_SECCOMP_FILTER=y; inside a container, one without a seccomp notification filter of its own"
	case !s.WaitKillable:
		c.Status, c.Detail = Fail, "the kernel does not know WAIT_KILLABLE_RECV: a signal would cancel a held call"
		c.Fix = "boot Linux 6.1 or newer"
	case !s.SyncWake:
		c.Detail = "works; answers are slower than on 6.6 and newer"
	default:
		c.Detail = "with WAIT_KILLABLE_RECV and synchronous wake-up"
	}
	r.add(c)
}

func (r *Report) libseccomp(p Prober) {
	c := Check{ID: "libseccomp", Name: "libseccomp", Status: OK}
	v, err := p.Libseccomp()
	if c.Detail = v; err != nil {
		c.Status, c.Detail = Fail, err.Error()
		c.Fix = "install libseccomp 2.5.4 or newer (Debian: apt install libseccomp2)"
	}
	r.add(c)
}

func (r *Report) landlock(p Prober) {
	c := Check{ID: "landlock", Name: "Landlock", Status: OK}
	abi, err := p.Landlock()
	c.Detail = fmt.Sprintf("ABI %d", abi)
	switch {
	case err != nil:
		c.Status, c.Detail = Fail, err.Error()
		c.Fix = "CONFIG_SECURITY_LANDLOCK=y and landlock in the lsm= list of the kernel command line"
	case abi < 3:
		c.Status, c.Fix = Warn, "boot Linux 6.2 or newer"
		c.Detail += ": truncating a file is not covered"
	case abi < 6:
		c.Status, c.Fix = Warn, "boot Linux 6.12 or newer"
		c.Detail += ": abstract sockets and signals are not covered; namespaces are"
	}
	r.add(c)
}

func (r *Report) bpf(p Prober) {
	b, err := p.BPF()
	if err != nil {
		r.add(Check{ID: "bpf", Name: "BPF", Status: Fail, Detail: err.Error(), Fix: "a kernel with CONFIG_BPF_SYSCALL=y, and root with CAP_BPF"})
		return
	}
	r.Tier = b.Tier
	c := Check{ID: "tier", Name: "enforcement tier", Status: OK, Detail: b.Tier}
	if b.Tier != "lsm" {
		c.Status = Warn
		c.Detail += ": programs are judged in tracepoints and by the supervisor, not in security hooks"
		for _, f := range b.Features {
			if !f.Required && f.Err != nil {
				c.Detail += " (" + f.Err.Error() + ")"
			}
		}
		c.Fix = "CONFIG_BPF_LSM=y and bpf in the lsm= list of the kernel command line, without lockdown=integrity"
	}
	r.add(c)
	for _, f := range b.Features {
		if !f.Required && b.Tier != "lsm" {
			continue // that is what the tier says
		}
		c := Check{ID: "bpf_" + strings.ReplaceAll(strings.ToLower(f.Name), " ", "_"), Name: f.Name, Status: OK}
		if f.Err != nil {
			c.Status, c.Detail, c.Fix = Warn, f.Err.Error(), f.Hint
			if f.Required {
				c.Status = Fail
			}
		}
		r.add(c)
	}
}

func (r *Report) idmap(p Prober) {
	c := Check{ID: "idmap", Name: "idmapped mounts", Status: OK}
	if err := p.IDMap(); err != nil {
		c.Status, c.Detail = Warn, err.Error()+"; a workspace of root's cannot be given to an agent"
		c.Fix = "keep workspaces on ext4, xfs or btrfs and in the name of who runs the agent"
	}
	r.add(c)
}

func (r *Report) space(p Prober, id, dir string, low, little uint64) {
	c := Check{ID: id, Name: dir, Status: OK}
	s, err := p.Space(dir)
	c.Detail = fmt.Sprintf("%d MiB free", s.FreeBytes>>20)
	switch {
	case err != nil:
		c.Status, c.Detail, c.Fix = Fail, err.Error(), "make the directory: install -d -m 0755 "+dir
	case s.Write != nil:
		c.Status, c.Detail = Fail, s.Write.Error()
		c.Fix = "make it writable for root: mount -o remount,rw, or free space and inodes"
	case s.FreeBytes < low || !s.NoInodes && s.FreeInodes < 100:
		c.Status = Fail
		c.Detail += fmt.Sprintf(", %d inodes free: no new jail starts when the audit log is full", s.FreeInodes)
		c.Fix = "free space on the file system of " + dir
	case s.FreeBytes < little || !s.NoInodes && s.FreeInodes < 10000:
		c.Status, c.Fix = Warn, "free space on the file system of "+dir
	}
	r.add(c)
}

func (r *Report) clock(p Prober) {
	c := Check{ID: "clock", Name: "clock", Status: OK}
	k, err := p.Clock()
	c.Detail = k.Real.UTC().Format("2006-01-02 15:04:05 MST")
	const set = "set the clock and keep it set: timedatectl set-ntp true"
	booted := k.Real.Add(-k.Boot)
	switch {
	case err != nil:
		c.Status, c.Detail = Fail, err.Error()
	case k.Real.Before(k.Built.Add(-24 * time.Hour)):
		c.Status, c.Fix = Warn, set
		c.Detail += fmt.Sprintf(": before clawjail was installed (%s); certificates will not verify", k.Built.UTC().Format(time.DateOnly))
	case k.Real.Year() < 2025 || k.Real.Year() > 2100 || booted.Year() < 2000:
		c.Status, c.Fix = Warn, set
		c.Detail += ": that cannot be; certificates will not verify and the audit log will be out of order"
	case !k.Sync:
		c.Detail += ", not synchronized"
	}
	r.add(c)
}

// binaries looks at the programs that the supervisor starts; the gateway it
// can do without.
func (r *Report) binaries(p Prober) {
	for _, b := range []struct {
		name   string
		status Status
	}{{"clawjail-shim", Fail}, {"clawjail-stage", Fail}, {"clawjail-egress", Fail}, {"clawjail-gateway", Warn}} {
		c := Check{ID: "binary_" + strings.TrimPrefix(b.name, "clawjail-"), Name: b.name, Status: OK}
		if err := p.Binary(b.name); err != nil {
			c.Status, c.Detail = b.status, err.Error()
			c.Fix = "install clawjail again: make install"
			if errors.Is(err, ErrLoose) {
				c.Status, c.Fix = Warn, "chown root:root and chmod go-w the programs: the supervisor runs them as root"
			}
		}
		r.add(c)
	}
}
