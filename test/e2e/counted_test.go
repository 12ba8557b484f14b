//go:build e2e

package e2e

import (
	"strings"
	"testing"
)

// changes makes files, cuts, renames and removes them in every odd way, and
// prints what each call came to and what is there afterwards.
const changes = `import errno, os, socket, stat
os.umask(0o027)
fd = None
def do(what, *args, **more):
    try:
        got = what(*args, **more)
        if what is os.open:
            import fcntl
            flags = fcntl.fcntl(got, fcntl.F_GETFL) & ~0o500000
            inherited = os.get_inheritable(got)
            os.write(got, b"x") if flags & 3 else None
            os.close(got)
            got = oct(flags), inherited
    except OSError as e:
        got = errno.errorcode[e.errno]
    print(what.__name__, *[str(a)[:20] for a in args if a != fd], got)
def fresh(text="text"):
    for name in ("f", "g"):
        with open(name, "a") as out: out.write(text)
W, C, T, X, A = os.O_WRONLY, os.O_CREAT, os.O_TRUNC, os.O_EXCL, os.O_APPEND
os.mkdir("d"); os.mkdir("full"); open("full/in", "a").close()
os.symlink("f", "link"); os.symlink("none", "dangling"); os.symlink("d", "dirlink"); os.symlink("loop", "loop")
os.mkfifo("fifo"); os.symlink("/etc/passwd", "out")
s = socket.socket(socket.AF_UNIX); s.bind("sock")
fresh()
os.link("f", "hard")
for flags in (W|T, W|C|T, W|C|T|X, W|T|A, os.O_RDWR|T, T, W|T|os.O_NOFOLLOW, W|T|os.O_DIRECTORY, W|C|T|os.O_NONBLOCK, W|T|os.O_SYNC):
    print("flags", oct(flags))
    fresh()
    for name in ("f", "d", "new", "no/f", "f/f", "./f", "d/../f", "/proc/self/cwd/f", "") + (() if flags & (X|os.O_NOFOLLOW|os.O_DIRECTORY) else
                 ("link", "dirlink", "out", "/etc/passwd")):
        do(os.open, name, flags, 0o666)
    for name in ("new",):
        if os.path.exists(name): print(name, oct(os.stat(name).st_mode), os.stat(name).st_size); do(os.unlink, name)
os.chmod("g", 0o400); do(os.open, "g", W|T); do(os.open, "g", W|C|T)
do(os.unlink, "g"); do(os.unlink, "g"); do(os.unlink, "d"); do(os.unlink, "f/"); do(os.unlink, "dirlink/"); 
do(os.rmdir, "f"); do(os.rmdir, "full"); do(os.rmdir, "dirlink"); do(os.rmdir, "dirlink/"); do(os.rmdir, "d/.."); do(os.rmdir, "d/."); do(os.rmdir, "none")
fresh()
for a, b in (("f", "hard"), ("f", "g"), ("g", "none/x"), ("none", "g"), ("d", "full"), ("d", "g"), ("g", "d"), ("d", "d/in"), ("g", "link"),
             ("link", "h"), ("full", "d"), ("d/", "moved/"), ("dirlink/", "x"), ("fifo", "h"), ("h", "h"), ("h", "/tmp/h"), ("moved", "."), ("", "x")):
    do(os.rename, a, b)
fd = os.open(".", os.O_RDONLY)
open("byfd", "w").close(); do(os.open, "byfd", W|T, dir_fd=fd); do(os.rename, "byfd", "byfd2", src_dir_fd=fd, dst_dir_fd=fd); do(os.unlink, "byfd2", dir_fd=fd)
do(os.unlink, "byfd2", dir_fd=fd); 
do(os.unlink, "/etc/passwd"); do(os.unlink, "dirlink"); do(os.unlink, "out"); do(os.unlink, "dangling"); do(os.unlink, "sock"); do(os.rmdir, "none/../d")
n = "n" * 255; do(os.open, n, W|C|T, 0o600); do(os.unlink, n); do(os.unlink, n + "n"); do(os.open, "a/" * 3000, W|T)
for root, dirs, files in os.walk("."):
    for name in sorted(dirs + files):
        st = os.lstat(os.path.join(root, name))
        print(root, name, oct(st.st_mode), st.st_nlink, st.st_size if stat.S_ISREG(st.st_mode) else "")
`

// A change that is counted comes out as one that is not.
func TestCountedChangesComeOutTheSame(t *testing.T) {
	var said [2]string
	for i, policy := range []string{"", "delete: {limit: 1000000/h, over: deny}\n"} {
		o := jail(t, run{Policy: policyFile(t, policy), Workspace: workspace(t), Argv: []string{"python3", "-c", changes}})
		if o.Code != 0 {
			t.Fatalf("%v", o)
		}
		said[i] = o.Stdout
	}
	kernel, gate := strings.Split(said[0], "\n"), strings.Split(said[1], "\n")
	for i := range min(len(kernel), len(gate)) {
		if kernel[i] != gate[i] {
			t.Errorf("line %d: %q by the kernel, %q where it is counted", i, kernel[i], gate[i])
		}
	}
	if len(kernel) != len(gate) {
		t.Errorf("%d lines and %d", len(kernel), len(gate))
	}
}
