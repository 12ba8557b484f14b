// Package netns makes the network namespace of a jail: a loopback interface,
// routes that call every address local, and the sockets that take what
// arrives. There is no other interface and no way out.
//
// # How connections get out
//
// `local default dev lo` makes the kernel accept a connection to any address
// as one to this host. A BPF program (package bpf, sk_lookup) then picks the
// socket: TCP to anything but the loopback addresses goes to TCP4 or TCP6,
// DNS to UDP4 or UDP6. Package jail/egress serves them from outside.
//
// # Trust and ownership
//
// The namespace belongs to the host's user namespace: nothing inside a jail
// can change it. The caller owns the files in Sockets and closes them. The
// namespace lives as long as a file or a process keeps it.
//
// # Concurrency
//
// Make may be called from any goroutine. The thread that enters the new
// namespace is thrown away.
//
// # Decisions
//
//   - All sockets are bound to Port, the resolver's, which nobody in the jail
//     may bind: the listeners never take a port that a program there would
//     like. sk_lookup finds them whatever their port is.
//   - A kernel without IPv6 gives nil for the v6 sockets; everything else
//     that is missing is an error.
//   - No nftables and no addresses on lo: the local routes do it.
package netns
