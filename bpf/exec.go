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
	TGID, TID int32    // the thread that called execve, host ids; TGID 0: to be looked up
	Files     []FileID // what was named first, what runs last
	// AnyArgs leaves the following out: whoever permits this permits the files,
	// with whatever arguments.
	AnyArgs        bool
	Argv, Env      []string // as the program that runs will see them
	CwdDev, CwdIno uint64   // the working directory, numbers as in FileID; 0: what it is now
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
// the token says. It replaces a token of the same thread. The origin is what the
// process was before.
func (j *Jail) PutExec(t ExecToken) (Origin, error) {
	r := put{TID: t.TID, TTL: uint64(t.TTL)}
	if err := j.token(t, &r.Token); err != nil {
		return Origin{}, fmt.Errorf("token of thread %d: %w", t.TID, err)
	}
	if !t.AnyArgs && t.CwdIno == 0 {
		r.Here = 1
	}
	j.gate.mu.Lock()
	defer j.gate.mu.Unlock()
	if j.gate.closed {
		return Origin{}, ErrClosed
	}
	if _, replaces := j.gate.tokens[verifyTokenKey{Tgid: t.TGID, Tid: t.TID}]; !replaces && len(j.gate.tokens) >= MaxTokens {
		return Origin{}, fmt.Errorf("token of thread %d: %d tokens wait already", t.TID, MaxTokens)
	}
	from, err := j.put(&r)
	if err == nil && t.TGID != 0 && t.TGID != from.TGID {
		err = fmt.Errorf("it is of process %d, not of %d", from.TGID, t.TGID)
	}
	if err != nil {
		return Origin{}, fmt.Errorf("token of thread %d: %w", t.TID, err)
	}
	if j.gate.tokens == nil {
		j.gate.tokens = make(map[verifyTokenKey]struct{})
	}
	j.gate.tokens[verifyTokenKey{Tgid: from.TGID, Tid: t.TID}] = struct{}{}
	return from, nil
}

// put writes the token, in one call of the kernel where it can.
func (j *Jail) put(r *put) (Origin, error) {
	if ok, err := j.probes.putter.run(r); ok {
		return r.origin(), err
	}
	from, err := originOf(r.TID)
	if err != nil {
		return Origin{}, err
	}
	if r.Here != 0 {
		if r.Token.CwdDev, r.Token.CwdIno, err = j.probes.directoryOf(r.TID); err != nil {
			return Origin{}, err
		}
	}
	now, err := bootTime()
	if err != nil {
		return Origin{}, err
	}
	r.Token.Expires = uint64(now) + r.TTL
	key := verifyTokenKey{Tgid: from.TGID, Tid: r.TID}
	return from, j.probes.gate.Maps[verifyMapTokens].Put(key, &r.Token)
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

// UsedExec says whether the verifier has met a token, for a permission or for a
// refusal. The token stays.
func (j *Jail) UsedExec(tgid, tid int32) bool {
	var v verifyToken
	err := j.probes.gate.Maps[verifyMapTokens].Lookup(verifyTokenKey{Tgid: tgid, Tid: tid}, &v)
	return err == nil && v.Used != 0
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

func (j *Jail) token(t ExecToken, v *verifyToken) error {
	switch {
	case t.TGID < 0 || t.TID <= 0:
		return fmt.Errorf("process %d is none", t.TGID)
	case len(t.Files) == 0 || len(t.Files) > MaxChain:
		return fmt.Errorf("%d files, want 1 to %d", len(t.Files), MaxChain)
	case t.TTL <= 0 || t.TTL > MaxTTL:
		return fmt.Errorf("valid for %s, want at most %s", t.TTL, MaxTTL)
	}
	*v = verifyToken{Jail: j.id, CwdDev: t.CwdDev, CwdIno: t.CwdIno, FilesLen: uint32(len(t.Files))}
	for i, f := range t.Files {
		v.Files[i] = verifyFileId{Dev: f.Dev, Ino: f.Ino, Ctime: f.CtimeNS, Size: f.Size}
	}
	if t.AnyArgs {
		v.Flags = verifyTokenFlagTOKEN_ANY_ARGS
		return nil
	}
	if len(t.Argv) == 0 {
		return errors.New("no argv[0]; the kernel runs nothing without")
	}
	argv, err := region(t.Argv)
	if err != nil {
		return fmt.Errorf("argv: %w", err)
	}
	env, err := region(t.Env)
	if err != nil {
		return fmt.Errorf("environment: %w", err)
	}
	v.ArgvHash, v.ArgvLen, v.Argc = j.probes.key.sum(argv), uint64(len(argv)), uint32(len(t.Argv))
	v.EnvHash, v.EnvLen = j.probes.key.sum(env), uint64(len(env))
	return nil
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
