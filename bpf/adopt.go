package bpf

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// ErrOtherBuild means that programs which are attached come from another build:
// their maps may have other layouts, so they are not gone on with.
var ErrOtherBuild = errors.New("the programs are those of another build")

// Handover is what another process needs to know of loaded programs, beside the
// descriptors that Jail.Kept gives, to go on with them. The key in it is secret
// from jails.
type Handover struct {
	Build string    `json:"build"` // of the objects and the size of the ring
	Load  string    `json:"load"`  // which Load of them
	Tier  string    `json:"tier"`
	Key   [2]uint64 `json:"key"`
}

// Handover describes what Load has loaded.
func (p *Probes) Handover() Handover {
	return Handover{Build: p.build, Load: p.loaded, Tier: p.tier, Key: p.key}
}

// buildOf names the objects.
func buildOf(ringBytes int) string {
	h := sha256.New()
	for _, object := range [][]byte{_CoreBytes, _NotifyBytes, _LsmBytes, _GateBytes, _VerifyBytes, _CodeBytes, _PutBytes, _LookupBytes} {
		sum := sha256.Sum256(object)
		h.Write(sum[:])
	}
	fmt.Fprint(h, ringBytes)
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func randomName() (string, error) {
	var b [8]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", fmt.Errorf("draw a name: %w", err)
	}
	return hex.EncodeToString(b[:]), nil
}

// keptMaps are the maps of each object that this package reads or writes.
func keptMaps() map[string][]string {
	return map[string][]string{
		"core": {coreMapJails, coreMapAllowed, coreMapNetconfs, coreMapCounters, coreMapRing},
		"gate": {verifyMapTokens},
		"code": {codeMapClosed},
	}
}

// objects are the loaded ones by name; what the tier does not have is nil.
func (p *Probes) objects() map[string]**ebpf.Collection {
	return map[string]**ebpf.Collection{"core": &p.core, "notify": &p.notify, "lsm": &p.lsm, "gate": &p.gate,
		"code": &p.code, "put": &p.putter.objects}
}

// sets are the groups of tracing programs by name.
func (p *Probes) sets() map[string]*tracing {
	return map[string]*tracing{"processes": &p.processes, "files": &p.files, "gates": &p.gates, "codes": &p.codes}
}

// Kept gives descriptors of everything that keeps the jail watched and judged:
// while somebody holds them it stays so when this process ends. They are the
// caller's, for Adopt and AdoptJail. What CloseCode attaches later is not among
// them: ask again.
func (j *Jail) Kept() (_ map[string]*os.File, err error) {
	p := j.probes
	p.mu.Lock()
	defer p.mu.Unlock()
	if j.closed || p.closed {
		return nil, ErrClosed
	}
	out := map[string]*os.File{}
	defer func() {
		if err != nil {
			closeAll(out)
		}
	}()
	add := func(name string, fd int) {
		dup, dupErr := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
		if dupErr != nil {
			err = errors.Join(err, fmt.Errorf("keep %s: %w", name, os.NewSyscallError("fcntl", dupErr)))
			return
		}
		out[name] = os.NewFile(uintptr(dup), name)
	}
	for name, c := range p.objects() {
		if *c == nil {
			continue
		}
		for prog, one := range (*c).Programs {
			add("p/"+name+"/"+prog, one.FD())
		}
		for _, m := range keptMaps()[name] {
			add("m/"+name+"/"+m, (*c).Maps[m].FD())
		}
	}
	wanted := map[string]bool{"processes": true, "files": j.files, "gates": j.gated, "codes": len(j.code) > 0}
	for name, set := range p.sets() {
		if wanted[name] {
			keepLinks("l/"+name+"/", set.links, add)
		}
	}
	keepLinks("j/", j.links, add)
	return out, err
}

func keepLinks(prefix string, links []link.Link, add func(string, int)) {
	for i, l := range links {
		fd := -1
		if raw, ok := l.(interface{ FD() int }); ok {
			fd = raw.FD()
		}
		add(prefix+strconv.Itoa(i), fd)
	}
}

func closeAll(files map[string]*os.File) {
	for _, f := range files {
		f.Close()
	}
}

