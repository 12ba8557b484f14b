package smallnet

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// internetMain is the life of the far side: until end of file on its pipe.
func internetMain(dir string) error {
	in, out := os.NewFile(fdIn, "in"), os.NewFile(fdOut, "out")
	r := bufio.NewReader(in)
	line, err := r.ReadString('\n')
	if err != nil {
		return err
	}
	hostPID, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		return err
	}
	if err := wireInternet(hostPID); err != nil {
		return fmt.Errorf("wire the internet: %w", err)
	}
	if err := startInternet(dir); err != nil {
		return fmt.Errorf("start the internet: %w", err)
	}
	if _, err := fmt.Fprintln(out, "ready"); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, r)
	return err
}

// wireInternet makes the veth pair with one end in the host, and gives this
// side all the addresses of the zone.
func wireInternet(hostPID int) error {
	veth := &netlink.Veth{
		LinkAttrs: netlink.LinkAttrs{Name: "wire"}, PeerName: "uplink", PeerNamespace: netlink.NsPid(hostPID),
	}
	if err := netlink.LinkAdd(veth); err != nil {
		return fmt.Errorf("add veth: %w", err)
	}
	if err := address("wire", gateway4+"/24", gateway6+"/64"); err != nil {
		return err
	}
	var extra []string
	for _, a := range served(zone()) {
		extra = append(extra, netip.PrefixFrom(a, a.BitLen()).String())
	}
	return address("lo", extra...)
}

// address gives a link addresses and sets it up. IPv6 duplicate detection is
// off: the wire has two ends and a test has no second to wait.
func address(link string, prefixes ...string) error {
	l, err := netlink.LinkByName(link)
	if err != nil {
		return fmt.Errorf("link %q: %w", link, err)
	}
	for _, p := range prefixes {
		a, err := netlink.ParseAddr(p)
		if err != nil {
			return err
		}
		if a.IP.To4() == nil {
			a.Flags = unix.IFA_F_NODAD
		}
		if err := netlink.AddrAdd(l, a); err != nil {
			return fmt.Errorf("address %s on %q: %w", p, link, err)
		}
	}
	if err := netlink.LinkSetUp(l); err != nil {
		return fmt.Errorf("set %q up: %w", link, err)
	}
	return nil
}

// hostMain prepares the near side; afterwards the program's own code runs.
func hostMain(dir string) error {
	in, out := os.NewFile(fdIn, "in"), os.NewFile(fdOut, "out")
	if _, err := fmt.Fprintln(out, "separate"); err != nil {
		return err
	}
	if _, err := bufio.NewReader(in).ReadString('\n'); err != nil {
		return fmt.Errorf("the internet did not come up: %w", err)
	}
	_, _ = in.Close(), out.Close()
	if err := wireHost(); err != nil {
		return fmt.Errorf("wire the host: %w", err)
	}
	if err := mountHost(dir); err != nil {
		return err
	}
	for _, e := range []string{envRole, envDir} {
		if err := os.Unsetenv(e); err != nil {
			return err
		}
	}
	return nil
}

func wireHost() error {
	if err := address("lo"); err != nil {
		return err
	}
	if err := address("uplink", host4+"/24", host6+"/64"); err != nil {
		return err
	}
	for _, gw := range []string{gateway4, gateway6} {
		if err := netlink.RouteAdd(&netlink.Route{Gw: net.ParseIP(gw)}); err != nil {
			return fmt.Errorf("default route via %s: %w", gw, err)
		}
	}
	return nil
}
