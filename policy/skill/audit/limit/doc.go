// Package limit holds the bounds of a report, which the audit keeps and the
// reader of a report checks, so that the reader need not link the parsers.
//
// Trust, ownership, concurrency: constants.
//
// May be imported by packages audit and report.
//
// # Decisions
//
//   - Apart from package audit, because the CLI decodes reports and must not
//     link what parses skills.
package limit

// The bounds.
const (
	Findings     = 500
	Capabilities = 1000
)
