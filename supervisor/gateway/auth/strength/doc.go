// Package strength says which passwords are too weak.
//
// Trust: passwords may be anything; they are bounded before they are judged.
//
// Ownership and concurrency: a function without state.
//
// Imported by supervisor/gateway/auth and cmd/clawjail-gateway, which the command
// line asks: the word lists take a tenth of a second to read when a program
// starts, which no other command should wait for.
//
// # Decisions
//
//   - zxcvbn (the ccojocar port, which is kept) and not rules about kinds of
//     characters: "Passw0rd1234!" satisfies those and is on every list. What a
//     thief would try first (the user's name, clawjail) counts as known.
package strength
