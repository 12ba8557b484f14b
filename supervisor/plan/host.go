package plan

import (
	"io/fs"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Host is the Run.Stat of the host it runs on. The path is opened once without
// effect on what it names (O_PATH), so that kind, owner and real path are
// facts about one and the same file.
func Host(path string) (FileFact, error) {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return FileFact{}, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return FileFact{}, &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	real, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
	if err != nil {
		return FileFact{}, err
	}
	fact := FileFact{Real: real, UID: st.Uid, Mode: fs.FileMode(st.Mode & 0o777)}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		fact.Kind = KindDir
	case unix.S_IFREG:
		fact.Kind = KindFile
	}
	if real != path {
		if link, err := os.Readlink(path); err == nil {
			fact.Link = link
		}
	}
	return fact, nil
}
