package shell

import (
	"path"
	"slices"
	"strings"
)

// danger is why a program is refused whatever its arguments are.
type danger struct {
	rule, why, next string
}

// dangers are the programs that no command of an agent starts, by their names.
func dangers(name string) (danger, bool) {
	switch {
	case slices.Contains([]string{"sudo", "su", "doas", "pkexec", "run0", "sudoedit", "runuser", "setpriv", "capsh", "newgrp", "sg", "gosu", "su-exec", "calife", "dzdo"}, name):
		return danger{"needs-root", "it would run as another user, and nothing in here is for more rights than you have", "run the command without it"}, true
	case slices.Contains([]string{"docker", "docker-compose", "dockerd", "podman", "nerdctl", "ctr", "crictl", "buildah", "lxc", "lxd", "incus", "machinectl", "systemd-nspawn", "kubectl", "runc", "crun", "containerd", "virsh"}, name):
		return danger{"container-socket", socketWhy, "run the program itself; clawjail run -- PROGRAM is its jail"}, true
	case strings.HasPrefix(name, "mkfs") || strings.HasPrefix(name, "mke2fs") ||
		slices.Contains([]string{"wipefs", "fdisk", "sfdisk", "cfdisk", "gdisk", "sgdisk", "parted", "mkswap", "blkdiscard", "badblocks", "hdparm", "cryptsetup", "lvremove", "vgremove", "pvremove", "mdadm", "fstrim"}, name):
		return danger{"destroys-a-disk", "it would destroy what is on a disk", "use a file of the workspace"}, true
	case slices.Contains([]string{"shutdown", "reboot", "halt", "poweroff", "telinit", "kexec"}, name):
		return danger{"stops-the-host", "it would stop the machine", "leave that to the operator"}, true
	case slices.Contains([]string{"mount", "umount", "chroot", "pivot_root", "unshare", "nsenter", "insmod", "rmmod", "modprobe", "losetup", "swapon", "swapoff", "sysctl", "systemctl", "systemd-run", "service", "iptables", "ip6tables", "nft", "tc", "setcap", "bpftool", "bpftrace", "visudo", "useradd", "userdel", "usermod", "passwd", "chpasswd", "at", "batch", "crontab"}, name):
		return danger{"changes-the-host", "it changes the machine and not the workspace", "leave that to the operator"}, true
	}
	return danger{}, false
}

const socketWhy = "who can talk to a container runtime's socket is root on the host: it starts a container that sees the host's whole file system, outside of every jail"

func socketFinding() Finding {
	return Finding{Rule: "container-socket", Why: socketWhy, Next: "leave the socket alone"}
}

// dangerous refuses a command that must not run, with the reason; true if it did
// and nothing more is to be said about the command.
func (w *walker) dangerous(base string, argv []word, at [2]int) bool {
	if d, bad := dangers(base); bad {
		if base == "mount" && len(argv) == 1 {
			return false // alone it lists what is mounted
		}
		w.judge.refuse(at, Finding{Rule: d.rule, Why: d.why, Next: d.next})
		return true
	}
	for _, a := range argv[1:] {
		if namesSocket(a.text) {
			w.judge.refuse(a.at, socketFinding())
			return true
		}
	}
	f, bad := Finding{}, false
	switch base {
	case "rm", "unlink", "shred":
		f, bad = removes(argv)
	case "dd":
		f, bad = copiesToDevice(argv)
	case "tee", "cp", "mv", "install", "truncate", "ln", "rsync":
		f, bad = writesDevice(argv)
	case "chmod", "chown", "chgrp":
		f, bad = givesAway(argv)
	case "kill", "killall", "killall5", "pkill":
		f, bad = killsAll(base, argv)
	case "init":
		f, bad = Finding{Rule: "stops-the-host", Why: "it would stop the machine", Next: "leave that to the operator"}, len(argv) > 1
	case "find":
		f, bad = findDeletes(argv)
	case "nc", "ncat", "netcat", "socat":
		f, bad = Finding{Rule: "network", Why: "it makes connections of its own, and can tie a shell to one", Next: "there is no network here; run an agent with a policy that lists the host"}, true
	}
	if bad {
		w.judge.refuse(at, f)
	}
	return bad
}

