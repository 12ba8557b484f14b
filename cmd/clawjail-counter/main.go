package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"clawjail/seccomp/service"
	"clawjail/supervisor/limit"
	"clawjail/supervisor/limit/counter"
	"clawjail/supervisor/limit/shared"
)

// version is set by the linker.
var version = "dev"

// maxCalls bounds the calls that wait for the store at the same time.
const maxCalls = 256

func main() {
	if len(os.Args) > 1 && os.Args[1] == "--version" {
		fmt.Println("clawjail-counter", version)
		return
	}
	if err := run(); err != nil {
		fmt.Fprintf(os.Stderr, "clawjail-counter: %v\n", err)
		os.Exit(1)
	}
}

// run serves the socket that the supervisor gave.
func run() error {
	f := os.NewFile(3, "supervisor")
	conn, err := net.FileConn(f)
	_ = f.Close()
	if err != nil {
		return errors.New("it is started by clawjaild, which gives it a socket")
	}
	defer conn.Close()
	if err := harden(); err != nil {
		return err
	}
	lines := bufio.NewScanner(conn)
	lines.Buffer(make([]byte, 0, 4096), counter.MaxLine)
	if !lines.Scan() {
		return errors.New("no settings came")
	}
	var s counter.Settings
	if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
		return fmt.Errorf("read the settings: %w", err)
	}
	o := shared.Options{Addrs: s.Addrs, Username: s.Username, Password: s.Password}
	if s.TLS {
		o.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
		if s.CA != "" {
			o.TLS.RootCAs = x509.NewCertPool()
			if !o.TLS.RootCAs.AppendCertsFromPEM([]byte(s.CA)) {
				return errors.New("action_limits.redis_ca_file has no certificate in PEM")
			}
		}
	}
	store, err := shared.Open(o)
	if err != nil {
		return err
	}
	defer store.Close()
	return serve(conn, lines, store, s.Begin)
}

// harden refuses to be root, keeps the password out of sight of others of the same
// user, and puts the process under its filter, before anything of the store is
// read: from then on it asks servers, and can do nothing else.
func harden() error {
	if os.Geteuid() == 0 || os.Getuid() == 0 {
		return errors.New("it must not run as root")
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return os.NewSyscallError("prctl", err)
	}
	return service.Install(service.Counter)
}

// serve answers calls, several at a time.
func serve(conn net.Conn, lines *bufio.Scanner, store *shared.Store, begin bool) error {
	var write sync.Mutex
	var work sync.WaitGroup
	defer work.Wait()
	places := make(chan struct{}, maxCalls)
	var first sync.Mutex // held while the store is begun
	for lines.Scan() {
		var c counter.Call
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			return fmt.Errorf("read a call: %w", err)
		}
		places <- struct{}{}
		work.Go(func() {
			defer func() { <-places }()
			r := answer(store, c)
			if begin && r.Error != "" && !r.Away {
				first.Lock()
				if store.Begin(context.Background()) == nil {
					r = answer(store, c)
				}
				first.Unlock()
			}
			b, err := json.Marshal(r)
			if err != nil {
				return
			}
			write.Lock()
			defer write.Unlock()
			_, _ = conn.Write(append(b, '\n')) // an error is the supervisor's end
		})
	}
	return lines.Err()
}

// answer does one call.
func answer(store *shared.Store, c counter.Call) counter.Reply {
	r := counter.Reply{ID: c.ID}
	var err error
	switch claims := c.List(); c.Mode {
	case counter.Take:
		r.Over, r.Used, err = store.TakeAll(claims)
	case counter.Room:
		r.Over, r.Used, err = store.Room(claims)
	case counter.Add:
		err = store.Add(claims)
		r.Used = make([]int64, len(claims))
	default:
		err = fmt.Errorf("no such mode %q", c.Mode)
	}
	if err != nil {
		return counter.Reply{ID: c.ID, Error: err.Error(), Away: errors.Is(err, limit.ErrAway)}
	}
	return r
}
