package seal

import (
	"bytes"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// log is a Source that counts its flushes.
type log struct {
	seq    uint64
	head   string
	synced int
	err    error
}

func (l *log) Head() (uint64, string) { return l.seq, l.head }
func (l *log) Sync() error            { l.synced++; return l.err }

var head = strings.Repeat("ab", 32)

func open(t *testing.T, dir, keys string, anchors ...Anchor) *Sealer {
	t.Helper()
	s, err := Open(dir, keys, Options{Boot: "boot", Anchors: anchors})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func lines(t *testing.T, dir string) []string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, FileName))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
}

func TestSealSignsOnlyWhatIsOnTheDisk(t *testing.T) {
	s := open(t, t.TempDir(), t.TempDir())
	l := &log{seq: 7, head: head, err: errors.New("disk")}
	if err := s.Seal(l); err == nil {
		t.Error("sealed what could not be flushed")
	}
	if _, ok := s.Last(); ok {
		t.Error("a checkpoint was written")
	}
	l.err = nil
	for range 2 { // nothing new the second time
		if err := s.Seal(l); err != nil {
			t.Fatal(err)
		}
	}
	if c, _ := s.Last(); c.N != 1 || c.Seq != 7 || l.synced != 2 {
		t.Errorf("last %+v after %d flushes", c, l.synced)
	}
}

func TestCheckpointsGoOnAfterATornLine(t *testing.T) {
	dir, keys := t.TempDir(), t.TempDir()
	s := open(t, dir, keys)
	if err := s.SealAt(1, head); err != nil {
		t.Fatal(err)
	}
	s.Close()
	f, err := os.OpenFile(filepath.Join(dir, FileName), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"schema":1,"kind":"check`); err != nil {
		t.Fatal(err)
	}
	f.Close()
	s = open(t, dir, keys)
	if err := s.SealAt(2, head); err != nil {
		t.Fatal(err)
	}
	got := lines(t, dir)
	if len(got) != 2 {
		t.Fatalf("%d lines", len(got))
	}
	c, err := Decode([]byte(got[1]))
	if err != nil || c.N != 2 || c.Prev != hashLine([]byte(got[0])) {
		t.Errorf("%+v, %v", c, err)
	}
	if err := c.Check(s.Key()); err != nil {
		t.Error(err)
	}
}

func TestCheckRefusesAnyChange(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, t.TempDir())
	if err := s.SealAt(5, head); err != nil {
		t.Fatal(err)
	}
	good, _ := s.Last()
	for name, change := range map[string]func(*Checkpoint){
		"seq":    func(c *Checkpoint) { c.Seq++ },
		"head":   func(c *Checkpoint) { c.Head = strings.Repeat("cd", 32) },
		"time":   func(c *Checkpoint) { c.Time = c.Time.Add(time.Second) },
		"kind":   func(c *Checkpoint) { c.Kind = Retire },
		"reason": func(c *Checkpoint) { c.Reason = "x" },
		"key":    func(c *Checkpoint) { c.Key = strings.Repeat("0", 32) },
		"sig":    func(c *Checkpoint) { c.Sig = "AAAA" },
	} {
		c := good
		change(&c)
		if c.Check(s.Key()) == nil {
			t.Errorf("%s was changed and the signature still fits", name)
		}
	}
	if err := good.Check(s.Key()); err != nil {
		t.Error(err)
	}
}

