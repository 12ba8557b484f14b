package bpf

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// Bounds of the exec gate. The kernel takes 6 MiB of arguments and environment
// together (fs/exec.c:bprm_stack_limits), and follows six files.
const (
	MaxChain     = 6
	MaxArgsBytes = 8 << 20         // argv, and the environment
	MaxTokens    = 4096            // of one jail at the same time; 65536 in all (token.h)
	MaxTTL       = 5 * time.Minute // of a token
)

// FileID is what the kernel knows a file by, at one moment.
type FileID struct {
	Dev     uint64 // the kernel's dev_t: major<<20 | minor
	Ino     uint64
	CtimeNS int64
	Size    int64
}

// ExecToken is what one execution that was let through must turn out to be.
type ExecToken struct {
	TGID, TID      int32    // the thread that called execve, host ids
	Files          []FileID // what was named first, what runs last
	Argv, Env      []string // as the program that runs will see them
	CwdDev, CwdIno uint64   // the working directory, numbers as in FileID
	TTL            time.Duration
}

// gate is a jail's part in judging executions.
type gate struct {
	mu     sync.Mutex
	closed bool
	tokens map[verifyTokenKey]struct{} // put and not dropped
}

// Gate turns the judging of executions in this jail on or off. When it returns,
// a program runs only if a token says so. Tasks without a system call filter are
// the runtime's own and are not judged.
func (j *Jail) Gate(on bool) error {
	p := j.probes
	p.mu.Lock()
	defer p.mu.Unlock()
	if j.closed || p.closed {
		return ErrClosed
	}
	if on {
		if err := p.gates.attach(); err != nil {
			return fmt.Errorf("gate jail %q: %w", j.name, errors.Join(err, p.rest()))
		}
	}
	conf := j.conf
	conf.Flags &^= jailGated
	if on {
		conf.Flags |= jailGated
	}
	if err := p.core.Maps[coreMapJails].Update(j.id, conf, ebpf.UpdateExist); err != nil {
		return fmt.Errorf("gate jail %q: scope map: %w", j.name, errors.Join(err, p.rest()))
	}
	j.conf, j.gated = conf, on
	return p.rest()
}

// PutExec lets one execution pass, if it comes before the TTL ends and is what
// the token says. It replaces a token of the same thread.
func (j *Jail) PutExec(t ExecToken) error {
	v, err := j.token(t)
	if err != nil {
		return fmt.Errorf("token of thread %d: %w", t.TID, err)
	}
	key := verifyTokenKey{Tgid: t.TGID, Tid: t.TID}
	j.gate.mu.Lock()
	defer j.gate.mu.Unlock()
	if j.gate.closed {
		return ErrClosed
	}
	if _, replaces := j.gate.tokens[key]; !replaces && len(j.gate.tokens) >= MaxTokens {
		return fmt.Errorf("token of thread %d: %d tokens wait already", t.TID, MaxTokens)
	}
	if err := j.probes.gate.Maps[verifyMapTokens].Put(key, v); err != nil {
		return fmt.Errorf("token of thread %d: %w", t.TID, err)
	}
	if j.gate.tokens == nil {
		j.gate.tokens = make(map[verifyTokenKey]struct{})
	}
	j.gate.tokens[key] = struct{}{}
	return nil
}

// DropExec takes a token back, and says whether the verifier had used it, for
// a permission or for a refusal. That there is none is an error.
func (j *Jail) DropExec(tgid, tid int32) (consumed bool, err error) {
	key := verifyTokenKey{Tgid: tgid, Tid: tid}
	j.gate.mu.Lock()
	defer j.gate.mu.Unlock()
	if j.gate.closed {
		return false, ErrClosed
	}
	if _, ok := j.gate.tokens[key]; !ok {
		return false, fmt.Errorf("drop token of thread %d: %w", tid, ebpf.ErrKeyNotExist)
	}
	delete(j.gate.tokens, key)
	var v verifyToken
	if err := j.probes.gate.Maps[verifyMapTokens].LookupAndDelete(key, &v); err != nil {
		return false, fmt.Errorf("drop token of thread %d: %w", tid, err)
	}
	return v.Used != 0, nil
}

// closeGate drops what is left of a jail's tokens.
func (j *Jail) closeGate() error {
	j.gate.mu.Lock()
	defer j.gate.mu.Unlock()
	j.gate.closed = true
	var errs []error
	for key := range j.gate.tokens {
		if err := j.probes.gate.Maps[verifyMapTokens].Delete(key); err != nil {
			errs = append(errs, fmt.Errorf("drop token of thread %d: %w", key.Tid, err))
		}
	}
	j.gate.tokens = nil
	return errors.Join(errs...)
}

func (j *Jail) token(t ExecToken) (*verifyToken, error) {
	switch {
	case t.TGID <= 0 || t.TID <= 0:
		return nil, fmt.Errorf("process %d is none", t.TGID)
	case len(t.Files) == 0 || len(t.Files) > MaxChain:
		return nil, fmt.Errorf("%d files, want 1 to %d", len(t.Files), MaxChain)
	case len(t.Argv) == 0:
		return nil, errors.New("no argv[0]; the kernel runs nothing without")
	case t.TTL <= 0 || t.TTL > MaxTTL:
		return nil, fmt.Errorf("valid for %s, want at most %s", t.TTL, MaxTTL)
	}
	argv, err := region(t.Argv)
	if err != nil {
		return nil, fmt.Errorf("argv: %w", err)
	}
	env, err := region(t.Env)
	if err != nil {
		return nil, fmt.Errorf("environment: %w", err)
	}
	now, err := bootTime()
	if err != nil {
		return nil, err
	}
	v := &verifyToken{
		Jail: j.id, Expires: uint64(now + t.TTL),
		ArgvHash: j.probes.key.sum(argv), ArgvLen: uint64(len(argv)), Argc: uint32(len(t.Argv)),
		EnvHash: j.probes.key.sum(env), EnvLen: uint64(len(env)),
		CwdDev: t.CwdDev, CwdIno: t.CwdIno, FilesLen: uint32(len(t.Files)),
	}
	for i, f := range t.Files {
		v.Files[i] = verifyFileId{Dev: f.Dev, Ino: f.Ino, Ctime: f.CtimeNS, Size: f.Size}
	}
	return v, nil
}

// region is how the kernel lays strings out on a new stack.
func region(list []string) ([]byte, error) {
	n := 0
	for _, s := range list {
		n += len(s) + 1
	}
	if n > MaxArgsBytes {
		return nil, fmt.Errorf("%d bytes, at most %d", n, MaxArgsBytes)
	}
	b := make([]byte, 0, n)
	for i, s := range list {
		if strings.IndexByte(s, 0) >= 0 {
			return nil, fmt.Errorf("string %d holds a NUL", i)
		}
		b = append(append(b, s...), 0)
	}
	return b, nil
}

func bootTime() (time.Duration, error) {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return 0, fmt.Errorf("read the boot clock: %w", err)
	}
	return time.Duration(ts.Nano()), nil
}
