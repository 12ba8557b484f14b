package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/seccomp/service"
	"clawjail/supervisor/client"
	"clawjail/supervisor/config"
	"clawjail/supervisor/config/file"
	"clawjail/supervisor/gateway"
	"clawjail/supervisor/notify/send"
	"clawjail/supervisor/sink/otlp"
)

// version is set by the linker.
var version = "dev"

func main() {
	if len(os.Args) == 2 && os.Args[1] == signInArg {
		if err := runSignIn(); err != nil {
			fmt.Fprintln(os.Stderr, "clawjail-gateway: sign-in:", err)
			os.Exit(1)
		}
		return
	}
	if len(os.Args) == 2 && os.Args[1] == judgeArg {
		if err := judgePassword(os.Stdin); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	listen := flag.String("listen", gateway.DefaultListen, "address to serve /metrics on")
	socket := flag.String("socket", config.Default().StatsSocket(), "socket of the supervisor for counters")
	user := flag.String("user", "", "who to become when started as root: a name, uid or uid:gid (default: users.gateway of the configuration)")
	path := flag.String("config", "", "configuration file, read when started as root (default: "+config.DefaultPath+" if it exists)")
	show := flag.Bool("version", false, "print the version")
	flag.Parse()
	switch {
	case *show:
		fmt.Println("clawjail-gateway", version)
		return
	case flag.NArg() > 0:
		fmt.Fprintf(os.Stderr, "clawjail-gateway: unexpected argument %q\n", flag.Arg(0))
		os.Exit(2)
	}
	if err := run(*listen, *socket, *user, *path); err != nil {
		fmt.Fprintln(os.Stderr, "clawjail-gateway:", err)
		os.Exit(1)
	}
}

func run(listen, socket, user, path string) error {
	confined, err := gateway.Confined()
	if err != nil {
		return err
	}
	if !confined {
		a, err := prepare(user, path)
		if err != nil {
			return err
		}
		return gateway.Reexec(a, os.Args, os.Environ())
	}
	if err := gateway.Harden(); err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGTERM, unix.SIGINT)
	defer stop()
	supervisor := client.Client{Socket: socket}
	// The library for chats uses the process's transport, and knows no bounds.
	http.DefaultTransport = send.NewBounded(nil)
	sender, err := send.NewSender(supervisor, nil, log)
	if err != nil {
		return err
	}
	collector := gateway.NewCollector(supervisor.Stats, version, func(err error) {
		if err != nil {
			log.Warn("the supervisor does not answer", "error", err)
			return
		}
		log.Info("the supervisor answers")
	})
	page, err := openConsole(log, socket, supervisor.Stats)
	if err != nil {
		return fmt.Errorf("the console: %w", err)
	}
	handler, err := gateway.Handler(collector, log, page.metrics()...)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", listen)
	if err != nil {
		if errors.Is(err, unix.EACCES) {
			return fmt.Errorf("%w: the gateway has no privileges when it listens, choose a port from 1024 on", err)
		}
		return err
	}
	// The last thing that is opened is open, and nobody was answered yet.
	if err := service.Install("gateway"); err != nil {
		return err
	}
	log.Info("serving metrics", "address", l.Addr().String(), "uid", os.Getuid())
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		var work sync.WaitGroup
		work.Go(func() { sender.Run(ctx) })
		work.Go(func() { otlp.Run(ctx, supervisor, &http.Client{Transport: http.DefaultTransport}, log) })
		work.Wait()
	}()
	served := make(chan error, 2)
	go func() { served <- gateway.Serve(ctx, l, handler, log) }()
	running := 1
	if page != nil {
		running++
		go func() { served <- page.run(ctx, log) }()
	}
	err = <-served
	stop()
	for range running - 1 {
		err = errors.Join(err, <-served)
	}
	select {
	case <-sent:
	case <-time.After(stopTime): // what is being sent may be sent again
	}
	return err
}

// stopTime bounds the wait for what is being sent, at the end.
const stopTime = 2 * time.Second

// prepare does what takes root, and says who to become: what the operator says
// here, else what the configuration says, which is who the supervisor lets read
// its counters. Whoever is not root has no console: its keys are root's.
func prepare(user, path string) (gateway.Account, error) {
	if os.Geteuid() != 0 {
		return gateway.ParseAccount(cmp.Or(user, gateway.DefaultUser))
	}
	self, err := os.Executable()
	if err != nil {
		return gateway.Account{}, err
	}
	if user != "" && path == "" {
		return gateway.ParseAccount(user)
	}
	c, err := file.Load(context.Background(), path, filepath.Join(filepath.Dir(self), "clawjail"))
	if err != nil {
		return gateway.Account{}, err
	}
	if user != "" {
		a, err := gateway.ParseAccount(user)
		if err != nil {
			return a, err
		}
		c.GatewayUID, c.GatewayGID = uint32(a.UID), uint32(a.GID)
	}
	if err := prepareConsole(c); err != nil {
		return gateway.Account{}, fmt.Errorf("the console: %w", err)
	}
	return gateway.Account{UID: int(c.GatewayUID), GID: int(c.GatewayGID)}, nil
}
