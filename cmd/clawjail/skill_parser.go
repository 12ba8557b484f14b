package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	skillreport "clawjail/policy/skill/report"
	"clawjail/supervisor/api"
	"clawjail/supervisor/child"
	"clawjail/supervisor/client"
	"clawjail/supervisor/client/launch"
	"clawjail/supervisor/config"
)

// Where skills are parsed.
const (
	isolationAuto    = "auto"
	isolationJail    = "jail"
	isolationProcess = "process"
)

// Limits of the process that parses.
const (
	parserTime    = 2 * time.Minute
	maxReport     = skillreport.MaxBytes
	maxUnpacked   = 80 << 20
	maxParserSaid = 16 << 10
)

// parser runs clawjail-skill, which is the only thing here that looks into
// skills.
type parser struct {
	e     *env
	where string
	told  sync.Once // that no jail is around it
}

// gaveUpError says that the process was ended before it was done: by a limit,
// or by what it parsed.
type gaveUpError struct{ why string }

func (e *gaveUpError) Error() string { return "looking into the skill was ended: " + e.why }

// run starts clawjail-skill, gives it what feed writes, and takes at most most
// bytes from it.
func (p *parser) run(ctx context.Context, args []string, feed func(io.Writer) error, most int64) ([]byte, error) {
	bin, err := client.Beside("clawjail-skill")
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, parserTime+10*time.Second)
	defer cancel()
	cl := client.Client{Socket: p.e.socket}
	switch why := p.noJail(ctx, cl); {
	case p.where == isolationProcess:
	case why == nil:
		out, err := p.inJail(ctx, cl, bin, args, feed, most)
		var start *startError
		if !errors.As(err, &start) || p.where == isolationJail {
			return out, err
		}
		p.tell(start.err)
	case p.where == isolationJail:
		return nil, fmt.Errorf("no jail to parse the skill in: %w", why)
	case p.where != isolationAuto:
		return nil, why
	default:
		p.tell(why)
	}
	return p.asProcess(ctx, bin, args, feed, most)
}

// noJail says why there can be no jail, or nil.
func (p *parser) noJail(ctx context.Context, cl client.Client) error {
	switch p.where {
	case isolationProcess:
		return nil
	case isolationAuto, isolationJail:
	default:
		return fmt.Errorf("unknown --isolation %q; there are auto, jail and process", p.where)
	}
	_, err := cl.Ping(ctx)
	if errors.Is(err, client.ErrNotRunning) && os.Geteuid() == 0 {
		err = cl.Ensure(ctx)
	}
	return err
}

// tell says once that no jail is around the parser.
func (p *parser) tell(why error) {
	p.told.Do(func() {
		first, _, _ := strings.Cut(why.Error(), "\n")
		fmt.Fprintf(p.e.stderr, "clawjail: no jail for the parser (%s): it runs without privileges, under limits, Landlock and a filter of system calls\n", readable(first))
	})
}

// startError says that a jail could not be started at all.
type startError struct{ err error }

func (e *startError) Error() string { return e.err.Error() }
func (e *startError) Unwrap() error { return e.err }

// parserPolicy is the jail of the parser: the preset "locked", whose workspace
// is an empty directory, with nothing to run but the one program.
func parserPolicy(bin string) string {
	return fmt.Sprintf(`version: 1
name: skill-parser
extends: [locked]
files:
  - {path: %q, access: read, exec: true}
exec:
  default: deny
  rules:
    - {run: %q, then: allow}
network: {default: deny, private: deny}
limits: {memory: 2GiB, cpus: 2, pids: 64, open_files: 64, file_size: 1MiB, wall: 2m, tmp: 1MiB, shm: 1MiB}
on_violation: kill
`, bin, bin)
}

// inJail runs the parser in a jail of the supervisor's.
func (p *parser) inJail(ctx context.Context, cl client.Client, bin string, args []string, feed func(io.Writer) error, most int64) ([]byte, error) {
	dir, err := os.MkdirTemp("", "clawjail-skill-")
	if err != nil {
		return nil, &startError{err}
	}
	defer os.RemoveAll(dir)
	req, err := parserRequest(dir, bin, args)
	if err != nil {
		return nil, &startError{err}
	}
	pipes, err := newPipes()
	if err != nil {
		return nil, &startError{err}
	}
	defer pipes.close()
	jail, _, err := cl.Run(ctx, req, pipes.theirs()...)
	if err != nil {
		return nil, &startError{err}
	}
	pipes.begin(feed, most)
	ended, err := cl.Wait(ctx, jail.ID, true)
	if err != nil {
		return nil, &gaveUpError{err.Error()}
	}
	pipes.wait()
	switch x := ended.Exit; {
	case x == nil || x.OOM || x.WallClock || x.Signal != 0 || x.Code > 1:
		return nil, &gaveUpError{exitWords(x)}
	case x.Code != 0:
		return nil, pipes.complaint()
	}
	return pipes.output()
}

func exitWords(x *api.Exit) string {
	switch {
	case x == nil:
		return "its jail ended without saying how"
	case x.OOM:
		return "it needed more memory than it may have"
	case x.WallClock:
		return "it took longer than it may"
	case x.Reason != "":
		return x.Reason
	}
	return fmt.Sprintf("it ended with code %d", x.Code)
}

// parserRequest asks for the jail. dir is empty and the caller's own.
func parserRequest(dir, bin string, args []string) (api.RunRequest, error) {
	bin, err := filepath.EvalSymlinks(bin)
	if err != nil {
		return api.RunRequest{}, err
	}
	workspace, pol := filepath.Join(dir, "empty"), filepath.Join(dir, "policy.yaml")
	if err := errors.Join(os.Mkdir(workspace, 0o755), os.WriteFile(pol, []byte(parserPolicy(bin)), 0o600)); err != nil {
		return api.RunRequest{}, err
	}
	req, err := launch.Prepare(launch.Options{Argv: append([]string{bin, "--jailed"}, args...), Policy: pol, Workspace: workspace})
	req.Remove, req.Timeout = true, parserTime
	return req, err
}

// asProcess runs the parser as a process that gives up by itself what it can.
func (p *parser) asProcess(ctx context.Context, bin string, args []string, feed func(io.Writer) error, most int64) ([]byte, error) {
	f, err := os.OpenFile(bin, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	pipes, err := newPipes()
	if err != nil {
		return nil, err
	}
	defer pipes.close()
	cmd := exec.CommandContext(ctx, "/proc/self/fd/3", args...) // nobody may not search our directory
	cmd.Args[0] = "clawjail-skill"
	cmd.Env, cmd.Dir = []string{}, "/"
	cmd.Stdin, cmd.Stdout, cmd.Stderr = pipes.in[0], pipes.out[1], pipes.err[1]
	cmd.ExtraFiles = []*os.File{f}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if os.Geteuid() == 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: config.Nobody, Gid: config.Nobody, Groups: []uint32{}}
	}
	if err := child.Start(cmd); err != nil {
		return nil, fmt.Errorf("start %s: %w", bin, err)
	}
	for _, end := range pipes.theirs() {
		_ = end.Close()
	}
	pipes.begin(feed, most)
	err = cmd.Wait()
	pipes.wait()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return nil, &gaveUpError{"it took longer than it may"}
	case errors.As(err, &exit) && exit.ExitCode() == 1:
		return nil, pipes.complaint()
	case err != nil:
		return nil, &gaveUpError{err.Error()}
	}
	return pipes.output()
}
