package web

import (
	"context"
	"crypto/tls"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/netutil"

	"clawjail/supervisor/api"
	"clawjail/supervisor/config"
	"clawjail/supervisor/gateway/auth/wire"
)

const (
	maxConns    = 512
	maxHeader   = 16 << 10
	maxBody     = 64 << 10
	stopTime    = 2 * time.Second
	sessionMore = 100 // how many times what a stranger may, a session may
)

// Options are what a Server needs.
type Options struct {
	Auth      *wire.Client
	Socket    string // the supervisor's, for the gateway
	Origin    string // https://host:port of the console
	Requests  int    // of one client in Window
	Window    time.Duration
	Stats     func(context.Context) (api.Stats, error)
	Overrides []config.Override
	// NeedsStepUp says what the supervisor wants a fresh second factor for, so
	// that pages ask for it. It is the supervisor that refuses.
	NeedsStepUp func(critical bool) bool
	// Count is told what came of every attempt to sign in, one of Outcomes. The
	// log has fewer records than that: it folds what is refused.
	Count   func(outcome string)
	Expires time.Time // the certificate; zero: a proxy has TLS
	Version string
	Logger  *slog.Logger
	TLS     *tls.Config // nil: a proxy on this host has it
}

// Server is the console.
type Server struct {
	opt                 Options
	up                  *upstream
	pages               map[string]*template.Template
	strangers, sessions *limiter
	renewed             *renewals
	live                *liveViews
}

//go:embed pages/*.html
var pageFiles embed.FS

//go:embed assets
var assetFiles embed.FS

// New makes a Server.
func New(o Options) (*Server, error) {
	if o.NeedsStepUp == nil {
		o.NeedsStepUp = func(bool) bool { return false }
	}
	if o.Count == nil {
		o.Count = func(string) {}
	}
	s := &Server{opt: o, up: newUpstream(o.Socket, o.Auth), strangers: newLimiter(o.Requests, o.Window), sessions: newLimiter(o.Requests*sessionMore, o.Window),
		renewed: &renewals{done: map[string]*renewal{}}, live: newLiveViews()}
	var err error
	s.pages, err = parsePages()
	return s, err
}

// Serve answers on l until ctx ends, and closes l.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	srv := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    maxHeader,
		TLSConfig:         s.opt.TLS,
		ErrorLog:          slog.NewLogLogger(s.opt.Logger.Handler(), slog.LevelDebug), // strangers' handshakes
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	served := make(chan error, 1)
	limited := netutil.LimitListener(l, maxConns)
	go func() {
		if s.opt.TLS != nil {
			served <- srv.ServeTLS(limited, "", "")
			return
		}
		served <- srv.Serve(limited)
	}()
	select {
	case err := <-served:
		return fmt.Errorf("serve the console: %w", err)
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	err := srv.Shutdown(stop)
	if errors.Is(err, context.DeadlineExceeded) {
		err = srv.Close()
	}
	<-served
	return err
}

// Handler is all of the console.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	assets, err := fs.Sub(assetFiles, "assets")
	if err == nil {
		mux.Handle("GET /assets/", http.StripPrefix("/assets/", http.FileServerFS(assets)))
	}
	s.pageRoutes(mux)
	s.apiRoutes(mux)
	return s.secure(http.MaxBytesHandler(mux, maxBody))
}

// secure sets what every answer has, and refuses changes from elsewhere.
func (s *Server) secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "+
			"base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		// Not no-referrer: with it browsers send "Origin: null" with a form.
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), publickey-credentials-get=(self), publickey-credentials-create=(self)")
		if !strings.HasPrefix(r.URL.Path, "/assets/") {
			h.Set("Cache-Control", "no-store")
		}
		if strings.HasPrefix(s.opt.Origin, "https://") && !strings.HasPrefix(s.opt.Origin, "https://localhost") {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead && r.Header.Get("Authorization") == "" &&
			!strings.HasPrefix(r.URL.Path, "/api/") && r.Header.Get("Origin") != s.opt.Origin {
			http.Error(w, "this came from another page; open the console at "+s.opt.Origin, http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// limited counts a request of a stranger. It has answered when ok is false.
func (s *Server) limited(w http.ResponseWriter, l *limiter, key string) bool {
	wait, ok := l.take(key, time.Now())
	if !ok {
		w.Header().Set("Retry-After", strconv.Itoa(int(wait.Seconds())+1))
		http.Error(w, "too many requests; try again in "+wait.Round(time.Second).String(), http.StatusTooManyRequests)
	}
	return !ok
}
