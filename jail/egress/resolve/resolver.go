package resolve

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/miekg/dns"
)

const (
	maxCache     = 4096             // names kept; at the bound, expired and then arbitrary ones go
	maxRunning   = 256              // lookups at a time; more wait
	negativeTTL  = 5 * time.Second  // "there is none", and half answers
	lookupTime   = 10 * time.Second // the whole of one lookup
	secondFamily = 50 * time.Millisecond
)

// Resolver resolves names and remembers the answers.
type Resolver struct {
	now     func() time.Time
	running chan struct{}

	mu      sync.Mutex
	entries map[key]*entry
}

type key struct {
	servers string
	name    string
}

// entry is a lookup, done when ready is closed.
type entry struct {
	ready   chan struct{}
	addrs   []netip.Addr
	err     error
	expires time.Time // set with ready
}

// New returns a resolver with an empty cache.
func New() *Resolver {
	return &Resolver{
		now:     time.Now,
		running: make(chan struct{}, maxRunning),
		entries: make(map[key]*entry),
	}
}

// Resolve returns the addresses of a canonical name, both families mixed as
// they came, IPv6 first. ErrNoName and ErrNoAddress are answers.
func (r *Resolver) Resolve(ctx context.Context, servers []netip.AddrPort, name string) ([]netip.Addr, error) {
	k := key{servers: fmt.Sprint(servers), name: name}
	e := r.entry(k, servers)
	select {
	case <-e.ready:
	case <-ctx.Done():
		return nil, fmt.Errorf("resolve %q: %w", name, context.Cause(ctx))
	}
	if e.err != nil {
		return nil, fmt.Errorf("resolve %q: %w", name, e.err)
	}
	return append([]netip.Addr(nil), e.addrs...), nil
}

// entry returns a fresh entry, or starts a lookup.
func (r *Resolver) entry(k key, servers []netip.AddrPort) *entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.entries[k]; e != nil {
		select {
		case <-e.ready:
			if r.now().Before(e.expires) {
				return e
			}
		default:
			return e
		}
	}
	r.makeRoom()
	e := &entry{ready: make(chan struct{})}
	r.entries[k] = e
	go r.fill(e, servers, k.name)
	return e
}

// makeRoom drops what has expired and, if that is not enough, any done entry.
func (r *Resolver) makeRoom() {
	if len(r.entries) < maxCache {
		return
	}
	now := r.now()
	var victim *key
	for k, e := range r.entries {
		select {
		case <-e.ready:
			victim = &k
			if !now.Before(e.expires) {
				delete(r.entries, k)
			}
		default:
		}
	}
	if len(r.entries) >= maxCache && victim != nil {
		delete(r.entries, *victim)
	}
}

// fill does a lookup on nobody's behalf: the first waiter may leave before the
// second.
func (r *Resolver) fill(e *entry, servers []netip.AddrPort, name string) {
	ctx, cancel := context.WithTimeout(context.Background(), lookupTime)
	defer cancel()
	var ttl time.Duration
	select {
	case r.running <- struct{}{}:
		e.addrs, ttl, e.err = lookup(ctx, servers, name)
		<-r.running
	case <-ctx.Done():
		e.err = errors.New("too many lookups at once")
	}
	e.expires = r.now().Add(ttl)
	close(e.ready)
}

// lookup asks for both families. Errors that say nothing about the name have
// no time to live.
func lookup(ctx context.Context, servers []netip.AddrPort, name string) ([]netip.Addr, time.Duration, error) {
	ctx, cancel := context.WithCancel(ctx)
	type result struct {
		answer
		err error
		v6  bool
	}
	results := make(chan result, 2)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	for _, qtype := range []uint16{dns.TypeAAAA, dns.TypeA} {
		wg.Go(func() {
			a, err := ask(ctx, servers, name, qtype)
			results <- result{a, err, qtype == dns.TypeAAAA}
		})
	}
	var addrs []netip.Addr
	var errs []error
	ttl := maxTTL
	var late <-chan time.Time
	for range 2 {
		select {
		case res := <-results:
			if res.err != nil {
				errs = append(errs, res.err)
				continue
			}
			ttl = min(ttl, res.ttl)
			if res.v6 {
				addrs = append(res.addrs, addrs...)
			} else {
				addrs = append(addrs, res.addrs...)
			}
			timer := time.NewTimer(secondFamily)
			defer timer.Stop()
			late = timer.C
		case <-late:
			return addrs, negativeTTL, nil
		}
	}
	if len(addrs) > 0 {
		return addrs, ttl, nil
	}
	return nil, negative(errs), worst(errs)
}

func negative(errs []error) time.Duration {
	for _, err := range errs {
		if !errors.Is(err, ErrNoName) && !errors.Is(err, ErrNoAddress) {
			return 0
		}
	}
	return negativeTTL
}

// worst prefers an error about resolvers: the name may be fine.
func worst(errs []error) error {
	for _, err := range errs {
		if !errors.Is(err, ErrNoName) && !errors.Is(err, ErrNoAddress) {
			return err
		}
	}
	return errs[0]
}
