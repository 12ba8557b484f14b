//go:build kernel

package shim_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"clawjail/jail"
	"clawjail/jail/shim"
)

func TestRunsAsTheUserWithoutPrivileges(t *testing.T) {
	for _, userns := range []bool{true, false} {
		t.Run(fmt.Sprintf("user namespace %v", userns), func(t *testing.T) {
			s := sh(t, `id -u; id -g; id -G; grep -E '^(Cap|NoNewPrivs|Seccomp:|Groups)' /proc/self/status | tr -d '\t '`)
			s.UserNS = userns
			s.User.Groups = []uint32{54400, 54401}
			want(t, s, strings.Join([]string{
				"54321", "54322", "54322 54400 54401", "Groups:5440054401",
				"CapInh:0000000000000000", "CapPrm:0000000000000000", "CapEff:0000000000000000",
				"CapBnd:0000000000000000", "CapAmb:0000000000000000", "NoNewPrivs:1", "Seccomp:2",
			}, "\n"))
		})
	}
}

func TestNeverRoot(t *testing.T) {
	s := newSpec(t, "/bin/true")
	s.User.UID = 0
	if _, _, err := try(t, s); err == nil || !strings.Contains(err.Error(), "never runs as root") {
		t.Errorf("uid 0: %v", err)
	}
}

func TestNamespacesAreTheJailsOwn(t *testing.T) {
	out, _ := run(t, sh(t, "readlink /proc/self/ns/cgroup /proc/self/ns/ipc /proc/self/ns/mnt /proc/self/ns/net "+
		"/proc/self/ns/pid /proc/self/ns/user /proc/self/ns/uts; hostname"))
	got := lines(out)
	if len(got) != 8 || got[7] != "cage" {
		t.Fatalf("%q", out)
	}
	for i, name := range []string{"cgroup", "ipc", "mnt", "net", "pid", "user", "uts"} {
		host, err := os.Readlink("/proc/self/ns/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if got[i] == host || !strings.HasPrefix(got[i], name+":") {
			t.Errorf("%s namespace %q, the host's is %q", name, got[i], host)
		}
	}
}

func TestOnlyStandardDescriptors(t *testing.T) {
	// ls has the directory open as the fourth.
	want(t, newSpec(t, "/bin/ls", "/proc/self/fd"), "0\n1\n2\n3")
}

func TestCommandHasTheUsualPriority(t *testing.T) {
	want(t, newSpec(t, "/usr/bin/nice"), "0")
}

func TestCommandIsNotProcessOne(t *testing.T) {
	want(t, sh(t, `test $$ -gt 1 && test ! -e /proc/1 && echo hidden`), "hidden")
}

func TestFileTree(t *testing.T) {
	s := sh(t, `ls -A / /dev | tr '\n' ' '
for f in / /usr /dev /etc/passwd; do touch $f/x $f 2>/dev/null && echo "wrote $f"; done
echo hi >/work/new && echo "$(cat /etc/resolv.conf | tr '\n' ' ')"
for f in null zero full random urandom tty; do test -c /dev/$f || echo "no $f"; done
echo gone >/dev/null; head -c 3 /dev/zero | od -An -tx1; echo x >/dev/full 2>/dev/null || echo full`)
	out, _ := run(t, s)
	wantOut := "/: bin dev etc home lib lib64 proc sbin tmp usr work  /dev: fd full null ptmx pts random shm stderr stdin stdout tty urandom zero " +
		"nameserver 198.18.0.1 nameserver fd63:6c61:776a::1 \n 00 00 00\nfull"
	out = strings.NewReplacer("lib32 ", "", "libx32 ", "").Replace(out)
	if out != wantOut {
		t.Errorf("tree:\n%q, want\n%q", out, wantOut)
	}
	st, err := os.Stat(filepath.Join(workspace(s), "new"))
	if err != nil {
		t.Fatal(err)
	}
	if owner := st.Sys().(*syscall.Stat_t); owner.Uid != testUID || owner.Gid != testGID {
		t.Errorf("a file made in the workspace belongs to %d:%d", owner.Uid, owner.Gid)
	}
}

