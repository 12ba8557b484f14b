// Package gateway is clawjail-gateway: what the network may see of a
// supervisor. Today that is /metrics for Prometheus.
//
// The supervisor is root and speaks no TCP; the gateway speaks TCP and is
// nobody: its own user, no capabilities, no_new_privs, a seccomp filter. It
// asks the supervisor for its counters over the control socket, where its user
// may read counters and nothing else.
//
// # Trust
//
// HTTP clients are hostile: headers, times and connections have bounds. The
// supervisor is trusted to count but not to name: label values that are not of
// the closed sets below become "other", so that no path, argument, process,
// address or host can become a label by mistake.
//
// # Ownership and concurrency
//
// A Collector may be scraped from any number of goroutines. Scrapes within
// reuse of each other share one question to the supervisor.
//
// # Who may import it
//
// cmd/clawjail-gateway.
//
// # Decisions
//
//   - The supervisor is asked when Prometheus asks, and not at an interval:
//     what is served is never older than reuse. When there is no answer
//     clawjail_up is 0 and the supervisor's series are absent, so that rate()
//     and alerts see a gap and not a flat line.
//   - The privileges are given up by executing itself again: no_new_privs and
//     the bounding set belong to threads, and only the thread that executes
//     hands them on to all.
//   - client_golang and not text of our own: escaping, content negotiation and
//     the process collectors are its business.
package gateway
