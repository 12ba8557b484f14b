package flow

import (
	"strings"

	"clawjail/policy/skill/code/ir"
	"clawjail/policy/skill/ioc"
)

// minerHosts are pools.
var minerHosts = []string{"minexmr.com", "supportxmr.com", "nanopool.org", "moneroocean.stream", "2miners.com", "f2pool.com", "hashvault.pro", "minergate.com", "c3pool.com", "unmineable.com", "nicehash.com", "herominers.com", "xmrpool.eu", "kryptex.network"}

func within(host string, list []string) bool {
	for _, h := range list {
		if host == h || strings.HasSuffix(host, "."+h) {
			return true
		}
	}
	return false
}

// indicator reports a host that is known to be bad.
func (m *machine) indicator(f *frame, pos ir.Pos, host, path string) {
	if note, ok := ioc.Embedded().Host(host, path); ok {
		m.emit(f, "CJS-NET-008", pos, host+" is known from attacks: "+note)
	}
	if within(host, minerHosts) {
		m.emit(f, "CJS-EXEC-011", pos, host+" is a pool for mining cryptocurrency")
	}
}

// indicators looks for the addresses of mining pools in all of a text.
func (m *machine) indicators(u *Unit, f *frame) {
	for _, s := range []string{"stratum+tcp://", "stratum+ssl://"} {
		if i := strings.Index(u.Text, s); i >= 0 {
			m.emit(f, "CJS-EXEC-011", posOf(u.Text, i), "the address of a mining pool")
			return
		}
	}
}
