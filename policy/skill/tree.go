package skill

import "io/fs"

// Lang is the language of a file or unit.
type Lang string

// The languages that the audit knows. Unknown is text in a language that no
// parser here reads; Binary is not text.
const (
	Unknown    Lang = ""
	Shell      Lang = "shell"
	PowerShell Lang = "powershell"
	Batch      Lang = "batch"
	Python     Lang = "python"
	JavaScript Lang = "javascript"
	TypeScript Lang = "typescript"
	Markdown   Lang = "markdown"
	YAML       Lang = "yaml"
	JSON       Lang = "json"
	TOML       Lang = "toml"
	HTML       Lang = "html"
	SVG        Lang = "svg"
	Text       Lang = "text"
	Binary     Lang = "binary"
	// OtherCode is source in a language without a parser here (Ruby, Go, Rust,
	// AppleScript, …): it is scanned as text, and its presence limits coverage.
	OtherCode Lang = "code"
)

// File is one file of a skill. Data is nil for what is not a regular file and
// for what is over the limits.
type File struct {
	Path string
	Mode fs.FileMode
	Size int64
	Data []byte
	Lang Lang
	// Link is the target of a symlink, as written.
	Link string
	// Archive says that the file is a member of an archive of the skill; its
	// path is then "archive!/member".
	Archive bool
}

// Tree is a skill as it was read, once. Files are sorted by path.
type Tree struct {
	// Name is the directory's or the archive's own name, "" when unknown.
	Name  string
	Files []File
	// Problems are the findings of reading: links, devices, bombs, limits.
	Problems []Finding
}

// File finds the file with this path, or nil.
func (t Tree) File(path string) *File {
	for i := range t.Files {
		if t.Files[i].Path == path {
			return &t.Files[i]
		}
	}
	return nil
}

// Unit is a piece of code in one language: a whole script, a fenced block, an
// inline command of the documentation, or something that was decoded.
type Unit struct {
	File string
	Lang Lang
	Text string
	// Line and Column are the place of Text[0] in File, from one.
	Line, Column int
	// Fenced says that Text stands in a document and is not itself a file.
	Fenced bool
	// Told says that the document tells its reader, which is the agent, to run
	// it. Code in files counts as told.
	Told bool
	// Discouraged says that it stands under "do not" or in a bad example:
	// findings in it go one step down in confidence.
	Discouraged bool
	// Cited says that the document names the text without telling anybody to run
	// it: "commands like `rm -rf /`". The audit takes findings in it down again.
	Cited bool
	// Setup says that the document addresses it to the person who installs the
	// skill or its tools: "## Install", "Prerequisites".
	Setup bool
	// Decoded is the chain of decodings that Text came out of, outermost first.
	Decoded []string
}

// At is the place of a byte offset in the unit, in the file's coordinates.
// Offsets outside of Text are its ends.
func (u Unit) At(offset int) Place {
	p := Place{File: u.File, Line: max(u.Line, 1), Column: max(u.Column, 1)}
	if len(u.Decoded) > 0 {
		return p
	}
	for i := 0; i < min(offset, len(u.Text)); i++ {
		if u.Text[i] == '\n' {
			p.Line++
			p.Column = 1
		} else {
			p.Column++
		}
	}
	return p
}
