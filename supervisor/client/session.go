package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"clawjail/supervisor/api"
)

// Streams are the caller's own standard streams.
type Streams struct {
	In, Out, Err *os.File
	// Ask asks on the terminal about what the jail wants to do; nil does not.
	Ask Asker
	// Survives says that the jail outlives its supervisor (Approach), so that the
	// next one is asked for it when this one is lost before it has answered.
	Survives bool
}

// Asker takes turns with a jail at a terminal.
type Asker interface {
	// Share stands between a terminal in raw mode and the jail: the jail's
	// input is read from it and its output written to it.
	Share(in io.Reader, out io.Writer) io.ReadWriter
	// Ask asks for every request of a jail until ctx ends. It is called after
	// Share.
	Ask(ctx context.Context, jailID string) error
}

// ErrNoTerminal says that there is nobody who could be asked.
var ErrNoTerminal = errors.New("asking here needs a terminal at both stdin and stdout")

// terminal reports whether an interactive terminal is at both ends.
func (s Streams) terminal() bool {
	return term.IsTerminal(int(s.In.Fd())) && term.IsTerminal(int(s.Out.Fd()))
}

// session is one foreground process of a jail: its streams and the signals on
// the way to it.
type session struct {
	streams Streams
	pty     *os.File       // the jail's terminal, or nil
	restore func()         // gives the caller's terminal its mode back
	output  sync.WaitGroup // the copies from the jail
	mu      sync.Mutex
	inPipe  *os.File // jail's stdin, our end
	outErr  error    // why output of the jail was lost
}

// Foreground starts a jail, connects it with the caller's streams and waits
// for its end. SIGINT, SIGTERM and SIGHUP are passed on; a second SIGINT kills
// the jail.
func (c Client) Foreground(ctx context.Context, r api.RunRequest, streams Streams) (api.Jail, error) {
	s := &session{streams: streams, restore: func() {}}
	r.Terminal = streams.terminal()
	if streams.Ask != nil && !r.Terminal {
		return api.Jail{}, ErrNoTerminal
	}
	if r.Terminal {
		r.Cols, r.Rows = size(streams.Out)
	}
	files, err := s.pipes(r.Terminal)
	if err != nil {
		return api.Jail{}, err
	}
	signals := catch()
	defer signal.Stop(signals)
	startCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	early := keepSignals(signals, cancel)
	jail, pty, err := c.begin(startCtx, r, s, files)
	kept := early()
	if err != nil {
		s.closePipes()
		return api.Jail{}, err
	}
	if err := s.connect(pty); err != nil {
		_, _ = c.Kill(ctx, jail.ID)
		return api.Jail{}, err
	}
	defer s.restore()
	for _, sig := range kept {
		_ = c.Signal(ctx, jail.ID, sig)
	}
	waitCtx, giveUp := context.WithCancel(ctx)
	defer giveUp()
	stop := s.forward(signals, slices.Contains(kept, unix.SIGINT), func(sig syscall.Signal) {
		_ = c.Signal(ctx, jail.ID, sig)
	}, func() {
		if _, err := c.Kill(ctx, jail.ID); gone(err) {
			giveUp() // nobody is there who could; the jail goes on
		}
	})
	answered := s.ask(ctx, jail.ID)
	ended, err := c.await(waitCtx, jail, s.tell)
	answered() // a question that is open would hold back the rest of the output
	stop()
	return ended, errors.Join(err, s.finish())
}

// ask begins to ask about a jail, if that is wanted. The returned function ends
// it.
func (s *session) ask(ctx context.Context, jailID string) func() {
	if s.streams.Ask == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() {
		if err := s.streams.Ask.Ask(ctx, jailID); err != nil && ctx.Err() == nil {
			fmt.Fprintf(s.streams.Err, "clawjail: no more questions here, use clawjail pending: %v\r\n", err)
		}
	})
	return func() { cancel(); done.Wait() }
}

// ForegroundExec does the same for a further process in a running jail.
func (c Client) ForegroundExec(ctx context.Context, id string, r api.ExecRequest, streams Streams) (api.Exit, error) {
	s := &session{streams: streams, restore: func() {}}
	r.Terminal = streams.terminal()
	if r.Terminal {
		r.Cols, r.Rows = size(streams.Out)
	}
	files, err := s.pipes(r.Terminal)
	if err != nil {
		return api.Exit{}, err
	}
	signals := catch() // from now on: none is lost between the start and the wait
	defer signal.Stop(signals)
	if jail, err := c.Jail(ctx, id); err == nil {
		id, s.streams.Survives = jail.ID, jail.Survives // else the start says why
	}
	startCtx, abandon := context.WithCancel(ctx)
	defer abandon()
	early := keepSignals(signals, abandon)
	added, pty, err := c.beginExec(startCtx, id, r, s, files)
	kept := early()
	if err != nil {
		s.closePipes()
		return api.Exit{}, err
	}
	if added.NoTerminal {
		s.tell("the command ended while there was no supervisor; what it wrote last is lost")
	}
	waitCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := s.connect(pty); err != nil {
		return api.Exit{}, err
	}
	defer s.restore()
	for _, sig := range kept {
		_ = c.ExecSignal(ctx, id, added.ID, sig)
	}
	stop := s.forward(signals, slices.Contains(kept, unix.SIGINT), func(sig syscall.Signal) {
		_ = c.ExecSignal(ctx, id, added.ID, sig)
	}, cancel)
	exit, err := c.awaitExec(waitCtx, id, added, s.tell)
	stop()
	return exit, errors.Join(err, s.finish())
}

