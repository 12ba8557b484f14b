// Package flow runs programs of package ir abstractly and watches where data
// goes: from secrets, downloads, decoders and arguments into connections,
// interpreters and files. One machine runs all units of a skill together, so
// that a flow may pass through functions, objects, modules, files, variables,
// pipes and other scripts.
//
// # How it works
//
// A value is what is known of a value of the program: a text with holes, a
// number, a list, an object, a function, or the dotted name of something of a
// library ("os.environ", "requests.Session()"). Each carries marks: the sources
// it depends on, with the way from there. Functions are run where they are
// called, with what they are called with; what nobody calls is run once with
// unknown arguments. Both branches of an if are run and their results joined;
// loops over known data are run as they are written, which decodes what they
// decode; other loops twice. What a library does is said by models, tables by
// name; a call without a model hands on the marks of its arguments. Text that
// runs in another language (a shell command, python -c, eval) is parsed and run
// where it stands. The whole is repeated until nothing new passes between
// scripts, three times at most.
//
// # Trust
//
// The programs are hostile. Nothing of them runs; there is no I/O. Steps, depth,
// rounds of loops, sizes of texts, values and stores are bounded by the
// constants here; where a limit ends the analysis there is a CJS-COV-001.
//
// Ownership and concurrency: Run owns its machine; it starts no goroutine.
//
// May be imported by policy/skill/code.
//
// # Decisions
//
//   - Abstract interpretation and not patterns over a syntax tree: aliases,
//     getattr, wrappers, decoders and strings put together of pieces need no
//     rule each, because they are computed.
//   - It is neither sound nor complete. A compiler's analysis must err to one
//     side; an audit must keep quiet about honest code and still see the attack,
//     and so forgets what it cannot follow and keeps the marks.
//   - A client object does not hand its key to what its methods answer; else
//     every answer of every service would count as secret.
//   - Whether a secret may go to a host is decided by who the secret is for
//     (its name names the service), then by what the skill documents.
package flow
