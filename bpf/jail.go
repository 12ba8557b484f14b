package bpf

import (
	"errors"
	"fmt"
	"net/netip"
	"os"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"clawjail/bpf/wire"
)

// Jail is one jail's attachment: its place in the scope map, the programs on its
// cgroup, and the socket lookup in its network namespace.
type Jail struct {
	probes  *Probes
	id      uint64
	name    string
	files   bool // wants file events
	gated   bool // its executions are judged
	watched bool // in scope
	conf    coreJail
	gate    gate
	links   []link.Link
	lookup  *ebpf.Collection
	allowed []coreAllow
	code    map[codeClosedKey]struct{} // what may not be mapped
	closed  bool
}

// ID returns the cgroup id that is the jail's key in the maps and in Event.Jail.
func (j *Jail) ID() uint64 { return j.id }

// Add brings the jail with this cgroup (v2, existing) and network namespace into
// scope: Prepare and Watch in one. When it returns, every probe is attached; on
// error nothing is left behind.
func (p *Probes) Add(c JailConfig, cgroupPath string, netns, tcp4, tcp6, udp4, udp6 *os.File) (*Jail, error) {
	j, err := p.Prepare(c, cgroupPath, netns, tcp4, tcp6, udp4, udp6)
	if err != nil {
		return nil, err
	}
	if err := j.Watch(); err != nil {
		return nil, errors.Join(err, j.Close())
	}
	return j, nil
}

// jailOf makes what is known of a jail before anything of it is in the kernel.
// The cgroup is the caller's to close.
func (p *Probes) jailOf(c JailConfig, cgroupPath string) (*Jail, *cgroup, error) {
	if err := c.validate(); err != nil {
		return nil, nil, err
	}
	cg, err := openCgroup(cgroupPath)
	if err != nil {
		return nil, nil, err
	}
	return &Jail{probes: p, id: cg.id, name: c.Name, files: !c.NoFiles}, cg, nil
}

// admit refuses a jail that there is no room for. The caller holds the lock.
func (p *Probes) admit(j *Jail, cgroupPath string) error {
	switch {
	case p.closed:
		return ErrClosed
	case p.jails[j.id] != nil:
		return fmt.Errorf("cgroup %q is jail %q already", cgroupPath, p.jails[j.id].name)
	case len(p.jails) >= MaxJails:
		return fmt.Errorf("%d jails already", MaxJails)
	}
	return nil
}

// Prepare does what takes time: it puts the programs on the cgroup and into the
// network namespace, which decide from then on. Nothing is reported before
// Watch, so that a runtime can build the jail meanwhile. The sockets are
// listeners or bound sockets made in that namespace. The files stay the
// caller's, and are not needed afterwards.
func (p *Probes) Prepare(c JailConfig, cgroupPath string, netns, tcp4, tcp6, udp4, udp6 *os.File) (*Jail, error) {
	j, cg, err := p.jailOf(c, cgroupPath)
	if err != nil {
		return nil, fmt.Errorf("add jail %q: %w", c.Name, err)
	}
	defer cg.dir.Close()

	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.admit(j, cgroupPath); err != nil {
		return nil, fmt.Errorf("add jail %q: %w", c.Name, err)
	}
	if err := j.attach(c, cg, netns, [4]*os.File{tcp4, tcp6, udp4, udp6}); err != nil {
		return nil, errors.Join(fmt.Errorf("add jail %q: %w", c.Name, err), j.release())
	}
	p.jails[j.id] = j
	return j, nil
}

// Watch brings a prepared jail into scope. When it returns, every probe is
// attached.
func (j *Jail) Watch() error {
	p := j.probes
	p.mu.Lock()
	defer p.mu.Unlock()
	if j.closed || p.closed {
		return ErrClosed
	}
	err := p.processes.attach()
	if err == nil && j.files {
		err = p.files.attach()
	}
	if err == nil {
		err = p.core.Maps[coreMapJails].Put(j.id, j.conf)
	}
	if err != nil {
		return fmt.Errorf("add jail %q: %w", j.name, err)
	}
	first := true
	for _, other := range p.jails {
		first = first && !other.watched
	}
	j.watched = true
	if first {
		if err := p.rest(); err != nil {
			p.log.Warn("detach what no jail needs", "err", err)
		}
		// The reader sleeps its long interval.
		p.nudge()
	}
	return nil
}

