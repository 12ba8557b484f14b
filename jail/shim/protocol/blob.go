package protocol

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/jail"
)

// MaxBlob bounds a spec: 6 MiB of argv and env in base64 are 8, the rest is
// mounts and rules.
const MaxBlob = 32 << 20

// Command is a further process in a jail.
type Command struct {
	Argv, Env []string
	Cwd       string
	Terminal  bool
}

// raw is argv and env as bytes.
type raw struct{ Argv, Env [][]byte }

func toRaw(argv, env []string) raw {
	conv := func(in []string) [][]byte {
		out := make([][]byte, len(in))
		for i, s := range in {
			out[i] = []byte(s)
		}
		return out
	}
	return raw{conv(argv), conv(env)}
}

func (r raw) strings() (argv, env []string) {
	conv := func(in [][]byte) []string {
		out := make([]string, len(in))
		for i, b := range in {
			out[i] = string(b)
		}
		return out
	}
	return conv(r.Argv), conv(r.Env)
}

type specBlob struct {
	Raw  raw
	Spec jail.Spec
}

type commandBlob struct {
	Raw      raw
	Cwd      string
	Terminal bool
}

// EncodeSpec puts a spec into a sealed memfd.
func EncodeSpec(s jail.Spec) (*os.File, error) {
	b := specBlob{Raw: toRaw(s.Argv, s.Env), Spec: s}
	b.Spec.Argv, b.Spec.Env = nil, nil
	return encodeBlob(FileSpec, b)
}

// DecodeSpec reads and validates a spec.
func DecodeSpec(data []byte) (jail.Spec, error) {
	var b specBlob
	if err := decodeBlob(data, &b); err != nil {
		return jail.Spec{}, err
	}
	b.Spec.Argv, b.Spec.Env = b.Raw.strings()
	return b.Spec, b.Spec.Validate()
}

// EncodeCommand puts a command into a sealed memfd.
func EncodeCommand(c Command) (*os.File, error) {
	return encodeBlob(FileSpec, commandBlob{Raw: toRaw(c.Argv, c.Env), Cwd: c.Cwd, Terminal: c.Terminal})
}

// DecodeCommand reads a command.
func DecodeCommand(data []byte) (Command, error) {
	var b commandBlob
	if err := decodeBlob(data, &b); err != nil {
		return Command{}, err
	}
	c := Command{Cwd: b.Cwd, Terminal: b.Terminal}
	c.Argv, c.Env = b.Raw.strings()
	return c, nil
}

// Prime has the JSON package find out how specs and messages look, which takes
// it a millisecond once.
func Prime() {
	var spec jail.Spec
	spec.Mounts, spec.Landlock = make([]jail.Mount, 1), make([]jail.PathRule, 1)
	if data, err := json.Marshal(specBlob{Raw: toRaw([]string{""}, []string{""}), Spec: spec}); err == nil {
		_, _ = DecodeSpec(data)
	}
	if b, err := Encode(Message{ID: 1, Type: Created, Timings: map[string]time.Duration{"": 0}}); err == nil {
		_, _ = Decode(b)
	}
}

func encodeBlob(name string, v any) (*os.File, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", name, err)
	}
	return Seal(name, data)
}

func decodeBlob(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("decode spec: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("decode spec: more than one value")
	}
	return nil
}

// Seal returns data in a memfd that can no longer be changed.
func Seal(name string, data []byte) (*os.File, error) {
	if len(data) > MaxBlob {
		return nil, fmt.Errorf("%s: %d bytes, at most %d", name, len(data), MaxBlob)
	}
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	f := os.NewFile(uintptr(fd), name)
	if _, err := f.Write(data); err != nil {
		f.Close()
		return nil, err
	}
	const seals = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE
	if _, err := unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, seals); err != nil {
		f.Close()
		return nil, os.NewSyscallError("fcntl(F_ADD_SEALS)", err)
	}
	return f, nil
}

// Unseal reads what Seal wrote. It refuses a file that can still change.
func Unseal(f *os.File) ([]byte, error) {
	seals, err := unix.FcntlInt(f.Fd(), unix.F_GET_SEALS, 0)
	if err != nil {
		return nil, os.NewSyscallError("fcntl(F_GET_SEALS)", err)
	}
	if seals&unix.F_SEAL_WRITE == 0 || seals&unix.F_SEAL_SHRINK == 0 || seals&unix.F_SEAL_GROW == 0 {
		return nil, errors.New("not a sealed file")
	}
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return nil, os.NewSyscallError("fstat", err)
	}
	if st.Size > MaxBlob {
		return nil, fmt.Errorf("%d bytes, at most %d", st.Size, MaxBlob)
	}
	data := make([]byte, st.Size)
	if _, err := f.ReadAt(data, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return data, nil
}
