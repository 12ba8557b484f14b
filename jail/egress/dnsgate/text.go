package dnsgate

import (
	"strconv"
	"strings"

	"github.com/miekg/dns"

	"clawjail/jail/egress/control"
)

// printable bounds a name that may be any bytes. The library has escaped it to
// printable ASCII by then, three digits a byte.
func printable(name string) string {
	name = strings.TrimSuffix(name, ".")
	if len(name) > control.MaxName {
		return name[:control.MaxName] + "..."
	}
	return name
}

func typeName(t uint16) string {
	if s, ok := dns.TypeToString[t]; ok && s != "None" {
		return s
	}
	return "TYPE" + number(int(t))
}

func number(n int) string { return strconv.Itoa(n) }
