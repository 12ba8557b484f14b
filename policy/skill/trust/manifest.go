package trust

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of a manifest.
const (
	MaxFiles = 10_000
	// MaxName bounds the path of one file in bytes, MaxDepth its elements.
	MaxName  = 1024
	MaxDepth = 32
	// MaxStatement bounds the encoded form.
	MaxStatement = 16 << 20
)

// Digest is a SHA-256.
type Digest [sha256.Size]byte

// String is "sha256:" and 64 hex digits.
func (d Digest) String() string { return "sha256:" + d.Hex() }

// Hex is 64 hex digits.
func (d Digest) Hex() string { return hex.EncodeToString(d[:]) }

// MarshalText writes what String gives.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what String gives, and nothing else.
func (d *Digest) UnmarshalText(b []byte) error {
	v, err := ParseDigest(string(b))
	*d = v
	return err
}

// ParseDigest reads what String gives.
func ParseDigest(s string) (Digest, error) {
	var d Digest
	text, ok := strings.CutPrefix(s, "sha256:")
	if !ok {
		return d, fmt.Errorf("digest %q does not begin with \"sha256:\"", clip(s))
	}
	return d, d.fromHex(text)
}

func (d *Digest) fromHex(s string) error {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(d) || s != strings.ToLower(s) {
		return fmt.Errorf("digest %q is not 64 lower-case hex digits", clip(s))
	}
	copy(d[:], b)
	return nil
}

// File is one file of a skill.
type File struct {
	// Name is its path below the skill's directory, with slashes.
	Name   string
	Digest Digest
	Size   int64 // for people; the digest covers it
	// Exec says that it may be executed.
	Exec bool
}

// Mode is what the file's permissions come down to: "0755" or "0644".
func (f File) Mode() string {
	if f.Exec {
		return "0755"
	}
	return "0644"
}

// Manifest is what a skill consists of.
type Manifest struct {
	Name string
	// Files are sorted by name, each once.
	Files []File
}

// New makes a manifest and refuses one that cannot be signed.
func New(name string, files []File) (Manifest, error) {
	m := Manifest{Name: name, Files: slices.Clone(files)}
	slices.SortFunc(m.Files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	var errs []error
	if !ValidName(name) {
		errs = append(errs, fmt.Errorf("the skill's name %q is none: 1 to 64 of a-z, 0-9, dot, dash and underscore", clip(name)))
	}
	switch {
	case len(files) == 0:
		errs = append(errs, errors.New("the skill has no files"))
	case len(files) > MaxFiles:
		errs = append(errs, fmt.Errorf("the skill has %d files, at most %d", len(files), MaxFiles))
	}
	for i, f := range m.Files {
		if err := CheckPath(f.Name); err != nil {
			errs = append(errs, err)
		}
		if i > 0 && f.Name == m.Files[i-1].Name {
			errs = append(errs, fmt.Errorf("file %q is listed twice", clip(f.Name)))
		}
		if len(errs) > 10 {
			break
		}
	}
	return m, errors.Join(errs...)
}

// ValidName reports whether a skill can be called so.
func ValidName(s string) bool {
	return len(s) <= 64 && regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`).MatchString(s)
}

// CheckPath says why a path cannot be one of a skill's file.
func CheckPath(name string) error {
	switch {
	case name == "" || len(name) > MaxName:
		return fmt.Errorf("a file's name has %d bytes, not 1 to %d", len(name), MaxName)
	case !utf8.ValidString(name):
		return fmt.Errorf("the name of file %q is not UTF-8, so no manifest can hold it; rename it", clip(name))
	case strings.ContainsFunc(name, func(r rune) bool { return unicode.IsControl(r) || r == '\\' }):
		return fmt.Errorf("the name of file %q has a control character or a backslash; rename it", clip(name))
	case path.IsAbs(name) || path.Clean(name) != name || name == "." || name == ".." || strings.HasPrefix(name, "../"):
		return fmt.Errorf("the name of file %q is no path below the skill", clip(name))
	case strings.Count(name, "/") >= MaxDepth:
		return fmt.Errorf("file %q lies more than %d directories deep", clip(name), MaxDepth)
	}
	return nil
}

// Root is the root digest of OMS: over the contents' digests, in order.
func (m Manifest) Root() Digest {
	h := sha256.New()
	for _, f := range m.Files {
		h.Write(f.Digest[:])
	}
	return Digest(h.Sum(nil))
}

// Tree is a digest over names, modes and contents. Two skills with the same one
// are the same.
func (m Manifest) Tree() Digest {
	h := sha256.New()
	h.Write([]byte("clawjail-skill-tree@v1\x00"))
	for _, f := range m.Files {
		fmt.Fprintf(h, "%s\x00%s\x00", f.Name, f.Mode()) // no name holds a NUL
		h.Write(f.Digest[:])
	}
	return Digest(h.Sum(nil))
}

// NameIn finds the name of a skill in the text of its SKILL.md: the first line
// of the front matter that is "name:" and one plain word. It is a guess to be
// checked, and reads no YAML. "" when there is none.
func NameIn(skillMD []byte) string {
	const near = 8 << 10 // nobody needs more front matter in front of the name
	text := string(skillMD[:min(len(skillMD), near)])
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	if strings.TrimPrefix(lines[0], "\ufeff") != "---" {
		return ""
	}
	for _, line := range lines[1:] {
		if line == "---" {
			return ""
		}
		if v, ok := strings.CutPrefix(line, "name:"); ok {
			v = strings.Trim(strings.TrimSpace(v), `"'`)
			if ValidName(v) {
				return v
			}
			return ""
		}
	}
	return ""
}

// Form is a kind of signature.
type Form uint8

// The forms.
const (
	None   Form = iota
	Bundle      // a sigstore bundle
	SSH         // an SSHSIG
)

// FormOf says which form of signature a file at the top of a skill is, by its
// name.
func FormOf(name string) Form {
	m := regexp.MustCompile(`^skill(?:\.[A-Za-z0-9_-]{1,64})?(\.oms)?\.sig$`).FindStringSubmatch(name)
	switch {
	case m == nil:
		return None
	case m[1] != "" || name == "skill.oms.sig":
		return Bundle
	}
	return SSH
}

// Ignored reports whether a file is no part of the skill: signatures, and what
// git and ClawHub put beside a skill. It is neither signed nor installed.
func Ignored(name string) bool {
	top, _, below := strings.Cut(name, "/")
	switch top {
	case ".git", ".clawhub":
		return true
	case "_meta.json":
		return !below
	}
	return !below && FormOf(name) != None
}

// clip keeps a message short whatever a file is called.
func clip(s string) string {
	const most = 120
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}

// WithoutModes is the manifest with no file executable, for when nobody signed
// which ones are.
func (m Manifest) WithoutModes() Manifest {
	m.Files = slices.Clone(m.Files)
	for i := range m.Files {
		m.Files[i].Exec = false
	}
	return m
}
