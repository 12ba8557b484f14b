// Command clawjaild is the supervisor: it starts jails, watches them, keeps
// their record and answers the control socket. It runs as root, links no cgo
// and opens no TCP socket. Without arguments it is the daemon.
//
// # Decisions
//
//   - sd_notify is twenty lines over a datagram socket; a library for it would
//     be one more in the root process.
package main