func TestOpenRefusesAKeyThatProvesNothing(t *testing.T) {
	dir, keys := t.TempDir(), t.TempDir()
	s := open(t, dir, keys)
	if err := s.SealAt(1, head); err != nil {
		t.Fatal(err)
	}
	s.Close()
	path := filepath.Join(keys, PrivateName)
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, keys, Options{}); err == nil || !strings.Contains(err.Error(), "can be read by others") {
		t.Errorf("a key that others can read: %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, keys, Options{}); !errors.Is(err, ErrNoKey) || !strings.Contains(err.Error(), "restore it") {
		t.Errorf("the key is gone: %v", err)
	}
	if _, err := Open(dir, t.TempDir(), Options{}); !errors.Is(err, ErrNoKey) {
		t.Errorf("a new key would have been made silently: %v", err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("a key was made")
	}
}

func TestKeysAreRotated(t *testing.T) {
	dir, keys := t.TempDir(), t.TempDir()
	s := open(t, dir, keys)
	if err := s.SealAt(1, head); err != nil {
		t.Fatal(err)
	}
	s.Close()
	old, next, err := Rotate(dir, keys, Options{})
	if err != nil || old.ID() != s.Key().ID() || next.ID() == old.ID() {
		t.Fatalf("%s to %s, %v", old.ID(), next.ID(), err)
	}
	if s = open(t, dir, keys); s.Key().ID() != next.ID() {
		t.Errorf("signs with %s", s.Key().ID())
	}
	if err := s.SealAt(2, head); err != nil {
		t.Fatal(err)
	}
	c, err := Decode([]byte(lines(t, dir)[1]))
	if err != nil || c.Kind != NewKey || c.Check(old) != nil {
		t.Errorf("%+v, %v", c, err)
	}
	if p, err := ReadPublic(filepath.Join(keys, PublicName)); err != nil || p.ID() != next.ID() {
		t.Errorf("the public half is %s, %v", p.ID(), err)
	}
	if all, err := ReadPublics(keys); err != nil || len(all) != 2 || all[1].ID() != old.ID() {
		t.Errorf("the old public half was not kept: %v", err)
	}
}

func TestARotationThatWasInterruptedIsFinished(t *testing.T) {
	dir, keys := t.TempDir(), t.TempDir()
	s := open(t, dir, keys)
	k, err := stage(keys)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.HandOver(k); err != nil { // and then the machine died
		t.Fatal(err)
	}
	s.Close()
	if s = open(t, dir, keys); s.Key().ID() != k.Public().ID() {
		t.Errorf("signs with %s", s.Key().ID())
	}
	if got, err := Load(keys); err != nil || got.Public().ID() != k.Public().ID() {
		t.Errorf("the key was not put in its place: %v", err)
	}
}

func TestALostKeyIsReplaced(t *testing.T) {
	dir, keys := t.TempDir(), t.TempDir()
	s := open(t, dir, keys)
	if err := s.SealAt(1, head); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if _, err := Replace(dir, keys, Options{}); err == nil {
		t.Error("a key that is there was replaced")
	}
	if err := os.Remove(filepath.Join(keys, PrivateName)); err != nil {
		t.Fatal(err)
	}
	next, err := Replace(dir, keys, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if s = open(t, dir, keys); s.Key().ID() != next.ID() {
		t.Errorf("signs with %s", s.Key().ID())
	}
}

func TestPublicKeyIsReadByOthers(t *testing.T) {
	keys := t.TempDir()
	s := open(t, t.TempDir(), keys)
	p, err := ReadPublic(filepath.Join(keys, PublicName))
	if err != nil || p.ID() != s.Key().ID() {
		t.Fatalf("%s, %v", p.ID(), err)
	}
	if !bytes.HasPrefix(p.PEM(), []byte("-----BEGIN PUBLIC KEY-----\n")) {
		t.Errorf("%s", p.PEM())
	}
	st, err := os.Stat(filepath.Join(keys, PrivateName))
	if err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("private key: %v, %v", st.Mode(), err)
	}
}

func TestAnchorsGetEveryLine(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	sock := filepath.Join(t.TempDir(), "log")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: sock, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	file, err := ParseAnchor(filepath.Join(elsewhere, "anchor"))
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, dir, t.TempDir(), file, syslogAnchor{sock})
	if err := s.SealAt(1, head); err != nil {
		t.Fatal(err)
	}
	want := lines(t, dir)[0]
	if b, err := os.ReadFile(filepath.Join(elsewhere, "anchor")); err != nil || string(b) != want+"\n" {
		t.Errorf("file has %q, %v", b, err)
	}
	buf := make([]byte, 64<<10)
	n, err := c.Read(buf)
	if err != nil || !strings.HasPrefix(string(buf[:n]), "<85>") || !strings.HasSuffix(string(buf[:n]), "audit checkpoint "+want) {
		t.Errorf("syslog got %q, %v", buf[:n], err)
	}
	// A disk that is not there is said, and the checkpoint stands.
	if err := os.RemoveAll(elsewhere); err != nil {
		t.Fatal(err)
	}
	if err := s.SealAt(2, head); err == nil || !strings.Contains(err.Error(), "anchor "+elsewhere) {
		t.Errorf("missing anchor: %v", err)
	}
	if len(lines(t, dir)) != 2 {
		t.Error("the checkpoint did not stand")
	}
}

func TestParseAnchorRefuses(t *testing.T) {
	for _, s := range []string{"", "journal", "relative/file", "/", "/a/../b", "https://x"} {
		if _, err := ParseAnchor(s); err == nil {
			t.Errorf("%q is taken", s)
		}
	}
}

func FuzzDecode(f *testing.F) {
	dir := f.TempDir()
	s, err := Open(dir, f.TempDir(), Options{Boot: "b"})
	if err != nil {
		f.Fatal(err)
	}
	if err := errors.Join(s.SealAt(3, head), s.Retire(2, head, "old"), s.Close()); err != nil {
		f.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, FileName))
	if err != nil {
		f.Fatal(err)
	}
	for line := range bytes.Lines(b) {
		f.Add(bytes.TrimSuffix(line, []byte("\n")))
	}
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		c, err := Decode(line)
		if err != nil {
			return
		}
		again, err := c.Encode()
		if err != nil || !bytes.Equal(again, line) {
			t.Fatalf("%q becomes %q, %v", line, again, err)
		}
	})
}
