package file

import (
	"bytes"
	"path"
	"strings"

	"clawjail/policy/skill"
)

// Kind is what a file is by its first bytes.
type Kind string

// The kinds that Sniff knows.
const (
	Other   Kind = ""
	ELF     Kind = "ELF program"
	PE      Kind = "Windows program"
	MachO   Kind = "macOS program"
	Wasm    Kind = "WebAssembly module"
	Class   Kind = "Java class"
	Pyc     Kind = "compiled Python"
	PDF     Kind = "PDF"
	OLE     Kind = "office document (OLE)"
	PNG     Kind = "PNG picture"
	JPEG    Kind = "JPEG picture"
	GIF     Kind = "GIF picture"
	WebP    Kind = "WebP picture"
	SVG     Kind = "SVG picture"
	Archive Kind = "archive"
	Media   Kind = "media or font"
	SQLite  Kind = "SQLite database"
)

// Sniff names the kind of a file's content.
func Sniff(b []byte) Kind {
	has := func(s string) bool { return len(b) >= len(s) && string(b[:len(s)]) == s }
	at := func(i int, s string) bool { return len(b) >= i+len(s) && string(b[i:i+len(s)]) == s }
	switch {
	case has("\x7fELF"):
		return ELF
	case has("MZ") && peHeader(b):
		return PE
	case has("\xfe\xed\xfa\xce"), has("\xfe\xed\xfa\xcf"), has("\xce\xfa\xed\xfe"), has("\xcf\xfa\xed\xfe"):
		return MachO
	case has("\xca\xfe\xba\xbe") && len(b) > 8:
		// Fat Mach-O and Java class share it; a class file has a version there.
		if b[4] == 0 && b[5] == 0 && b[6] == 0 && b[7] < 20 {
			return MachO
		}
		return Class
	case has("\x00asm"):
		return Wasm
	case len(b) > 16 && b[2] == '\r' && b[3] == '\n' && (b[1] == 0x0c || b[1] == 0x0d || b[1] == 0x0e || b[1] == 0x0f):
		return Pyc
	case has("%PDF-"):
		return PDF
	case has("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
		return OLE
	case has("\x89PNG\r\n\x1a\n"):
		return PNG
	case has("\xff\xd8\xff"):
		return JPEG
	case has("GIF87a"), has("GIF89a"):
		return GIF
	case has("RIFF") && at(8, "WEBP"):
		return WebP
	case has("PK\x03\x04"), has("\x1f\x8b"), has("BZh"), has("7z\xbc\xaf"), has("Rar!"), has("\xfd7zXZ"), has("\x28\xb5\x2f\xfd"), at(257, "ustar"):
		return Archive
	case has("OTTO"), has("\x00\x01\x00\x00"), has("true"), has("wOFF"), has("wOF2"), has("ttcf"), has("ID3"), has("OggS"), has("fLaC"), at(4, "ftyp"), has("RIFF"), has("\x1aE\xdf\xa3"), has("\xff\xfb"), has("\xff\xf3"), has("BM"), has("II*\x00"), has("MM\x00*"), has("\x00\x00\x01\x00"), has("8BPS"), has("FWS"), has("glTF"), has("icns"), has("\x00\x00\x00\x0cjP"):
		if has("true") && bytes.IndexByte(b[:min(len(b), 512)], 0) < 0 {
			return Other
		}
		return Media
	case has("SQLite format 3\x00"):
		return SQLite
	}
	head := bytes.ToLower(b[:min(len(b), 1024)])
	if bytes.Contains(head, []byte("<svg")) {
		return SVG
	}
	return Other
}

func peHeader(b []byte) bool {
	if len(b) < 0x40 {
		return false
	}
	at := int(b[0x3c]) | int(b[0x3d])<<8 | int(b[0x3e])<<16
	return at+4 <= len(b) && string(b[at:at+4]) == "PE\x00\x00" || bytes.Contains(b[:min(len(b), 256)], []byte("DOS mode"))
}

// mismatch compares content and name.
func (s *scan) mismatch() {
	ext := strings.ToLower(path.Ext(s.f.Path))
	switch s.kind {
	case ELF, PE, MachO:
		switch ext {
		case "", ".so", ".exe", ".dll", ".dylib", ".bin", ".node", ".o", ".elf", ".sys", ".pyd", ".run", ".out":
		default:
			f := s.say("CJS-FILE-002", string(s.kind)+" that is named "+ext, "")
			f.Severity, f.Class = skill.Critical, skill.Threat
		}
		return
	case Other:
		if claims, ok := pictureExt(ext); ok && len(s.f.Data) > 0 && s.f.Lang != skill.Binary && claims != "text" {
			s.say("CJS-FILE-006", "named "+ext+" and is text: what reads it decides what it is", string(s.f.Data[:min(len(s.f.Data), 100)]))
		} else if ok && len(s.f.Data) > 0 {
			s.say("CJS-FILE-006", "named "+ext+" and is nothing of the kind", "").Confidence = skill.ConfidenceLow
		}
	case Archive:
		if claims, ok := pictureExt(ext); ok || ext == ".txt" || ext == ".md" || claims != "" {
			s.say("CJS-FILE-006", "an archive that is named "+ext, "").Severity = skill.High
		}
	}
	if head := s.f.Data[:min(len(s.f.Data), 4096)]; (s.kind == PNG || s.kind == GIF || s.kind == JPEG || s.kind == PDF) && (bytes.Contains(head, []byte("#!/")) || bytes.Contains(head, []byte("<script")) || bytes.Contains(head, []byte("<?php"))) {
		s.say("CJS-FILE-006", "a "+string(s.kind)+" that is a script as well", "").Severity = skill.High
	}
}

func pictureExt(ext string) (string, bool) {
	switch ext {
	case ".png", ".jpg", ".jpeg", ".gif", ".webp", ".ico", ".bmp", ".mp3", ".mp4", ".wav", ".ttf", ".woff", ".woff2", ".pdf":
		return ext, true
	}
	return "", false
}
