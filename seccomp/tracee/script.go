package tracee

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Limits of scripts, as the kernel has them.
const (
	headBytes  = 256 // include/uapi/linux/binfmts.h:BINPRM_BUF_SIZE
	maxScripts = 5   // fs/exec.c:exec_binprm refuses a deeper chain
)

// Chain is a program with the interpreters that the kernel runs for it.
type Chain struct {
	Files []Resolved // what was named first, what really runs last
	Argv  []string   // as the program that runs will see it
	Image Image      // of what runs
}

// Close lets go of the files.
func (c Chain) Close() error {
	var errs []error
	for _, f := range c.Files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

// Interpreters follows "#!" lines as fs/binfmt_script.c does. filename is the
// name that the kernel gives to the script: the path that was executed, or
// /dev/fd/N. It takes r over.
func (t *Task) Interpreters(r Resolved, filename string, argv []string) (Chain, error) {
	c := Chain{Files: []Resolved{r}, Argv: argv}
	for depth := 0; ; depth++ {
		line, err := shebang(c.Files[len(c.Files)-1].File)
		if err != nil {
			return Chain{}, errors.Join(err, c.Close())
		}
		if line == nil {
			if c.Image, err = ImageOf(c.Files[len(c.Files)-1].File); err != nil {
				return Chain{}, errors.Join(err, c.Close())
			}
			return c, nil
		}
		if depth == maxScripts {
			return Chain{}, errors.Join(fmt.Errorf("%q: %w", filename, unix.ELOOP), c.Close())
		}
		interpreter, argument, err := parseShebang(line)
		if err != nil {
			return Chain{}, errors.Join(fmt.Errorf("%q: %w", filename, err), c.Close())
		}
		next, err := t.Resolve(unix.AT_FDCWD, interpreter, true)
		if err != nil {
			return Chain{}, errors.Join(err, c.Close())
		}
		c.Files = append(c.Files, next)
		c.Argv = rewrite(interpreter, argument, filename, c.Argv)
		filename = interpreter
	}
}

// rewrite is what load_script does to argv: argv[0] gives way to the
// interpreter, its argument and the script's name.
func rewrite(interpreter, argument, filename string, argv []string) []string {
	out := []string{interpreter}
	if argument != "" {
		out = append(out, argument)
	}
	out = append(out, filename)
	if len(argv) > 1 {
		out = append(out, argv[1:]...)
	}
	return out
}

// shebang reads the head of a file and gives what follows "#!", or nil when
// the file is no script. A file that is not regular is none.
func shebang(f *os.File) ([]byte, error) {
	line, err := shebangOf(int(f.Fd()))
	if err != nil {
		return nil, fmt.Errorf("read %q: %w", f.Name(), err)
	}
	return line, nil
}

func shebangOf(fd int) ([]byte, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, os.NewSyscallError("fstat", err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil, nil
	}
	r, err := unix.Open("/proc/self/fd/"+strconv.Itoa(fd), unix.O_RDONLY|unix.O_CLOEXEC, 0) // O_PATH has no read
	if err != nil {
		return nil, os.NewSyscallError("open", err)
	}
	defer unix.Close(r)
	head, n := make([]byte, headBytes), 0
	for n < len(head) {
		got, err := unix.Read(r, head[n:])
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return nil, os.NewSyscallError("read", err)
		}
		if got == 0 {
			break
		}
		n += got
	}
	if n < 2 || head[0] != '#' || head[1] != '!' {
		return nil, nil
	}
	return head[2:], nil // padded with zeros, as the kernel's buffer is
}

// parseShebang takes a line apart exactly as fs/binfmt_script.c:load_script
// does (since 5.0): the interpreter ends at a space, a tab or the end; the rest
// of the line, trimmed, is one argument. A name that fills the buffer is cut,
// and refused.
func parseShebang(b []byte) (interpreter, argument string, err error) {
	end := bytes.IndexByte(b, '\n')
	if end < 0 {
		// Without a newline the whole interpreter must be in the buffer: it
		// has to be followed by something.
		end = len(b)
		first := bytes.TrimLeft(b, " \t")
		if len(first) == 0 || !bytes.ContainsAny(first, " \t\x00") {
			return "", "", unix.ENOEXEC
		}
	}
	line := b[:end]
	if i := bytes.IndexByte(line, 0); i >= 0 {
		line = line[:i]
	}
	line = bytes.Trim(line, " \t")
	if len(line) == 0 {
		return "", "", unix.ENOEXEC
	}
	name, rest := line, []byte(nil)
	if i := bytes.IndexAny(line, " \t"); i >= 0 {
		name, rest = line[:i], bytes.Trim(line[i:], " \t")
	}
	return string(name), string(rest), nil
}
