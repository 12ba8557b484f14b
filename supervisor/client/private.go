package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"clawjail/supervisor/api"
	"clawjail/supervisor/control"
)

// startTimeout bounds the start of a private supervisor.
const startTimeout = 30 * time.Second

// Ensure finds the supervisor of the socket, and starts a private one where
// none runs: the same program with the same protocol, which ends by itself
// some time after its last jail.
func (c Client) Ensure(ctx context.Context, args ...string) error {
	_, err := c.Approach(ctx)(ctx, args...)
	return err
}

// Approach begins to look for the supervisor and tells it that a jail is about
// to be asked for. The returned function is Ensure: it waits for the answer, and
// what the caller does meanwhile costs nothing.
// It also says whether a jail outlives that supervisor.
func (c Client) Approach(ctx context.Context) func(ctx context.Context, args ...string) (survives bool, err error) {
	type answer struct {
		ping api.Ping
		err  error
	}
	answered := make(chan answer, 1) // one answer
	go func() {
		ping, err := c.settledPing(ctx)
		answered <- answer{ping, err}
	}()
	return func(ctx context.Context, args ...string) (bool, error) {
		a := <-answered
		if !errors.Is(a.err, ErrNotRunning) {
			return a.err == nil && !a.ping.Private, a.err
		}
		return false, c.startOwn(ctx, args)
	}
}

// startOwn starts a private supervisor.
func (c Client) startOwn(ctx context.Context, args []string) error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("no supervisor listens on %s, and only root can start one\n  run the command with sudo, or start the service: sudo systemctl start clawjail", c.Socket)
	}
	if c.Socket != DefaultSocket {
		return fmt.Errorf("no supervisor listens on %s; a private one listens on %s only\n  leave --socket out, or start clawjaild there", c.Socket, DefaultSocket)
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	err := startPrivate(ctx, args)
	if err != nil && strings.Contains(err.Error(), control.ErrRunning.Error()) {
		return c.untilItAnswers(ctx, err) // somebody else has just started one
	}
	return err
}

// untilItAnswers waits for the supervisor that holds the socket.
func (c Client) untilItAnswers(ctx context.Context, held error) error {
	tick := time.NewTicker(dying / 100)
	defer tick.Stop()
	for {
		if _, err := c.settledPing(ctx); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return held
		case <-tick.C:
		}
	}
}

// dying bounds the wait for a supervisor that is being killed: its socket takes
// connections until the kernel has taken it apart, and resets them.
const dying = 2 * time.Second

// settledPing asks who is there until that is certain.
func (c Client) settledPing(ctx context.Context) (api.Ping, error) {
	deadline := time.Now().Add(dying)
	for {
		ping, err := c.ping(ctx, "?then=run")
		gone := errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrUnexpectedEOF)
		if !gone || time.Now().After(deadline) {
			return ping, err
		}
		select {
		case <-ctx.Done():
			return api.Ping{}, ctx.Err()
		case <-time.After(dying / 100):
		}
	}
}

// Beside gives the path of another of clawjail's programs: they are installed
// together and find each other beside themselves.
func Beside(name string) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	path := filepath.Join(filepath.Dir(self), name)
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("%s is missing beside %s; clawjail's programs belong into one directory: %w", name, self, err)
	}
	return path, nil
}

// startPrivate starts clawjaild and waits until it answers or says why not.
func startPrivate(ctx context.Context, args []string) error {
	bin, err := Beside("clawjaild")
	if err != nil {
		return err
	}
	ready, theirs, err := os.Pipe()
	if err != nil {
		return err
	}
	defer ready.Close()
	cmd := exec.Command(bin, append([]string{"--private", "--ready-fd", "3"}, args...)...)
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	cmd.ExtraFiles = []*os.File{theirs}
	// A session of its own: the terminal's ^C is for the agent, not for the
	// supervisor of every jail.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		_ = theirs.Close()
		return fmt.Errorf("start the supervisor: %w", err)
	}
	_ = theirs.Close()
	stop := context.AfterFunc(ctx, func() { _ = ready.Close() })
	defer stop()
	said, _ := io.ReadAll(io.LimitReader(ready, 64<<10))
	if bytes.Equal(said, []byte("ready\n")) {
		go func() { _ = cmd.Wait() }() // so that it is no zombie if it ends before us
		return nil
	}
	go func() { _ = cmd.Wait() }()
	if ctx.Err() != nil {
		return fmt.Errorf("the supervisor did not come up within %s: %w", startTimeout, ctx.Err())
	}
	text := string(bytes.TrimSpace(said))
	if text == "" {
		text = "it ended without a word; see /run/clawjail/clawjaild.log"
	}
	return fmt.Errorf("start the supervisor: %s", text)
}
