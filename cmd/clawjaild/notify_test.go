package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// manager is the service manager's socket.
func manager(t *testing.T) *net.UnixConn {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	return conn
}

func receive(t *testing.T, conn *net.UnixConn) string {
	t.Helper()
	buf := make([]byte, 256)
	n, err := conn.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	return string(buf[:n])
}

func TestWatchdogDependsOnTheLoop(t *testing.T) {
	conn := manager(t)
	log := slog.New(slog.DiscardHandler)
	answers := []error{errors.New("it hangs"), nil}
	for _, err := range answers {
		signOfLife(t.Context(), time.Hour, log, func(context.Context) error { return err })
	}
	notify("END=1")
	// Datagrams of one sender keep their order: nothing was sent before these.
	if first, second := receive(t, conn), receive(t, conn); first != "WATCHDOG=1" || second != "END=1" {
		t.Errorf("the service manager was told %q, then %q", first, second)
	}
}

// TestWatchdogDoesNotWaitForever: a loop that never answers misses the sign of
// life and holds up nobody.
func TestWatchdogDoesNotWaitForever(t *testing.T) {
	conn := manager(t)
	signOfLife(t.Context(), time.Nanosecond, slog.New(slog.DiscardHandler), func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	})
	notify("END=1")
	if got := receive(t, conn); got != "END=1" {
		t.Errorf("the service manager was told %q", got)
	}
}

func TestWatchdogRuns(t *testing.T) {
	conn := manager(t)
	t.Setenv("WATCHDOG_USEC", "2000")
	stop := startWatchdog(t.Context(), slog.New(slog.DiscardHandler), func(context.Context) error { return nil })
	defer stop()
	for range 3 {
		if got := receive(t, conn); got != "WATCHDOG=1" {
			t.Errorf("the service manager was told %q", got)
		}
	}
}

func TestWatchdogInterval(t *testing.T) {
	self := strconv.Itoa(os.Getpid())
	tests := []struct {
		name, usec, pid string
		want            time.Duration
	}{
		{"asked for", "30000000", "", 30 * time.Second},
		{"asked of this process", "30000000", self, 30 * time.Second},
		{"asked of another process", "30000000", "1", 0},
		{"not asked for", "", "", 0},
		{"not a number", "soon", self, 0},
		{"negative", "-1", "", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("WATCHDOG_USEC", tt.usec)
			t.Setenv("WATCHDOG_PID", tt.pid)
			if got := watchdogInterval(); got != tt.want {
				t.Errorf("%s", got)
			}
		})
	}
}
