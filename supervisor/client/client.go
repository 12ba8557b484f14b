package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"

	"clawjail/supervisor/api"
	"clawjail/supervisor/control"
)

// DefaultSocket is where a supervisor listens unless told otherwise.
const DefaultSocket = "/run/clawjail/control.sock"

// approveSocket is where approvers are let in who may not do anything else.
const approveSocket = "/run/clawjail/approve.sock"

// ErrNotRunning means that nobody listens on the socket.
var ErrNotRunning = errors.New("no supervisor is running")

// maxAnswerBytes bounds an answer that is read whole.
const maxAnswerBytes = 64 << 20

// Client is a supervisor's address.
type Client struct {
	Socket string
}

// call sends one request and decodes its answer. Descriptors in files go with
// it and are closed; those that came with the answer are returned.
func (c Client) call(ctx context.Context, method, path string, in, out any, files ...*os.File) ([]*os.File, error) {
	conn, res, err := c.send(ctx, method, path, in, files)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.UnixConn.Close() })
	defer stop()
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswerBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read the supervisor's answer: %w", errors.Join(ctx.Err(), err))
	}
	if len(body) > maxAnswerBytes {
		return nil, fmt.Errorf("the supervisor's answer is larger than %d bytes", maxAnswerBytes)
	}
	if out != nil && len(body) > 0 {
		if err := json.Unmarshal(body, out); err != nil {
			return nil, fmt.Errorf("decode the supervisor's answer: %w", err)
		}
	}
	return conn.TakeFiles(), nil
}

// send writes one request and reads the head of its answer. An answer that is
// no success comes back as *api.Error.
func (c Client) send(ctx context.Context, method, path string, in any, files []*os.File) (*control.Conn, *http.Response, error) {
	var body io.Reader = http.NoBody
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return nil, nil, fmt.Errorf("encode the request: %w", err)
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://clawjail"+path, body)
	if err != nil {
		return nil, nil, err
	}
	req.Close = true // descriptors belong to a connection, so one request each
	conn, err := control.Dial(ctx, c.Socket)
	if errors.Is(err, fs.ErrPermission) && c.Socket == DefaultSocket && strings.HasPrefix(path, "/v1/approvals") {
		if second, secondErr := control.Dial(ctx, approveSocket); secondErr == nil {
			conn, err = second, nil
		}
	}
	if err != nil {
		return nil, nil, dialError(c.Socket, err)
	}
	conn.SendFiles(files...)
	res, err := c.roundTrip(ctx, conn, req)
	if err != nil {
		_ = conn.Close()
		return nil, nil, err
	}
	return conn, res, nil
}

func (c Client) roundTrip(ctx context.Context, conn *control.Conn, req *http.Request) (*http.Response, error) {
	stop := context.AfterFunc(ctx, func() { _ = conn.UnixConn.Close() })
	defer stop()
	if err := req.Write(conn); err != nil {
		return nil, fmt.Errorf("send to the supervisor: %w", errors.Join(ctx.Err(), err))
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("the supervisor at %s went away: %w", c.Socket, err)
	}
	if res.StatusCode < 300 {
		return res, nil
	}
	defer res.Body.Close()
	apiErr := &api.Error{Status: res.StatusCode, ExitCode: 125}
	b, _ := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err := json.Unmarshal(b, apiErr); err != nil || apiErr.Message == "" {
		apiErr.Message = fmt.Sprintf("the supervisor answered %s", res.Status)
	}
	return nil, apiErr
}

// dialError tells apart what an operator can do something about.
func dialError(socket string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%s: %w", socket, ErrNotRunning)
	case errors.Is(err, fs.ErrPermission):
		return &api.Error{Status: http.StatusForbidden, ExitCode: 125,
			Message: fmt.Sprintf("you may not use the supervisor at %s", socket),
			Hint:    "run the command with sudo, or ask for membership of the group that owns the socket (ls -l " + socket + ")"}
	}
	return err
}

// Ping asks who is there.
func (c Client) Ping(ctx context.Context) (api.Ping, error) { return c.ping(ctx, "") }

func (c Client) ping(ctx context.Context, query string) (api.Ping, error) {
	var p api.Ping
	_, err := c.call(ctx, http.MethodGet, "/v1/ping"+query, nil, &p)
	return p, err
}

// Run starts a jail. stdio are the jail's ends of its standard streams; they
// are closed. pty is the terminal's master when the request asked for one.
func (c Client) Run(ctx context.Context, r api.RunRequest, stdio ...*os.File) (jail api.Jail, pty *os.File, err error) {
	var a api.RunAnswer
	files, err := c.call(ctx, http.MethodPost, "/v1/jails", r, &a, stdio...)
	if err != nil {
		return api.Jail{}, nil, err
	}
	pty, err = onePTY(files, r.Terminal && !r.Detach)
	return a.Jail, pty, err
}

