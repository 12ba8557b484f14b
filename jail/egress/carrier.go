package egress

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"clawjail/jail/rights"
)

// A carrier is a unix socket with one message in its queue, which nobody takes
// out and everybody may look at: the descriptors that the next supervisor needs.
// Whoever is to hold them holds this one. They are sockets in non-blocking mode,
// and a shim's runtime would be woken by each event that passes through them.
const (
	carrierVersion = 1
	maxCarried     = 8
	maxCarrierText = 1 << 10
)

// What a carrier carries.
const (
	carriedProcess  = "process"  // a pidfd
	carriedHandover = "handover" // our end of it
	carriedEvents   = "events"
	carriedStderr   = "stderr" // the read end of a pipe
)

// carried says what a carrier's descriptors are, in their order.
type carried struct {
	Version int      `json:"version"`
	Files   []string `json:"files"`
}

// load makes a carrier. The files stay the caller's.
func load(files map[string]*os.File) (*os.File, error) {
	c := carried{Version: carrierVersion, Files: slices.Sorted(maps.Keys(files))}
	text, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("make a carrier: %w", err)
	}
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socketpair", err)
	}
	defer unix.Close(fds[1])
	keep := os.NewFile(uintptr(fds[0]), "egress-carrier")
	var numbers []int
	for _, name := range c.Files {
		n, err := number(files[name])
		if err != nil {
			keep.Close()
			return nil, fmt.Errorf("make a carrier: %w", err)
		}
		numbers = append(numbers, n)
	}
	if err := unix.Sendmsg(fds[1], text, unix.UnixRights(numbers...), nil, unix.MSG_NOSIGNAL); err != nil {
		keep.Close()
		return nil, os.NewSyscallError("sendmsg", err)
	}
	return keep, nil
}

// number is a file's descriptor. Unlike File.Fd it leaves the mode alone, which
// everybody shares who has the file open.
func number(f *os.File) (n int, err error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return -1, err
	}
	err = raw.Control(func(fd uintptr) { n = int(fd) })
	return n, err
}

// unload gives copies of what a carrier carries, which goes on carrying it.
func unload(carrier *os.File) (map[string]*os.File, error) {
	fd, err := number(carrier)
	if err != nil {
		return nil, fmt.Errorf("look into a carrier: %w", err)
	}
	text, oob := make([]byte, maxCarrierText+1), make([]byte, unix.CmsgSpace(maxCarried*4))
	n, oobn, flags, _, err := unix.Recvmsg(fd, text, oob, unix.MSG_PEEK|unix.MSG_DONTWAIT|unix.MSG_CMSG_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("recvmsg", err)
	}
	files, err := rights.Files(oob[:oobn], "carried")
	if err == nil && flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0 {
		err = errors.New("it carries too much")
	}
	out := map[string]*os.File{}
	if err == nil {
		out, err = name(text[:n], files)
	}
	if err != nil {
		rights.Close(files)
		return nil, fmt.Errorf("look into a carrier: %w", err)
	}
	return out, nil
}

// name gives the files their names.
func name(text []byte, files []*os.File) (map[string]*os.File, error) {
	var c carried
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) || c.Version != carrierVersion || len(c.Files) != len(files) {
		return nil, fmt.Errorf("version %d, this is %d; %d names, %d descriptors", c.Version, carrierVersion, len(c.Files), len(files))
	}
	out := map[string]*os.File{}
	for i, name := range c.Files {
		if out[name] != nil {
			return nil, fmt.Errorf("%.40q twice", name)
		}
		out[name] = files[i]
	}
	for _, name := range []string{carriedProcess, carriedHandover, carriedEvents, carriedStderr} {
		if out[name] == nil {
			return nil, fmt.Errorf("no %s", name)
		}
	}
	return out, nil
}
