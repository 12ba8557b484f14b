package wire

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// record builds what a probe would write.
type record struct {
	class, marks, flags       uint32
	family, port              uint16
	addr                      [16]byte
	base, text, base2, text2  string
	argv                      string
	version                   byte
	lengthened, size, padding int
}

func (r record) bytes() []byte {
	b := make([]byte, HeaderSize)
	le := binary.LittleEndian
	le.PutUint32(b[offClass:], r.class)
	le.PutUint32(b[offMarks:], r.marks)
	le.PutUint32(b[offFlags:], r.flags)
	le.PutUint16(b[offFamily:], r.family)
	le.PutUint16(b[offPort:], r.port)
	copy(b[offAddr:], r.addr[:])
	b[offVersion] = Version + r.version
	le.PutUint16(b[offBaseLen:], uint16(len(r.base)+r.lengthened))
	le.PutUint16(b[offTextLen:], uint16(len(r.text)))
	le.PutUint16(b[offBase2Len:], uint16(len(r.base2)))
	le.PutUint16(b[offText2Len:], uint16(len(r.text2)))
	le.PutUint32(b[offArgvLen:], uint32(len(r.argv)))
	le.PutUint16(b[offPad:], uint16(r.padding))
	copy(b[offComm:], "sh\x00rest")
	b = append(b, r.base+r.text+r.base2+r.text2+r.argv...)
	le.PutUint32(b[offSize:], uint32(len(b)+r.size))
	return b
}

