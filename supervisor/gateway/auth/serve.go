package auth

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/net/netutil"
	"golang.org/x/sys/unix"

	"clawjail/supervisor/gateway/auth/wire"
)

const maxConns = 128

// Serve answers on l until ctx ends. Only processes of the user peer are.
func (s *Service) Serve(ctx context.Context, l net.Listener, peer uint32) error {
	srv := &http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    8 << 10,
		ErrorLog:          slog.NewLogLogger(s.opt.Logger.Handler(), slog.LevelWarn),
	}
	ctx, end := context.WithCancel(ctx)
	var journal sync.WaitGroup
	journal.Go(func() { s.journal.run(ctx, s.opt.Now) })
	defer journal.Wait()
	defer end()
	stop := context.AfterFunc(ctx, func() { _ = srv.Close() })
	defer stop()
	err := srv.Serve(netutil.LimitListener(only{l, peer}, maxConns))
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// only accepts connections of one user.
type only struct {
	net.Listener
	uid uint32
}

func (o only) Accept() (net.Conn, error) {
	for {
		c, err := o.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if uid, err := peerOf(c); err == nil && uid == o.uid {
			return c, nil
		}
		_ = c.Close()
	}
}

func peerOf(c net.Conn) (uint32, error) {
	u, ok := c.(*net.UnixConn)
	if !ok {
		return 0, errors.New("not a unix connection")
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return 0, err
	}
	var cred *unix.Ucred
	var credErr error
	if err := raw.Control(func(fd uintptr) {
		cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil {
		return 0, err
	}
	if credErr != nil {
		return 0, credErr
	}
	return cred.Uid, nil
}

func (s *Service) handler() http.Handler {
	mux := http.NewServeMux()
	add(mux, s, "sign-in", s.SignIn)
	add(mux, s, "passkey-begin", s.BeginPasskey)
	add(mux, s, "passkey-finish", s.FinishPasskey)
	add(mux, s, "refresh", s.Refresh)
	add(mux, s, "check", s.Check)
	add(mux, s, "assert", s.Assert)
	add(mux, s, "sign-out", s.SignOut)
	add(mux, s, "account", s.Account)
	add(mux, s, "end-session", s.EndSession)
	add(mux, s, "register-begin", s.BeginRegister)
	add(mux, s, "register-finish", s.FinishRegister)
	add(mux, s, "passkey-remove", s.RemovePasskey)
	add(mux, s, "password", s.ChangePassword)
	add(mux, s, "step-up", s.BeginStepUp)
	add(mux, s, "people", s.People)
	add(mux, s, "person", s.ChangePerson)
	return mux
}

func add[In, Out any](mux *http.ServeMux, s *Service, name string, fn func(In) (Out, error)) {
	mux.HandleFunc("POST /"+name, func(w http.ResponseWriter, r *http.Request) {
		var in In
		d := json.NewDecoder(http.MaxBytesReader(w, r.Body, wire.MaxBytes))
		d.DisallowUnknownFields()
		if err := d.Decode(&in); err != nil {
			reply(w, http.StatusBadRequest, refuse(http.StatusBadRequest, "decode the request: %v", err))
			return
		}
		out, err := fn(in)
		var refused *wire.Refusal
		switch {
		case errors.As(err, &refused):
			reply(w, refused.Status, refused)
		case err != nil:
			s.opt.Logger.Error("sign-in", "request", name, "error", err)
			reply(w, http.StatusInternalServerError, refuse(http.StatusInternalServerError, "nobody can sign in at the moment; the log of clawjail-gateway says why"))
		default:
			reply(w, http.StatusOK, out)
		}
	})
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a gateway that went away asks again
}