func TestMountAttributes(t *testing.T) {
	s := sh(t, `cut -d' ' -f2,4 /proc/mounts`)
	s.Mounts = append(s.Mounts, jail.Mount{Kind: jail.Bind, Source: "/usr/share", Target: "/opt/share"},
		jail.Mount{Kind: jail.Tmpfs, Target: "/opt/fixed", SizeBytes: 64 << 10, Mode: 0o555})
	out, _ := run(t, s)
	flags := map[string]string{}
	for _, line := range lines(out) {
		where, what, _ := strings.Cut(line, " ")
		flags[where] = "," + what + ","
	}
	for where, w := range map[string]string{
		"/": "ro nosuid nodev noexec", "/usr": "ro nosuid nodev", "/work": "rw nosuid nodev", "/opt/share": "ro nosuid nodev noexec",
		"/opt/fixed": "ro nosuid nodev noexec",
		"/tmp":       "rw nosuid nodev noexec", "/dev/shm": "rw nosuid nodev noexec", "/dev": "ro nosuid noexec",
		"/dev/pts": "rw nosuid noexec", "/proc": "rw nosuid nodev noexec hidepid=invisible", "/proc/sys": "ro nosuid nodev noexec",
	} {
		for _, flag := range strings.Fields(w) {
			if !strings.Contains(flags[where], ","+flag+",") {
				t.Errorf("%s has %q, want %s", where, flags[where], flag)
			}
		}
	}
	for _, where := range []string{"/usr", "/work"} {
		if strings.Contains(flags[where], ",noexec,") {
			t.Errorf("%s is noexec", where)
		}
	}
}

func TestHostOfProcIsMasked(t *testing.T) {
	out, _ := run(t, sh(t, `for f in kcore kmsg keys key-users timer_list sysrq-trigger interrupts slabinfo; do
test -e /proc/$f && cat /proc/$f 2>/dev/null; done
for f in acpi scsi; do test -e /proc/$f && ls /proc/$f 2>/dev/null; done
echo 1 2>/dev/null >/proc/sys/kernel/sysrq || echo ok`))
	if out != "ok" {
		t.Errorf("wrote %q", out)
	}
}

// mappable reports whether the file system can be mounted with mapped owners on
// every kernel of the matrix: the VM's 9p cannot at all, tmpfs since 6.3.
func mappable(t *testing.T, dir string) bool {
	t.Helper()
	// Not statfs: 9p answers with the type of the server's file system.
	var st unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, dir, 0, unix.STATX_MNT_ID, &st); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines(string(b)) {
		if f := strings.Fields(line); f[0] == strconv.FormatUint(st.Mnt_id, 10) {
			_, kind, _ := strings.Cut(line, " - ")
			return !strings.HasPrefix(kind, "tmpfs ") && !strings.HasPrefix(kind, "9p ")
		}
	}
	t.Fatalf("no mount %d of %s", st.Mnt_id, dir)
	return false
}

// Files of the host's root show as root's: ssh and others check.
func TestOwnersInUserNamespace(t *testing.T) {
	s := sh(t, `stat -c %u:%g /etc/passwd / /tmp /work; stat -c %u:%g /usr/bin/env`)
	usr := "0:0"
	if !mappable(t, "/usr") {
		usr = "65534:65534"
	}
	want(t, s, "0:0\n0:0\n54321:54322\n54321:54322\n"+usr)
}

