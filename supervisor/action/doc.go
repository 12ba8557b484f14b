// Package action judges what agents do in the world: emails, payments, whatever
// a system call does not know about itself. Each jail has a socket on which the
// agent, its plugin or a wrapper says what it is about to do; the answer comes
// from the jail's policy, from limits, and for what is critical from a human.
//
// # Words are not enough
//
// What is let through is a token, for a time and a number of uses, and an action
// can own a destination of the network: then Spend stands between the jail and
// every connection there, and takes one use of a token of the jail, or refuses.
// An agent that does not ask first is refused; one that asks for something else
// as well.
//
// # Trust
//
// Who asks is the jail whose listener the connection came in on, never what the
// request says: each jail has a socket of its own that no other jail sees.
// Requests are hostile bytes (package message). Everything that the agent says
// about its action is a claim; it is bounded, escaped wherever it is shown, and
// decides nothing but what the action is called and what it costs, where a lie
// gains a token for the wrong thing and is on record.
//
// # Ownership and concurrency
//
// A Service owns the jails that were opened, their listeners, connections and
// tokens; Close ends them all. Every method may be called by any goroutine. A
// request that waits for a human holds one goroutine and one connection.
//
// May be imported by the supervisor.
//
// # Bounds
//
//	what                        bound          at the bound
//	connections of a jail       MaxConns       closed at once
//	bytes of a request          MaxLine        an error, and the connection is closed
//	tokens of a jail            MaxTokens      the action is refused
//	requests before they ask    3              denied: the limit was reached meanwhile
//
// # Decisions
//
//   - A limit is asked about before a human is, and taken when the action is let
//     through: what was denied costs nothing. If others used it up while the
//     human decided, it is asked about again with that on the page.
//   - What a human lets happen over a limit counts against it.
//   - Money in a currency that no limit is about asks: there are no rates of
//     exchange here.
//   - An action that its policy lets through without asking needs no request
//     before a connection that it owns: the connection is the action, counted
//     like one. That is how calls of an interface are limited.
//   - What somebody does on the host and in no jail, as installing a skill, is an
//     Operation: under the host's limits, counted and recorded like an agent's. Its
//     question is the caller's own, which shows more than words.
//   - What is done outside of a jail because the jail asked for it takes a token
//     about that very target, and is not counted again: the jail's request was.
//     A connection takes any token of its action, because what a human was shown
//     as its target is words of the agent.
//   - Tokens are in memory only, in CLOCK_BOOTTIME: a supervisor that restarts
//     knows of none, and its jails ask again.
//   - The jail of a limit is its name and not its id, so that starting an agent
//     again under the same name does not give it a new budget.
package action
