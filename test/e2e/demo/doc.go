// Command demo is what `make run` runs: a small agent that works in a jail, in
// the small internet of package smallnet, against a scripted model, and a
// summary of it that a person can read: what ran, what was refused, where the
// record is. It needs root and no network.
//
// The same binary is the agent: `demo agent` asks the model over TLS, runs the
// commands it is told to run and repeats until the model has no more, which is
// all that an agent is.
//
// Trust: the agent half is jailed and treated as hostile by the other half,
// which escapes what it prints of it. Ownership: see smallnet. Nobody imports
// it.
//
// # Decisions
//
//   - The model's script does honest work first and then what a hijacked agent
//     would do, so that one run shows both.
package main
