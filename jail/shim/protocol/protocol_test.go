package protocol

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/sys/unix"

	"clawjail/jail"
)

func TestMessagesSurvive(t *testing.T) {
	ours, f, err := Pair()
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	theirs, err := NewConn(f)
	if err != nil {
		t.Fatal(err)
	}
	blob, err := Seal("x", []byte("content"))
	if err != nil {
		t.Fatal(err)
	}
	defer blob.Close()
	want := Message{
		Version: Version, ID: 7, Type: Created, PID: 3, Cgroup: "/sys/fs/cgroup/x", CgroupID: 1 << 60,
		Timings: map[string]time.Duration{"total": 5}, Files: []string{FileFilter},
	}
	if err := ours.Send(want, []string{FileNetNS, FileFilter}, []*os.File{nil, blob}); err != nil {
		t.Fatal(err)
	}
	got, files, err := theirs.Receive()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if b, err := Unseal(files[FileFilter]); err != nil || string(b) != "content" {
		t.Errorf("file %q, %v", b, err)
	}
	files[FileFilter].Close()
	theirs.Close()
	if _, _, err := ours.Receive(); !errors.Is(err, io.EOF) {
		t.Errorf("after the end: %v", err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"another version", `{"v":9,"id":1,"type":"go"}`, "version"},
		{"another version with news", `{"v":9,"id":1,"type":"go","news":1}`, "version"},
		{"an unknown field", `{"v":3,"id":1,"type":"go","news":1}`, "unknown field"},
		{"an unknown type", `{"v":3,"id":1,"type":"jump"}`, "unknown message"},
		{"a second value", `{"v":3,"id":1,"type":"go"}{}`, "more than one"},
		{"a request without an id", `{"v":3,"type":"go"}`, "without an id"},
		{"an error without a reason", `{"v":3,"id":1,"type":"error"}`, "failure"},
		{"an end without a status", `{"v":3,"id":0,"type":"exit"}`, "status"},
		{"too many files", `{"v":3,"id":1,"type":"go","files":["a"` + strings.Repeat(`,"a"`, MaxFiles) + `]}`, "files"},
		{"too long", strings.Repeat(" ", MaxMessage+1), "at most"},
		{"nothing", ``, "decode"},
	} {
		if _, err := Decode([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	if _, err := Decode([]byte(`{"v":2}`)); !errors.Is(err, ErrVersion) {
		t.Errorf("%v", err)
	}
}

func TestFailureIsClipped(t *testing.T) {
	long := strings.Repeat("\x01", MaxMessage)
	b, err := Encode(Message{ID: 1, Type: Error, Failure: &Failure{Op: long, Path: long, Msg: long}})
	if err != nil {
		t.Fatal(err)
	}
	if m, err := Decode(b); err != nil || !strings.HasSuffix(m.Failure.Msg, "...") {
		t.Errorf("%v", err)
	}
}

func TestFilesMustBeAnnounced(t *testing.T) {
	ours, f, err := Pair()
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	fd := int(f.Fd())
	defer f.Close()
	send := func(text string, fds ...int) {
		t.Helper()
		if err := unix.Sendmsg(fd, []byte(text), unix.UnixRights(fds...), nil, 0); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		text string
		fds  []int
	}{
		{`{"v":3,"id":1,"type":"go"}`, []int{fd}},
		{`{"v":3,"id":1,"type":"go","files":["a","b"]}`, []int{fd}},
		{`{"v":3,"id":1,"type":"go","files":["a","a"]}`, []int{fd, fd}},
		{`{"v":3,"id":1,"type":"go","files":["a"]}`, []int{fd, fd, fd, fd, fd, fd, fd, fd, fd, fd}},
	} {
		send(c.text, c.fds...)
		if _, files, err := ours.Receive(); err == nil || files != nil {
			t.Errorf("%s with %d files: %v", c.text, len(c.fds), err)
		}
	}
}

func TestSpecSurvives(t *testing.T) {
	want := jail.Spec{
		ID: "a", Argv: []string{"x", "\xff\n\"", ""}, Env: []string{"A=\xfe"}, Cwd: "/",
		User:        jail.User{UID: 1, GID: 1, Name: "u", Home: "/"},
		StageBinary: "/s", StateDir: "/d", CgroupParent: "p", Limits: jail.Limits{Wall: time.Second, CPUs: 0.25},
		Filter: []byte("12345678"),
	}
	f, err := EncodeSpec(want)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := Unseal(f)
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeSpec(b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.EquateComparable(want.Resolver4)); diff != "" {
		t.Error(diff)
	}
	if _, err := DecodeSpec(bytes.Replace(b, []byte(`"UID":1`), []byte(`"UID":0`), 1)); err == nil {
		t.Error("an invalid spec is taken")
	}
}

func TestUnsealRefusesAFileThatCanChange(t *testing.T) {
	fd, err := unix.MemfdCreate("x", unix.MFD_ALLOW_SEALING)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fd), "x")
	defer f.Close()
	if _, err := Unseal(f); err == nil {
		t.Error("an unsealed file is read")
	}
	g, err := os.CreateTemp(t.TempDir(), "x")
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	if _, err := Unseal(g); err == nil {
		t.Error("a plain file is read")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"v":3,"id":1,"type":"go"}`))
	f.Add([]byte(`{"v":3,"id":0,"type":"exit","status":{"code":1}}`))
	f.Add([]byte(`{"v":3,"id":2,"type":"error","failure":{"op":"x","exit":125,"msg":"\u0000"}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Decode(b)
		if err != nil {
			return
		}
		again, err := Encode(m)
		if err != nil {
			return // texts that grow when they are escaped
		}
		if n, err := Decode(again); err != nil || n.Type != m.Type || n.ID != m.ID {
			t.Fatalf("%q became %q: %v", b, again, err)
		}
	})
}

func FuzzDecodeSpec(f *testing.F) {
	f.Add([]byte(`{"Raw":{"Argv":["eA=="],"Env":[]},"Spec":{"ID":"a"}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := DecodeSpec(b)
		if err == nil && s.User.UID == 0 {
			t.Fatal("root")
		}
	})
}