// onePTY takes the terminal out of the files of an answer.
func onePTY(files []*os.File, want bool) (*os.File, error) {
	if want && len(files) == 1 {
		return files[0], nil
	}
	for _, f := range files {
		_ = f.Close()
	}
	if want {
		return nil, fmt.Errorf("the supervisor sent %d files with a terminal, not 1", len(files))
	}
	return nil, nil
}

// Wait waits for a jail's end. With lease, the jail lives no longer than this
// call: it is killed when the connection goes away.
func (c Client) Wait(ctx context.Context, id string, lease bool) (api.Jail, error) {
	var j api.Jail
	q := ""
	if lease {
		q = "?lease=true"
	}
	_, err := c.call(ctx, http.MethodGet, jailPath(id, "wait")+q, nil, &j)
	return j, err
}

// Jails lists the jails, ended ones too when all is set.
func (c Client) Jails(ctx context.Context, all bool) ([]api.Jail, error) {
	var js []api.Jail
	q := ""
	if all {
		q = "?all=true"
	}
	_, err := c.call(ctx, http.MethodGet, "/v1/jails"+q, nil, &js)
	return js, err
}

// Jail looks one jail up by id or name.
func (c Client) Jail(ctx context.Context, id string) (api.Jail, error) {
	var j api.Jail
	_, err := c.call(ctx, http.MethodGet, jailPath(id, ""), nil, &j)
	return j, err
}

// Signal passes a signal to a jail's first process.
func (c Client) Signal(ctx context.Context, id string, sig syscall.Signal) error {
	_, err := c.call(ctx, http.MethodPost, jailPath(id, "signal"), api.SignalRequest{Signal: int(sig)}, nil)
	return err
}

// Freeze stops every process of a jail.
func (c Client) Freeze(ctx context.Context, id string) (api.Jail, error) {
	return c.change(ctx, id, "freeze")
}

// Thaw lets a frozen jail go on.
func (c Client) Thaw(ctx context.Context, id string) (api.Jail, error) {
	return c.change(ctx, id, "thaw")
}

// Kill ends a jail and everything in it.
func (c Client) Kill(ctx context.Context, id string) (api.Jail, error) {
	return c.change(ctx, id, "kill")
}

func (c Client) change(ctx context.Context, id, verb string) (api.Jail, error) {
	var j api.Jail
	_, err := c.call(ctx, http.MethodPost, jailPath(id, verb), nil, &j)
	return j, err
}

// Exec starts another process in a jail.
func (c Client) Exec(ctx context.Context, id string, r api.ExecRequest, stdio ...*os.File) (execID string, pty *os.File, err error) {
	a, pty, err := c.exec(ctx, id, r, stdio...)
	return a.ID, pty, err
}

func (c Client) exec(ctx context.Context, id string, r api.ExecRequest, stdio ...*os.File) (a api.ExecAnswer, pty *os.File, err error) {
	files, err := c.call(ctx, http.MethodPost, jailPath(id, "exec"), r, &a, stdio...)
	if err != nil {
		return a, nil, err
	}
	pty, err = onePTY(files, r.Terminal && !a.NoTerminal)
	return a, pty, err
}

// ExecWait waits for such a process. It is killed when the connection goes away.
func (c Client) ExecWait(ctx context.Context, id, execID string) (api.Exit, error) {
	var e api.Exit
	_, err := c.call(ctx, http.MethodGet, jailPath(id, "exec/"+url.PathEscape(execID)+"/wait"), nil, &e)
	return e, err
}

// ExecSignal passes a signal to such a process.
func (c Client) ExecSignal(ctx context.Context, id, execID string, sig syscall.Signal) error {
	_, err := c.call(ctx, http.MethodPost, jailPath(id, "exec/"+url.PathEscape(execID)+"/signal"), api.SignalRequest{Signal: int(sig)}, nil)
	return err
}

// Logs copies what a detached jail wrote to w, and with follow goes on until it ends.
func (c Client) Logs(ctx context.Context, id string, follow bool, w io.Writer) error {
	q := ""
	if follow {
		q = "?follow=true"
	}
	conn, res, err := c.send(ctx, http.MethodGet, jailPath(id, "logs")+q, nil, nil)
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.UnixConn.Close() })
	defer stop()
	defer res.Body.Close()
	_, err = io.Copy(w, res.Body)
	return err
}

// Stats returns the supervisor's counters.
func (c Client) Stats(ctx context.Context) (api.Stats, error) {
	var s api.Stats
	_, err := c.call(ctx, http.MethodGet, "/v1/stats", nil, &s)
	return s, err
}

func jailPath(id, verb string) string {
	p := "/v1/jails/" + url.PathEscape(id)
	if verb == "" {
		return p
	}
	return p + "/" + verb
}
