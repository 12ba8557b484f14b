// Package file looks at the files of a skill as files: what they are by their
// first bytes against what their names say, programs with their imports and
// addresses, hidden names, active content of documents, compiled Python, and
// text in the metadata of pictures (CJS-FILE).
//
// Trust: hostile bytes. The parsers of the standard library (debug/elf, pe,
// macho) read from memory under recover, because they were not written for
// hostile input; everything else is bounded scanning.
//
// Ownership and concurrency: functions of their arguments.
//
// May be imported by the audit.
//
// # Decisions
//
//   - Nothing is disassembled. What a program imports, which addresses stand in
//     it and whether it is packed is what an audit can say of it; that it is
//     there at all sends the skill to a person.
//   - Data formats that no program of the skill executes (pictures, fonts,
//     sound, office files without macros) count as analysed.
package file
