// Package auth signs people in: the second, smaller process of
// clawjail-gateway. It has a user and no network of its own, keeps the users,
// and holds the secret that assertions are signed with.
//
// Trust: everything that it is asked is hostile: strangers' passwords, codes
// and passkeys, carried by a gateway that may be theirs. It answers one peer,
// by SO_PEERCRED.
//
// # Bounds
//
//	what                               bound         at the bound
//	passwords checked at a time        maxChecks     others wait
//	sign-ins that wait for that        maxWaiting    refused: busy
//	clients and users remembered       maxRemembered what is unchanged the longest is forgotten
//	ceremonies with passkeys           maxCeremonies the oldest is forgotten
//	users, sessions, passkeys          package store refused
//
// Ownership and concurrency: a Service may be used by any goroutine.
//
// Imported by cmd/clawjail-gateway.
//
// # Decisions
//
//   - A process of its own, and neither the gateway nor the supervisor. In the
//     gateway, whoever takes over the part that speaks with strangers could make
//     users and sign as anybody. In the supervisor, root would parse WebAuthn's
//     CBOR and spend 64 MiB a guess.
//   - Wrong guesses slow down the pair of a user and a client's network, not the
//     user: nobody elsewhere is locked out by them. Guessing from everywhere at
//     once meets a bound for each user and hour, beyond which passwords are only
//     taken from browsers that signed in before (they have a device token) and
//     passkeys always.
//   - One answer for an unknown user, a wrong password, a wrong or used code, a
//     missing second factor and a disabled user, and the same work for each.
//   - Roles are read from the store at every question and not from the token:
//     whoever loses a role loses it now.
//   - A refresh token counts once. If one comes a second time, two have it, and
//     the session ends for both.
//   - Recovery codes have 80 random bits, so a plain digest of them is enough.
//   - Passkeys need user verification (a PIN, a finger) and so are two factors.
package auth
