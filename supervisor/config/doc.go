// Package config is the supervisor's own configuration: inert, strict, and
// validated whole before anything of it is used.
//
// Trust: the file belongs to root and must not be writable by anybody else.
// Its YAML is read by an unprivileged child (`clawjail config compile`), the
// supervisor itself decodes the JSON that this child prints, as it does with
// policies: what is not exactly the one form that Encode writes is refused,
// and every value is validated again.
//
// Ownership and concurrency: values; passed down by value from main.
//
// May be imported by supervisor and the commands. Package source below it
// reads the YAML and is never part of the supervisor; package file has that
// done and is.
//
// # Decisions
//
//   - No live defaults in other packages: Default is the only place, so that
//     `config explain` can print what is in force.
//   - RunDir and StateDir can be set by tests and not by operators. Policies
//     can never show /run/clawjail and /var/lib/clawjail (policy/shown.go), and
//     units, manual pages and commands name them: a log elsewhere would be one
//     that a jail can be shown. Whoever needs another disk mounts it there.
//   - People, groups and categories are lists with names and not mappings, as
//     channels are: what is said about one stands on one line, and the order of
//     categories means something.
//   - Quiet hours never keep what is critical: there is no value for that, because
//     a request that nobody hears of is denied when its time is up.
//   - Zones are linked in (time/tzdata): a host without files of them would read
//     another configuration.
//   - What is allowed and perhaps not meant (Warnings) is said by config check and
//     when a supervisor starts, and refused nowhere: policies, which no
//     configuration knows, decide how long a request waits.
//   - Validate speaks of fields and knows no files; package source says on
//     which line they stand. Nothing is checked in two places.
package config
