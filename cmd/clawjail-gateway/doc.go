// Command clawjail-gateway serves a supervisor's counters to Prometheus.
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
//   - No configuration file: three flags, each with a default that works.
//   - It listens when it has no privileges left, so a port below 1024 is
//     refused: a scraper does not need one.
package main
