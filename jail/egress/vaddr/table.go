package vaddr

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"sync"
)

// MaxNames bounds the names of one jail: 2 MiB of table at the worst.
const MaxNames = 4096

// ErrFull says that a jail asked for more than MaxNames names.
var ErrFull = errors.New("the jail has used up its virtual addresses")

// Pair is the addresses of one name.
type Pair struct{ V4, V6 netip.Addr }

// Table maps names to addresses and back.
type Table struct {
	jail   string
	v4, v6 netip.Prefix

	mu     sync.RWMutex
	byName map[string]Pair
	byAddr map[netip.Addr]string
}

// New returns an empty table. The first address of each prefix is the DNS
// server's.
func New(jail string, v4, v6 netip.Prefix) (*Table, error) {
	// A /18 is four times MaxNames: probing stays short.
	if !v4.IsValid() || !v4.Addr().Is4() || v4.Bits() < 8 || v4.Bits() > 18 || v4 != v4.Masked() {
		return nil, fmt.Errorf("virtual prefix %s: want an IPv4 network of /8 to /18", v4)
	}
	if !v6.IsValid() || !v6.Addr().Is6() || v6.Bits() < 64 || v6.Bits() > 96 || v6 != v6.Masked() {
		return nil, fmt.Errorf("virtual prefix %s: want an IPv6 network of /64 to /96", v6)
	}
	return &Table{
		jail: jail, v4: v4, v6: v6,
		byName: make(map[string]Pair),
		byAddr: make(map[netip.Addr]string),
	}, nil
}

// DNS returns the addresses of the jail's DNS server.
func (t *Table) DNS() Pair {
	return Pair{V4: t.v4.Addr().Next(), V6: t.v6.Addr().Next()}
}

// Assign returns the addresses of a name, which it gets now if it has none.
func (t *Table) Assign(name string) (Pair, error) {
	t.mu.RLock()
	p, ok := t.byName[name]
	t.mu.RUnlock()
	if ok {
		return p, nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if p, ok := t.byName[name]; ok {
		return p, nil
	}
	if len(t.byName) >= MaxNames {
		return Pair{}, ErrFull
	}
	sum := sha256.Sum256([]byte(t.jail + "\x00" + name))
	p = Pair{
		V4: t.free(t.v4, binary.BigEndian.Uint64(sum[:8])),
		V6: t.free(t.v6, binary.BigEndian.Uint64(sum[8:16])),
	}
	t.byName[name] = p
	t.byAddr[p.V4] = name
	t.byAddr[p.V6] = name
	return p, nil
}

// free returns the first free address at or after start. It skips the
// network's own, the DNS server's and the last one, which is a broadcast
// address to some stacks. There is always one: a prefix holds more than
// MaxNames.
func (t *Table) free(prefix netip.Prefix, start uint64) netip.Addr {
	const skipped = 3
	bits := prefix.Addr().BitLen() - prefix.Bits()
	usable := ^uint64(0)>>(64-bits) - skipped + 1
	for i := start % usable; ; i = (i + 1) % usable {
		a := offset(prefix.Addr(), i+2)
		if _, taken := t.byAddr[a]; !taken {
			return a
		}
	}
}

// offset adds n to the host part of a network address, whose low bits are
// zero.
func offset(base netip.Addr, n uint64) netip.Addr {
	if base.Is4() {
		b := base.As4()
		binary.BigEndian.PutUint32(b[:], binary.BigEndian.Uint32(b[:])|uint32(n))
		return netip.AddrFrom4(b)
	}
	b := base.As16()
	binary.BigEndian.PutUint64(b[8:], binary.BigEndian.Uint64(b[8:])|n)
	return netip.AddrFrom16(b)
}

// Name returns the name that has an address.
func (t *Table) Name(a netip.Addr) (string, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	name, ok := t.byAddr[a]
	return name, ok
}

// Virtual reports whether an address lies in the table's prefixes.
func (t *Table) Virtual(a netip.Addr) bool {
	return t.v4.Contains(a) || t.v6.Contains(a)
}
