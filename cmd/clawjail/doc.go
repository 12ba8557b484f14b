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
package main
