package file

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"io"
	"path"
	"regexp"
	"strings"

	"clawjail/policy/skill"
)

// maxInflate bounds what is inflated out of metadata.
const maxInflate = 1 << 20

var (
	pdfActive = regexp.MustCompile(`/(JavaScript|JS|Launch|EmbeddedFile|OpenAction|RichMedia|XFA|SubmitForm|ImportData|GoToR)\b`)
	svgActive = regexp.MustCompile(`(?i)<script|<foreignObject|\son[a-z]{3,20}\s*=|javascript:|<iframe|<embed|<object|<!ENTITY|xlink:href\s*=\s*["']https?:|\bhref\s*=\s*["']data:text/html`)
	svgText   = regexp.MustCompile(`(?is)<(?:text|tspan|desc|title|metadata)[^>]*>(.*?)</(?:text|desc|title|metadata|tspan)>|<!--(.*?)-->`)
	oleMacro  = [][]byte{[]byte("VBA"), []byte("_\x00V\x00B\x00A\x00"), []byte("M\x00a\x00c\x00r\x00o\x00s\x00"), []byte("Attribut\x00e")}
)

func (s *scan) pdf() {
	if m := pdfActive.Find(s.f.Data); m != nil {
		f := s.say("CJS-FILE-009", "PDF with active content", string(m))
		if name := string(m); name == "/OpenAction" || name == "/EmbeddedFile" || name == "/GoToR" {
			f.Confidence = skill.ConfidenceLow // most of them set the page to show
		}
	}
	if tail := trailing(s.f.Data, []byte("%%EOF"), 5); len(tail) > 1024 {
		s.tail(tail)
	}
}

func (s *scan) ole() {
	for _, m := range oleMacro {
		if bytes.Contains(s.f.Data, m) {
			s.say("CJS-FILE-009", "office document with macros", "").Severity = skill.High
			return
		}
	}
}

// ooxml looks at members of office files, which the tree has unpacked.
func (s *scan) ooxml() {
	p := strings.ToLower(s.f.Path)
	switch {
	case !s.f.Archive:
	case strings.HasSuffix(p, "vbaproject.bin"):
		s.say("CJS-FILE-009", "office document with macros", "").Severity = skill.High
	case strings.HasSuffix(p, ".rels") && bytes.Contains(s.f.Data, []byte(`TargetMode="External"`)) && (bytes.Contains(s.f.Data, []byte("attachedTemplate")) || bytes.Contains(s.f.Data, []byte("oleObject"))):
		s.say("CJS-FILE-009", "office document that loads a template or object from elsewhere", "").Severity = skill.High
	}
}

func (s *scan) svg() {
	if m := svgActive.Find(s.f.Data[:min(len(s.f.Data), 4<<20)]); m != nil {
		f := s.say("CJS-FILE-009", "SVG with active content", string(m))
		if low := strings.ToLower(string(m)); strings.HasPrefix(low, "<foreignobject") || strings.HasPrefix(low, "xlink") {
			f.Confidence = skill.ConfidenceLow
		}
	}
	for _, m := range svgText.FindAllSubmatch(s.f.Data[:min(len(s.f.Data), 1<<20)], 500) {
		if t := strings.TrimSpace(string(m[1]) + string(m[2])); len(t) > 16 {
			s.out.Texts = append(s.out.Texts, Text{t, "text in an SVG"})
		}
	}
}

// picture reads the text in a picture's metadata, and what lies behind its end.
func (s *scan) picture() {
	switch s.kind {
	case PNG:
		s.png()
	case JPEG:
		s.jpeg()
	case GIF:
		if i := bytes.Index(s.f.Data, []byte("!\xfe")); i >= 0 {
			s.comment(s.f.Data[i+3 : min(len(s.f.Data), i+3+4096)])
		}
		if tail := trailing(s.f.Data, []byte{0x00, 0x3b}, 2); len(tail) > 16 {
			s.tail(tail)
		}
	case WebP:
		if i := bytes.Index(s.f.Data, []byte("XMP ")); i >= 0 {
			s.comment(s.f.Data[i+8 : min(len(s.f.Data), i+8+64<<10)])
		}
	}
}

func (s *scan) comment(b []byte) {
	for _, t := range Strings(b[:min(len(b), 64<<10)]) {
		if len(t) > 16 {
			s.out.Texts = append(s.out.Texts, Text{t, "metadata of a picture"})
		}
	}
}

// png walks the chunks: text, and the end.
func (s *scan) png() {
	b := s.f.Data
	for at, n := 8, 0; at+12 <= len(b) && n < 10_000; n++ {
		size := int(binary.BigEndian.Uint32(b[at:]))
		if size < 0 || size > len(b)-at-12 {
			s.say("CJS-FILE-006", "PNG whose chunks do not fit it", "").Confidence = skill.ConfidenceLow
			return
		}
		body := b[at+8 : at+8+size]
		switch string(b[at+4 : at+8]) {
		case "tEXt", "iTXt":
			s.comment(body)
		case "zTXt":
			if i := bytes.IndexByte(body, 0); i >= 0 && i+2 < len(body) {
				if z, err := zlib.NewReader(bytes.NewReader(body[i+2:])); err == nil {
					text, _ := io.ReadAll(io.LimitReader(z, maxInflate))
					s.comment(text)
				}
			}
		case "IEND":
			if tail := b[at+12:]; len(tail) > 16 {
				s.tail(tail)
			}
			return
		}
		at += 12 + size
	}
}

// jpeg walks the segments before the picture data: comments and EXIF.
func (s *scan) jpeg() {
	b := s.f.Data
	for at, n := 2, 0; at+4 <= len(b) && b[at] == 0xff && n < 1000; n++ {
		marker, size := b[at+1], int(b[at+2])<<8|int(b[at+3])
		if marker == 0xda || size < 2 || at+2+size > len(b) {
			break
		}
		if marker == 0xfe || marker == 0xe1 || marker == 0xed {
			s.comment(b[at+4 : at+2+size])
		}
		at += 2 + size
	}
	if tail := trailing(b, []byte{0xff, 0xd9}, 2); len(tail) > 16 {
		s.tail(tail)
	}
}

func trailing(b, end []byte, n int) []byte {
	i := bytes.LastIndex(b, end)
	if i < 0 {
		return nil
	}
	return b[i+n:]
}

// tail judges what lies behind the end of a picture or document.
func (s *scan) tail(tail []byte) {
	f := s.say("CJS-FILE-006", "data behind the end of the "+string(s.kind), "")
	kind := Sniff(tail)
	text := bytes.TrimSpace(tail)
	switch {
	case kind == ELF || kind == PE || kind == MachO || kind == Archive || bytes.HasPrefix(text, []byte("#!")):
		f.Severity, f.Message = skill.High, "a program or archive behind the end of the "+string(s.kind)
	case bytes.Contains(tail, []byte("import ")) || bytes.Contains(tail, []byte("curl ")) || bytes.Contains(tail, []byte("eval")) || bytes.Contains(tail, []byte("/bin/")):
		f.Message = "code behind the end of the " + string(s.kind)
	default:
		f.Confidence = skill.ConfidenceLow
	}
	s.out.Texts = append(s.out.Texts, Text{strings.Join(Strings(tail[:min(len(tail), 1<<20)]), "\n"), "data behind the end of " + path.Base(s.f.Path)})
}
