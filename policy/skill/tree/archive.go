package tree

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"clawjail/policy/skill"
)

// Kinds of archive, as Sniff names them.
const (
	kindZip   = "zip"
	kindTar   = "tar"
	kindGzip  = "gzip"
	kindBzip2 = "bzip2"
	kindOther = "other" // 7z, rar, xz, zstd, cab, dmg
)

// Sniff names the kind of archive by its first bytes, "" when it is none.
func Sniff(b []byte) string {
	has := func(s string) bool { return len(b) >= len(s) && string(b[:len(s)]) == s }
	switch {
	case has("PK\x03\x04"), has("PK\x05\x06"):
		return kindZip
	case has("\x1f\x8b"):
		return kindGzip
	case has("BZh") && len(b) > 10 && string(b[4:10]) == "1AY&SY":
		return kindBzip2
	case len(b) > 262 && string(b[257:262]) == "ustar":
		return kindTar
	case has("7z\xbc\xaf\x27\x1c"), has("Rar!\x1a\x07"), has("\xfd7zXZ\x00"), has("\x28\xb5\x2f\xfd"), has("MSCF\x00"), has("xar!"):
		return kindOther
	case len(b) > 512 && string(b[len(b)-512:len(b)-508]) == "koly":
		return kindOther
	}
	return ""
}

// ReadArchive reads the skill in a zip, tar, tar.gz or tar.bz2. When everything
// lies in one top directory, that is the skill. The error is about the archive
// itself.
func ReadArchive(ctx context.Context, name string, data []byte) (skill.Tree, error) {
	if len(data) > MaxArchive {
		return skill.Tree{}, fmt.Errorf("read archive %q: %d bytes, over %d: unpack it and audit the directory", name, len(data), MaxArchive)
	}
	kind := Sniff(data)
	if kind == "" || kind == kindOther {
		return skill.Tree{}, fmt.Errorf("read archive %q: not a zip, tar, tar.gz or tar.bz2", name)
	}
	r := newReader(ctx, trimExt(path.Base(name)))
	r.members = -1 // the outermost archive's members count as files
	if err := r.open(kind, data, "", 0); err != nil {
		return skill.Tree{}, fmt.Errorf("read archive %q: %w", name, err)
	}
	if err := ctx.Err(); err != nil {
		return skill.Tree{}, err
	}
	t := r.done()
	strip(&t)
	return t, nil
}

func trimExt(name string) string {
	for _, ext := range []string{".tar.gz", ".tgz", ".tar.bz2", ".tar", ".zip", ".skill"} {
		if cut, ok := strings.CutSuffix(strings.ToLower(name), ext); ok {
			return name[:len(cut)]
		}
	}
	return name
}

// strip takes the one top directory away that archives of a directory have.
func strip(t *skill.Tree) {
	if len(t.Files) == 0 {
		return
	}
	top, _, ok := strings.Cut(t.Files[0].Path, "/")
	if !ok {
		return
	}
	for _, f := range t.Files {
		if !strings.HasPrefix(f.Path, top+"/") {
			return
		}
	}
	for i := range t.Files {
		t.Files[i].Path = strings.TrimPrefix(t.Files[i].Path, top+"/")
	}
	for i := range t.Problems {
		t.Problems[i].File = strings.TrimPrefix(t.Problems[i].File, top+"/")
	}
	t.Name = top
}

// unpack adds the members of f when f is an archive.
func (r *reader) unpack(f skill.File, depth int) {
	kind := Sniff(f.Data)
	if kind == "" {
		return
	}
	if kind == kindOther {
		r.problem("CJS-FILE-003", f.Path, "archive of a kind that is not unpacked here: its content is not audited", "").Severity = skill.High
		return
	}
	if depth >= MaxArchiveDepth {
		r.problem("CJS-FILE-003", f.Path, "archives nested deeper than "+strconv.Itoa(MaxArchiveDepth)+": not unpacked", "").Severity = skill.High
		return
	}
	if depth > 0 && !document(f.Path) {
		r.problem("CJS-FILE-003", f.Path, "archive inside an archive", "").Severity = skill.High
	} else if !document(f.Path) {
		r.problem("CJS-FILE-003", f.Path, "archive: its members were audited too", "")
	}
	if err := r.open(kind, f.Data, f.Path+"!/", depth+1); err != nil {
		r.problem("CJS-FILE-003", f.Path, "archive that cannot be unpacked: "+err.Error(), "").Severity = skill.High
	}
}

// document says that the format merely uses zip: office files, fonts, books.
func document(p string) bool {
	switch strings.ToLower(path.Ext(p)) {
	case ".docx", ".xlsx", ".pptx", ".odt", ".ods", ".odp", ".epub", ".docm", ".xlsm", ".pptm", ".dotx", ".xltx", ".potx", ".vsdx", ".sketch", ".fig", ".3mf", ".kmz":
		return true
	}
	return false
}

// errBomb ends unpacking; its finding was recorded.
var errBomb = errors.New("over the limits of unpacking")

func (r *reader) open(kind string, data []byte, prefix string, depth int) error {
	switch kind {
	case kindZip:
		return r.zip(data, prefix, depth)
	case kindTar:
		return r.tar(data, len(data), prefix, depth)
	case kindBzip2:
		return r.stream(bzip2.NewReader(bytes.NewReader(data)), len(data), prefix, "", depth)
	default:
		z, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			return err
		}
		defer z.Close()
		return r.stream(z, len(data), prefix, z.Name, depth)
	}
}

// stream unpacks one compressed stream: a tar, or a single file.
func (r *reader) stream(in io.Reader, packed int, prefix, name string, depth int) error {
	body, err := r.read(in, packed, prefix)
	if err != nil {
		return err
	}
	if Sniff(body) == kindTar {
		r.unpacked -= int64(len(body)) // the members are counted instead
		return r.tar(body, packed, prefix, depth)
	}
	if name == "" || strings.ContainsAny(name, "/\\") {
		name = "content"
	}
	r.member(prefix, name, 0o644, body, depth)
	return nil
}

