// Package arch holds the laws of the source tree as tests: who may import whom,
// what the root binaries link, where cgo and unsafe may stand, how long files
// and functions are, and that every package says what it is for.
//
// Trust: it reads the tree. Ownership, concurrency: none. Nobody imports it.
//
// # Decisions
//
//   - The closure of each root binary is a golden list of packages. A line more
//     is code more that runs as root, so adding one (-update) is a decision that
//     belongs into the doc.go of whoever imports it.
//   - go list is asked instead of parsing build tags here.
package arch
