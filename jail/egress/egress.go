package egress

import (
	"os"

	"clawjail/jail/egress/control"
)

// Rules is what one jail may reach. It is inert.
type Rules = control.Rules

// Dest is one destination that a jail may reach.
type Dest = control.Dest

// Ask is a connection that waits for a decision, and Verdict the decision.
type (
	Ask     = control.Ask
	Verdict = control.Verdict
)

// Event is one fact about a jail's traffic.
type Event = control.Event

// Event kinds and verdicts.
const (
	KindDNS  = control.KindDNS
	KindConn = control.KindConn
	KindLost = control.KindLost
	Allow    = control.Allow
	Deny     = control.Deny

	ThenAllow = control.ThenAllow
	ThenAsk   = control.ThenAsk
	ThenDeny  = control.ThenDeny
)

// Sockets are the sockets that were made in a jail's network namespace: TCP
// listeners that get every connection that leaves the jail's loopback, and
// UDP sockets bound to port 53. Add duplicates them; the caller keeps, and
// closes, its own. A nil file is a family that the jail does not have.
type Sockets struct {
	TCP4, TCP6 *os.File
	UDP4, UDP6 *os.File
}
