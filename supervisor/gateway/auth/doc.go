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
//	refusals that are told as one      maxFolds      one record for all others
//	events that wait for the log       maxUntold     counted, and told as lost
//	users, sessions, passkeys          package store refused
//
// # What is in the audit log
//
// Sign-ins, sign-outs, refusals, waits, step-ups that failed, and every change
// of a user: told to the supervisor over a socket that knows this process by
// SO_PEERCRED, so a gateway that was taken over can neither invent a record nor
// keep one back. What it can lie about is the client's address. Of refusals of
// one kind, user and network there is one record at once and one a minute that
// counts the others.
//
// Ownership and concurrency: a Service may be used by any goroutine. Serve runs
// the journal, and waits for it.
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
//   - Admins keep users here and not through the supervisor: this process has the
//     store. Each change takes a code or a passkey that was given for exactly that
//     change; the passkey's ceremony is bound to its digest. A gateway that was
//     taken over has neither, and at most gets one change for one code that an
//     admin types into it.
//   - A change by an admin is in the log before it is made, and not made if it
//     cannot be. What people do to what is theirs, and signing in, is made and
//     then told: a log that is full is no reason to lock a responder out.
//   - What somebody typed as a name and is no user's is in no record: sometimes it
//     is a password. Who exists is looked up when the record is told, since doing
//     it at the sign-in would tell a stranger with a clock.
//   - Never without an admin who can sign in. Whoever becomes more than a password
//     is enough for signs in again.
//   - What a new user signs in with is made here and shown once: an admin who
//     chose it would choose a weak one.
//   - Such a password signs in and does nothing but change itself: the admin has
//     seen it. It is this process that refuses the rest, for it signs the rest.
//   - Passkeys need user verification (a PIN, a finger) and so are two factors.
package auth
