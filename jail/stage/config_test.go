package stage

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"

	"clawjail/jail"
)

func sample() Config {
	return Config{
		Filter: []byte{6, 0, 0, 0, 0, 0, 0xff, 0x7f}, LandlockABI: 4,
		Landlock: []jail.PathRule{{Path: "/usr", Exec: true, Dir: true}, {Path: "/odd\xff\n", Write: true}},
		Argv:     []string{"sh", "-c", "\xff\xfe\n\x1b[31m", ""}, Env: []string{"PATH=/bin", "X=\xff"}, Cwd: "/w\xff",
	}
}

func TestConfigKeepsEveryByte(t *testing.T) {
	b, err := sample().Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeConfig(b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sample(), got); diff != "" {
		t.Error(diff)
	}
}

func TestConfigIsSealed(t *testing.T) {
	f, err := sample().File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte("x"), 0); !errors.Is(err, unix.EPERM) {
		t.Errorf("writing to it: %v, want EPERM", err)
	}
}

func TestConfigThatCannotBeCarriedOut(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"no command", func(c *Config) { c.Argv = nil }, "no command"},
		{"empty command", func(c *Config) { c.Argv = []string{""} }, "no command"},
		{"no filter", func(c *Config) { c.Filter = nil }, "filter of 0 bytes"},
		{"half an instruction", func(c *Config) { c.Filter = make([]byte, 12) }, "filter of 12 bytes"},
		{"filter too long", func(c *Config) { c.Filter = make([]byte, 8*4097) }, "filter of"},
		{"relative working directory", func(c *Config) { c.Cwd = "work" }, "not absolute"},
		{"relative Landlock path", func(c *Config) { c.Landlock[0].Path = "usr" }, "not absolute"},
		{"rules without Landlock", func(c *Config) { c.LandlockABI = 0 }, "rules for ABI 0"},
		{"negative ABI", func(c *Config) { c.LandlockABI = -1 }, "ABI -1"},
		{"a NUL in an argument", func(c *Config) { c.Argv[2] = "a\x00b" }, "NUL"},
		{"a NUL in the environment", func(c *Config) { c.Env[1] = "a\x00b" }, "NUL"},
		{"too long", func(c *Config) { c.Env = append(c.Env, strings.Repeat("x", MaxConfigBytes)) }, "too long"},
	} {
		t.Run(c.name, func(t *testing.T) {
			conf := sample()
			c.change(&conf)
			if _, err := conf.Encode(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestDecodeConfigIsStrict(t *testing.T) {
	good, err := sample().Encode()
	if err != nil {
		t.Fatal(err)
	}
	edit := func(at int, v byte) []byte {
		b := append([]byte(nil), good...)
		b[at] = v
		return b
	}
	filter := len(magic)
	for name, b := range map[string][]byte{
		"nothing": nil, "another version": edit(len(magic)-2, '2'), "cut off": good[:len(good)-1], "more after it": append(edit(0, good[0]), 0),
		"a field beyond the end": edit(filter, 0x7f), "an unknown rule bit": edit(filter+1+8+2, 8),
		"a long form of a length": append([]byte(magic), 0x88, 0x00),
		"a list of 2^63 items":    append(append([]byte(nil), good[:filter+1+8+1]...), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f),
	} {
		if _, err := DecodeConfig(b); err == nil {
			t.Errorf("%s was read", name)
		}
	}
	for n := range good {
		if _, err := DecodeConfig(good[:n]); err == nil {
			t.Errorf("the first %d bytes were read", n)
		}
	}
}

func FuzzDecodeConfig(f *testing.F) {
	b, err := sample().Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := DecodeConfig(b)
		if err != nil {
			return
		}
		again, err := c.Encode()
		if err != nil {
			t.Fatalf("read but cannot be written: %v", err)
		}
		if !bytes.Equal(again, b) {
			t.Fatal("two forms of one config")
		}
	})
}

func TestMessagesAreStrict(t *testing.T) {
	for _, c := range []struct {
		name  string
		b     string
		flags int
		files int
		ok    bool
	}{
		{"ready with its listener", `{"type":"ready"}`, 0, 1, true},
		{"ready without", `{"type":"ready"}`, 0, 0, false},
		{"ready with two", `{"type":"ready"}`, 0, 2, false},
		{"an error", `{"type":"error","op":"exec","exit":126}`, 0, 0, true},
		{"an error with a descriptor", `{"type":"error","exit":126}`, 0, 1, false},
		{"an error that ends well", `{"type":"error","exit":0}`, 0, 0, false},
		{"unknown type", `{"type":"hello"}`, 0, 0, false},
		{"unknown field", `{"type":"ready","root":1}`, 0, 1, false},
		{"cut off", `{"type":"ready"}`, unix.MSG_TRUNC, 1, false},
		{"descriptors cut off", `{"type":"ready"}`, unix.MSG_CTRUNC, 1, false},
	} {
		if _, err := decodeMessage([]byte(c.b), c.flags, c.files); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if _, err := decodeMessage(nil, 0, 0); err != io.EOF {
		t.Errorf("empty: %v, want EOF", err)
	}
}

func TestReadyMessage(t *testing.T) {
	b, err := json.Marshal(Message{Type: "ready"})
	if err != nil || string(b) != readyMessage {
		t.Errorf("%s, %v", b, err)
	}
}

func TestReportFitsAMessage(t *testing.T) {
	worst := strings.Repeat("\x01\xff", 10_000)
	b, err := json.Marshal(message(&failure{"exec", worst, errors.New(worst), 126}))
	if err != nil || len(b) > MaxMessageBytes {
		t.Fatalf("%d bytes, %v", len(b), err)
	}
	if m, err := decodeMessage(b, 0, 0); err != nil || m.Exit != 126 {
		t.Errorf("%+v, %v", m, err)
	}
}

func FuzzDecodeMessage(f *testing.F) {
	f.Add([]byte(`{"type":"ready"}`), 1)
	f.Add([]byte(`{"type":"error","op":"exec","exit":126}`), 0)
	f.Fuzz(func(t *testing.T, b []byte, files int) {
		m, err := decodeMessage(b, 0, files)
		if err == nil && (m.Type == "ready") != (files == 1) {
			t.Fatalf("%+v with %d descriptors", m, files)
		}
	})
}

func TestLookup(t *testing.T) {
	dir := t.TempDir()
	other := t.TempDir()
	for file, mode := range map[string]os.FileMode{
		dir + "/run": 0o755, dir + "/plain": 0o644, other + "/plain": 0o755, other + "/both": 0o755, dir + "/both": 0o755,
	} {
		if err := os.WriteFile(file, nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	env := []string{"HOME=/", "PATH=:relative:/no/such:" + dir + ":" + other, "PATH=/second"}
	for _, c := range []struct {
		name, want string
		err        error
	}{
		{"run", dir + "/run", nil},
		{"both", dir + "/both", nil},
		{"plain", other + "/plain", nil}, // the first is not executable
		{"sub", "sub", unix.EACCES},
		{"no-such", "no-such", unix.ENOENT},
		{dir + "/run", dir + "/run", nil},
		{dir + "/plain", dir + "/plain", unix.EACCES},
		{dir + "/run/below", dir + "/run/below", unix.ENOTDIR},
	} {
		if got, err := lookup(c.name, env); got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s: %q, %v; want %q, %v", c.name, got, err, c.want, c.err)
		}
	}
	if got, err := lookup("sh", nil); err != nil || !strings.HasSuffix(got, "/sh") {
		t.Errorf("without PATH: %q, %v", got, err)
	}
}

func TestLandlockRightsOfEachABI(t *testing.T) {
	const read = ll.AccessFSReadFile | ll.AccessFSReadDir | ll.AccessFSTruncate
	for abi, all := range map[int]uint64{1: 1<<13 - 1, 2: 1<<14 - 1, 3: 1<<15 - 1, 4: 1<<15 - 1, 5: 1<<16 - 1, 6: 1<<16 - 1, 8: 1<<16 - 1} {
		want := all &^ read
		attr := landlockAttr(abi)
		if attr.HandledAccessFS != want {
			t.Errorf("ABI %d handles %#x, want %#x", abi, attr.HandledAccessFS, want)
		}
		if scoped := attr.Scoped != 0; scoped != (abi >= 6) {
			t.Errorf("ABI %d: scoped %#x", abi, attr.Scoped)
		}
		for _, r := range []jail.PathRule{{}, {Write: true}, {Exec: true}, {Write: true, Exec: true}} {
			for _, dir := range []bool{true, false} {
				rights := landlockRights(r, dir, attr.HandledAccessFS)
				if rights&^attr.HandledAccessFS != 0 {
					t.Errorf("ABI %d, %+v: rights %#x that are not handled", abi, r, rights)
				}
				if rights&(ll.AccessFSMakeChar|ll.AccessFSMakeBlock) != 0 {
					t.Errorf("ABI %d, %+v: may make devices", abi, r)
				}
				if (rights&ll.AccessFSWriteFile != 0) != r.Write || (rights&ll.AccessFSExecute != 0) != r.Exec {
					t.Errorf("ABI %d, %+v: rights %#x", abi, r, rights)
				}
				if !dir && rights&^uint64(fileRights) != 0 {
					t.Errorf("ABI %d, %+v on a file: rights %#x", abi, r, rights)
				}
			}
		}
	}
}