func TestDecode(t *testing.T) {
	for _, row := range []struct {
		name string
		in   record
		want Event
	}{
		{"an exec with its file, its name and its arguments",
			record{class: 1, marks: 1, base: "sh\x00bin\x00usr\x00", text2: "./x\x00", argv: "sh\x00-c\x00\x00"},
			Event{Class: Exec, Path: "/usr/bin/sh", PathExact: true, Path2: "./x", Argv: []string{"sh", "-c", ""}}},
		{"a cut argv keeps its last piece",
			record{class: 1, marks: 4, base: "a\x00", argv: "sh\x00par"},
			Event{Class: Exec, Path: "/a", ArgvTruncated: true, Argv: []string{"sh", "par"}}},
		{"one empty argument",
			record{class: 1, base: "a\x00", argv: "\x00"},
			Event{Class: Exec, Path: "/a", Argv: []string{""}}},
		{"the root",
			record{class: 4, marks: 1},
			Event{Class: OpenWrite, Path: "/", PathExact: true}},
		{"a refused execution",
			record{class: 12, marks: 49, flags: 6, base: "a\x00", argv: "a\x00"},
			Event{Class: ExecRefused, Path: "/a", PathExact: true, Argv: []string{"a"}, Flags: 6, Reason: Argv, Denied: true, Killed: true}},
		{"text below a directory",
			record{class: 5, marks: 8, base: "work\x00home\x00", text: "../x/y\x00"},
			Event{Class: Unlink, Path: "/home/work/../x/y", Dir: true}},
		{"absolute text",
			record{class: 5, text: "/etc/passwd\x00"},
			Event{Class: Unlink, Path: "/etc/passwd"}},
		{"text that became absolute under the probe's eyes",
			record{class: 5, base: "work\x00", text: "/etc/passwd\x00"},
			Event{Class: Unlink, Path: "/etc/passwd"}},
		{"a rename with a name from a directory",
			record{class: 6, base: "w\x00", text: "a\x00", base2: "v\x00", text2: "b\x00"},
			Event{Class: Rename, Path: "/w/a", Path2: "/v/b"}},
		{"a refused IPv4 connect",
			record{class: 8, marks: 16, family: 2, port: 443, addr: netip.MustParseAddr("192.0.2.1").As16()},
			Event{Class: Connect, Denied: true, Family: 2, Addr: netip.MustParseAddrPort("192.0.2.1:443")}},
		{"a mapped address is the IPv4 address",
			record{class: 9, family: 10, port: 53, addr: netip.MustParseAddr("::ffff:192.0.2.1").As16()},
			Event{Class: Send, Family: 10, Addr: netip.MustParseAddrPort("192.0.2.1:53")}},
		{"an IPv6 connect",
			record{class: 8, family: 10, port: 1, addr: netip.MustParseAddr("2001:db8::1").As16()},
			Event{Class: Connect, Family: 10, Addr: netip.MustParseAddrPort("[2001:db8::1]:1")}},
		{"names keep every byte",
			record{class: 4, base: "\x1b[31m\n\xff\x00"},
			Event{Class: OpenWrite, Path: "/\x1b[31m\n\xff"}},
	} {
		got, err := Decode(row.in.bytes())
		row.want.Comm = "sh"
		if d := cmp.Diff(row.want, got, cmpopts.EquateComparable(netip.AddrPort{})); err != nil || d != "" {
			t.Errorf("%s: %v (-want +got):\n%s", row.name, err, d)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	long := strings.Repeat("x", 20)
	for _, row := range []struct {
		name, want string
		in         []byte
	}{
		{"nothing", "0 bytes", nil},
		{"half a header", "143 bytes", make([]byte, HeaderSize-1)},
		{"too much", "bytes", make([]byte, MaxRecord+1)},
		{"another version", "version 2", record{class: 1, version: 1}.bytes()},
		{"a size that is not its own", "size 145", record{class: 1, size: 1}.bytes()},
		{"class 0", "class 0", record{}.bytes()},
		{"an unknown class", "class 13", record{class: 13}.bytes()},
		{"a refusal without a reason", "reason 0", record{class: 12}.bytes()},
		{"an unknown reason", "reason 12", record{class: 12, flags: 12}.bytes()},
		{"an unknown mark", "marks 0x40", record{class: 1, marks: 64}.bytes()},
		{"padding in use", "padding", record{class: 1, padding: 1}.bytes()},
		{"an unknown family", "address family 1", record{class: 8, family: 1}.bytes()},
		{"a length beyond the end", "base of", record{class: 1, base: "a\x00", lengthened: 9}.bytes()},
		{"bytes left over", "left over", record{class: 1, base: long + "\x00", lengthened: -1 - len(long)}.bytes()},
		{"components without end", "base without end", record{class: 1, base: "a"}.bytes()},
		{"text without end", "text without end", record{class: 1, text: "a"}.bytes()},
		{"text with two ends", "two ends", record{class: 1, text: "a\x00b\x00"}.bytes()},
		{"an empty component", "empty component", record{class: 4, base: "a\x00\x00b\x00"}.bytes()},
		{"components without a path", "components without", record{class: 2, base: "a\x00"}.bytes()},
		{"too many components", "components", record{class: 4, base: strings.Repeat("a\x00", 300)}.bytes()},
		{"too long a path", "base of", record{class: 4, base: strings.Repeat("a\x00", MaxPath)}.bytes()},
		{"too long an argv", "argv of", record{class: 1, argv: strings.Repeat("a\x00", MaxArgv)}.bytes()},
	} {
		_, err := Decode(row.in)
		if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want %q", row.name, err, row.want)
		}
	}
}

// FuzzDecode: no input may crash it, use more than a record's worth of memory,
// or come out with strings that a record cannot hold.
func FuzzDecode(f *testing.F) {
	f.Add(record{class: 1, marks: 1, base: "sh\x00bin\x00", text2: "x\x00", argv: "sh\x00-c\x00"}.bytes())
	f.Add(record{class: 6, base: "w\x00", text: "a\x00", base2: "v\x00", text2: "b\x00"}.bytes())
	f.Add(record{class: 8, marks: 16, family: 10, port: 443}.bytes())
	f.Add(record{class: 2}.bytes())
	f.Add(record{class: 12, marks: 49, flags: 6, base: "a\x00", argv: "a\x00b\x00"}.bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := Decode(b)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatalf("error of another kind: %v", err)
			}
			return
		}
		total := len(e.Path) + len(e.Path2) + len(e.Comm)
		for _, a := range e.Argv {
			total += len(a)
			if strings.IndexByte(a, 0) >= 0 {
				t.Errorf("NUL in argument %q", a)
			}
		}
		if total > len(b) {
			t.Errorf("%d bytes of text out of %d", total, len(b))
		}
		if strings.IndexByte(e.Path+e.Path2, 0) >= 0 {
			t.Errorf("NUL in path %q or %q", e.Path, e.Path2)
		}
		if e.Class == 0 || int(e.Class) >= NumClasses {
			t.Errorf("class %d", e.Class)
		}
		if (e.Class == ExecRefused) != (e.Reason != 0) || int(e.Reason) >= numReasons {
			t.Errorf("class %s with reason %s", e.Class, e.Reason)
		}
	})
}
