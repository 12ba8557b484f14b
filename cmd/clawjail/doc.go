// Command clawjail is the operator's tool: it compiles policies, starts agents
// in jails through the supervisor, and shows and steers what runs.
//
// Trust: it runs with the rights of its caller and parses YAML so that the
// root supervisor never does. What it shows of a jail is escaped.
//
// It has flags and wiring only: one file per command, each with one constructor
// that main puts into the tree.
//
// # Decisions
//
//   - github.com/spf13/cobra for the command tree: completions, man pages and
//     help come from one description, and operators know its manners.
//   - golang.org/x/term for raw terminal mode: maintained with Go itself.
//   - Skills are never looked into by this program: clawjail-skill does that, in
//     a jail or confined by itself, and its report is decoded as hostile. What
//     of a skill is read here are names, digests and signatures.
//   - The parser of skills gets each of them in a process of its own: one that
//     takes it over cannot change what is said about the next.
//   - Git's own files below .git are not audited; nothing of .git is installed.
package main
