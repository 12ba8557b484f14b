package resolve

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"
)

// maxServers is what the C library reads, resolv.conf(5).
const maxServers = 3

// ReadServers returns the resolvers that a resolv.conf names.
func ReadServers(path string) ([]netip.AddrPort, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read resolvers: %w", err)
	}
	defer f.Close()
	const limit = 64 << 10
	b, err := io.ReadAll(io.LimitReader(f, limit))
	if err != nil {
		return nil, fmt.Errorf("read resolvers of %q: %w", path, err)
	}
	servers := parseServers(b)
	if len(servers) == 0 {
		return nil, fmt.Errorf("read resolvers of %q: %w", path, errors.New("it names none"))
	}
	return servers, nil
}

func parseServers(b []byte) []netip.AddrPort {
	const port = 53
	var servers []netip.AddrPort
	lines := bufio.NewScanner(bytes.NewReader(b))
	for lines.Scan() && len(servers) < maxServers {
		fields := strings.Fields(lines.Text())
		if len(fields) < 2 || fields[0] != "nameserver" {
			continue
		}
		if a, err := netip.ParseAddr(fields[1]); err == nil {
			servers = append(servers, netip.AddrPortFrom(a, port))
		}
	}
	return servers
}
