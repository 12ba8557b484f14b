package tracee

import (
	"bytes"
	"strconv"

	"golang.org/x/sys/unix"
)

// IDs are what a thread does things to files with.
type IDs struct {
	UID, GID uint32 // file system ids
	Umask    uint32
}

// maxStatus is more than /proc/TID/status has up to the lines that are read.
const maxStatus = 1024

// IDs reads those of the thread. fs/proc/array.c:proc_pid_status, which begins
// with the name, escaped, so that no line of it can pass for another.
func (g *Glance) IDs() (IDs, error) {
	fd, err := unix.Open("/proc/"+strconv.Itoa(int(g.mem.tid))+"/status", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return IDs{}, ErrLookProperly
	}
	defer unix.Close(fd)
	var buf [maxStatus]byte
	n, err := unix.Read(fd, buf[:])
	if err != nil {
		return IDs{}, ErrLookProperly
	}
	return parseIDs(buf[:n])
}

// parseIDs finds the three lines. One that is missing or cut off is an error.
func parseIDs(b []byte) (ids IDs, err error) {
	seen := 0
	for seen < 3 {
		line, rest, whole := bytes.Cut(b, []byte{'\n'})
		if !whole {
			return IDs{}, ErrLookProperly
		}
		b = rest
		key, value, _ := bytes.Cut(line, []byte(":\t"))
		switch string(key) {
		case "Umask":
			err = number(string(value), 8, &ids.Umask)
		case "Uid": // real, effective, saved, file system
			err = number(last(value), 10, &ids.UID)
		case "Gid":
			err = number(last(value), 10, &ids.GID)
		default:
			continue
		}
		if err != nil {
			return IDs{}, ErrLookProperly
		}
		seen++
	}
	return ids, nil
}

func last(fields []byte) string { return string(fields[bytes.LastIndexByte(fields, '\t')+1:]) }

// Root is the root directory of the jail's threads (O_PATH), once At has been
// called. It stays the Glance's.
func (g *Glance) Root() int { return g.root }