// catch begins to receive the signals that matter to a session. SIGPIPE is
// caught, not ignored: an ignored signal would be inherited by what we start.
func catch() chan os.Signal {
	ch := make(chan os.Signal, 16) // a burst of resizes; lost ones do not matter
	signal.Notify(ch, unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGWINCH, unix.SIGPIPE)
	return ch
}

// keepSignals collects the signals that arrive during a start, so that they can
// be passed on once there is somebody to pass them to. A second SIGINT cancels
// the start. The returned function ends that and gives what was collected.
func keepSignals(signals chan os.Signal, cancel func()) func() []syscall.Signal {
	quit, done := make(chan struct{}), make(chan []syscall.Signal, 1)
	go func() {
		var kept []syscall.Signal
		for {
			select {
			case sig := <-signals:
				s, ok := sig.(syscall.Signal)
				if !ok || s == unix.SIGWINCH || s == unix.SIGPIPE {
					continue
				}
				if s == unix.SIGINT && slices.Contains(kept, unix.SIGINT) {
					cancel()
					continue
				}
				if len(kept) < maxKept {
					kept = append(kept, s)
				}
			case <-quit:
				done <- kept
				return
			}
		}
	}()
	return func() []syscall.Signal { close(quit); return <-done }
}

// maxKept bounds the signals kept during a start; a start takes milliseconds.
const maxKept = 8

// pipes makes the jail's ends of the streams, unless it gets a terminal.
func (s *session) pipes(terminal bool) ([]*os.File, error) {
	if terminal {
		return nil, nil
	}
	inR, inW, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	outR, outW, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, inR.Close(), inW.Close())
	}
	errR, errW, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, inR.Close(), inW.Close(), outR.Close(), outW.Close())
	}
	s.inPipe = inW
	s.copyIn(inW)
	s.copyOut(s.streams.Out, outR)
	s.copyOut(s.streams.Err, errR)
	return []*os.File{inR, outW, errW}, nil
}

// copyIn feeds the jail's stdin. The goroutine may be left behind in a read of
// our own stdin when the jail ends: nothing can interrupt that, and the
// process is about to exit.
func (s *session) copyIn(w *os.File) {
	go func() {
		_, _ = io.Copy(w, s.streams.In)
		s.closeIn()
	}()
}

func (s *session) closeIn() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.inPipe != nil {
		_ = s.inPipe.Close()
		s.inPipe = nil
	}
}

// copyOut drains one of the jail's outputs. When our own end is gone, the pipe
// is closed, and the jail sees EPIPE as it would without us.
func (s *session) copyOut(w io.Writer, r *os.File) {
	s.output.Go(func() {
		_, err := io.Copy(w, r)
		_ = r.Close()
		if err == nil || errors.Is(err, unix.EPIPE) {
			return // a reader that went away is the jail's to deal with
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.outErr = errors.Join(s.outErr, fmt.Errorf("the jail's output is incomplete: %w", err))
	})
}

// closePipes ends the copies of a jail that did not start. The jail's ends
// were closed with the request, so the copies see the end of file.
func (s *session) closePipes() {
	s.closeIn()
	s.output.Wait()
}

// connect joins the caller's terminal with the jail's.
func (s *session) connect(pty *os.File) error {
	if pty == nil {
		return nil
	}
	fd := int(s.streams.In.Fd())
	old, err := term.MakeRaw(fd)
	if err != nil {
		_ = pty.Close()
		return fmt.Errorf("set the terminal to raw mode: %w", err)
	}
	s.restore = sync.OnceFunc(func() { _ = term.Restore(fd, old) })
	s.pty = pty
	s.resize()
	var in io.Reader = s.streams.In
	var out io.Writer = s.streams.Out
	if s.streams.Ask != nil {
		shared := s.streams.Ask.Share(in, out)
		in, out = shared, shared
	}
	go func() { _, _ = io.Copy(pty, in) }()
	s.output.Go(func() { _, _ = io.Copy(out, pty) }) // ends with EIO when the jail is gone
	return nil
}

func (s *session) resize() {
	if s.pty == nil {
		return
	}
	cols, rows := size(s.streams.Out)
	_ = unix.IoctlSetWinsize(int(s.pty.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: rows, Col: cols})
}

// forward passes signals on until the returned function is called.
// interrupted says that a SIGINT was passed on already.
func (s *session) forward(signals chan os.Signal, interrupted bool, pass func(syscall.Signal), kill func()) func() {
	quit := make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		for {
			select {
			case <-quit:
				return
			case sig := <-signals:
				switch sig {
				case unix.SIGWINCH:
					s.resize()
				case unix.SIGPIPE:
				case unix.SIGINT:
					if interrupted {
						kill()
						continue
					}
					interrupted = true
					pass(unix.SIGINT)
				default:
					if sig, ok := sig.(syscall.Signal); ok {
						pass(sig)
					}
				}
			}
		}
	})
	return func() { close(quit); done.Wait() }
}

// drainTimeout bounds the wait for output after the end of a jail. Everything
// in it is dead then, so only a reader that does not read can make us wait;
// a terminal's rest comes at once.
const drainTimeout = time.Second

// finish waits for the rest of the output. A pipe is drained however long our
// reader takes; a terminal gets drainTimeout.
func (s *session) finish() error {
	s.closeIn()
	if s.pty == nil {
		s.output.Wait()
		return s.outErr
	}
	done := make(chan struct{})
	go func() { s.output.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(drainTimeout):
	}
	_ = s.pty.Close()
	s.restore()
	return nil
}

// size gives a terminal's size, 80x24 when it does not know.
func size(f *os.File) (cols, rows uint16) {
	w, h, err := term.GetSize(int(f.Fd()))
	if err != nil || w <= 0 || h <= 0 || w > 65535 || h > 65535 {
		return 80, 24
	}
	return uint16(w), uint16(h)
}
