//go:build kernel

package launch

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Workspaces of other owners need root, which the kernel tests have.
func TestWhoTheAgentRunsAs(t *testing.T) {
	owned := func(uid, gid int) string {
		dir := t.TempDir()
		if err := os.Chown(dir, uid, gid); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	written := func(text string) string { // no text: no file
		path := filepath.Join(t.TempDir(), "config.yaml")
		if text == "" {
			return path
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	tests := []struct {
		name      string
		o         Options
		workspace string
		uid, gid  uint32
		idmap     bool
		want      string // part of an error
	}{
		{name: "the caller of sudo", o: Options{SudoUID: "54321", SudoGID: "54322"}, workspace: owned(0, 0), uid: 54321, gid: 54322},
		{name: "the caller that is not root", o: Options{EUID: 54321}, workspace: owned(0, 0), uid: 54321, gid: 54321},
		{name: "the owner of the workspace", o: Options{}, workspace: owned(54323, 54324), uid: 54323, gid: 54324},
		{name: "a user of its own in root's workspace", o: Options{Config: written("")}, workspace: owned(0, 0), uid: 64900, gid: 64900, idmap: true},
		{name: "the user that the configuration says", o: Options{Config: written("version: 1\nusers: {agent: {uid: 60123, gid: 60124}}\n")}, workspace: owned(0, 0), uid: 60123, gid: 60124, idmap: true},
		{name: "a configuration that cannot be used", o: Options{Config: written("version: 1\nusers: {agent: {uid: 0}}\n")}, workspace: owned(0, 0), want: "config.yaml:2:22: users.agent.uid is between"},
		{name: "--user by number comes first", o: Options{User: "54325", SudoUID: "54321"}, workspace: owned(54323, 54324), uid: 54325, gid: 54325},
		{name: "--user root is refused", o: Options{User: "root"}, workspace: owned(0, 0), want: "never runs as root"},
		{name: "--user 0 is refused", o: Options{User: "0"}, workspace: owned(0, 0), want: "never runs as root"},
		{name: "an unknown user is refused", o: Options{User: "no-such-user"}, workspace: owned(0, 0), want: "no such user"},
		{name: "root through sudo falls to the workspace", o: Options{SudoUID: "0"}, workspace: owned(54323, 54324), uid: 54323, gid: 54324},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			id, err := resolve(tt.o, tt.workspace)
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Fatalf("error %v, want one with %q", err, tt.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if id.uid != tt.uid || id.gid != tt.gid || id.idmap != tt.idmap {
				t.Errorf("got %+v", id)
			}
		})
	}
}
