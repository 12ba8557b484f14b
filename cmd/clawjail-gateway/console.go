package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/seccomp/service"
	"clawjail/supervisor/api"
	"clawjail/supervisor/assert"
	"clawjail/supervisor/child"
	"clawjail/supervisor/client"
	"clawjail/supervisor/config"
	"clawjail/supervisor/config/secret"
	"clawjail/supervisor/gateway"
	"clawjail/supervisor/gateway/auth"
	"clawjail/supervisor/gateway/auth/store"
	"clawjail/supervisor/gateway/auth/wire"
	"clawjail/supervisor/gateway/certificate"
	"clawjail/supervisor/gateway/web"
)

// handoverEnv names the descriptor in which root left what the console needs,
// and the one that ends with the sign-in process.
const handoverEnv = "CLAWJAIL_CONSOLE"

// signInArg has this program be the sign-in process.
const signInArg = "sign-in"

// Descriptors of the sign-in process, as exec.Cmd numbers them.
const (
	signInListener = 3 + iota
	signInHandover
	signInLifeline
)

// handover is what root read for the process that cannot.
type handover struct {
	Config      config.Config
	Certificate []byte
	Key         []byte
	Address     string // of the sign-in process
}

// signIn is likewise for the sign-in process. It alone has the secret.
type signIn struct {
	Config config.Config
	Secret []byte
}

// prepareConsole is root's part: it reads what only root may, starts the
// sign-in process and leaves the rest for the gateway. Without a console it does
// nothing.
func prepareConsole(c config.Config) error {
	if !c.Console() {
		return nil
	}
	key, err := secret.Token(c.AuthSecretFile)
	if err != nil {
		return fmt.Errorf("auth.secret_file: %w", err)
	}
	h := handover{Config: c, Address: "@clawjail-sign-in-" + rand.Text()}
	if c.TLS {
		if h.Certificate, h.Key, err = readCertificate(c); err != nil {
			return err
		}
	}
	if err := userDir(c); err != nil {
		return err
	}
	lifeline, err := startSignIn(c, key, h.Address)
	if err != nil {
		return fmt.Errorf("start the sign-in process: %w", err)
	}
	blob, err := leave(h)
	if err != nil {
		return err
	}
	// Both stay open beyond the execution of this program by itself.
	for _, fd := range []int{blob, lifeline} {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, 0); err != nil {
			return os.NewSyscallError("fcntl", err)
		}
	}
	return os.Setenv(handoverEnv, strconv.Itoa(blob)+" "+strconv.Itoa(lifeline))
}

// readCertificate reads certificate and key, and refuses what cannot be used
// before any privilege is gone.
func readCertificate(c config.Config) (cert, key []byte, err error) {
	path, err := secret.Path(c.Certificate)
	if err != nil {
		return nil, nil, fmt.Errorf("network.certificate: %w", err)
	}
	if cert, err = os.ReadFile(path); err != nil {
		return nil, nil, fmt.Errorf("network.certificate: %w\n  make it: clawjail config init", err)
	}
	if key, err = secret.Read(c.Key); err != nil {
		return nil, nil, fmt.Errorf("network.key: %w", err)
	}
	_, _, err = certificate.Load(cert, key, c.Name, time.Now())
	return cert, key, err
}

// userDir makes the place where the sign-in keeps the users.
func userDir(c config.Config) error {
	dir := c.UserDir()
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return os.Lchown(dir, int(c.AuthUID), int(c.AuthGID))
}

// startSignIn starts the sign-in process as its own user, with nothing but its
// socket. It gives the descriptor that says when it has ended; closing it ends
// the process.
func startSignIn(c config.Config, key []byte, address string) (lifeline int, err error) {
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: address, Net: "unix"})
	if err != nil {
		return 0, err
	}
	defer l.Close()
	socket, err := l.File()
	if err != nil {
		return 0, err
	}
	defer socket.Close()
	blob, err := leave(signIn{Config: c, Secret: key})
	if err != nil {
		return 0, err
	}
	handed := os.NewFile(uintptr(blob), "handover")
	defer handed.Close()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, os.NewSyscallError("socketpair", err)
	}
	theirs := os.NewFile(uintptr(pair[1]), "lifeline")
	defer theirs.Close()
	cmd := exec.Command("/proc/self/exe", signInArg)
	cmd.Args[0] = "clawjail-gateway"
	cmd.Env = []string{}
	cmd.Dir = "/"
	cmd.Stderr = os.Stderr
	cmd.ExtraFiles = []*os.File{socket, handed, theirs}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: c.AuthUID, Gid: c.AuthGID, Groups: []uint32{}}}
	return pair[0], child.Start(cmd)
}

// leave writes a value into memory that can be handed on as a descriptor.
func leave(v any) (int, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return 0, err
	}
	fd, err := unix.MemfdCreate("clawjail", unix.MFD_CLOEXEC)
	if err != nil {
		return 0, os.NewSyscallError("memfd_create", err)
	}
	for at := 0; at < len(b); {
		n, err := unix.Pwrite(fd, b[at:], int64(at))
		if err != nil {
			return 0, os.NewSyscallError("pwrite", err)
		}
		at += n
	}
	return fd, nil
}

// maxHandover bounds what was left: a configuration, a certificate chain, a key.
const maxHandover = 1 << 20

