//go:build kernel

package herald

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clawjail/audit"
	"clawjail/supervisor/config"
	"clawjail/supervisor/notify"
)

// heard is a Herald with what it records.
type heard struct {
	*Herald
	records chan string
	dir     string
}

func secretFile(t *testing.T, dir, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(dir, fmt.Sprintf("secret-%d", mode))
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func open(t *testing.T, dir string, channels ...config.Channel) heard {
	t.Helper()
	h := heard{records: make(chan string, 100), dir: dir}
	var err error
	h.Herald, err = Open(Options{Channels: channels, Path: filepath.Join(dir, "notify.db"), Log: slog.New(slog.DiscardHandler),
		Record: func(r audit.Record) {
			h.records <- r.Subject.Op + " " + r.Subject.Message
		}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); h.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done; h.Close() })
	return h
}

func incident(severity string) notify.Message {
	return notify.Message{Category: notify.Incident, Event: "opened", Severity: severity, Title: "t", Text: "x", Jail: "j"}
}

func TestChannelsAreChosen(t *testing.T) {
	dir := t.TempDir()
	url := secretFile(t, dir, "https://hooks.example.org/notasecret\n", 0o600)
	h := open(t, dir,
		config.Channel{Name: "all", Kind: config.Slack, URLFile: url},
		config.Channel{Name: "bad", Kind: config.Slack, URLFile: url, Severity: "critical"},
		config.Channel{Name: "asks", Kind: config.Slack, URLFile: url, Categories: []string{"approval", "notice"}})
	tests := []struct {
		m    notify.Message
		want string
	}{
		{incident("low"), "all"},
		{incident("critical"), "all bad"},
		{notify.Message{Category: notify.Approval, Event: "asked"}, "asks"},
		{notify.Message{Category: notify.Notice, Event: "told"}, "asks"},
		{notify.Message{Category: notify.Health, Event: "log"}, ""},
	}
	for _, tt := range tests {
		h.Tell(tt.m)
		if tt.want == "" {
			continue
		}
		due := h.Due(t.Context())
		var got []string
		for _, d := range due.Deliveries {
			got = append(got, d.Channel)
			h.Report(notify.Report{ID: d.ID})
			if r := <-h.records; !strings.Contains(r, "sent to "+d.Channel) {
				t.Errorf("recorded %q", r)
			}
		}
		if strings.Join(got, " ") != tt.want || len(due.Routes) != len(got) || due.Routes[0].URL != "https://hooks.example.org/notasecret" {
			t.Errorf("%s %s: %v, want %s", tt.m.Category, tt.m.Severity, got, tt.want)
		}
	}
	if _, waiting := h.Status(); len(waiting) != 0 {
		t.Errorf("%+v", waiting)
	}
	if h.Counts()[Count{config.Slack, notify.Sent}] != 5 {
		t.Errorf("%v", h.Counts())
	}
	for category, want := range map[string]bool{"incident": true, "approval": true, "health": false} {
		if h.Wanted(category) != want {
			t.Errorf("%s wanted: %v", category, !want)
		}
	}
}

func TestCommand(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	h := open(t, dir,
		config.Channel{Name: "good", Kind: config.Run, User: "root", Command: []string{"/bin/sh", "-c", "cat > " + out}},
		config.Channel{Name: "hangs", Kind: config.Run, Timeout: config.Duration(time.Second), Command: []string{"/bin/sh", "-c", "echo no; sleep 1000"}})
	h.Tell(incident("high"))
	for range 2 {
		switch r := <-h.records; {
		case strings.Contains(r, "sent to good (command)"):
			if b, err := os.ReadFile(out); err != nil || !strings.Contains(string(b), `"severity":"high"`) {
				t.Errorf("%s, %v", b, err)
			}
		case !strings.Contains(r, "could not be sent yet to hangs (command): killed after 1s: no"):
			t.Errorf("recorded %q", r)
		}
	}
	status, _ := h.Status()
	if status[1].Waiting != 1 || !strings.Contains(status[1].Error, "killed") || status[0].Error != "" {
		t.Errorf("%+v", status)
	}
}

func TestTest(t *testing.T) {
	h := open(t, t.TempDir(), config.Channel{Name: "page", Kind: config.Run, Command: []string{"/bin/false"}})
	if _, err := h.Test(t.Context(), "none", "me"); err == nil {
		t.Error("a channel that is not there: no error")
	}
	r, err := h.Test(t.Context(), "page", "me")
	if err != nil || r.Outcome != notify.Later || r.Delivery.Error != "exit code 1" {
		t.Errorf("%+v, %v", r, err)
	}
}

// What waited for a channel that is gone is given up, and recorded.
func TestChannelIsGone(t *testing.T) {
	dir := t.TempDir()
	url := secretFile(t, dir, "https://hooks.example.org/notasecret\n", 0o600)
	t.Run("before", func(t *testing.T) {
		h := open(t, dir, config.Channel{Name: "old", Kind: config.Slack, URLFile: url})
		h.Tell(incident("high"))
	})
	h := open(t, dir)
	if r := <-h.records; !strings.Contains(r, "given up for old (gone): its channel is no longer configured") {
		t.Errorf("recorded %q", r)
	}
}

func TestSecretsAreRoots(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(dir, "link")
	good := secretFile(t, dir, "https://hooks.example.org/notasecret\n", 0o600)
	if err := os.Symlink(good, link); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, path, want string
	}{
		{"read by others", secretFile(t, dir, "https://hooks.example.org/x", 0o644), "can be read by others"},
		{"read by a group", secretFile(t, dir, "https://hooks.example.org/x", 0o640), "can be read by others"},
		{"a link", link, "is a link"},
		{"nothing", filepath.Join(dir, "none"), "no such file"},
		{"too short", secretFile(t, dir, "x", 0o400), "one line of 8"},
		{"plain http", secretFile(t, dir, "http://hooks.example.org/x", 0o200), "https"},
	}
	for _, tt := range tests {
		_, err := Open(Options{Channels: []config.Channel{{Name: "c", Kind: config.Slack, URLFile: tt.path}}, Path: filepath.Join(dir, "x.db")})
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "channel c") {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}
