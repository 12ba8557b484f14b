// Package rights takes the descriptors out of a message of a unix socket
// (SCM_RIGHTS, unix(7)).
//
// # Decisions
//
//   - One place for the supervisor, the shim, the stage and the proxy: what is
//     done with descriptors of a message that is not as it should be is the same
//     everywhere, and nothing that was received stays open unseen.
//   - It imports nothing but golang.org/x/sys: the stage links it.
package rights
