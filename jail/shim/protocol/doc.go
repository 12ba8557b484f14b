// Package protocol is what a supervisor and a shim say to each other.
//
// # Form
//
// A unix SEQPACKET socket, descriptor FD of the shim. One packet is one JSON
// object, at most MaxMessage bytes, with at most MaxFiles descriptors. Each
// carries the protocol's version; another version is an error. Requests have
// an id, the answer has the same; events have id 0. What may be large (a spec,
// argv, an environment) is in a sealed memfd that is passed along, at most
// MaxBlob bytes; strings that are bytes (argv, env) are base64 in it, because
// JSON text cannot carry them.
//
//	supervisor                          shim
//	start {spec, stdin, stdout, stderr} ->
//	                                    <- created {cgroup, files} | error
//	go                                  ->
//	                                    <- done | error
//	exec {spec, stdio}                  ->
//	                                    <- trapped {listener}
//	                                    <- started {proc, pid, files} | error
//	signal, resize, kill                ->
//	                                    <- done | error
//	                                    <- ended {proc}       (event)
//	keep {rule, note, files}            ->
//	                                    <- done | error
//	note                                ->
//	                                    <- exit               (event)
//	bye                                 ->
//
// A supervisor that finds a shim whose own is gone connects with the socket in the
// state directory and hears first what there is:
//
//	<- hello {what Keep gave, listener, ledger, sockets}
//	<- running {proc, listener, ledger}, for each
//	<- adopted
//
// # Trust
//
// Both ends are root's, and mostly of the same build; a shim may be older than the
// supervisor that adopts it, or newer. Versions that an end does not know are
// refused with ErrVersion. The decoder is strict
// all the same, because an answer that is half understood is worse than none.
//
// # Concurrency
//
// Send may be called by several goroutines; Receive by one.
//
// # Decisions
//
//   - SEQPACKET and JSON, not a stream with lengths: a packet is whole or not
//     there, descriptors belong to exactly one, and one can read it in strace.
//   - Not net/rpc or gRPC: a dozen messages, and neither passes descriptors.
//   - Names for descriptors, not positions: an absent one (no terminal, no
//     IPv6) does not shift the others.
package protocol
