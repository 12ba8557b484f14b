// Package child starts programs that can gain no privileges: parsers of what is
// not trusted, and hooks that run as somebody else.
//
// # Decisions
//
//   - no_new_privs is set on a thread that ends with the start, not in a helper
//     program in between: nothing more to install, and this process keeps what
//     its other children need. The main thread cannot end in Go; the runtime
//     then never runs anything on it again.
package child
