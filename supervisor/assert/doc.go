// Package assert is how the supervisor knows which person stands behind a
// request of the web console: small signed tokens, and the keys that sign them.
//
// The gateway speaks HTTP and TLS with strangers, so it is the part that is
// likely to be taken over. It holds no key. clawjail-gateway's second process,
// the sign-in, holds the secret and signs for a session that it has checked;
// the supervisor holds it too and verifies for itself. What is signed names the
// person, the role, and exactly one request: method, path and the digest of the
// body. So the gateway can carry a request, and cannot make or change one.
//
// Tokens are JWTs (RFC 7519) with HMAC-SHA256, and nothing else: the header is
// compared and not interpreted. There are three audiences, each with keys of
// its own: "access" for the browser and API clients, an hour at most; "console"
// for the supervisor, seconds; "device" for a browser that signed in before.
//
// Trust: tokens are hostile until Verify has seen their MAC; only then is the
// claim set decoded. The secret is 32 bytes or more of the operator's.
//
// Ownership and concurrency: Keys are constant after New and may be used by any
// goroutine. Once remembers what was used; it locks.
//
// May be imported by the supervisor and by supervisor/gateway. It imports only
// the standard library.
//
// # Decisions
//
//   - A MAC and not a signature: both who sign and who verify are trusted with
//     all of it, and the gateway is trusted with none, so a public key would
//     have no holder. HMAC is also what the root process can verify with the
//     least code.
//   - Own code and not a JWT library: the one form that we write is the one that
//     we read, in a hundred lines that root links. A test holds it against
//     golang-jwt in both directions.
//   - Keys are derived from the secret for each audience and each day; the day
//     is the key id, and must be the day of "iat". So keys rotate without state
//     and no token of one kind is one of another.
//   - What a gateway that was taken over still can do: as long as somebody is
//     signed in through it, ask for assertions in that person's name, up to that
//     person's role. It cannot do so for who is not signed in, after the session
//     was ended, against four eyes, or without a record that names the person.
//     Where auth.step_up asks for it, and for changes of users always, an assertion
//     says which fresh second factor was given for exactly that request, so each
//     takes a person who does something. Closing the rest takes an authenticator
//     that shows what it signs.
package assert