func namesSocket(s string) bool {
	for _, name := range []string{"docker.sock", "containerd.sock", "podman.sock", "crio.sock", "buildkitd.sock", "lxd/unix.socket", "incus/unix.socket", "libvirt-sock"} {
		if strings.Contains(s, name) {
			return true
		}
	}
	return false
}

// options gives the letters of short options, the long ones, and what is left.
func options(argv []word) (short string, long []string, rest []word) {
	for i, a := range argv[1:] {
		switch {
		case a.text == "--":
			return short, long, append(rest, argv[i+2:]...)
		case strings.HasPrefix(a.text, "--"):
			long = append(long, a.text)
		case len(a.text) > 1 && a.text[0] == '-':
			short += a.text[1:]
		default:
			rest = append(rest, a)
		}
	}
	return short, long, rest
}

// abbreviates reports whether one of long is name, or so much of it that a
// program takes it for that.
func abbreviates(long []string, name string) bool {
	for _, l := range long {
		l, _, _ = strings.Cut(l, "=")
		if len(l) > 4 && strings.HasPrefix(name, l) {
			return true
		}
	}
	return false
}

func removes(argv []word) (Finding, bool) {
	short, long, rest := options(argv)
	for _, a := range argv[1:] {
		if device(a.text) {
			return Finding{Rule: "destroys-a-disk", Why: "it would destroy or remove a device", Next: "name a file of the workspace"}, true
		}
	}
	recursive := strings.ContainsAny(short, "rR") || abbreviates(long, "--recursive")
	for _, a := range argv[1:] {
		recursive = recursive || strings.HasPrefix(a.text, unknown) // could be -r
	}
	if !recursive {
		return Finding{}, false
	}
	for _, a := range rest {
		if f, bad := removesTooMuch(a); bad {
			return f, true
		}
	}
	return Finding{}, false
}

func copiesToDevice(argv []word) (Finding, bool) {
	for _, a := range argv[1:] {
		target, ok := strings.CutPrefix(a.text, "of=")
		if ok && device(target) {
			return Finding{Rule: "writes-a-device", Why: "it would write straight to a device, over whatever is on it", Next: "write to a file of the workspace"}, true
		}
		if ok && strings.HasPrefix(target, unknown) {
			return Finding{Rule: "writes-a-device", Why: "what it writes to is only known when it runs", Next: "write the file's name out"}, true
		}
	}
	return Finding{}, false
}

func writesDevice(argv []word) (Finding, bool) {
	for _, a := range argv[1:] {
		if device(a.text) {
			return Finding{Rule: "writes-a-device", Why: "it would write straight to a device, over whatever is on it", Next: "write to a file of the workspace"}, true
		}
	}
	return Finding{}, false
}

func givesAway(argv []word) (Finding, bool) {
	short, long, rest := options(argv)
	if !strings.Contains(short, "R") && !abbreviates(long, "--recursive") {
		return Finding{}, false
	}
	for _, a := range rest {
		if slices.Contains(precious[:], stripped(a.text)) {
			return Finding{Rule: "opens-the-system", Why: "it changes who may use a directory of the system and everything in it", Next: "name the directory of the workspace that is meant"}, true
		}
	}
	return Finding{}, false
}

func killsAll(base string, argv []word) (Finding, bool) {
	for i, a := range argv[1:] {
		if base == "killall5" || base == "kill" && (a.text == "-1" && i > 0 || a.text == "1") {
			return Finding{Rule: "kills-everything", Why: "it would end every process there is", Next: "name the process that is meant"}, true
		}
	}
	return Finding{}, false
}

func findDeletes(argv []word) (Finding, bool) {
	deletes := false
	for i, a := range argv {
		deletes = deletes || a.text == "-delete" ||
			strings.HasPrefix(a.text, "-exec") && i+1 < len(argv) && slices.Contains([]string{"rm", "shred", "unlink"}, path.Base(argv[i+1].text))
	}
	if !deletes {
		return Finding{}, false
	}
	for _, a := range argv[1:] {
		if strings.HasPrefix(a.text, "-") {
			break // the places stand before the first test
		}
		if f, bad := removesTooMuch(a); bad {
			return f, true
		}
	}
	return Finding{}, false
}