// attach goes from refusing everything to the configured rules.
func (j *Jail) attach(c JailConfig, cg *cgroup, netns *os.File, sockets [4]*os.File) error {
	core := j.probes.core
	for _, hook := range cgroupHooks() {
		l, err := attachCgroup(cg, core.Programs[hook.program], hook.attach)
		if err != nil {
			return fmt.Errorf("attach %s: %w", hook.program, err)
		}
		j.links = append(j.links, l)
	}
	for _, key := range c.allow(j.id) {
		if err := core.Maps[coreMapAllowed].Put(key, uint8(1)); err != nil {
			return fmt.Errorf("allow address: %w", err)
		}
		j.allowed = append(j.allowed, key)
	}
	if err := core.Maps[coreMapNetconfs].Update(j.id, c.netconf(j.id), ebpf.UpdateAny); err != nil {
		return fmt.Errorf("configure network: %w", err)
	}
	if err := j.attachLookup(netns, sockets); err != nil {
		return fmt.Errorf("socket lookup: %w", err)
	}
	j.conf = c.jail()
	return nil
}

type cgroupHook struct {
	program string
	attach  ebpf.AttachType
}

func cgroupHooks() []cgroupHook {
	return []cgroupHook{
		{coreProgNetConnect4, ebpf.AttachCGroupInet4Connect},
		{coreProgNetConnect6, ebpf.AttachCGroupInet6Connect},
		{coreProgNetSendmsg4, ebpf.AttachCGroupUDP4Sendmsg},
		{coreProgNetSendmsg6, ebpf.AttachCGroupUDP6Sendmsg},
		{coreProgNetSockCreate, ebpf.AttachCGroupInetSockCreate},
	}
}

// attachCgroup makes a bpf_link or fails. link.AttachCgroup would fall back to
// the legacy attachment, which outlives us and cannot be pinned.
func attachCgroup(cg *cgroup, prog *ebpf.Program, at ebpf.AttachType) (link.Link, error) {
	return link.AttachRawLink(link.RawLinkOptions{Target: int(cg.dir.Fd()), Program: prog, Attach: at})
}

func (j *Jail) attachLookup(netns *os.File, sockets [4]*os.File) error {
	if netns == nil {
		return errors.New("no network namespace")
	}
	c, err := ebpf.NewCollection(j.probes.lookup)
	if err != nil {
		return err
	}
	j.lookup = c
	for i, f := range sockets {
		if f == nil {
			return fmt.Errorf("socket %d is missing", i)
		}
		err := withFD(f, func(fd int) error {
			return c.Maps[lookupMapTargets].Put(uint32(i), uint64(fd))
		})
		if err != nil {
			return fmt.Errorf("socket %d: %w", i, err)
		}
	}
	return withFD(netns, func(fd int) error {
		l, err := link.AttachNetNs(fd, c.Programs[lookupProgLookup])
		if err == nil {
			j.links = append(j.links, l)
		}
		return err
	})
}

// withFD lends the descriptor without f.Fd's side effect on blocking mode, which
// the socket's other owners would feel.
func withFD(f *os.File, use func(fd int) error) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	if err := raw.Control(func(fd uintptr) { inner = use(int(fd)) }); err != nil {
		return err
	}
	return inner
}

// Close takes the jail out of scope and detaches its programs. After the last
// one the tracing programs go too: a host without jails pays nothing.
func (j *Jail) Close() error {
	p := j.probes
	p.mu.Lock()
	defer p.mu.Unlock()
	if j.closed || p.closed {
		return nil
	}
	err := j.release()
	delete(p.jails, j.id)
	return errors.Join(err, p.rest())
}

