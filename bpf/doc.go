// Package bpf loads clawjail's eBPF programs, attaches them and reads what they
// report.
package bpf
