// Package audit puts the audit of a skill together: it reads the manifest, runs
// every family of rules over the files and over the code in the documents,
// compares what the skill does with what it declares, removes duplicates, gives
// each finding a fingerprint, and judges.
//
// # Trust
//
// The tree is hostile. Nothing of it is executed, and nothing is read beyond
// it. A rule family that panics costs the skill its approval (CJS-COV-001) and
// not the audit its life. Time is bounded by the context: what was not looked
// at when it ends is a finding.
//
// # Coverage
//
// A skill is approved only when every file was analysed, or is of a kind that
// nothing executes. Programs, scripts in languages without a parser here, and
// whatever lies over a limit send it to a person.
//
// Ownership and concurrency: one goroutine, a function of its arguments.
//
// May be imported by the child that parses and by the CLI's tests.
//
// # Decisions
//
//   - Files are judged wherever they lie: a folder called test or docs is no
//     reason to look away, because the agent reads there too.
//   - Source in compiled languages is data to an agent until somebody builds
//     it: it is scanned as text, and is coverage of medium severity, of high where
//     the skill has it built or run. Scripts of
//     interpreters that lie ready on most systems (Perl, Ruby, PHP,
//     AppleScript) are of high severity.
//   - Configuration starts programs: the commands in workflows, hooks, tasks and
//     services are judged like scripts, in files and in fences. So are those
//     in the settings of ssh, git, editors, terminals and Terraform, and such a
//     command that talks to the network goes to a person whatever it sends.
//   - A host, program or variable is declared when SKILL.md or another visible
//     document names it: the front matter of most honest skills is too terse to
//     demand more, and a person can read what the agent will do.
package audit
