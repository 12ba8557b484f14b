package tracee

import (
	"path"

	"golang.org/x/sys/unix"
)

// Fixed reports whether whoever opens name later will find this very file with
// this content: the name is the file's own, without links, and it and every
// directory above it lie on mounts that the thread sees read-only. A directory
// that can be written to could be moved away with what is mounted below it.
func (t *Task) Fixed(r Resolved, name string) bool {
	if name != r.Path || !path.IsAbs(name) || path.Clean(name) != name {
		return false
	}
	for at := name; ; at = path.Dir(at) {
		f, err := t.open(at, unix.O_PATH|unix.O_CLOEXEC|unix.O_NOFOLLOW)
		if err != nil {
			return false
		}
		var st unix.Statfs_t
		err = unix.Fstatfs(int(f.Fd()), &st)
		_ = f.Close()
		if err != nil || st.Flags&unix.ST_RDONLY == 0 {
			return false
		}
		if at == "/" {
			return true
		}
	}
}
