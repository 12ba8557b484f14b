// Package e2e runs clawjail as people run it: the built binaries, real agents
// from the npm registry, and a small internet around them (package smallnet).
// The tests have the build tag e2e and need root; `make e2e` builds, installs
// the agents and runs them.
//
// Trust: agents are real programs and untrusted; they reach nothing but the
// small internet, because nothing else is there. Ownership: everything lives in
// namespaces of the test process. Concurrency: tests share one supervisor, as
// agents on one host do. Nobody imports it.
//
// # Decisions
//
//   - The test binary starts itself inside the small internet (TestMain), so a
//     plain `go test -tags e2e` is enough.
//   - The example policies are used as they ship. What a test needs on top (a
//     script's name, a certificate) goes through `--env`.
package e2e
