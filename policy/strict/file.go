package strict

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// MaxBytes bounds a file.
const MaxBytes = 1 << 20

// NoSuchFile is the message of a Problem about a file that is not there.
const NoSuchFile = "no such file"

// ReadFile reads a file of at most MaxBytes. What is wrong with the file is a Problem.
func ReadFile(path string) ([]byte, error) {
	fail := func(msg, hint string) ([]byte, error) {
		return nil, Problems{{File: path, Msg: msg, Hint: hint}}
	}
	// O_NONBLOCK: opening a FIFO must not wait for somebody to write to it.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fail(NoSuchFile, "")
	case errors.Is(err, fs.ErrPermission):
		return fail("cannot be read: permission denied", "it is read as the user who runs clawjail")
	case err != nil:
		return fail(fmt.Sprintf("cannot be opened: %v", cause(err)), "")
	}
	defer f.Close()
	st, err := f.Stat()
	switch {
	case err != nil:
		return fail(fmt.Sprintf("cannot be read: %v", cause(err)), "")
	case st.IsDir():
		return fail("is a directory, not a file", "name a file in it")
	case !st.Mode().IsRegular():
		return fail("is not a regular file", "")
	case st.Size() > MaxBytes:
		return fail(fmt.Sprintf("file has %d bytes, at most %d are read", st.Size(), MaxBytes), "")
	}
	return ReadFrom(path, f)
}

// ReadFrom reads all of r, which is called file in problems, and at most
// MaxBytes.
func ReadFrom(file string, r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	switch {
	case err != nil:
		return nil, Problems{{File: file, Msg: fmt.Sprintf("cannot be read: %v", cause(err))}}
	case len(b) > MaxBytes:
		return nil, Problems{{File: file, Msg: fmt.Sprintf("has more than %d bytes, and no more are read", MaxBytes)}}
	}
	return b, nil
}

// cause strips the path from an error that is shown behind the path.
func cause(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