// take reads what was left, and closes it.
func take(fd int, v any) error {
	f := os.NewFile(uintptr(fd), "handover")
	defer f.Close()
	b, err := io.ReadAll(io.NewSectionReader(f, 0, maxHandover))
	if err != nil {
		return fmt.Errorf("read what root left: %w", err)
	}
	return json.NewDecoder(bytes.NewReader(b)).Decode(v)
}

// console is the gateway's part: the server, ready to be served, or nil.
type console struct {
	handover
	server   *web.Server
	listener net.Listener
	lifeline int
	expires  time.Time
	signIns  *gateway.Counts
}

// openConsole takes what root left.
func openConsole(log *slog.Logger, socket string, stats func(context.Context) (api.Stats, error)) (*console, error) {
	left := os.Getenv(handoverEnv)
	if left == "" {
		return nil, nil
	}
	if err := os.Unsetenv(handoverEnv); err != nil {
		return nil, err
	}
	c := &console{signIns: gateway.NewCounts("clawjail_console_sign_ins_total",
		"Attempts to sign in to the console, by what came of them; the audit log folds those that are refused.", "outcome", web.Outcomes()...)}
	var blob int
	if _, err := fmt.Sscanf(left, "%d %d", &blob, &c.lifeline); err != nil {
		return nil, fmt.Errorf("%s=%q: %w", handoverEnv, left, err)
	}
	unix.CloseOnExec(c.lifeline)
	if err := take(blob, &c.handover); err != nil {
		return nil, err
	}
	o := web.Options{Auth: wire.Dial(c.Address), Socket: socket, Origin: c.Config.Origin(), Requests: c.Config.RateRequests, Window: time.Duration(c.Config.RateWindow),
		Stats: stats, Overrides: c.Config.Overrides(), NeedsStepUp: c.Config.NeedsStepUp, Count: c.signIns.Add, Version: version, Logger: log}
	if c.Config.TLS {
		var err error
		if o.TLS, c.expires, err = certificate.Load(c.Certificate, c.Key, c.Config.Name, time.Now()); err != nil {
			return nil, err
		}
		o.Expires = c.expires
		if left := time.Until(c.expires); left < certificate.Soon {
			log.Warn("the console's certificate is about to expire", "days", int(left.Hours()/24), "mend", "clawjail config init --new-certificate")
		}
	}
	var err error
	if c.server, err = web.New(o); err != nil {
		return nil, err
	}
	c.listener, err = net.Listen("tcp", c.Config.Listen)
	return c, err
}

// run serves the console until ctx ends, or the sign-in process does.
func (c *console) run(ctx context.Context, log *slog.Logger) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	// The runtime's poller has it, so that reading it waits for nobody.
	if err := unix.SetNonblock(c.lifeline, true); err != nil {
		return os.NewSyscallError("fcntl", err)
	}
	line := os.NewFile(uintptr(c.lifeline), "lifeline")
	defer line.Close()
	go func() {
		_, _ = line.Read(make([]byte, 1)) // it never says anything
		cancel(errors.New("the sign-in process ended; its log says why"))
	}()
	log.Info("serving the console", "address", c.listener.Addr().String(), "origin", c.Config.Origin())
	err := c.server.Serve(ctx, c.listener)
	if cause := context.Cause(ctx); err == nil && !errors.Is(cause, context.Canceled) {
		err = cause
	}
	return err
}

// runSignIn is the sign-in process.
func runSignIn() error {
	var h signIn
	if err := take(signInHandover, &h); err != nil {
		return err
	}
	if err := gateway.Harden(); err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	keys, err := assert.New(h.Secret)
	if err != nil {
		return err
	}
	users, err := store.Open(h.Config.UserDir())
	if err != nil {
		return err
	}
	s, err := auth.New(auth.Options{Store: users, Keys: keys, Name: h.Config.Name, Origin: h.Config.Origin(), AllMFA: h.Config.AuthMFA == config.MFAAll,
		AccessLife: time.Duration(h.Config.AuthAccess), SessionLife: time.Duration(h.Config.AuthSession), Logger: log,
		Record: client.Client{Socket: h.Config.SignInSocket()}.RecordPeople})
	if err != nil {
		return err
	}
	f := os.NewFile(signInListener, "listener")
	l, err := net.FileListener(f)
	_ = f.Close()
	if err != nil {
		return err
	}
	if err := unix.SetNonblock(signInLifeline, true); err != nil {
		return os.NewSyscallError("fcntl", err)
	}
	line := os.NewFile(signInLifeline, "lifeline")
	// Nobody was answered yet.
	if err := service.Install(service.SignIn); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = line.Read(make([]byte, 1)) // it ends with the gateway
		cancel()
	}()
	log.Info("signing people in", "users", h.Config.UserDir(), "uid", os.Getuid())
	return s.Serve(ctx, l, h.Config.GatewayUID)
}

// metrics are the console's: who tried to sign in, and when its certificate
// expires.
func (c *console) metrics() []gateway.Metric {
	if c == nil {
		return nil
	}
	if c.expires.IsZero() {
		return []gateway.Metric{c.signIns}
	}
	return []gateway.Metric{c.signIns, gateway.Gauge("clawjail_console_certificate_expiry_timestamp_seconds", "When the console's certificate expires.", float64(c.expires.Unix()))}
}