func TestIdmappedWorkspaceOfRoot(t *testing.T) {
	for _, userns := range []bool{true, false} {
		t.Run(fmt.Sprintf("user namespace %v", userns), func(t *testing.T) {
			s := sh(t, `stat -c %u:%g . file; echo more >>file; echo made >other; mkdir dir; stat -c %u:%g other`)
			s.UserNS = userns
			s.User.Idmap, s.Mounts[0].Idmap = true, true
			work := workspace(s)
			if err := os.WriteFile(filepath.Join(work, "file"), []byte("first\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chown(work, 0, 0); err != nil {
				t.Fatal(err)
			}
			if !mappable(t, work) {
				out, exit, err := try(t, s)
				if err != nil {
					if e := startError(t, err); !strings.Contains(e.Msg, "--user") {
						t.Errorf("%+v", e)
					}
					return
				}
				if exit.Code != 0 { // a tmpfs that can
					t.Errorf("%q %+v", out, exit)
				}
				return
			}
			want(t, s, "54321:54322\n54321:54322\n54321:54322")
			for _, name := range []string{"file", "other", "dir"} {
				st, err := os.Stat(filepath.Join(work, name))
				if err != nil {
					t.Fatal(err)
				}
				if owner := st.Sys().(*syscall.Stat_t); owner.Uid != 0 || owner.Gid != 0 {
					t.Errorf("%s belongs to %d:%d outside, want root", name, owner.Uid, owner.Gid)
				}
			}
		})
	}
}

func TestNestedMounts(t *testing.T) {
	s := sh(t, `cat pub/a; cat secret/b 2>/dev/null || echo masked; ls secret 2>/dev/null || echo closed
cat key 2>/dev/null || echo empty; touch hooks/x 2>/dev/null || echo readonly; touch pub/x && echo written
cat conf; echo x 2>/dev/null >conf || echo fixed; cat linked; cd /home/agent/deep/er && ls`)
	work := workspace(s)
	for _, dir := range []string{"pub", "secret", "hooks"} {
		if err := os.Mkdir(filepath.Join(work, dir), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(filepath.Join(work, dir), testUID, testGID); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{"pub/a": "public\n", "secret/b": "secret\n", "key": "secret\n", "conf": "old\n"} {
		if err := os.WriteFile(filepath.Join(work, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	// As /etc/resolv.conf often is, in an /etc that is bound whole.
	if err := os.Symlink("../no/such", filepath.Join(work, "linked")); err != nil {
		t.Fatal(err)
	}
	s.Mounts = append(s.Mounts,
		jail.Mount{Kind: jail.File, Target: "/work/linked", Content: "covered\n"},
		jail.Mount{Kind: jail.Mask, Target: "/work/secret"}, jail.Mount{Kind: jail.Mask, Target: "/work/key"},
		jail.Mount{Kind: jail.Mask, Target: "/work/absent"},
		jail.Mount{Kind: jail.Bind, Source: filepath.Join(work, "hooks"), Target: "/work/hooks"},
		jail.Mount{Kind: jail.File, Target: "/work/conf", Content: "new\n"},
		jail.Mount{Kind: jail.Bind, Source: filepath.Join(work, "pub"), Target: "/home/agent/deep/er", Write: true},
	)
	out, exit := run(t, s)
	wantOut := "public\nmasked\nclosed\nempty\nreadonly\nwritten\nnew\nfixed\ncovered\na\nx"
	if out != wantOut {
		t.Errorf("%q (%+v), want %q", out, exit, wantOut)
	}
	if b, _ := os.ReadFile(filepath.Join(work, "conf")); string(b) != "old\n" {
		t.Errorf("the host's file is %q", b)
	}
}

// A recursive bind keeps what is mounted below read-only as well.
func TestSubmountsTakeTheAttributes(t *testing.T) {
	s := sh(t, `touch /ro/sub/x 2>/dev/null && echo written; ls /ro/sub`)
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "sub"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("t", filepath.Join(dir, "sub"), "tmpfs", 0, "mode=777"); err != nil {
		t.Fatal(err)
	}
	defer unix.Unmount(filepath.Join(dir, "sub"), unix.MNT_DETACH)
	if err := os.WriteFile(filepath.Join(dir, "sub", "there"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	s.Mounts = append(s.Mounts, jail.Mount{Kind: jail.Bind, Source: dir, Target: "/ro"})
	if out, _ := run(t, s); out != "there" {
		t.Errorf("%q", out)
	}
}

// What an agent could have put at a source must not lead out of it.
func TestSourceThroughForeignLinkIsRefused(t *testing.T) {
	s := newSpec(t, "/bin/ls", "/shown")
	work := workspace(s)
	if err := os.Symlink("/usr", filepath.Join(work, "hooks")); err != nil {
		t.Fatal(err)
	}
	for _, source := range []string{filepath.Join(work, "hooks"), filepath.Join(work, "hooks", "share")} {
		s.Mounts = append(s.Mounts[:len(s.Mounts):len(s.Mounts)], jail.Mount{Kind: jail.Bind, Source: source, Target: "/shown"})
		_, _, err := try(t, s)
		if e := startError(t, err); e.ExitCode != 125 || !strings.Contains(e.Msg, "symbolic link in a directory") {
			t.Errorf("source %s: %+v", source, e)
		}
		s.Mounts = s.Mounts[:len(s.Mounts)-1]
	}
}

// Mount points are never made in the host's directories.
func TestMissingMountPointOnTheHost(t *testing.T) {
	s := newSpec(t, "/bin/true")
	s.Mounts = append(s.Mounts, jail.Mount{Kind: jail.Bind, Source: "/usr/share", Target: "/work/a/b"})
	_, _, err := try(t, s)
	if e := startError(t, err); !strings.Contains(e.Msg, "nothing is made") {
		t.Errorf("%+v", e)
	}
	if entries, _ := os.ReadDir(workspace(s)); len(entries) != 0 {
		t.Errorf("made %v on the host", entries)
	}
}

func TestCreateMakesTheSourceForTheUser(t *testing.T) {
	s := sh(t, `echo x >/cache/f && stat -c %a:%u /cache`)
	dir := filepath.Join(binaries.dir, "made", "deep")
	s.Mounts = append(s.Mounts, jail.Mount{Kind: jail.Bind, Source: dir, Target: "/cache", Write: true, Create: true})
	want(t, s, "700:54321")
}

func TestLosslessArguments(t *testing.T) {
	odd := "a\nb\x1b[31m\xff\xfe\"'$x\t"
	big := strings.Repeat("y", 120<<10)
	argv := []string{"/bin/sh", "-c", `printf '%s' "$1" | od -An -tx1 | tr -d ' \n'; echo; printf '%s' "$ODD" | od -An -tx1 | tr -d ' \n'; echo; echo $#; echo ${#2}`, "sh", odd}
	for range 15 {
		argv = append(argv, big)
	}
	s := newSpec(t, argv...)
	s.Env = append(s.Env, "ODD="+odd)
	want(t, s, fmt.Sprintf("%x\n%x\n16\n%d", odd, odd, len(big)))
}

func TestCommandNotFoundAndNotExecutable(t *testing.T) {
	for _, c := range []struct {
		argv0 string
		code  int
		errno unix.Errno
	}{
		{"no-such-command", 127, unix.ENOENT},
		{"/etc/passwd", 126, unix.EACCES},
		{"/work", 126, unix.EACCES},
	} {
		_, _, err := try(t, newSpec(t, c.argv0))
		e := startError(t, err)
		if e.ExitCode != c.code || !errors.Is(e, c.errno) || e.Path != c.argv0 || !strings.Contains(e.Error(), c.argv0) {
			t.Errorf("%s: %+v", c.argv0, e)
		}
	}
}

func TestIDTaken(t *testing.T) {
	s := newSpec(t, "/bin/sleep", "100")
	h, c, err := shim.Start(ctx(t), binaries.shim, s, shim.Stdio{})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	c.Close()
	_, _, err = try(t, s)
	if e := startError(t, err); !strings.Contains(e.Msg, "exists") {
		t.Errorf("%+v", e)
	}
	// The first one is untouched.
	if err := h.Go(ctx(t)); err != nil {
		t.Fatal(err)
	}
	if err := h.Signal(ctx(t), unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if exit, err := h.Wait(ctx(t)); err != nil || exit.Signal != int(unix.SIGTERM) {
		t.Errorf("exit %+v, %v", exit, err)
	}
}
