// Package egress is the supervisor's side of clawjail-egress, the process
// that answers jails' DNS questions and relays their TCP connections.
package egress
