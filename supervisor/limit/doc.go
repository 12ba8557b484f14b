// Package limit counts events per key in a sliding window: "at most 50 in any
// hour", exactly, over restarts, crashes and changes of the clock.
//
// Trust: keys and amounts come from the supervisor. The file is its own; still
// every record is decoded strictly, and a key whose record cannot be read is denied
// until it is removed. A file whose records are not those that were written, or
// whose pages make no sense, is not opened at all: what it leaves out would be
// budget. It has to be restored, or moved away.
//
// Ownership: a Store made by Open owns its file; one made by New uses a database
// that somebody else closes, after the Store. Close gives unused reservations
// back.
//
// Concurrency: a Store may be used by any goroutine. Takes of one key follow
// each other; keys do not wait for one another, and commits that come at the
// same time are one commit.
//
// May be imported by supervisor only.
//
// # Time
//
// A Store has a clock of its own that only goes forward. Within a boot it
// follows CLOCK_BOOTTIME, so setting the wall clock changes nothing. From one
// boot to the next it moves by the difference of the wall clock since the last
// commit, and at least by the time since this boot: a wall clock that was set
// back makes events stay longer, never shorter.
//
// # Reservations
//
// Before anything is granted, a number of units is written to the disk as used.
// Grants are then served from memory until they are used up. After a crash the
// whole reservation counts as used, at the time of the restart; so a crash can
// cost budget (at most one reservation, a sixteenth of the limit) and never
// gives any.
//
// # Bounds
//
//	what                      bound         at the bound
//	keys                      MaxKeys       expired ones are forgotten, else denied
//	bytes of a key            MaxKey        denied
//	distinct times per key    maxEntries    neighbours are counted at the later time
//	length of a window        MaxPer        denied
//	units reserved            maxReserve    written earlier
//	keys taken from at once   MaxClaims     denied
//
// # Decisions
//
//   - Times of events and not counters per interval: with those, twice the limit
//     fits around the border of two intervals.
//   - Up to maxEntries distinct times are kept; beyond that events a thousandth
//     of the window apart are joined at the later time, which denies a moment
//     longer and never a moment less.
//   - From boot to boot the wall clock is believed when it goes forward: nothing
//     else counts the time that a machine was off, and whoever can set it and
//     reboot is root.
//   - A denied take writes nothing and counts nothing, so whoever runs into the
//     limit costs no disk.
//   - A sum of all records is written with them. bbolt has one for its first pages
//     only, and believes the rest or panics; a panic is an error here, after which
//     nothing is written any more.
//   - Different windows of one key share their events. Taking from two limits
//     at once needs two keys: TakeAll locks them in their order, and takes from
//     all or from none.
package limit
