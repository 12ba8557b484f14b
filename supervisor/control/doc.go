// Package control is the transport of the control socket: a unix stream socket
// whose connections carry file descriptors beside their bytes and know who is
// at the other end.
//
// Trust: the peer is whoever may open the socket. Its identity is what the
// kernel recorded at connect (SO_PEERCRED), never something it says. It may
// send any descriptor: at most MaxFiles are kept, the rest are closed.
//
// Ownership: a Conn owns the files that it received until TakeFiles hands them
// over, and closes the rest with itself.
//
// Concurrency: reads and writes may run side by side, as with any net.Conn.
//
// May be imported by supervisor and supervisor/client.
//
// # Decisions
//
//   - Descriptors ride on the connection that carries the HTTP request, not on
//     a second socket: there is nothing to correlate and nothing to time out.
//     A request without descriptors is plain HTTP, so curl works.
//   - One request per connection. Descriptors belong to a connection and so to
//     exactly one request.
package control
