// Package match says which destinations a name, an address and a port belong
// to.
//
// Trust: destinations come from the supervisor and are checked; names come
// from jails and are made canonical or refused before they are compared.
//
// Concurrency: a Set does not change once compiled.
//
// Imported by: packages of jail/egress.
//
// # Decisions
//
//   - Canonical names are lower case, without trailing dot, of letters,
//     digits, hyphen and underscore only. Everything that looks the same to
//     a resolver and different to a comparison (escapes, dots inside labels,
//     Unicode) is refused rather than mapped; policies spell IDNs in their
//     ASCII form.
//   - "*.example.com" is one or more whole labels below example.com and never
//     example.com itself. Lookup walks the labels, so no text comparison with
//     a suffix exists that could match "evilexample.com".
package match
