// Package api is the language of the control socket: the requests, answers and
// errors that travel as JSON over HTTP on a unix socket, and their limits.
//
// Trust: everything here that comes from a client is untrusted until the
// supervisor validated it; everything that comes from the supervisor was
// checked by it, but texts that began in a jail (argv, paths, host names) are
// raw and must be escaped before a human sees them (package audit/escape).
//
// Ownership and concurrency: plain values, safe to copy.
//
// May be imported by anybody: the supervisor, its client, the CLI, the gateway.
// It imports nothing of the project.
//
// # Decisions
//
//   - HTTP and JSON instead of gRPC: an operator can use curl, the root process
//     links no code generator's runtime, and the socket is closed to everybody
//     but root and the configured group.
//   - Arguments and environment travel as byte strings (base64 in JSON), since
//     both may hold any byte but NUL and JSON strings may not.
//   - Standard streams are file descriptors beside the request (SCM_RIGHTS), so
//     the jail's data never passes through the supervisor.
package api
