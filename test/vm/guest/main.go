package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/test/vm/job"
)

// shared is where the runner's directory is mounted, read-write.
const shared = "/shared"

func main() {
	if os.Getpid() != 1 {
		if err := runJobs(); err != nil {
			fmt.Println("guest: jobs:", err)
			os.Exit(1)
		}
		return
	}
	err := boot()
	if err == nil {
		err = reapUntilJobsEnd()
	}
	if err != nil {
		fmt.Println("guest:", err)
	}
	unix.Sync()
	err = unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
	fmt.Println("guest: power off:", err)
}

// boot brings the machine from the initramfs to a tmpfs root.
func boot() error {
	if err := mountAll([]mount{
		{"proc", "/proc", "proc", 0, ""},
		{"sysfs", "/sys", "sysfs", 0, ""},
		{"devtmpfs", "/dev", "devtmpfs", 0, "mode=755"},
	}); err != nil {
		return err
	}
	if err := loadModules("/modules"); err != nil {
		return err
	}
	if err := mountAll([]mount{
		{"root", "/new", "tmpfs", 0, "mode=755"},
		// Before the trees, of which one may be below them.
		{"run", "/new/run", "tmpfs", unix.MS_NOSUID | unix.MS_NODEV, "mode=755"},
		{"tmp", "/new/tmp", "tmpfs", 0, "mode=1777"},
		{"shared", "/new" + shared, "9p", 0, "trans=virtio,version=9p2000.L,msize=262144,cache=none"},
	}); err != nil {
		return err
	}
	list, err := readList("/new" + shared)
	if err != nil {
		return err
	}
	for tag, place := range list.Mounts {
		m := mount{tag, "/new" + place, "9p", unix.MS_RDONLY, "trans=virtio,version=9p2000.L,msize=262144,cache=loose"}
		if err := mountAll([]mount{m}); err != nil {
			return err
		}
	}
	if err := layOut("/new"); err != nil {
		return err
	}
	if err := switchRoot("/new"); err != nil {
		return err
	}
	return mountAll([]mount{
		{"devpts", "/dev/pts", "devpts", 0, "newinstance,ptmxmode=0666,mode=620"},
		{"shm", "/dev/shm", "tmpfs", unix.MS_NOSUID | unix.MS_NODEV, ""},
		{"cgroup2", "/sys/fs/cgroup", "cgroup2", 0, ""},
		{"bpf", "/sys/fs/bpf", "bpf", 0, "mode=700"},
		{"securityfs", "/sys/kernel/security", "securityfs", 0, ""},
		{"tracefs", "/sys/kernel/tracing", "tracefs", 0, ""},
	})
}

type mount struct {
	source, target, kind string
	flags                uintptr
	options              string
}

func mountAll(list []mount) error {
	for _, m := range list {
		if err := os.MkdirAll(m.target, 0o755); err != nil {
			return err
		}
		if err := unix.Mount(m.source, m.target, m.kind, m.flags, m.options); err != nil {
			return fmt.Errorf("mount %s on %s: %w", m.kind, m.target, err)
		}
	}
	return nil
}

// loadModules loads what the runner put there, in the order of the names.
func loadModules(dir string) error {
	files, err := filepath.Glob(dir + "/*.ko")
	if err != nil {
		return err
	}
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		err = unix.FinitModule(int(f.Fd()), "", 0)
		_ = f.Close()
		if err != nil && err != unix.EEXIST {
			return fmt.Errorf("load %s: %w", filepath.Base(name), err)
		}
	}
	return nil
}

// layOut makes the directories, links and files of a merged-/usr root.
func layOut(root string) error {
	for _, d := range []string{"bin", "sbin", "lib", "lib64", "lib32", "libx32"} {
		if _, err := os.Stat(root + "/usr/" + d); err != nil {
			continue
		}
		if err := os.Symlink("usr/"+d, root+"/"+d); err != nil {
			return err
		}
	}
	for _, d := range []string{"proc", "sys", "dev", "etc", "root", "home", "mnt", "opt", "srv", "var/lib", "var/tmp", "var/cache", "var/log"} {
		if err := os.MkdirAll(root+"/"+d, 0o755); err != nil {
			return err
		}
	}
	// What udev makes elsewhere; shells need them for <(command).
	for name, target := range map[string]string{"fd": "fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"} {
		if err := os.Symlink("/proc/self/"+target, "/dev/"+name); err != nil {
			return err
		}
	}
	if err := os.Chmod(root+"/var/tmp", 0o1777); err != nil {
		return err
	}
	for name, text := range map[string]string{
		"hosts": "127.0.0.1 localhost\n::1 localhost\n", "hostname": "guest\n",
		"resolv.conf": "nameserver 127.0.0.1\n", "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
	} {
		if err := os.WriteFile(root+"/etc/"+name, []byte(text), 0o644); err != nil {
			return err
		}
	}
	etc := root + shared + "/etc"
	return copyTree(etc, root+"/etc")
}

