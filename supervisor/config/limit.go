package config

import (
	"fmt"
	"net"
	"strconv"
	"strings"
)

// MaxRedis bounds Config.LimitRedis.
const MaxRedis = 16

// CheckRedis refuses what is no address of a Redis: a name or an address, and a
// port.
func CheckRedis(s string) error {
	host, port, err := net.SplitHostPort(s)
	n, bad := strconv.ParseUint(port, 10, 16)
	if err != nil || bad != nil || n == 0 || host == "" || strings.ContainsAny(host, "/@ \t\n") {
		return fmt.Errorf("%q is not a host and a port, as in 10.0.0.5:6379", s)
	}
	return nil
}
