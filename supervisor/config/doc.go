// Package config is the supervisor's own configuration: inert, strict, and
// validated whole before anything of it is used.
//
// Trust: the file belongs to root and must not be writable by anybody else.
// Its YAML is read by an unprivileged child (`clawjail config compile`), the
// supervisor itself decodes the strict JSON that this child prints, as it does
// with policies: unknown keys, duplicates and out-of-range values are errors.
//
// Ownership and concurrency: values; passed down by value from main.
//
// May be imported by supervisor and the commands.
//
// # Decisions
//
//   - No live defaults in other packages: Default is the only place, so that
//     `config explain` can print what is in force.
package config
