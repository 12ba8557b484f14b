package store

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"clawjail/supervisor/assert"
)

func open(t *testing.T) (*Store, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "users")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s, dir
}

func add(t *testing.T, s *Store, u User) {
	t.Helper()
	if err := s.Update(func(us []User) ([]User, error) { return append(us, u), nil }); err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsKeptIsSeenByOthers(t *testing.T) {
	a, dir := open(t)
	b, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	add(t, a, User{Name: "bob", Role: assert.Viewer})
	add(t, b, User{Name: "alice", Role: assert.Admin})
	us, err := a.List()
	if err != nil || len(us) != 2 || us[0].Name != "alice" {
		t.Fatalf("%v, %v", us, err)
	}
	if err := a.Change("bob", func(u *User) error { u.Disabled = true; return nil }); err != nil {
		t.Fatal(err)
	}
	if u, err := b.Get("bob"); err != nil || !u.Disabled {
		t.Errorf("%+v, %v", u, err)
	}
	if _, err := b.Get("eve"); !errors.Is(err, ErrUnknown) {
		t.Error(err)
	}
	info, err := os.Stat(filepath.Join(dir, fileName))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestNothingIsWrittenThatCannotBe(t *testing.T) {
	s, _ := open(t)
	add(t, s, User{Name: "alice", Role: assert.Admin})
	for name, fn := range map[string]func([]User) ([]User, error){
		"an error":       func([]User) ([]User, error) { return nil, errors.New("no") },
		"a double":       func(u []User) ([]User, error) { return append(u, u[0]), nil },
		"a bad name":     func(u []User) ([]User, error) { return append(u, User{Name: "A B", Role: assert.Viewer}), nil },
		"an odd role":    func(u []User) ([]User, error) { return append(u, User{Name: "b", Role: "root"}), nil },
		"too many users": func(u []User) ([]User, error) { return make([]User, MaxUsers+1), nil },
	} {
		if s.Update(fn) == nil {
			t.Errorf("%s is written", name)
		}
	}
	if us, err := s.List(); err != nil || len(us) != 1 {
		t.Errorf("%v, %v", us, err)
	}
}

// TestDamage: every single wrong byte, and every shorter file, is seen.
func TestDamage(t *testing.T) {
	s, dir := open(t)
	add(t, s, User{Name: "alice", Role: assert.Admin})
	path := filepath.Join(dir, fileName)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 4
		if _, err := decode(bad); err == nil {
			t.Errorf("byte %d may be wrong", i)
		}
		if _, err := decode(good[:i]); err == nil {
			t.Errorf("%d bytes are enough", i)
		}
	}
	if err := os.WriteFile(path, good[:len(good)-1], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "backup") {
		t.Error(err)
	}
	if s.Change("alice", func(*User) error { return nil }) == nil {
		t.Error("a damaged file is overwritten")
	}
}

func TestOthersMayNotRead(t *testing.T) {
	_, dir := open(t)
	if err := os.Chmod(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "chmod 700") {
		t.Error(err)
	}
}

func TestChangesAtTheSameTime(t *testing.T) {
	a, dir := open(t)
	add(t, a, User{Name: "alice", Role: assert.Admin})
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			s, err := Open(dir)
			if err == nil {
				err = s.Change("alice", func(u *User) error { u.Recovery = append(u.Recovery, fmt.Sprint(i)); return nil })
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if u, err := a.Get("alice"); err != nil || len(u.Recovery) != 20 {
		t.Errorf("%d, %v", len(u.Recovery), err)
	}
}

func TestSessions(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	var u User
	for i := range MaxSessions + 3 {
		at := now.Add(time.Duration(i) * time.Second)
		u.AddSession(Session{ID: fmt.Sprint(i), Created: at, Used: at, Expires: at.Add(time.Hour)})
	}
	if len(u.Sessions) != MaxSessions || u.Session("0", now) != nil || u.Session("18", now) == nil {
		t.Errorf("%d sessions", len(u.Sessions))
	}
	if u.Session("18", now.Add(2*time.Hour)) != nil {
		t.Error("a session that is over")
	}
	u.EndSession("18")
	if u.Session("18", now) != nil {
		t.Error("it did not end")
	}
	u.EndSession("")
	if len(u.Sessions) != 0 {
		t.Error("some did not end")
	}
}
