// Package web is the console: the HTTPS API and the pages where people see what
// is held and what runs, and decide.
//
// Trust: everybody who can connect is a stranger until the sign-in process
// (package auth) knows their token. The supervisor's answers are true, and the
// texts in them come from jails: they reach a page through the templates'
// escaping, with what cannot be seen written as escapes and marked (Text). What
// a person asks for is signed by the sign-in process for exactly that request;
// this process has no key, and the supervisor verifies for itself.
//
// # Bounds
//
//	what                                  bound        at the bound
//	open connections                      maxConns     others wait in the kernel's queue
//	a request's headers and body          maxHeader, maxBody  refused
//	requests of a client, not signed in   rate_limit   429
//	requests of a session                 100 times that  429
//	clients counted                       maxClients   the quietest are forgotten
//	live views                            maxLive, maxLiveEach  503
//
// Ownership and concurrency: a Server may serve any number of requests.
//
// Imported by cmd/clawjail-gateway.
//
// # Decisions
//
//   - Pages are rendered here and work without script; what there is of it
//     (assets/app.js) renews lists, moves the focus and speaks with passkeys. It
//     parses HTML only as a document that XMLHttpRequest made, in which no
//     script runs, so that Trusted Types can forbid every sink.
//   - A change needs the Origin of this console besides the cookie, which is
//     SameSite=Strict. No token in the page: there is nothing that a page of
//     another origin could send that has our Origin.
//   - Strict cookies do not come with a link from a chat. Such a visit gets a
//     page that opens the same address again, now from here.
//   - A fresh second factor goes with the form that it is for. The script posts the
//     form first with step_begin: the same code makes the same request of it, and
//     the passkey is asked about its digest instead of it being sent.
//   - "always" is not offered: it writes a rule into a policy file, and this
//     process has no files.
//   - The rate limit of an address is not that of a session: who attacks the
//     sign-in from an office does not end the work of those who are in.
package web