// Leave closes everything and takes no jail out of scope: what others hold by Kept
// stays as it is, and ends with them.
func (p *Probes) Leave() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil
	}
	var errs []error
	for _, j := range p.jails {
		j.closed = true
		j.gate.mu.Lock()
		j.gate.closed = true
		j.gate.mu.Unlock()
		for _, l := range j.links {
			errs = append(errs, l.Close())
		}
		if j.lookup != nil {
			j.lookup.Close()
		}
	}
	p.jails = nil
	return errors.Join(append(errs, p.closeObjects())...)
}

// Adopt goes on with programs that another process has loaded: same events, same
// counters, same tokens, nothing is attached anew. The files stay the caller's.
// ErrOtherBuild means that Load has to be used.
func Adopt(o Options, h Handover, kept map[string]*os.File) (*Probes, error) {
	size, err := ringSize(o.RingBytes)
	if err != nil {
		return nil, fmt.Errorf("adopt probes: %w", err)
	}
	if h.Build != buildOf(size) {
		return nil, fmt.Errorf("adopt probes: %w", ErrOtherBuild)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	p := &Probes{log: o.Logger, tier: h.Tier, build: h.Build, loaded: h.Load, key: h.Key, jails: make(map[uint64]*Jail), linger: o.Linger}
	if p.linger == 0 {
		p.linger = DefaultLinger
	}
	if err := p.take(kept); err != nil {
		return nil, errors.Join(fmt.Errorf("adopt probes: %w", err), p.Close())
	}
	return p, nil
}

// take makes the objects of descriptors.
func (p *Probes) take(kept map[string]*os.File) error {
	objects := p.objects()
	for name, f := range kept {
		part := strings.SplitN(name, "/", 3)
		if len(part) != 3 || part[0] != "m" && part[0] != "p" {
			continue
		}
		c := objects[part[1]]
		if c == nil {
			return fmt.Errorf("%q is of no object", name)
		}
		if *c == nil {
			*c = &ebpf.Collection{Programs: map[string]*ebpf.Program{}, Maps: map[string]*ebpf.Map{}}
		}
		fd, err := duplicate(f)
		if err != nil {
			return err
		}
		if part[0] == "m" {
			(*c).Maps[part[2]], err = ebpf.NewMapFromFD(fd)
		} else {
			(*c).Programs[part[2]], err = ebpf.NewProgramFromFD(fd)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if err := p.complete(); err != nil {
		return err
	}
	return p.prepare()
}

// complete compares what is there with what the build's objects are made of.
func (p *Probes) complete() error {
	specs := map[string]func() (*ebpf.CollectionSpec, error){"core": loadCore, "notify": loadNotify, "gate": loadVerify}
	if p.tier == TierLSM {
		specs["gate"], specs["code"] = loadGate, loadCode
	}
	objects := p.objects()
	for name, load := range specs {
		c := *objects[name]
		if c == nil {
			return fmt.Errorf("the %s object is missing", name)
		}
		spec, err := load()
		if err != nil {
			return fmt.Errorf("%s object: %w", name, err)
		}
		for prog := range spec.Programs {
			if c.Programs[prog] == nil {
				return fmt.Errorf("program %s of the %s object is missing", prog, name)
			}
		}
		for _, m := range keptMaps()[name] {
			if c.Maps[m] == nil {
				return fmt.Errorf("map %s of the %s object is missing", m, name)
			}
		}
	}
	if p.tier == TierLSM && p.lsm == nil {
		return errors.New("the lsm object is missing")
	}
	return nil
}

func duplicate(f *os.File) (int, error) {
	dup := -1
	err := withFD(f, func(fd int) error {
		var err error
		dup, err = unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
		return os.NewSyscallError("fcntl", err)
	})
	return dup, err
}

// takeLinks makes links of the descriptors with that prefix, in their order.
func takeLinks(kept map[string]*os.File, prefix string) (links []link.Link, err error) {
	for i := 0; ; i++ {
		f := kept[prefix+strconv.Itoa(i)]
		if f == nil {
			return links, nil
		}
		fd, err := duplicate(f)
		if err == nil {
			var l link.Link
			if l, err = link.NewFromFD(fd); err == nil {
				links = append(links, l)
				continue
			}
		}
		for _, l := range links {
			_ = l.Close()
		}
		return nil, fmt.Errorf("link %s%d: %w", prefix, i, err)
	}
}

// AdoptJail takes over a jail that the process before has added with this
// configuration: it is in scope, and stays so. The files stay the caller's.
func (p *Probes) AdoptJail(c JailConfig, cgroupPath string, kept map[string]*os.File) (*Jail, error) {
	j, cg, err := p.jailOf(c, cgroupPath)
	if err != nil {
		return nil, fmt.Errorf("adopt jail %q: %w", c.Name, err)
	}
	defer cg.dir.Close()
	j.watched = true
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.admit(j, cgroupPath); err != nil {
		return nil, fmt.Errorf("adopt jail %q: %w", c.Name, err)
	}
	if err := j.readopt(c, kept); err != nil {
		return nil, errors.Join(fmt.Errorf("adopt jail %q: %w", c.Name, err), j.release())
	}
	p.jails[j.id] = j
	p.nudge()
	return j, nil
}

// readopt finds what the kernel has of the jail.
func (j *Jail) readopt(c JailConfig, kept map[string]*os.File) (err error) {
	p := j.probes
	if err := p.core.Maps[coreMapJails].Lookup(j.id, &j.conf); err != nil {
		return fmt.Errorf("scope map: %w", err)
	}
	j.gated = j.conf.Flags&jailGated != 0
	j.allowed = c.allow(j.id)
	if j.links, err = takeLinks(kept, "j/"); err != nil {
		return err
	}
	// The cgroup's, and the lookup in the network namespace.
	if want := len(cgroupHooks()) + 1; len(j.links) != want {
		return fmt.Errorf("%d links, want %d", len(j.links), want)
	}
	var key verifyTokenKey
	var token verifyToken
	for tokens := p.gate.Maps[verifyMapTokens].Iterate(); tokens.Next(&key, &token); {
		if token.Jail == j.id {
			if j.gate.tokens == nil {
				j.gate.tokens = make(map[verifyTokenKey]struct{})
			}
			j.gate.tokens[key] = struct{}{}
		}
	}
	if p.code != nil {
		var closed codeClosedKey
		var one uint8
		for all := p.code.Maps[codeMapClosed].Iterate(); all.Next(&closed, &one); {
			if closed.Jail == j.id {
				if j.code == nil {
					j.code = make(map[codeClosedKey]struct{})
				}
				j.code[closed] = struct{}{}
			}
		}
	}
	return j.reattach(kept)
}

// reattach makes sure that what the jail needs is attached.
func (j *Jail) reattach(kept map[string]*os.File) error {
	wanted := map[string]bool{"processes": true, "files": j.files, "gates": j.gated, "codes": len(j.code) > 0}
	for name, set := range j.probes.sets() {
		if !wanted[name] || len(set.links) > 0 {
			continue
		}
		links, err := takeLinks(kept, "l/"+name+"/")
		if err != nil {
			return err
		}
		if len(links) == len(set.programs) {
			set.links = links
			continue
		}
		for _, l := range links {
			_ = l.Close()
		}
		if err := set.attach(); err != nil {
			return err
		}
	}
	return nil
}

// Sweep takes jails out of scope that nobody has adopted: they have ended. It is
// called once all are adopted.
func (p *Probes) Sweep() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return ErrClosed
	}
	var errs []error
	var gone []uint64
	var id uint64
	var conf coreJail
	all := p.core.Maps[coreMapJails].Iterate()
	for all.Next(&id, &conf) {
		if p.jails[id] == nil {
			gone = append(gone, id)
		}
	}
	errs = append(errs, all.Err())
	for _, id := range gone {
		errs = append(errs, p.core.Maps[coreMapJails].Delete(id))
	}
	var key coreAllow
	var one uint8
	var stale []coreAllow
	allowed := p.core.Maps[coreMapAllowed].Iterate()
	for allowed.Next(&key, &one) {
		if p.jails[key.Jail] == nil {
			stale = append(stale, key)
		}
	}
	errs = append(errs, allowed.Err())
	for _, key := range stale {
		errs = append(errs, p.core.Maps[coreMapAllowed].Delete(key))
	}
	return errors.Join(append(errs, p.rest())...)
}
