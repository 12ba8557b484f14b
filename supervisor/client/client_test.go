package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clawjail/supervisor/api"
	"clawjail/supervisor/control"
)

// fake is a supervisor whose one jail copies its stdin to its stdout.
type fake struct {
	client Client
	mux    *http.ServeMux
}

type connKey struct{}

func newFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{client: Client{Socket: filepath.Join(t.TempDir(), "control.sock")}, mux: http.NewServeMux()}
	l, err := control.Listen(f.client.Socket, -1, 0)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: f.mux, ConnContext: func(ctx context.Context, c net.Conn) context.Context {
		return context.WithValue(ctx, connKey{}, c)
	}}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close(); <-done })
	return f
}

func TestStreamsArriveWhole(t *testing.T) {
	f := newFake(t)
	copied := make(chan struct{})
	f.mux.HandleFunc("POST /v1/jails", func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			t.Error(err)
		}
		conn, ok := r.Context().Value(connKey{}).(*control.Conn)
		if !ok {
			t.Error("not a control connection")
			return
		}
		files := conn.TakeFiles()
		if len(files) != 3 {
			t.Errorf("%d files came with the request, want 3", len(files))
			return
		}
		go func() {
			defer close(copied)
			_, _ = io.Copy(files[1], files[0])
			_, _ = files[2].WriteString("to stderr")
			for _, f := range files {
				f.Close()
			}
		}()
		_ = json.NewEncoder(w).Encode(api.RunAnswer{Jail: api.Jail{ID: "j1", State: api.StateRunning}})
	})
	f.mux.HandleFunc("GET /v1/jails/j1/wait", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("lease") != "true" {
			t.Error("the foreground client holds no lease")
		}
		<-copied
		_ = json.NewEncoder(w).Encode(api.Jail{ID: "j1", Exit: &api.Exit{Code: 3}})
	})

	const size = 64 << 20
	in, out, errOut := tempFile(t), tempFile(t), tempFile(t)
	want := bytes.Repeat([]byte("0123456789abcdef"), size/16)
	if _, err := in.WriteAt(want, 0); err != nil {
		t.Fatal(err)
	}
	jail, err := f.client.Foreground(context.Background(), api.RunRequest{}, Streams{In: in, Out: out, Err: errOut})
	if err != nil {
		t.Fatal(err)
	}
	if jail.Exit == nil || jail.Exit.Code != 3 {
		t.Errorf("exit %+v, want code 3", jail.Exit)
	}
	if got, _ := os.ReadFile(out.Name()); !bytes.Equal(got, want) {
		t.Errorf("%d bytes came back, want %d", len(got), len(want))
	}
	if got, _ := os.ReadFile(errOut.Name()); string(got) != "to stderr" {
		t.Errorf("stderr %q", got)
	}
}

func tempFile(t *testing.T) *os.File {
	t.Helper()
	f, err := os.CreateTemp(t.TempDir(), "stream")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestNobodyThere(t *testing.T) {
	c := Client{Socket: filepath.Join(t.TempDir(), "none.sock")}
	if _, err := c.Ping(context.Background()); !errors.Is(err, ErrNotRunning) {
		t.Errorf("got %v, want ErrNotRunning", err)
	}
}

func TestStaleSocketIsNobody(t *testing.T) {
	path := filepath.Join(t.TempDir(), "stale.sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	if _, err := (Client{Socket: path}).Ping(context.Background()); !errors.Is(err, ErrNotRunning) {
		t.Errorf("got %v, want ErrNotRunning", err)
	}
}

func TestErrorsKeepCauseHintAndExitCode(t *testing.T) {
	f := newFake(t)
	f.mux.HandleFunc("POST /v1/jails", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusUnprocessableEntity)
		_ = json.NewEncoder(w).Encode(&api.Error{Message: "no such command", Hint: "add a line", ExitCode: 127})
	})
	_, _, err := f.client.Run(context.Background(), api.RunRequest{})
	var apiErr *api.Error
	if !errors.As(err, &apiErr) {
		t.Fatalf("got %v, want an *api.Error", err)
	}
	if apiErr.ExitCode != 127 || !strings.Contains(err.Error(), "no such command\n  add a line") {
		t.Errorf("got %+v", apiErr)
	}
}

func TestAnswerThatIsNoErrorIsStillAnError(t *testing.T) {
	f := newFake(t)
	f.mux.HandleFunc("GET /v1/ping", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadGateway)
		fmt.Fprint(w, "<html>")
	})
	if _, err := f.client.Ping(context.Background()); err == nil || !strings.Contains(err.Error(), "502") {
		t.Errorf("got %v", err)
	}
}

func TestCallEndsWithItsContext(t *testing.T) {
	f := newFake(t)
	reached := make(chan struct{})
	gone := make(chan struct{})
	f.mux.HandleFunc("GET /v1/jails/x/wait", func(_ http.ResponseWriter, r *http.Request) {
		close(reached)
		<-r.Context().Done()
		close(gone)
	})
	ctx, cancel := context.WithCancel(context.Background())
	go func() { <-reached; cancel() }()
	if _, err := f.client.Wait(ctx, "x", true); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	<-gone // the supervisor notices that its client went away
}

func TestTerminalMustComeAlone(t *testing.T) {
	if _, err := onePTY(nil, true); err == nil {
		t.Error("an answer without the terminal was accepted")
	}
	a, b := tempFile(t), tempFile(t)
	if _, err := onePTY([]*os.File{a, b}, true); err == nil {
		t.Error("two files were accepted as a terminal")
	}
	if _, err := a.Stat(); err == nil {
		t.Error("surplus files were left open")
	}
}

// resetting is a supervisor that is being killed: it takes connections and
// drops them, and then is gone.
func TestSupervisorThatIsBeingKilledIsNobody(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dying.sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 3 {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Close() // with unread bytes: the peer sees a reset
		}
		l.Close()
	}()
	if _, err := (Client{Socket: path}).settledPing(context.Background()); !errors.Is(err, ErrNotRunning) {
		t.Errorf("got %v, want ErrNotRunning", err)
	}
	<-done
}
