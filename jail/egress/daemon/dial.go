package daemon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"clawjail/jail/egress/address"
	"clawjail/jail/egress/relay"
	"clawjail/jail/egress/resolve"
)

// Bounds of connecting, after RFC 8305.
const (
	maxTries  = 8                      // addresses of one name that are tried
	headStart = 250 * time.Millisecond // of each address before the next one
	tryTime   = 5 * time.Second        // one address
	dialTime  = 15 * time.Second       // all of them
	rereadIn  = 5 * time.Second        // resolv.conf
)

// dialer makes the connections to the outside.
type dialer struct {
	table    *address.Table
	resolver *resolve.Resolver
	conf     string // path of resolv.conf

	mu      sync.Mutex
	servers []netip.AddrPort
	read    time.Time
}

func newDialer(conf string) *dialer {
	return &dialer{table: address.New(), resolver: resolve.New(), conf: conf}
}

func (d *dialer) resolve(ctx context.Context, servers []netip.AddrPort, name string) ([]netip.Addr, error) {
	if len(servers) == 0 {
		var err error
		if servers, err = d.hostServers(); err != nil {
			return nil, err
		}
	}
	return d.resolver.Resolve(ctx, servers, name)
}

// hostServers returns the host's resolvers, read again now and then. When a
// reading fails the last good one holds.
func (d *dialer) hostServers() ([]netip.AddrPort, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.servers != nil && time.Since(d.read) < rereadIn {
		return d.servers, nil
	}
	servers, err := resolve.ReadServers(d.conf)
	if err != nil && d.servers == nil {
		return nil, err
	}
	if err == nil {
		d.servers = servers
	}
	d.read = time.Now()
	return d.servers, nil
}

// dial connects to the first of the permitted addresses that answers.
func (d *dialer) dial(ctx context.Context, addrs []netip.Addr, port uint16, allowPrivate bool) (*net.TCPConn, error) {
	permitted, err := d.permitted(addrs, allowPrivate)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	type result struct {
		c   *net.TCPConn
		err error
	}
	results := make(chan result, len(permitted))
	var wg sync.WaitGroup
	defer func() {
		cancel()
		wg.Wait()
		close(results)
		for r := range results { // losers that connected after all
			if r.c != nil {
				relay.Reset(r.c)
			}
		}
	}()
	next := 0
	start := func() {
		a := netip.AddrPortFrom(permitted[next], port)
		next++
		wg.Go(func() {
			c, err := d.try(ctx, a, allowPrivate)
			results <- result{c, err}
		})
	}
	var errs []error
	start()
	timer := time.NewTimer(headStart)
	defer timer.Stop()
	for len(errs) < len(permitted) {
		select {
		case r := <-results:
			if r.err == nil {
				return r.c, nil
			}
			errs = append(errs, r.err)
		case <-timer.C:
		}
		if next < len(permitted) {
			start()
			timer.Reset(headStart)
		}
	}
	return nil, errs[0]
}

// permitted keeps the addresses that may be dialed, families in turns. None is
// a refusal, with the first reason.
func (d *dialer) permitted(addrs []netip.Addr, allowPrivate bool) ([]netip.Addr, error) {
	var v6, v4 []netip.Addr
	var first error
	for _, a := range addrs {
		a = a.Unmap()
		if err := d.table.Check(a, allowPrivate); err != nil {
			if first == nil {
				first = &refusal{err}
			}
			continue
		}
		if a.Is6() {
			v6 = append(v6, a)
		} else {
			v4 = append(v4, a)
		}
	}
	var out []netip.Addr
	for i := 0; len(out) < maxTries && (i < len(v6) || i < len(v4)); i++ {
		if i < len(v6) {
			out = append(out, v6[i])
		}
		if i < len(v4) {
			out = append(out, v4[i])
		}
	}
	if len(out) == 0 {
		if first == nil {
			first = resolve.ErrNoAddress
		}
		return nil, first
	}
	return out, nil
}

// try connects to one address and checks it on the socket itself.
func (d *dialer) try(ctx context.Context, to netip.AddrPort, allowPrivate bool) (*net.TCPConn, error) {
	nd := net.Dialer{
		Timeout: tryTime,
		Control: func(_, text string, _ syscall.RawConn) error {
			ap, err := netip.ParseAddrPort(text)
			if err == nil && ap != to {
				err = fmt.Errorf("about to dial %s in place of %s", ap, to)
			}
			if err == nil {
				err = d.table.Check(ap.Addr(), allowPrivate)
			}
			if err != nil {
				return &refusal{err}
			}
			return nil
		},
	}
	nd.SetMultipathTCP(false)
	nc, err := nd.DialContext(ctx, "tcp", to.String())
	if err != nil {
		return nil, err
	}
	c, ok := nc.(*net.TCPConn)
	if !ok {
		nc.Close()
		return nil, errors.New("dialed something that is not TCP")
	}
	// The kernel gives a connection to one of this host's own addresses
	// that address as its source, net/ipv4/route.c:ip_route_output_key.
	if !allowPrivate && addrPort(c.LocalAddr()).Addr() == to.Addr() {
		relay.Reset(c)
		return nil, refused("address %s is refused: this host's own", to.Addr())
	}
	return c, nil
}
