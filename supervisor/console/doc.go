// Package console is the terminal interface of people who approve: a full
// screen with everything that is held, and a prompt on the terminal of a
// foreground `run`.
//
// Trust: requests come from the supervisor through package client, which
// checked their digests; their texts are hostile and pass package
// approval/show before they reach the screen.
//
// Ownership and concurrency: Run and Inline own the terminal until they
// return, and give its mode back. The model is changed by the event loop of
// the terminal library alone.
//
// May be imported by cmd/clawjail only.
//
// # Decisions
//
//   - A decision needs a second key (y), except a plain denial: a key pressed
//     by somebody who believed to be in another window must not approve.
//   - What is answered is the request as it stood on the screen when the key
//     was pressed: the answer carries its digest and its count.
//   - bubbletea is linked by the CLI alone. It draws; it knows nothing of the
//     requests, and no text reaches it unescaped.
package console
