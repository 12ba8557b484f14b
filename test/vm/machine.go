package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"clawjail/test/vm/job"
)

// modules that the guest needs, in no order; what they depend on comes along.
var modules = [...]string{
	"virtio_pci", "9pnet_virtio", "9p", "overlay", "veth", "dummy", "loop", "ext4", "tcp_diag",
}

// etcFiles are the parts of this machine's /etc that programs in the guest
// cannot do without.
var etcFiles = [...]string{"alternatives", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "passwd", "group", "os-release", "protocols", "services", "ssl"}

// machine is a guest ready to boot.
type machine struct {
	kernel, initrd, console string
	memory, accel           string
	options                 string // of the kernel
	trees                   []tree
}

// withoutBPF is Debian's list of security modules, less the one that lets BPF
// programs attach to its hooks.
const withoutBPF = "landlock,lockdown,yama,integrity,apparmor"

// tree is a directory that the guest mounts by its tag.
type tree struct {
	tag, path string
	write     bool
}

// prepare writes the initramfs and the job list.
func prepare(o options, work, sharedDir string, jobs []job.Job) (*machine, error) {
	images, err := filepath.Glob(o.kernel + "/boot/vmlinuz-*")
	if err != nil || len(images) != 1 {
		return nil, fmt.Errorf("want one kernel in %q, found %d", o.kernel, len(images))
	}
	release := strings.TrimPrefix(filepath.Base(images[0]), "vmlinuz-")
	fmt.Fprintf(os.Stderr, "vm: kernel %s, %d jobs\n", release, len(jobs))
	repo, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	m := &machine{
		kernel: images[0], initrd: filepath.Join(work, "initrd"), console: filepath.Join(work, "console.log"),
		memory: o.memory, accel: o.accel,
		trees: []tree{{tag: "shared", path: sharedDir, write: true}, {tag: "usr", path: "/usr"}, {tag: "repo", path: repo}},
	}
	if !o.lsm {
		m.options = " lsm=" + withoutBPF
	}
	list := job.List{Mounts: map[string]string{"usr": "/usr", "repo": repo}, Jobs: jobs}
	b, err := json.Marshal(list)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(sharedDir, job.File), b, 0o644); err != nil {
		return nil, err
	}
	if err := copyEtc(filepath.Join(sharedDir, "etc")); err != nil {
		return nil, err
	}
	return m, writeInitrd(m.initrd, work, filepath.Join(o.kernel, "lib/modules", release))
}

func copyEtc(to string) error {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	for _, name := range etcFiles {
		from := filepath.Join("/etc", name)
		if _, err := os.Lstat(from); errors.Is(err, os.ErrNotExist) {
			continue
		}
		if out, err := exec.Command("cp", "-a", from, to).CombinedOutput(); err != nil {
			return fmt.Errorf("copy %s: %w: %s", from, err, out)
		}
	}
	return nil
}

// writeInitrd builds the guest's first process and packs it with the modules.
func writeInitrd(path, work, moduleDir string) error {
	guest := filepath.Join(work, "guest")
	c := exec.Command("go", "build", "-o", guest, "./test/vm/guest")
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("build the guest: %w: %s", err, out)
	}
	ordered, err := moduleOrder(moduleDir, modules[:])
	if err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	a := &archive{w: bufio.NewWriterSize(f, 1<<20)}
	for _, d := range []string{"dev", "proc", "sys", "new", "modules"} {
		a.add(d, 0o40755, nil)
	}
	first, err := os.ReadFile(guest)
	if err != nil {
		return err
	}
	a.add("init", 0o100755, first)
	for i, m := range ordered {
		body, err := readModule(m)
		if err != nil {
			return err
		}
		a.add(fmt.Sprintf("modules/%03d-%s.ko", i, moduleName(m)), 0o100644, body)
	}
	return a.close()
}

// boot runs the machine until it powers off.
func (m *machine) boot(ctx context.Context, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	args := []string{
		"-machine", "q35,accel=" + m.accel, "-cpu", "max", "-smp", "2", "-m", m.memory,
		"-nic", "none", "-nographic", "-no-reboot", "-monitor", "none", "-serial", "stdio",
		"-kernel", m.kernel, "-initrd", m.initrd,
		"-append", "console=ttyS0 quiet panic=-1 mitigations=off no_timer_check" + m.options,
	}
	if m.accel == "kvm" {
		args[3] = "host" // the processor
	}
	for _, t := range m.trees {
		fs := fmt.Sprintf("local,path=%s,mount_tag=%s,id=%s,security_model=none,multidevs=remap", t.path, t.tag, t.tag)
		if !t.write {
			fs += ",readonly=on"
		}
		args = append(args, "-virtfs", fs)
	}
	log, err := os.Create(m.console)
	if err != nil {
		return err
	}
	defer log.Close()
	c := exec.CommandContext(ctx, "qemu-system-x86_64", args...)
	c.Stdout, c.Stderr = io.MultiWriter(log, &guestLines{w: os.Stderr}), os.Stderr
	start := time.Now()
	err = c.Run()
	fmt.Fprintf(os.Stderr, "vm: ended after %.0fs\n", time.Since(start).Seconds())
	if ctx.Err() != nil {
		return fmt.Errorf("the guest did not end within %s: see %s", timeout, m.console)
	}
	if err != nil {
		return fmt.Errorf("qemu: %w", err)
	}
	return nil
}

// guestLines passes on what the guest's first process and a dying kernel say.
type guestLines struct {
	w    io.Writer
	line []byte
}

func (g *guestLines) Write(p []byte) (int, error) {
	for _, b := range p {
		if b != '\n' {
			if len(g.line) < 4096 {
				g.line = append(g.line, b)
			}
			continue
		}
		s := strings.TrimSpace(string(g.line))
		for _, mark := range []string{"guest:", "Kernel panic", "BUG:", "Oops", "WARNING:"} {
			if strings.Contains(s, mark) {
				fmt.Fprintln(g.w, s)
				break
			}
		}
		g.line = g.line[:0]
	}
	return len(p), nil
}
