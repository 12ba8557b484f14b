package stage

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"clawjail/jail"
)

// The descriptors that the stage finds when it starts.
const (
	ConfigFD  = 3 // sealed memfd with the JSON of Config
	ControlFD = 4 // unix SEQPACKET to the shim
)

// MaxConfigBytes bounds the encoded config. Linux takes at most 6 MiB of argv
// and environment (fs/exec.c:bprm_stack_limits), and less with most limits.
const MaxConfigBytes = 8 << 20

// seals make the config unchangeable. The stage refuses a file without them.
const seals = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE

// Config is what the shim tells the stage.
type Config struct {
	// Filter is an array of struct sock_filter.
	Filter []byte
	// Landlock is everything that may be touched. LandlockABI says with
	// which rights; a kernel below it is an error. 0 means no Landlock, and
	// then there must be no rules.
	Landlock    []jail.PathRule
	LandlockABI int
	// Argv and Env go to execve. Argv[0] is looked up in Env's PATH.
	Argv, Env []string
	// Cwd is an absolute path in the jail.
	Cwd string
}

// wireConfig is Config as JSON: strings that may hold any byte are base64.
type wireConfig struct {
	Filter      []byte
	Landlock    []wireRule
	LandlockABI int
	Argv, Env   [][]byte
	Cwd         []byte
}

type wireRule struct {
	Path             []byte
	Write, Exec, Dir bool
}

// Encode returns the JSON form.
func (c Config) Encode() ([]byte, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	w := wireConfig{
		Filter: c.Filter, LandlockABI: c.LandlockABI, Cwd: []byte(c.Cwd),
		Argv: toBytes(c.Argv), Env: toBytes(c.Env),
	}
	for _, r := range c.Landlock {
		w.Landlock = append(w.Landlock, wireRule{[]byte(r.Path), r.Write, r.Exec, r.Dir})
	}
	b, err := json.Marshal(w)
	if err != nil {
		return nil, err
	}
	if len(b) > MaxConfigBytes {
		return nil, fmt.Errorf("stage config of %d bytes, at most %d (argv and environment too long)", len(b), MaxConfigBytes)
	}
	return b, nil
}

// DecodeConfig reads the JSON form strictly.
func DecodeConfig(b []byte) (Config, error) {
	if len(b) > MaxConfigBytes {
		return Config{}, fmt.Errorf("stage config of more than %d bytes", MaxConfigBytes)
	}
	var w wireConfig
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&w); err != nil {
		return Config{}, fmt.Errorf("stage config: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Config{}, errors.New("stage config: data after the end")
	}
	c := Config{
		Filter: w.Filter, LandlockABI: w.LandlockABI, Cwd: string(w.Cwd),
		Argv: toStrings(w.Argv), Env: toStrings(w.Env),
	}
	for _, r := range w.Landlock {
		c.Landlock = append(c.Landlock, jail.PathRule{Path: string(r.Path), Write: r.Write, Exec: r.Exec, Dir: r.Dir})
	}
	if err := c.validate(); err != nil {
		return Config{}, err
	}
	return c, nil
}

// validate refuses what the stage could not carry out.
func (c Config) validate() error {
	switch {
	case len(c.Argv) == 0 || c.Argv[0] == "":
		return errors.New("stage config: no command")
	case len(c.Filter) == 0 || len(c.Filter)%insnBytes != 0 || len(c.Filter) > maxInsns*insnBytes:
		return fmt.Errorf("stage config: filter of %d bytes", len(c.Filter))
	case len(c.Cwd) == 0 || c.Cwd[0] != '/':
		return fmt.Errorf("stage config: working directory %q is not absolute", c.Cwd)
	case c.LandlockABI < 0 || (c.LandlockABI == 0 && len(c.Landlock) > 0):
		return fmt.Errorf("stage config: %d Landlock rules for ABI %d", len(c.Landlock), c.LandlockABI)
	}
	for _, s := range slices.Concat(c.Argv, c.Env, []string{c.Cwd}) {
		if strings.IndexByte(s, 0) >= 0 {
			return fmt.Errorf("stage config: a NUL in %.100q", s)
		}
	}
	for _, r := range c.Landlock {
		if len(r.Path) == 0 || r.Path[0] != '/' {
			return fmt.Errorf("stage config: Landlock path %q is not absolute", r.Path)
		}
	}
	return nil
}

// File returns the config as a sealed memfd, to be passed as ConfigFD.
func (c Config) File() (*os.File, error) {
	b, err := c.Encode()
	if err != nil {
		return nil, err
	}
	fd, err := unix.MemfdCreate("clawjail-stage-config", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	f := os.NewFile(uintptr(fd), "clawjail-stage-config")
	if _, err := f.Write(b); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if _, err := unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, seals); err != nil {
		return nil, errors.Join(os.NewSyscallError("seal", err), f.Close())
	}
	return f, nil
}

func toBytes(ss []string) [][]byte {
	bb := make([][]byte, len(ss))
	for i, s := range ss {
		bb[i] = []byte(s)
	}
	return bb
}

func toStrings(bb [][]byte) []string {
	ss := make([]string, len(bb))
	for i, b := range bb {
		ss[i] = string(b)
	}
	return ss
}