// copyTree copies the few files of /etc that the runner chose, links as links.
func copyTree(from, to string) error {
	return filepath.Walk(from, func(path string, info os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		target := to + strings.TrimPrefix(path, from)
		switch {
		case info.IsDir():
			return os.MkdirAll(target, 0o755)
		case info.Mode()&os.ModeSymlink != 0:
			link, err := os.Readlink(path)
			if err != nil {
				return err
			}
			return os.Symlink(link, target)
		default:
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			return os.WriteFile(target, b, info.Mode().Perm())
		}
	})
}

// switchRoot makes root the root of everything; pivot_root does not work from
// the initramfs, moving the mount over / does.
func switchRoot(root string) error {
	for _, d := range []string{"/proc", "/sys", "/dev"} {
		if err := unix.Mount(d, root+d, "", unix.MS_MOVE, ""); err != nil {
			return fmt.Errorf("move %s: %w", d, err)
		}
	}
	if err := os.Chdir(root); err != nil {
		return err
	}
	if err := unix.Mount(".", "/", "", unix.MS_MOVE, ""); err != nil {
		return fmt.Errorf("move the root: %w", err)
	}
	if err := unix.Chroot("."); err != nil {
		return err
	}
	// As an init system does, so that mounts made here reach new namespaces.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SHARED, ""); err != nil {
		return err
	}
	return os.Chdir("/")
}

// reapUntilJobsEnd starts the jobs in a child and reaps whatever dies.
func reapUntilJobsEnd() error {
	if err := unix.Sethostname([]byte("guest")); err != nil {
		return err
	}
	// What systemd gives its services; the kernel's own default is 4096.
	files := unix.Rlimit{Cur: 1024, Max: 524288}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &files); err != nil {
		return err
	}
	self, err := os.StartProcess("/proc/self/exe", []string{"guest"}, &os.ProcAttr{
		Files: []*os.File{nil, os.Stdout, os.Stderr},
		Env:   []string{"PATH=" + shared + "/path:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin", "HOME=/root", "LANG=C.UTF-8"},
	})
	if err != nil {
		return err
	}
	for {
		pid, err := unix.Wait4(-1, nil, 0, nil)
		if err == unix.EINTR {
			continue
		}
		if err != nil || pid == self.Pid {
			return err
		}
	}
}

func readList(dir string) (list job.List, err error) {
	b, err := os.ReadFile(filepath.Join(dir, job.File))
	if err != nil {
		return list, err
	}
	return list, json.Unmarshal(b, &list)
}

func runJobs() error {
	list, err := readList(shared)
	if err != nil {
		return err
	}
	if out, err := exec.Command("ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
		return fmt.Errorf("loopback: %w: %s", err, out)
	}
	for _, j := range list.Jobs {
		start := time.Now()
		rc := runJob(j)
		fmt.Printf("guest: %s: exit %d after %.1fs\n", j.Name, rc, time.Since(start).Seconds())
		name := filepath.Join(shared, j.Name+job.RCSuffix)
		if err := os.WriteFile(name, []byte(strconv.Itoa(rc)), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// runJob runs one command with its output in the shared directory.
func runJob(j job.Job) int {
	f, err := os.Create(filepath.Join(shared, j.Name+job.OutSuffix))
	if err != nil {
		fmt.Println("guest:", err)
		return 255
	}
	defer f.Close()
	c := exec.Command(j.Argv[0], j.Argv[1:]...)
	c.Dir, c.Env, c.Stdin = j.Dir, append(os.Environ(), j.Env...), nil
	c.Stdout, c.Stderr = f, f
	c.WaitDelay = 5 * time.Second
	if err := c.Start(); err != nil {
		fmt.Fprintln(f, "start:", err)
		return 127
	}
	stop := time.AfterFunc(j.Timeout, func() { _ = c.Process.Kill() })
	defer stop.Stop()
	if err := c.Wait(); err != nil && c.ProcessState == nil {
		fmt.Fprintln(f, "wait:", err)
		return 255
	}
	return c.ProcessState.ExitCode()
}
