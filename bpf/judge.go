//go:build kernel

package bpf

import (
	"fmt"
	"net/netip"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/rlimit"
)

// Judge asks the programs' own code what it decides, without a jail. For tests of
// other packages, that compare it with the policy a JailConfig came from; it is
// built with the tag kernel only.
type Judge struct {
	objects *ebpf.Collection
	key     hashKey
	conf    judgeDestination // without the question
	allowed []coreAllow
}

// NewJudge loads it.
func NewJudge() (*Judge, error) {
	if err := rlimit.RemoveMemlock(); err != nil {
		return nil, fmt.Errorf("load the judge: %w", err)
	}
	spec, err := loadJudge()
	if err != nil {
		return nil, fmt.Errorf("judge object: %w", err)
	}
	// What the shared headers declare beside it.
	for name := range spec.Programs {
		if name != judgeProgJudgeDestination && name != judgeProgJudgeStrings {
			delete(spec.Programs, name)
		}
	}
	for name := range spec.Maps {
		if name != judgeMapAllowed && name != ".rodata" {
			delete(spec.Maps, name)
		}
	}
	j := &Judge{}
	if j.key, err = newHashKey(); err != nil {
		return nil, err
	}
	if err := spec.Variables[judgeVarHashKey].Set(j.key); err != nil {
		return nil, fmt.Errorf("judge object: %w", err)
	}
	if j.objects, err = ebpf.NewCollection(spec); err != nil {
		return nil, fmt.Errorf("judge object: %w", err)
	}
	return j, nil
}

// Close unloads it.
func (j *Judge) Close() { j.objects.Close() }

// Configure is Probes.Add's part in what a jail's sockets may reach.
func (j *Judge) Configure(c JailConfig) error {
	const jail = 7
	if err := c.validate(); err != nil {
		return err
	}
	for _, key := range j.allowed {
		if err := j.objects.Maps[judgeMapAllowed].Delete(key); err != nil {
			return fmt.Errorf("forget an address: %w", err)
		}
	}
	j.allowed = nil
	seen := map[coreAllow]bool{}
	for _, key := range c.allow(jail) {
		if seen[key] {
			continue
		}
		seen[key] = true
		if err := j.objects.Maps[judgeMapAllowed].Put(key, uint8(1)); err != nil {
			return fmt.Errorf("allow an address: %w", err)
		}
		j.allowed = append(j.allowed, key)
	}
	conf := c.netconf(jail)
	j.conf.Conf.Jail = conf.Jail
	for i, p := range conf.Virtual {
		j.conf.Conf.Virtual[i].Net, j.conf.Conf.Virtual[i].Mask = p.Net, p.Mask
	}
	return nil
}

// Reaches says whether a socket of this protocol (IPPROTO_*) may reach an address.
func (j *Judge) Reaches(to netip.AddrPort, proto uint16) (bool, error) {
	q := j.conf
	q.Addr, q.Port, q.Proto = words(to.Addr().As16()), to.Port(), proto
	opts := &ebpf.RunOptions{Context: q, ContextOut: &q}
	if _, err := j.objects.Programs[judgeProgJudgeDestination].Run(opts); err != nil {
		return false, fmt.Errorf("ask about %s: %w", to, err)
	}
	return q.Answer != 0, nil
}

// Same says whether the verifier takes what a program was given for what its token
// says: both as strings, as PutExec takes them.
func (j *Judge) Same(token, given []string) (bool, error) {
	want, err := region(token)
	if err != nil {
		return false, err
	}
	have, err := region(given)
	if err != nil {
		return false, err
	}
	if len(have) != len(want) {
		return false, nil // as verify.c:verify, before it reads a byte
	}
	at, release, err := outside(have)
	if err != nil {
		return false, err
	}
	defer release()
	q := judgeStrings{At: at, Len: uint64(len(have)), Hash: j.key.sum(want)}
	if _, err := j.objects.Programs[judgeProgJudgeStrings].Run(&ebpf.RunOptions{Context: q, ContextOut: &q}); err != nil {
		return false, fmt.Errorf("ask about %d bytes: %w", len(have), err)
	}
	if q.Answer > 1 {
		return false, fmt.Errorf("%d bytes could not be read", len(have))
	}
	return q.Answer == 1, nil
}
