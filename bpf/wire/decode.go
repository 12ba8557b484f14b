package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
)

// Limits of a record, the same as in bpf/c/event.h and maps.h.
const (
	Version       = 1
	HeaderSize    = 144
	MaxPath       = 4096 // bytes of components, and of text
	MaxArgv       = 8192
	MaxRecord     = HeaderSize + 32768
	maxComponents = 256
)

// ErrMalformed is matched by every error of Decode.
var ErrMalformed = errors.New("malformed event")

// Marks in the record, enum mark in event.h.
const (
	markPathExact = 1 << iota
	markPathTruncated
	markArgvTruncated
	markDir
	markDenied
	markKilled
	marksEnd
)

// Offsets of struct event.
const (
	offTime, offJail, offCgroup, offStart, offDev, offIno = 0, 8, 16, 24, 32, 40
	offSize, offExecCount                                 = 48, 52
	offPid, offTid, offPpid, offUID                       = 56, 60, 64, 68
	offRet, offExitCode, offFlags, offMarks               = 72, 76, 80, 84
	offBaseLen, offTextLen, offBase2Len, offText2Len      = 88, 90, 92, 94
	offArgvLen, offFamily, offPort                        = 96, 100, 102
	offAddr, offClass, offProto, offVersion               = 104, 120, 124, 125
	offPad, offComm                                       = 126, 128
)

const (
	familyNone = 0
	familyV4   = 2
	familyV6   = 10
)

// Decode reads one record. It accepts exactly what the probes write: a length
// that does not add up, an unknown class, mark or family, a string without its
// end is an error.
func Decode(b []byte) (Event, error) {
	if len(b) < HeaderSize || len(b) > MaxRecord {
		return Event{}, fmt.Errorf("%w: %d bytes", ErrMalformed, len(b))
	}
	e, marks, err := header(b)
	if err != nil {
		return Event{}, err
	}
	if err := variable(&e, marks, b); err != nil {
		return Event{}, err
	}
	return e, nil
}

func header(b []byte) (Event, uint32, error) {
	u16 := func(off int) uint16 { return binary.LittleEndian.Uint16(b[off:]) }
	u32 := func(off int) uint32 { return binary.LittleEndian.Uint32(b[off:]) }
	u64 := func(off int) uint64 { return binary.LittleEndian.Uint64(b[off:]) }

	class, marks := u32(offClass), u32(offMarks)
	switch {
	case b[offVersion] != Version:
		return Event{}, 0, fmt.Errorf("%w: version %d", ErrMalformed, b[offVersion])
	case u32(offSize) != uint32(len(b)):
		return Event{}, 0, fmt.Errorf("%w: size %d in %d bytes", ErrMalformed, u32(offSize), len(b))
	case class == 0 || class >= uint32(NumClasses):
		return Event{}, 0, fmt.Errorf("%w: class %d", ErrMalformed, class)
	case marks >= marksEnd:
		return Event{}, 0, fmt.Errorf("%w: marks %#x", ErrMalformed, marks)
	case u16(offPad) != 0:
		return Event{}, 0, fmt.Errorf("%w: padding %#x", ErrMalformed, u16(offPad))
	}
	reason := u32(offFlags)
	if Class(class) != ExecRefused {
		reason = 0
	} else if reason == 0 || reason >= uint32(numReasons) {
		return Event{}, 0, fmt.Errorf("%w: reason %d", ErrMalformed, reason)
	}
	addr, err := address(u16(offFamily), u16(offPort), b[offAddr:offAddr+16])
	if err != nil {
		return Event{}, 0, err
	}
	comm, _, _ := bytes.Cut(b[offComm:HeaderSize], []byte{0})
	return Event{
		Class: Class(class), Time: u64(offTime), Jail: u64(offJail), CgroupID: u64(offCgroup),
		Pid: int32(u32(offPid)), Tid: int32(u32(offTid)), PPid: int32(u32(offPpid)),
		StartTime: u64(offStart), ExecCount: u32(offExecCount), UID: u32(offUID), Comm: string(comm),
		Dev: u64(offDev), Ino: u64(offIno), Flags: u32(offFlags),
		PathExact: marks&markPathExact != 0, PathTruncated: marks&markPathTruncated != 0,
		ArgvTruncated: marks&markArgvTruncated != 0, Dir: marks&markDir != 0, Denied: marks&markDenied != 0,
		Reason: Reason(reason), Killed: marks&markKilled != 0,
		ExitCode: int32(u32(offExitCode)), Ret: int32(u32(offRet)),
		Addr: addr, Family: u16(offFamily), Proto: b[offProto],
	}, marks, nil
}

