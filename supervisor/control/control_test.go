package control

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
)

func TestSecondListenerIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control.sock")
	first, err := Listen(path, -1, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(path, -1, 0); !errors.Is(err, ErrRunning) {
		t.Fatalf("second listener: %v, want ErrRunning", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Listen(path, -1, 0)
	if err != nil {
		t.Fatalf("after the first closed: %v", err)
	}
	_ = again.Close()
}

func TestStaleSocketIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control.sock")
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false) // as after kill -9
	if err := dead.Close(); err != nil {
		t.Fatal(err)
	}
	l, err := Listen(path, -1, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o600 {
		t.Errorf("socket mode %o, want 600", got)
	}
}

func TestFileInTheWayIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control.sock")
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(path, -1, 0); err == nil {
		t.Fatal("a file was replaced by a socket")
	}
	if b, _ := os.ReadFile(path); string(b) != "mine" {
		t.Errorf("file now holds %q", b)
	}
}

// pair connects a client and its server end over a socket of the test's own.
func pair(t *testing.T) (client, server *Conn) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "control.sock")
	l, err := Listen(path, -1, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err = Dial(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	server, ok := c.(*Conn)
	if !ok {
		t.Fatal("not a Conn")
	}
	t.Cleanup(func() { client.Close(); server.Close() })
	return client, server
}

func TestFilesArriveWithTheBytes(t *testing.T) {
	client, server := pair(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	client.SendFiles(w)
	if _, err := client.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 16)
	n, err := server.Read(buf)
	if err != nil || string(buf[:n]) != "hello" {
		t.Fatalf("read %q, %v", buf[:n], err)
	}
	files := server.TakeFiles()
	if len(files) != 1 {
		t.Fatalf("%d files arrived, want 1", len(files))
	}
	if _, err := files[0].Write([]byte("through")); err != nil {
		t.Fatal(err)
	}
	files[0].Close()
	got, err := io.ReadAll(r)
	if err != nil || string(got) != "through" {
		t.Errorf("read %q, %v", got, err)
	}
}

func TestSurplusFilesAreClosed(t *testing.T) {
	client, server := pair(t)
	var readers []*os.File
	for range 2 {
		var writers []*os.File
		for range MaxFiles {
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			readers, writers = append(readers, r), append(writers, w)
		}
		client.SendFiles(writers...)
		if _, err := client.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if _, err := server.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
	}
	// The second three were over the limit: their readers see the end at once.
	for i, r := range readers[MaxFiles:] {
		if b, err := io.ReadAll(r); err != nil || len(b) != 0 {
			t.Errorf("surplus pipe %d: %q, %v", i, b, err)
		}
	}
	files := server.TakeFiles()
	if len(files) != MaxFiles {
		t.Fatalf("%d files kept, want %d", len(files), MaxFiles)
	}
	for _, f := range files {
		f.Close()
	}
	for _, r := range readers {
		r.Close()
	}
}

func TestPeerIsTheKernelsWord(t *testing.T) {
	_, server := pair(t)
	peer, err := server.Peer()
	if err != nil {
		t.Fatal(err)
	}
	if peer.PID != os.Getpid() || peer.UID != uint32(os.Getuid()) {
		t.Errorf("peer %+v, want pid %d uid %d", peer, os.Getpid(), os.Getuid())
	}
}
