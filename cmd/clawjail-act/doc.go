// Command clawjail-act runs inside a jail and says on the jail's action socket
// what is about to be done: for scripts as a command, for agents that speak MCP
// as a server on stdin and stdout (clawjail-act mcp).
//
// Trust: it is shown into every jail, read-only, and runs with the agent's
// rights. Nothing depends on it: an agent can speak to the socket itself, and one
// that speaks to nobody is refused where an action owns what it does.
//
// # Exit codes
//
//	0    allowed, or the report is on record
//	1    denied; or, of a check, a human would be asked
//	2    the request was no good
//	125  the socket cannot be reached
//
// # Decisions
//
//   - One static binary for both, because a jail has one place for it. The MCP
//     SDK is linked here and in nothing that is root.
//   - The flag package: the commands are three verbs with the same few flags, and
//     what is in the jail stays small.
package main
