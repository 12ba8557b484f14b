// Command clawjail-gateway serves a supervisor's counters to Prometheus.
//
// Trust: it may be started by root and does nothing as root but to become its
// own user without capabilities; then it listens. HTTP clients are hostile, the
// bounds are in package gateway.
//
// It has flags and wiring only.
package main
