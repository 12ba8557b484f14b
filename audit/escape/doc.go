// Package escape makes text that came from a jail safe and honest to look at.
//
// A terminal obeys control bytes, hides zero-width characters and reorders
// text around bidirectional ones; so a file name can move the cursor, recolour
// a line or read as something it is not. String shows each of them as a
// backslash escape and leaves everything else, in any script, as it is. What
// it gives is one line, valid UTF-8, and unambiguous: Unescape gets the bytes
// back, and a backslash in the text is itself escaped.
//
// # Trust
//
// The input is hostile bytes of any length; the output is at most
// MaxExpansion times as long.
//
// # Ownership and concurrency
//
// Pure functions.
//
// # Who may import it
//
// Everybody that shows or logs text from a jail. It imports only the standard
// library.
//
// # Decisions
//
//   - The rule is a list of what is let through (what Unicode calls printable,
//     less what is invisible), so a character of a future Unicode is escaped.
//   - strconv.Quote was considered: it lets variation selectors, fillers and
//     stacks of combining marks through.
//   - Look-alike letters are not treated: that needs the language and belongs
//     to the policy, which matches bytes.
package escape
