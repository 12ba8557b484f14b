package flow

import (
	"strings"

	"clawjail/policy/skill/code/ir"
)

// IOCDate is the day the list of indicators is from.
const IOCDate = "2026-11-23"

// badHosts are addresses that public reports name as used by malicious skills
// and packages.
var badHosts = []string{
	"91.92.242.30", "95.92.242.30", "96.92.242.30", "54.91.154.110", "202.161.50.59",
	"socifiapp.com", "laosji.net", "app-distribution.net", "setup-service.com", "install.app-distribution.net", "openclawcli.vercel.app", "rentry.co/openclaw-core", "glot.io/snippets/hfd3x9ueu5",
}

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
func (m *machine) indicator(f *frame, pos ir.Pos, host string) {
	if within(host, badHosts) {
		m.emit(f, "CJS-NET-008", pos, host+" is known from attacks (list of "+IOCDate+")")
	}
	if within(host, minerHosts) {
		m.emit(f, "CJS-EXEC-011", pos, host+" is a pool for mining cryptocurrency")
	}
}

// indicators looks for bad addresses in all of a text, used or not.
func (m *machine) indicators(u *Unit, f *frame) {
	for _, h := range badHosts {
		if i := strings.Index(u.Text, h); i >= 0 {
			m.emit(f, "CJS-NET-008", posOf(u.Text, i), h+" is known from attacks (list of "+IOCDate+")")
		}
	}
	if i := strings.Index(u.Text, "stratum+tcp://"); i >= 0 {
		m.emit(f, "CJS-EXEC-011", posOf(u.Text, i), "the address of a mining pool")
	} else if i := strings.Index(u.Text, "stratum+ssl://"); i >= 0 {
		m.emit(f, "CJS-EXEC-011", posOf(u.Text, i), "the address of a mining pool")
	}
}
