package stream

import "io/fs"

// Kind is what an entry is.
type Kind uint8

// The kinds.
const (
	End     Kind = iota // of the stream
	File                // a regular file
	Dir                 // a directory, before what is in it
	Link                // a symbolic link
	Special             // a device, FIFO or socket: never opened
	Limit               // not an entry: Path is where a limit ended the reading, State says which
)

// State says what became of an entry.
type State uint8

// The states.
const (
	Read       State = iota // of a File: Data is its content
	Omitted                 // beyond the limits: there is no content
	Unreadable              // it could not be opened or read
	Changed                 // it changed while it was read; Data is what was seen
	TooMany                 // of a Limit: more names than Limits.Entries
	TooDeep                 // of a Limit: deeper than Limits.Depth
)

// Entry is one file, directory or link of a skill.
type Entry struct {
	Kind  Kind
	State State
	// Path is below the skill's directory, with slashes; any bytes.
	Path string
	// Mode has the type and the permissions, setuid and setgid.
	Mode  fs.FileMode
	Links uint64 // how many names a file has
	// Inode tells files apart that have several names.
	Inode uint64
	Size  int64
	// Target is what a Link names, as written.
	Target string
	Data   []byte
}

// Limits bound what is read.
type Limits struct {
	Entries int   // names, in all directories
	Files   int   // whose content is read
	Depth   int   // of directories
	File    int64 // bytes of one
	Total   int64 // bytes of all
}

// maxPath bounds a path and a link's target: PATH_MAX.
const maxPath = 4096
