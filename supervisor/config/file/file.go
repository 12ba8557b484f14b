package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/audit/escape"
	"clawjail/supervisor/child"
	"clawjail/supervisor/config"
)

const (
	// compileTime bounds the child, which takes milliseconds.
	compileTime = 10 * time.Second
	// maxSaid bounds what is kept of its problems: the reader of the file
	// reports at most a hundred, and whoever waits for us reads 64 KiB.
	maxSaid = 48 << 10
)

// Load gives what a file says. path is the operator's choice; if it is empty,
// config.DefaultPath is taken if it is there, and else the defaults. compiler
// is the program `clawjail`. The error has every problem of the file, one on a
// line, each with its position.
func Load(ctx context.Context, path, compiler string) (config.Config, error) {
	named := path != ""
	if !named {
		path = config.DefaultPath
	}
	// O_NONBLOCK: opening a FIFO must not wait for somebody to write to it.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) && !named {
		return config.Default(), nil
	}
	if err != nil {
		return config.Config{}, fmt.Errorf("the configuration cannot be read: %w", err)
	}
	defer f.Close()
	if err := Trusted(f, path); err != nil {
		return config.Config{}, fmt.Errorf("the configuration is not to be trusted: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, compileTime)
	defer cancel()
	out, err := compile(ctx, f, path, compiler)
	if err != nil {
		return config.Config{}, err
	}
	return config.Decode(out)
}

// compile has the text of f turned into JSON by a child without privileges.
func compile(ctx context.Context, f *os.File, path, compiler string) ([]byte, error) {
	bin, err := os.OpenFile(compiler, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("%w; clawjail's programs belong into one directory", err)
	}
	defer bin.Close()
	out, said := &bounded{most: config.MaxEncoded}, &bounded{most: maxSaid}
	cmd := exec.CommandContext(ctx, "/proc/self/fd/3", "config", "compile", "-", "--name", path)
	cmd.Args[0] = "clawjail"
	cmd.Env = []string{}
	cmd.Dir = "/"
	cmd.Stdin, cmd.Stdout, cmd.Stderr = f, out, said
	cmd.ExtraFiles = []*os.File{bin}
	cmd.WaitDelay = time.Second // for who else may hold its stdout
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if os.Geteuid() == 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: config.Nobody, Gid: config.Nobody, Groups: []uint32{}}
	}
	if err = child.Start(cmd); err == nil {
		err = cmd.Wait()
	}
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("read the configuration %s: %w", path, context.Cause(ctx))
	case errors.As(err, &exit) && len(said.kept) > 0:
		return nil, fmt.Errorf("the configuration cannot be used:\n%s", readable(said.kept))
	case err != nil:
		return nil, fmt.Errorf("read the configuration %s with %s: %w", path, compiler, err)
	}
	return out.kept, nil
}

// maxLine bounds what is shown of one problem, in bytes.
const maxLine = 1000

// readable takes from the lines that a child printed what would act on a
// terminal or could not be seen.
func readable(b []byte) string {
	lines := strings.Split(strings.ToValidUTF8(strings.TrimSpace(string(b)), "?"), "\n")
	for i, line := range lines {
		if len(line) > maxLine {
			line = strings.ToValidUTF8(line[:maxLine], "") + "…"
		}
		lines[i] = strings.Map(func(r rune) rune {
			if escape.Hidden(r) {
				return '?'
			}
			return r
		}, line)
	}
	return strings.Join(lines, "\n")
}

// bounded keeps the first bytes that are written to it.
type bounded struct {
	kept []byte // not a bytes.Buffer within: io.Copy would take its ReadFrom
	most int
}

// Write never fails: the child is not to be stopped by having much to say. It
// keeps one byte more than allowed, so that whoever decodes sees the excess.
func (b *bounded) Write(p []byte) (int, error) {
	b.kept = append(b.kept, p[:min(len(p), b.most+1-len(b.kept))]...)
	return len(p), nil
}
