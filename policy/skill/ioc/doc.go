// Package ioc recognises addresses by what they are used for: hosts and files
// that were seen in attacks (CJS-NET-008, an embedded list with a date, which a
// signed file may replace), and kinds of host that skills have little honest
// use for (CJS-NET-003): public addresses in place of names, tunnels, request
// bins, paste and file-drop sites, dynamic DNS, shorteners, onion and punycode
// names.
//
// Trust: the text is hostile. A list from outside is taken only with a
// signature that the caller's function accepts.
//
// Ownership and concurrency: a List is not changed after Parse.
//
// May be imported by the audit and by the CLI.
//
// # Decisions
//
//   - The list is text, one indicator a line, sorted by people: a diff of it
//     can be reviewed.
//   - Services that honest skills are written for (Telegram's and Discord's
//     interfaces, ngrok as a product) are low confidence in documents and full
//     in code that the documents do not mention; package audit decides that.
package ioc