// read takes an unpacked body within the limits.
func (r *reader) read(in io.Reader, packed int, file string) ([]byte, error) {
	left := MaxUnpacked - r.unpacked
	if r.members < 0 {
		left = MaxTotal - r.unpacked // the skill itself is the archive
	}
	body, err := io.ReadAll(io.LimitReader(in, left+1))
	file = strings.TrimSuffix(file, "!/")
	if int64(len(body)) > left {
		r.once("unpacked", "CJS-FILE-003", file, "unpacks to too much: the rest, after "+strconv.FormatInt(r.unpacked>>20, 10)+" MiB, was left out").Severity = skill.High
		return nil, errBomb
	}
	if len(body) > ratioFloor && len(body)/max(packed, 1) > MaxRatio {
		r.once("ratio", "CJS-FILE-003", file, "unpacks to more than "+strconv.Itoa(MaxRatio)+" times its size: a bomb").Severity = skill.High
		return nil, errBomb
	}
	r.unpacked += int64(len(body))
	return body, err
}

// more counts one member and says whether it may be unpacked.
func (r *reader) more(file string) bool {
	if r.members < 0 {
		return r.room(file, 0)
	}
	if r.members >= MaxMembers {
		r.once("members", "CJS-FILE-003", strings.TrimSuffix(file, "!/"), "more than "+strconv.Itoa(MaxMembers)+" members in archives: the others were not read").Severity = skill.High
		return false
	}
	r.members++
	return true
}

// slips says that a member's name leaves the archive, and records it.
func (r *reader) slips(prefix, name string) bool {
	clean := strings.ReplaceAll(name, `\`, "/")
	if path.IsAbs(clean) || len(clean) > 1 && clean[1] == ':' || clean == ".." || strings.HasPrefix(clean, "../") || strings.Contains(clean, "/../") || strings.HasSuffix(clean, "/..") {
		f := r.problem("CJS-FILE-003", strings.TrimSuffix(prefix, "!/"), "member whose name leaves the archive", name)
		f.Severity, f.Class = skill.Critical, skill.Threat
		return true
	}
	return false
}

func (r *reader) member(prefix, name string, mode fs.FileMode, body []byte, depth int) {
	p := prefix + path.Clean(name)
	if !r.name(p, false) {
		return
	}
	r.mode(p, mode)
	r.add(skill.File{Path: p, Mode: mode, Size: int64(len(body)), Data: body, Archive: prefix != ""}, depth)
}

func (r *reader) zip(data []byte, prefix string, depth int) error {
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return err
	}
	seen := map[string]bool{}
	for _, f := range z.File {
		if err := r.ctx.Err(); err != nil {
			return err
		}
		if r.slips(prefix, f.Name) || strings.HasSuffix(f.Name, "/") {
			continue
		}
		if !r.more(prefix + f.Name) {
			return nil
		}
		if seen[f.Name] {
			r.problem("CJS-FILE-003", strings.TrimSuffix(prefix, "!/"), "two members with one name: readers differ in which they take", f.Name).Severity = skill.High
		}
		seen[f.Name] = true
		if err := r.zipMember(f, prefix, depth); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) zipMember(f *zip.File, prefix string, depth int) error {
	p := prefix + f.Name
	if f.Flags&1 != 0 {
		r.once("encrypted "+prefix, "CJS-FILE-003", p, "encrypted member: nobody but the holder of the password can look inside").Severity = skill.High
		return nil
	}
	in, err := f.Open()
	if err != nil {
		r.problem("CJS-FILE-003", p, "member that cannot be read: "+err.Error(), "").Severity = skill.High
		return nil
	}
	defer in.Close()
	body, err := r.read(in, int(min(f.CompressedSize64, 1<<31)), p)
	if errors.Is(err, errBomb) {
		return err
	}
	if err != nil {
		r.problem("CJS-FILE-003", p, "member that cannot be read: "+err.Error(), "").Severity = skill.High
		return nil
	}
	mode := f.Mode()
	switch {
	case mode&fs.ModeSymlink != 0:
		r.link(prefix, p, string(body[:min(len(body), MaxName)]))
	case mode.IsRegular():
		r.member(prefix, f.Name, mode, body, depth)
	default:
		r.problem("CJS-FILE-008", p, "device, fifo or socket in an archive", mode.String())
	}
	return nil
}

func (r *reader) tar(data []byte, packed int, prefix string, depth int) error {
	if len(data)%512 != 0 {
		// The reader takes the end of the data for the end of the archive.
		return errors.New("tar that was cut off")
	}
	t := tar.NewReader(bytes.NewReader(data))
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return r.ctx.Err()
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
			return err
		}
		if h.Typeflag == tar.TypeDir || h.Typeflag == tar.TypeXGlobalHeader || r.slips(prefix, h.Name) {
			continue
		}
		p := prefix + h.Name
		if !r.more(p) || r.ctx.Err() != nil {
			return r.ctx.Err()
		}
		switch h.Typeflag {
		case tar.TypeReg:
			body, err := r.read(t, max(packed, len(prefix)), p)
			if err != nil {
				return err
			}
			r.member(prefix, h.Name, h.FileInfo().Mode(), body, depth)
		case tar.TypeSymlink:
			r.link(prefix, p, h.Linkname)
		case tar.TypeLink:
			r.link(prefix, p, "/"+h.Linkname)
		default:
			r.problem("CJS-FILE-008", p, "device, fifo or other special member in an archive", string(rune(h.Typeflag)))
		}
	}
}