// address reads 16 bytes in network order; IPv4 is v4-mapped there, and comes
// out as IPv4, also when an IPv6 socket was used with a mapped address.
func address(family, port uint16, b []byte) (netip.AddrPort, error) {
	switch family {
	case familyNone:
		return netip.AddrPort{}, nil
	case familyV4, familyV6:
		return netip.AddrPortFrom(netip.AddrFrom16([16]byte(b)).Unmap(), port), nil
	}
	return netip.AddrPort{}, fmt.Errorf("%w: address family %d", ErrMalformed, family)
}

// variable reads what follows the header.
func variable(e *Event, marks uint32, b []byte) error {
	rest := b[HeaderSize:]
	take := func(what string, n, limit int) ([]byte, error) {
		if n > limit || n > len(rest) {
			return nil, fmt.Errorf("%w: %s of %d bytes", ErrMalformed, what, n)
		}
		part := rest[:n]
		rest = rest[n:]
		if n > 0 && what != "argv" && part[n-1] != 0 {
			return nil, fmt.Errorf("%w: %s without end", ErrMalformed, what)
		}
		return part, nil
	}
	length := func(off int) int { return int(binary.LittleEndian.Uint16(b[off:])) }
	var parts [4][]byte
	for i, f := range [4]struct {
		what string
		off  int
	}{{"base", offBaseLen}, {"text", offTextLen}, {"base2", offBase2Len}, {"text2", offText2Len}} {
		part, err := take(f.what, length(f.off), MaxPath)
		if err != nil {
			return err
		}
		parts[i] = part
	}
	argv, err := take("argv", int(binary.LittleEndian.Uint32(b[offArgvLen:])), MaxArgv)
	if err != nil {
		return err
	}
	if len(rest) != 0 {
		return fmt.Errorf("%w: %d bytes left over", ErrMalformed, len(rest))
	}
	if e.Path, err = join(parts[0], parts[1], hasPath(e.Class)); err != nil {
		return err
	}
	second := e.Class == Rename
	if e.Path2, err = join(parts[2], parts[3], second); err != nil {
		return err
	}
	e.Argv = arguments(argv)
	return nil
}

func hasPath(c Class) bool {
	switch c {
	case Exec, ExecRefused, OpenWrite, Open, Unlink, Rename, Truncate:
		return true
	}
	return false
}

// join makes a path of components (leaf first, each ended by NUL) and the text
// below them. Absolute text stands alone, also if it was relative a moment before
// when the probe looked for its directory: the jail can change it in between.
// Nothing is cleaned: ".." in text stays, since through a symlink it is not what
// it looks.
func join(base, text []byte, path bool) (string, error) {
	names := bytes.Split(bytes.TrimSuffix(base, []byte{0}), []byte{0})
	if len(base) == 0 {
		names = nil
	}
	if len(names) > maxComponents {
		return "", fmt.Errorf("%w: %d components", ErrMalformed, len(names))
	}
	text = bytes.TrimSuffix(text, []byte{0})
	if bytes.IndexByte(text, 0) >= 0 {
		return "", fmt.Errorf("%w: text with two ends", ErrMalformed)
	}
	if !path && len(names) > 0 {
		return "", fmt.Errorf("%w: components without a path", ErrMalformed)
	}
	if !path || len(text) > 0 && text[0] == '/' {
		return string(text), nil
	}
	out := make([]byte, 0, len(base)+len(text)+1)
	for i := len(names) - 1; i >= 0; i-- {
		if len(names[i]) == 0 {
			return "", fmt.Errorf("%w: empty component", ErrMalformed)
		}
		out = append(out, '/')
		out = append(out, names[i]...)
	}
	if len(text) > 0 || len(out) == 0 {
		out = append(out, '/')
	}
	return string(append(out, text...)), nil
}

// arguments splits at NUL. The last one may lack its end when it was cut.
func arguments(b []byte) []string {
	if len(b) == 0 {
		return nil
	}
	if b[len(b)-1] == 0 {
		b = b[:len(b)-1]
	}
	parts := bytes.Split(b, []byte{0})
	args := make([]string, len(parts))
	for i, p := range parts {
		args[i] = string(p)
	}
	return args
}
