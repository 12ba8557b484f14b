// Command clawjail-gateway serves a supervisor's counters to Prometheus, and
// sends what the supervisor wants people to be told.
//
// Trust: it may be started by root and does nothing as root but to become its
// own user without capabilities; then it listens, and before it answers anybody
// it goes under a seccomp filter. HTTP clients are hostile, the bounds are in
// package gateway.
//
// It has flags and wiring only.
//
// # Decisions
//
//   - The configuration is read for one thing, while it is root still: who to
//     become, which must be who the supervisor lets read its counters. A child
//     without privileges parses it, as for the supervisor.
//   - It listens when it has no privileges left, so a port below 1024 is
//     refused: a scraper does not need one.
package main
