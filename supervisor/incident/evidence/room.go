package evidence

import (
	"fmt"
	"math"
	"os"

	"golang.org/x/sys/unix"
)

// What is kept free on the disk for the manifest, which has to say what is
// missing: a part that is always needed and one for each member. What the
// compression still holds back is in it.
const (
	reserve          = 256 << 10
	reservePerMember = 256
)

// NoRoom says that something does not fit on the disk of the evidence.
type NoRoom struct{ Need, Left int64 }

func (e *NoRoom) Error() string {
	return fmt.Sprintf("%d bytes do not fit on the disk of the evidence, where %d are left", e.Need, max(e.Left, 0))
}

// Unwrap gives ENOSPC.
func (*NoRoom) Unwrap() error { return unix.ENOSPC }

// room is how many bytes a member may have: nothing is compressed to more than
// it was, but for what reserve covers. Where nobody knows, writing tells.
func (w *Writer) room() int64 {
	left := left(w.file)
	if left == math.MaxInt64 {
		return left
	}
	return left - reserve - reservePerMember*int64(len(w.manifest.Files)+len(w.manifest.Failed))
}

func left(f *os.File) int64 {
	var st unix.Statfs_t
	if err := unix.Fstatfs(int(f.Fd()), &st); err != nil || st.Blocks == 0 {
		return math.MaxInt64
	}
	return int64(st.Bavail) * st.Bsize
}

// fits reports whether a member fits, and notes it as failed when it does not.
func (w *Writer) fits(source string, size int64) bool {
	room := w.room()
	if size <= room {
		return true
	}
	w.Fail(source, &NoRoom{Need: size, Left: room})
	return false
}
