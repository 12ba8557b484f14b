// Command world runs one command inside the small internet of package smallnet:
// `world -- curl https://www.example.com/`. It is how a person looks around in
// what the end-to-end tests see. The test authority's certificate is in
// $WORLD_CA, the shared directory in $WORLD_DIR.
//
// Trust: run by hand, as root. Ownership, concurrency: see smallnet. Nobody
// imports it.
//
// # Decisions
//
//   - The common variables for an extra authority are set for the command, so
//     that curl, Node, Python and git work at once.
package main
