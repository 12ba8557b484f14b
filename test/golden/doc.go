// Package golden compares what a test made with a file beside it.
//
// Trust: its input is the tests'. Concurrency: functions without state, but for
// the flag, which is set once before the first test.
//
// May be imported by tests only.
//
// # Decisions
//
//   - With -update a file is written and then compared: what is read is what git
//     will show, and a directory that is missing fails the test.
package golden