// release undoes attach, also a partial one. The rules go before the programs,
// so that nothing is allowed by a rule of a jail that is gone.
func (j *Jail) release() error {
	j.closed = true
	core := j.probes.core
	var errs []error
	if err := core.Maps[coreMapJails].Delete(j.id); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
		errs = append(errs, fmt.Errorf("scope map: %w", err))
	}
	errs = append(errs, j.closeGate(), j.openCode())
	for _, key := range j.allowed {
		errs = append(errs, core.Maps[coreMapAllowed].Delete(key))
	}
	for _, l := range j.links {
		errs = append(errs, l.Close())
	}
	j.links = nil
	if j.lookup != nil {
		j.lookup.Close()
	}
	return errors.Join(errs...)
}

func (c JailConfig) validate() error {
	var errs []error
	if n := len(c.AllowAddrs) + 2*len(c.AllowUDPDNS); n > MaxAllowPerJail {
		errs = append(errs, fmt.Errorf("%d addresses allowed, at most %d", n, MaxAllowPerJail))
	}
	if c.VirtualV4.IsValid() && !c.VirtualV4.Addr().Is4() {
		errs = append(errs, fmt.Errorf("virtual prefix %s is not IPv4", c.VirtualV4))
	}
	if c.VirtualV6.IsValid() && (!c.VirtualV6.Addr().Is6() || c.VirtualV6.Addr().Is4In6()) {
		errs = append(errs, fmt.Errorf("virtual prefix %s is not IPv6", c.VirtualV6))
	}
	for _, a := range c.AllowUDPDNS {
		if !a.IsValid() || a.Port() == 0 {
			errs = append(errs, fmt.Errorf("resolver %s: want an address and a port", a))
		}
	}
	for _, a := range c.AllowAddrs {
		if !a.Addr().IsValid() || a.Addr().IsUnspecified() {
			errs = append(errs, fmt.Errorf("allowed address %s is none", a))
		}
	}
	if c.Filters < 0 || c.Filters > MaxFilters {
		errs = append(errs, fmt.Errorf("%d filters of the runtime, want 0 to %d", c.Filters, MaxFilters))
	}
	for _, class := range c.Urgent {
		if class == 0 || int(class) >= wire.NumClasses {
			errs = append(errs, fmt.Errorf("urgent class %s is none", class))
		}
	}
	return errors.Join(errs...)
}

// enum jail_flag in maps.h.
const (
	jailFailedReads = 1
	jailNoFiles     = 2
	jailGated       = 4

	jailFiltersShift = 16
)

// MaxFilters bounds JailConfig.Filters.
const MaxFilters = 1<<16 - 1

func (c JailConfig) jail() coreJail {
	v := coreJail{Flags: uint32(c.Filters) << jailFiltersShift}
	if c.FailedReads {
		v.Flags |= jailFailedReads
	}
	if c.NoFiles {
		v.Flags |= jailNoFiles
	}
	for _, class := range c.Urgent {
		v.Urgent |= 1 << class
	}
	return v
}

func (c JailConfig) netconf(id uint64) coreNetconf {
	v := coreNetconf{Jail: id}
	for i, prefix := range []netip.Prefix{c.VirtualV4, c.VirtualV6} {
		if !prefix.IsValid() {
			continue
		}
		bits := prefix.Bits()
		if prefix.Addr().Is4() {
			bits += 96
		}
		mask := maskBytes(bits)
		v.Virtual[i].Net = words(prefix.Masked().Addr().As16())
		v.Virtual[i].Mask = words(mask)
	}
	return v
}

func (c JailConfig) allow(id uint64) []coreAllow {
	const tcp, udp = 6, 17
	var list []coreAllow
	add := func(a netip.AddrPort, proto uint16) {
		list = append(list, coreAllow{Jail: id, Addr: words(a.Addr().As16()), Port: a.Port(), Proto: proto})
	}
	for _, a := range c.AllowUDPDNS {
		add(a, udp)
		add(a, tcp)
	}
	for _, a := range c.AllowAddrs {
		add(a, tcp)
	}
	return list
}
