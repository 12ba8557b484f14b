package tracee

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Image is what kind of code a file is, as far as its headers say. Whoever wrote
// the file wrote them.
type Image uint8

// The kinds. A loader is what runs programs that are named among its arguments:
// it is position-independent, needs no interpreter and is no program of its own
// (ld-linux, and musl's libc).
const (
	ImageOther   Image = iota // a script, a library, no ELF at all
	ImageProgram              // what is linked to be executed
	ImageLoader
)

// Limits of what is read of a file to tell.
const (
	maxSegments     = 64
	maxDynamicBytes = 16 << 10
)

// ImageOf reads the headers of a regular file.
func ImageOf(f *os.File) (Image, error) { return imageOf(int(f.Fd())) }

func imageOf(fd int) (Image, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return ImageOther, os.NewSyscallError("fstat", err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return ImageOther, nil
	}
	r, err := os.Open("/proc/self/fd/" + strconv.Itoa(fd)) // O_PATH has no read
	if err != nil {
		return ImageOther, err
	}
	defer r.Close()
	return decodeImage(r)
}

// The numbers are those of include/uapi/linux/elf.h and of elf.h.
const (
	elfHeader, elfSegment, elfDynamic = 64, 56, 16

	typeExec, typeDyn         = 2, 3
	segmentDynamic, segmentIn = 2, 3
	tagSoname, tagFlags1      = 14, 0x6ffffffb
	flagPIE                   = 0x08000000
)

// decodeImage reads a file that may hold anything. What ends too early is other.
func decodeImage(r io.ReaderAt) (Image, error) {
	var h [elfHeader]byte
	if err := readAt(r, h[:], 0); err != nil {
		return ImageOther, ended(err)
	}
	le := binary.LittleEndian
	kind, count := le.Uint16(h[16:]), int(le.Uint16(h[56:]))
	if string(h[:6]) != "\x7fELF\x02\x01" || kind != typeExec && kind != typeDyn || le.Uint16(h[54:]) != elfSegment || count > maxSegments {
		return ImageOther, nil
	}
	if kind == typeExec {
		return ImageProgram, nil
	}
	segments := make([]byte, count*elfSegment)
	if err := readAt(r, segments, le.Uint64(h[32:])); err != nil {
		return ImageOther, ended(err)
	}
	interpreted, soname, pie := false, false, false
	for s := range slices.Chunk(segments, elfSegment) {
		switch le.Uint32(s) {
		case segmentIn:
			interpreted = true
		case segmentDynamic:
			d := make([]byte, min(le.Uint64(s[32:]), maxDynamicBytes)/elfDynamic*elfDynamic)
			if err := readAt(r, d, le.Uint64(s[8:])); err != nil {
				return ImageOther, ended(err)
			}
			for e := range slices.Chunk(d, elfDynamic) {
				tag, value := le.Uint64(e), le.Uint64(e[8:])
				soname = soname || tag == tagSoname
				pie = pie || tag == tagFlags1 && value&flagPIE != 0
			}
		}
	}
	switch {
	case !interpreted && !pie:
		return ImageLoader, nil
	case soname:
		return ImageOther, nil
	}
	return ImageProgram, nil
}

func readAt(r io.ReaderAt, to []byte, at uint64) error {
	if at > 1<<62 {
		return io.ErrUnexpectedEOF
	}
	_, err := io.ReadFull(io.NewSectionReader(r, int64(at), int64(len(to))), to)
	return err
}

// ended: that a file is too short says what it is, any other error does not.
func ended(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}

// LoaderProgram gives the place in a loader's argv of the program that it runs, and
// what that program will have as argv[0]. 0: there is none. ok is false for an
// option that no known loader has.
func LoaderProgram(argv []string) (at int, argv0 string, ok bool) {
	const set = "--argv0"
	for i := 1; i < len(argv); i++ {
		name, value, joined := strings.Cut(argv[i], "=")
		switch {
		case !strings.HasPrefix(argv[i], "--"):
			if argv0 == "" {
				argv0 = argv[i]
			}
			return i, argv0, true
		case argv[i] == "--":
			if i+1 == len(argv) {
				return 0, "", true
			}
			if argv0 == "" {
				argv0 = argv[i+1]
			}
			return i + 1, argv0, true
		case takesValue(name):
			if !joined {
				if i++; i == len(argv) {
					return 0, "", true
				}
				value = argv[i]
			}
			if name == set {
				argv0 = value
			}
		case !slices.Contains([]string{"--list", "--verify", "--inhibit-cache", "--list-tunables", "--list-diagnostics", "--help", "--version"}, name):
			return 0, "", false
		}
	}
	return 0, "", true
}

func takesValue(option string) bool {
	return slices.Contains([]string{"--library-path", "--glibc-hwcaps-prepend", "--glibc-hwcaps-mask", "--inhibit-rpath", "--audit", "--preload", "--argv0"}, option)
}
