package stage

import (
	"encoding/binary"
	"errors"
	"fmt"

	"clawjail/jail"
)

// magic begins every config; it changes with the form.
const magic = "clawjail stage config 1\n"

// The bits of a rule.
const (
	ruleWrite = 1 << iota
	ruleExec
	ruleDir
)

// Encode returns the config as bytes: magic, then each field in order. A
// string is its length (uvarint) and its bytes, a list its length and items.
func (c Config) Encode() ([]byte, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	b := []byte(magic)
	b = appendText(b, string(c.Filter))
	b = binary.AppendUvarint(b, uint64(c.LandlockABI))
	b = binary.AppendUvarint(b, uint64(len(c.Landlock)))
	for _, r := range c.Landlock {
		b = appendText(append(b, ruleBits(r)), r.Path)
	}
	for _, list := range [][]string{c.Argv, c.Env} {
		b = binary.AppendUvarint(b, uint64(len(list)))
		for _, s := range list {
			b = appendText(b, s)
		}
	}
	b = appendText(b, c.Cwd)
	if len(b) > MaxConfigBytes {
		return nil, fmt.Errorf("stage config of %d bytes, at most %d (argv and environment too long)", len(b), MaxConfigBytes)
	}
	return b, nil
}

func ruleBits(r jail.PathRule) byte {
	var bits byte
	for i, set := range []bool{r.Write, r.Exec, r.Dir} {
		if set {
			bits |= 1 << i
		}
	}
	return bits
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// DecodeConfig reads what Encode wrote, and nothing else: the same config has
// only one form.
func DecodeConfig(b []byte) (Config, error) {
	if len(b) > MaxConfigBytes {
		return Config{}, fmt.Errorf("stage config of more than %d bytes", MaxConfigBytes)
	}
	r := reader{rest: b}
	if string(r.take(uint64(len(magic)))) != magic {
		return Config{}, errors.New("stage config: not one of this version")
	}
	var c Config
	c.Filter = append([]byte(nil), r.text()...)
	abi := r.number()
	if abi > 1<<16 {
		return Config{}, fmt.Errorf("stage config: Landlock ABI %d", abi)
	}
	c.LandlockABI = int(abi)
	for range r.count() {
		bits := r.take(1)
		path := string(r.text())
		if r.bad || bits[0] >= ruleDir<<1 {
			return Config{}, errors.New("stage config: a broken Landlock rule")
		}
		c.Landlock = append(c.Landlock, jail.PathRule{
			Path: path, Write: bits[0]&ruleWrite != 0, Exec: bits[0]&ruleExec != 0, Dir: bits[0]&ruleDir != 0,
		})
	}
	for _, list := range []*[]string{&c.Argv, &c.Env} {
		n := r.count()
		*list = make([]string, 0, min(n, 1024)) // it grows only with the items that are there
		for range n {
			*list = append(*list, string(r.text()))
		}
	}
	c.Cwd = string(r.text())
	if r.bad || len(r.rest) != 0 {
		return Config{}, errors.New("stage config: cut off, or more after its end")
	}
	if err := c.validate(); err != nil {
		return Config{}, err
	}
	return c, nil
}

// reader takes fields off the front. After the first that does not fit it is
// bad and returns empty ones.
type reader struct {
	rest []byte
	bad  bool
}

func (r *reader) take(n uint64) []byte {
	if r.bad || n > uint64(len(r.rest)) {
		r.bad = true
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

// number reads a uvarint in its shortest form.
func (r *reader) number() uint64 {
	v, n := binary.Uvarint(r.rest)
	if r.bad || n <= 0 || n != len(binary.AppendUvarint(nil, v)) {
		r.bad = true
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *reader) text() []byte { return r.take(r.number()) }

// count reads the length of a list. Every item takes at least a byte, so that
// a count beyond the rest is broken and never allocates more than it.
func (r *reader) count() uint64 {
	n := r.number()
	if n > uint64(len(r.rest)) {
		r.bad = true
		return 0
	}
	return n
}
