package tree

// The bounds of reading. What lies beyond is left out and reported.
const (
	// MaxFiles is how many files of the skill are read, and MaxEntries how many
	// names are looked at, in all directories together.
	MaxFiles   = 1000
	MaxEntries = 20_000
	// MaxDepth is how deep directories may be nested.
	MaxDepth = 32
	// MaxFile is the largest file that is read, and MaxTotal all files together.
	MaxFile  = 16 << 20
	MaxTotal = 64 << 20
	// MaxText is how much of a text file the rules look at.
	MaxText = 1 << 20
	// MaxName bounds a path, in bytes.
	MaxName = 1024

	// MaxArchiveDepth is how deep archives may be nested, MaxMembers how many
	// members all of them may have, MaxUnpacked their size in all, and MaxRatio
	// how many times larger than the packed bytes.
	MaxArchiveDepth = 3
	MaxMembers      = 1000
	MaxUnpacked     = 25 << 20
	MaxRatio        = 100
	// MaxArchive is the largest archive that ReadArchive takes.
	MaxArchive = 64 << 20

	// maxProblems bounds the findings of reading: 20,000 bad names are one
	// problem, not 20,000.
	maxProblems = 200
	// ratioFloor is the unpacked size below which the ratio says nothing: a
	// kilobyte of zeros is no bomb.
	ratioFloor = 1 << 20
)
