package main

import (
	"context"
	"log/slog"
	"net"
	"os"
	"strconv"
	"sync"
	"time"
)

// notify tells the service manager something, when there is one
// (sd_notify(3): a datagram to the socket that the environment names).
func notify(state string) {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" {
		return
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = conn.Write([]byte(state))
}

// watchdogInterval is how often the service manager wants a sign of life from
// this process; 0 when it wants none (sd_watchdog_enabled(3)).
func watchdogInterval() time.Duration {
	usec, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64)
	if err != nil || usec <= 0 {
		return 0
	}
	if pid := os.Getenv("WATCHDOG_PID"); pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return 0
	}
	return time.Duration(usec) * time.Microsecond
}

// startWatchdog sends the service manager signs of life at half the interval
// that it asks for. alive must return within that half, or there is none. The
// returned function ends that.
func startWatchdog(ctx context.Context, log *slog.Logger, alive func(context.Context) error) func() {
	half := watchdogInterval() / 2
	if half == 0 {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() {
		tick := time.NewTicker(half)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				signOfLife(ctx, half, log, alive)
			case <-ctx.Done():
				return
			}
		}
	})
	return func() { cancel(); done.Wait() }
}

// signOfLife asks whether the supervisor still works, and passes that on. One
// that hangs says nothing, and the service manager restarts it.
func signOfLife(ctx context.Context, patience time.Duration, log *slog.Logger, alive func(context.Context) error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := alive(ctx); err != nil {
		log.Error("no sign of life for the service manager: the supervisor's loop does not turn", "error", err)
		return
	}
	notify("WATCHDOG=1")
}
